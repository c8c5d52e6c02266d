import { expect, test } from '@jest/globals'
import { runStoreSeed } from '../../src/store-world/run-store-seed.ts'
import { SELDOM_STEPS } from '../../src/store-world/crash-steps.ts'
import { storePlanOf } from '../../src/store-world/store-plan.ts'

/** Seeds whose turn the step is. */
const TURNS = 4

test.each([
  'recovering: before remove of flushed-mark',
  'recovering: before remove of queue',
  'stopping: before write of log',
  'stopping: after open of reserve',
  'stopping: before space of folder',
])('circumstances: %s, which lives by themselves hardly ever pass → one of few seeds ends there', async (step) => {
  let hits = 0
  for (let turn = 1; turn <= TURNS && hits === 0; turn += 1) {
    const seed = 3 * (SELDOM_STEPS.indexOf(step) + turn * SELDOM_STEPS.length)
    hits += (await runStoreSeed(storePlanOf(seed))).host.stepsHit.get(step) ?? 0
  }
  expect(hits).toBeGreaterThan(0)
})
