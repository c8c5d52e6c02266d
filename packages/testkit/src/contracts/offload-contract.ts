// What every implementation of `Offload` must do. Run against the real one and the simulated one.
import { describe, expect, test } from '@jest/globals'
import { type Offload, OFFLOAD_WAITING_MAX, type OffloadError } from '@rocketmq-ts/runtime'
import { addOne, answerFunction, double, fail } from './offload-contract.job.ts'

/** Runs a test body with an offload of its own, of few threads. */
export type WithOffload = (body: (offload: Offload) => Promise<void>) => Promise<void>

const THREADS_MAX = 8

/** Codes of those that reject, 'done' for the others. */
async function outcomesOf(runs: readonly Promise<unknown>[]): Promise<string[]> {
  const settled = await Promise.allSettled(runs)
  return settled.map((one) => (one.status === 'fulfilled' ? 'done' : (one.reason as OffloadError).code))
}

/** Registers the tests of one implementation. */
export function describeOffloadContract(name: string, withOffload: WithOffload): void {
  const withOne = (body: (offload: Offload) => Promise<void>) => (): Promise<void> => withOffload(body)
  describe(`offload (${name})`, () => {
    describeJobs(withOne)
    describeBounds(withOne)
  })
}

type WithOne = (body: (offload: Offload) => Promise<void>) => () => Promise<void>

function describeJobs(withOne: WithOne): void {
  test(
    'run: many jobs → each its own output, the inputs are copies',
    withOne(async (offload) => {
      const inputs = Array.from({ length: OFFLOAD_WAITING_MAX }, (_, index) => [index, index + 1])
      const outputs = await Promise.all(inputs.map((input) => offload.run(double, input)))
      expect(outputs).toEqual(inputs.map(([first = 0, second = 0]) => [first * 2, second * 2]))
      expect(inputs[1]).toEqual([1, 2])
    }),
  )

  test(
    'run: a buffer to transfer → moved there and back',
    withOne(async (offload) => {
      const bytes = new Uint8Array(100_000).fill(7)
      const output = await offload.run(addOne, bytes, [bytes.buffer])
      expect(bytes.length).toBe(0)
      expect(output.length).toBe(100_000)
      expect(output.every((byte) => byte === 8)).toBe(true)
    }),
  )

  test(
    'run: the job throws → job-failed with its name and message, and others go on',
    withOne(async (offload) => {
      await expect(offload.run(fail, 'no such record')).rejects.toMatchObject({
        name: 'OffloadError',
        code: 'job-failed',
        message: 'job contract/fail: no such record',
      })
      expect(await offload.run(double, [4])).toEqual([8])
    }),
  )

  test(
    'run: input that can not be cloned → not-clonable; output → job-failed; others go on',
    withOne(async (offload) => {
      const input = [(): number => 1] as unknown as number[]
      await expect(offload.run(double, input)).rejects.toMatchObject({ code: 'not-clonable' })
      await expect(offload.run(answerFunction, null)).rejects.toMatchObject({ code: 'job-failed' })
      expect(await offload.run(double, [4])).toEqual([8])
    }),
  )
}

function describeBounds(withOne: WithOne): void {
  test(
    'run: more than threads and queue hold → busy at once, the others are done',
    withOne(async (offload) => {
      const count = OFFLOAD_WAITING_MAX + THREADS_MAX + 1
      const outcomes = await outcomesOf(Array.from({ length: count }, () => offload.run(double, [1])))
      const done = outcomes.lastIndexOf('done') + 1
      expect(done).toBeGreaterThan(OFFLOAD_WAITING_MAX)
      expect(outcomes).toEqual([
        ...Array.from({ length: done }, () => 'done'),
        ...Array.from({ length: count - done }, () => 'busy'),
      ])
      expect(done).toBeLessThan(count)
      expect(await offload.run(double, [4])).toEqual([8])
    }),
  )

  test(
    'close: jobs running, waiting and later → closed; twice is fine',
    withOne(async (offload) => {
      await offload.run(double, [1])
      const outcomes = outcomesOf(Array.from({ length: OFFLOAD_WAITING_MAX }, () => offload.run(double, [1])))
      await offload.close()
      expect(new Set(await outcomes)).toEqual(new Set(['closed']))
      await expect(offload.run(double, [1])).rejects.toMatchObject({ code: 'closed' })
      await offload.close()
    }),
  )
}
