import { expect, test } from '@jest/globals'
import { retryDelayMs } from '../../src/messaging/retry-delays.ts'

test('retry delays: the default list → 1 s, 5 s, … 2 h, and the last repeats', () => {
  const policy = { type: 'CUSTOMIZED' } as const
  expect([0, 1, 2, 3, 4, 18, 19, 1000].map((attempt) => retryDelayMs(policy, attempt))).toEqual([
    1_000, 1_000, 5_000, 10_000, 30_000, 7_200_000, 7_200_000, 7_200_000,
  ])
})

test('retry delays: a list of the group → taken; an empty one → the default', () => {
  expect(retryDelayMs({ type: 'CUSTOMIZED', customizedRetryPolicy: { next: [7, 8] } }, 3)).toBe(8)
  expect(retryDelayMs({ type: 'CUSTOMIZED', customizedRetryPolicy: { next: [] } }, 1)).toBe(1_000)
})

test('retry delays: exponential → grows to its maximum', () => {
  const policy = { type: 'EXPONENTIAL' } as const
  expect([1, 2, 3, 100].map((attempt) => retryDelayMs(policy, attempt))).toEqual([5_000, 10_000, 20_000, 7_200_000])
})
