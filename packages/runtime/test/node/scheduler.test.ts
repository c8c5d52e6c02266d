import { expect, test } from '@jest/globals'
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { nodeClock, nodeRandom, nodeScheduler } from '../../src/node/index.ts'

test('scheduler: soon → after what runs now, in order', async () => {
  const order: string[] = []
  const last = new Promise<void>((resolve) => {
    nodeScheduler.soon(() => order.push('first'))
    nodeScheduler.soon(() => {
      order.push('second')
      resolve()
    })
  })
  order.push('now')
  await Promise.resolve()
  await last
  expect(order).toEqual(['now', 'first', 'second'])
})

test('scheduler: after → never before its time by the monotonic clock', async () => {
  const waits = Array.from({ length: 50 }, (_, index) => {
    const delayMs = (index % 7) + index / 50
    const startMs = nodeClock.monotonicMs()
    return new Promise<number>((resolve) => {
      nodeScheduler.after(delayMs, () => resolve(nodeClock.monotonicMs() - startMs - delayMs))
    })
  })
  // Timers alone do not keep a process alive: here the runner does.
  const keepAlive = setInterval(() => {}, 1000)
  for (const late of await Promise.all(waits)) expect(late).toBeGreaterThanOrEqual(0)
  clearInterval(keepAlive)
})

test('scheduler: cancelled → does not run', async () => {
  let ran = false
  const timer = nodeScheduler.after(0, () => {
    ran = true
  })
  timer.cancel()
  timer.cancel()
  await new Promise<void>((resolve) => {
    nodeScheduler.after(3, resolve)
  })
  expect(ran).toBe(false)
})

test('scheduler: a delay above 2^31 → waits, without a warning and without holding the process', () => {
  const module = fileURLToPath(new URL('../../src/node/scheduler.ts', import.meta.url))
  const code = `
    const { nodeScheduler } = await import(${JSON.stringify(module)})
    nodeScheduler.after(2 ** 40, () => console.log('too early'))
    nodeScheduler.after(60_000, () => console.log('too early'))
    setTimeout(() => console.log('end'), 20)`
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--input-type=module', '-e', code], {
    encoding: 'utf8',
    timeout: 20_000,
  })
  expect({ stdout, stderr, status }).toEqual({ stdout: 'end\n', stderr: '', status: 0 })
})

test('random: integer stays in its bound, bytes have their length', () => {
  for (let count = 0; count < 1000; count += 1) {
    const drawn = nodeRandom.integer(3)
    expect([0, 1, 2]).toContain(drawn)
  }
  expect(nodeRandom.bytes(16)).toHaveLength(16)
  expect(() => nodeRandom.integer(0)).toThrow('not a positive safe integer')
})
