import { expect, test } from '@jest/globals'
import type { OffloadJob } from '@rocketmq-ts/runtime'
import { createManualEffects, createWorld } from '../../src/sim/index.ts'

const module = import.meta.url
const next: OffloadJob<number, number> = { name: 'test/next', module, run: (number) => number + 1 }

test('offload: the process crashes before its job is done → neither an answer nor the job', async () => {
  const world = createWorld({ seed: 1, latencies: { job: [10, 10] } })
  const events: string[] = []
  const job: OffloadJob<null, void> = { name: 'test/tell', module, run: () => void events.push('ran') }
  const tell = (): void => void events.push('answered')
  const process = world.machine('host').start('victim', ({ offload }) => {
    offload.run(job, null).then(tell, tell)
  })
  await world.run(5)
  process.crash()
  process.effects.offload.run(job, null).then(tell, tell)
  await world.run(100)
  expect(events).toEqual([])
})

test('offload: jobs take virtual time that the seed decides, two at once', async () => {
  const timesOf = async (seed: number): Promise<number[]> => {
    const world = createWorld({ seed, latencies: { job: [5, 10] } })
    const process = world.machine('host').start('asker', async ({ offload, clock }) => {
      const startMs = clock.monotonicMs()
      const done = [1, 2, 3].map(async (number) => {
        expect(await offload.run(next, number)).toBe(number + 1)
        return clock.monotonicMs() - startMs
      })
      return Promise.all(done)
    })
    await world.run(() => process.state === 'running')
    return process.handle
  }
  const [first = 0, second = 0, third = 0] = await timesOf(1)
  expect(Math.min(first, second)).toBeGreaterThanOrEqual(5)
  expect(third).toBeGreaterThanOrEqual(Math.min(first, second) + 5)
  expect(await timesOf(1)).toEqual([first, second, third])
  expect(await timesOf(2)).not.toEqual([first, second, third])
})

test('offload: manual effects → done without an advance', async () => {
  const { offload, clock } = createManualEffects()
  expect(await offload.run(next, 1)).toBe(2)
  expect(clock.monotonicMs()).toBe(0)
})
