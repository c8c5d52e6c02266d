import { expect, test } from '@jest/globals'
import { runStoreAndJudge } from '../../src/runs/store-seed-report.ts'
import { runStoreSeed } from '../../src/store-world/run-store-seed.ts'
import { OPERATIONS_MIN, storePlanOf } from '../../src/store-world/store-plan.ts'

/** Of the thousands that `npm run sim -- --minutes 30` runs. */
const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]

test.each(SEEDS)('store: under the faults of seed %i → every promise holds', async (seed) => {
  const report = await runStoreAndJudge(seed)
  expect(report.violations).toEqual([])
  expect(report.operations).toBeGreaterThanOrEqual(OPERATIONS_MIN)
})

test('store: the same seed twice → the same events', async () => {
  const [first, second] = [await runStoreAndJudge(11), await runStoreAndJudge(11)]
  expect(second).toEqual(first)
})

test('store: every file that a broker touches → is of a kind that steps are named after', async () => {
  const { stepsPassed } = await runStoreAndJudge(12)
  expect(stepsPassed.filter((step) => step.endsWith('of other'))).toEqual([])
})

test('store: a run that can not go on → this seed is red, and the next one takes its turn', async () => {
  const { violations } = await runStoreSeed({ ...storePlanOf(1), topics: [] })
  expect(violations.map(({ rule }) => rule)).toEqual(['broken'])
})
