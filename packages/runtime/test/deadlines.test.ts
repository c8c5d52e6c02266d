import { expect, test } from '@jest/globals'
import { createManualEffects } from '@rocketmq-ts/testkit'
import * as fc from 'fast-check'
import { createDeadlines, Expiring, REMOVALS_PER_SWEEP } from '../src/index.ts'

class Recorded extends Expiring {
  readonly #expire: () => void
  constructor(expire: () => void) {
    super()
    this.#expire = expire
  }
  override expire(): void {
    this.#expire()
  }
}

test('deadlines: any adds and removes → each kept item expires once, at its millisecond, in order', async () => {
  const plans = fc.array(fc.record({ delayMs: fc.integer({ min: 0, max: 50 }), removed: fc.boolean() }), {
    maxLength: 40,
  })
  await fc.assert(
    fc.asyncProperty(plans, async (plan) => {
      const effects = createManualEffects()
      const deadlines = createDeadlines(effects)
      const startMs = effects.clock.monotonicMs()
      const expired: number[] = []
      for (const { delayMs, removed } of plan) {
        const item = new Recorded(() => {
          expect(effects.clock.monotonicMs() - startMs).toBe(delayMs)
          expired.push(delayMs)
        })
        deadlines.add(item, delayMs)
        if (removed) deadlines.remove(item)
      }
      await effects.advance(60)
      const expected = plan.filter(({ removed }) => !removed).map(({ delayMs }) => delayMs)
      expect(expired).toEqual(expected.sort((left, right) => left - right))
    }),
    { numRuns: 50 },
  )
})

test('deadlines: an item that adds itself again when it expires → expires again', async () => {
  const effects = createManualEffects()
  const deadlines = createDeadlines(effects)
  let times = 0
  const item = new Recorded(() => {
    times += 1
    if (times < 3) deadlines.add(item, 10)
  })
  deadlines.add(item, 10)
  await effects.advance(100)
  expect(times).toBe(3)
})

test('deadlines: one that expires removes another of the same millisecond → that one never expires', async () => {
  const effects = createManualEffects()
  const deadlines = createDeadlines(effects)
  const expired: string[] = []
  const first = new Recorded(() => expired.push('first'))
  const second = new Recorded(() => {
    expired.push('second')
    deadlines.remove(first)
  })
  deadlines.add(first, 10)
  deadlines.add(second, 10)
  await effects.advance(20)
  expect(expired).toEqual(['second'])
})

test('deadlines: any number of long ones, each removed soon → few are remembered, and those that are left expire', async () => {
  const effects = createManualEffects()
  const deadlines = createDeadlines(effects)
  const expired: number[] = []
  for (const delayMs of [3_000, 1_000, 2_000]) deadlines.add(new Recorded(() => expired.push(delayMs)), delayMs)
  let most = 0
  for (let number = 0; number < 3 * REMOVALS_PER_SWEEP; number += 1) {
    const item = new Recorded(() => expired.push(-1))
    deadlines.add(item, 500 + number)
    deadlines.remove(item)
    most = Math.max(most, deadlines.moments)
  }
  expect(most).toBeLessThanOrEqual(REMOVALS_PER_SWEEP + 3)
  await effects.advance(10 * REMOVALS_PER_SWEEP)
  expect(expired).toEqual([1_000, 2_000, 3_000])
  expect(deadlines.moments).toBe(0)
})
