import { expect, test } from '@jest/globals'
import { addReport, addTotals, noTotals, weaknessesOf } from '../../src/runs/store-totals.ts'
import type { StoreSeedReport } from '../../src/runs/store-seed-report.ts'
import { FAULT_NAMES } from '../../src/store-world/fault-names.ts'
import { RARE_STEPS } from '../../src/store-world/crash-steps.ts'

const [STEP = ''] = RARE_STEPS

function totalsOf(seeds: number, passing: number) {
  const totals = noTotals()
  const faults = Object.fromEntries(FAULT_NAMES.map((name) => [name, 1]))
  const none = { violations: [], operations: 500, outcomes: {}, steps: {}, lives: 1, traceHash: '', events: 1 }
  for (let seed = 0; seed < seeds; seed += 1) {
    const stepsPassed = seed < passing ? [STEP] : []
    addReport(totals, { ...none, seed, faults, virtualMs: 1, stepsPassed } satisfies StoreSeedReport)
  }
  return totals
}

test('store totals: many seeds pass a step that is called rare → the run is too weak; few do → it is not', () => {
  expect(weaknessesOf(totalsOf(1000, 30))).toEqual([])
  expect(weaknessesOf(totalsOf(1000, 31))).toEqual([`31 of 1000 seeds passed '${STEP}', which is called rare`])
})

test('store totals: two runs → judged by the sum', () => {
  const sum = totalsOf(600, 30)
  addTotals(sum, totalsOf(600, 3))
  expect(weaknessesOf(sum)).toEqual([])
  addTotals(sum, totalsOf(100, 7))
  expect(weaknessesOf(sum)).toEqual([`40 of 1300 seeds passed '${STEP}', which is called rare`])
})
