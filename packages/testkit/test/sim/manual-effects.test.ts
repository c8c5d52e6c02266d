import { expect, test } from '@jest/globals'
import { createManualEffects } from '../../src/sim/index.ts'

test('manual effects: time moves only by advance, and timers run in order on the way', async () => {
  const { scheduler, clock, advance, settle } = createManualEffects({ nowMs: 5000 })
  const order: string[] = []
  scheduler.after(20, () => order.push(`late at ${clock.nowMs()}`))
  scheduler.after(10, () => {
    order.push(`early at ${clock.nowMs()}`)
    scheduler.after(5, () => order.push(`between at ${clock.nowMs()}`))
  })
  await settle()
  expect(order).toEqual([])
  await advance(20)
  expect(order).toEqual(['early at 5010', 'between at 5015', 'late at 5020'])
  expect(clock.monotonicMs()).toBe(20)
})

test('manual effects: a far timer → reached at once', async () => {
  const { scheduler, advance } = createManualEffects()
  let ran = false
  scheduler.after(2 ** 35, () => {
    ran = true
  })
  await advance(2 ** 35)
  expect(ran).toBe(true)
})

test('manual effects: files need no advance, and their faults can be asked for', async () => {
  const { files, machine } = createManualEffects()
  await files.makeFolder('/data')
  const file = await files.open('/data/file', 'create')
  machine.disk.fail({ on: 'sync', error: 'io' })
  await expect(file.sync()).rejects.toMatchObject({ code: 'io' })
  await file.sync()
})

test('manual effects: settle → everything that follows from what is due now has happened', async () => {
  const { scheduler, settle } = createManualEffects()
  let steps = 0
  const step = (): void => {
    steps += 1
    if (steps < 100) void Promise.resolve().then(() => scheduler.soon(step))
  }
  scheduler.soon(step)
  await settle()
  expect(steps).toBe(100)
})

test('manual effects: code that throws → the next settle tells', async () => {
  const { scheduler, settle } = createManualEffects()
  scheduler.soon(() => {
    throw new Error('broken')
  })
  await expect(settle()).rejects.toThrow('broken')
  await settle()
})
