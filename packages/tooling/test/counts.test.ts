import { expect, test } from '@jest/globals'
import { addCounts, countsOfJest, formatCounts } from '../src/counts.ts'

const RESULTS = {
  numPassedTests: 5,
  numFailedTests: 1,
  numPendingTests: 0,
  numTodoTests: 0,
  numRuntimeErrorTestSuites: 2,
}

test('counts: suites that could not run → failures', () => {
  expect(formatCounts(countsOfJest(RESULTS))).toBe('5 passed, 3 failed')
})

test('counts: jest left no results → one failure', () => {
  expect(formatCounts(countsOfJest(undefined))).toBe('0 passed, 1 failed')
})

test('counts: skipped tests → shown, so that they are not forgotten', () => {
  const sum = addCounts(countsOfJest({ ...RESULTS, numPendingTests: 1 }), { passed: 4, failed: 0, skipped: 1 })
  expect(formatCounts(sum)).toBe('9 passed, 3 failed, 2 skipped')
})
