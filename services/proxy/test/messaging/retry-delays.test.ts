import { expect, test } from '@jest/globals'
import { attemptsMaxOf, DEFAULT_GROUP, retryDelayMs, retryDelaysOf } from '../../src/messaging/retry-delays.ts'

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

test("retry delays: numbers of Apache's broker that no client can work with → the nearest that some can", () => {
  const next = [-1, 0, 12 * 3_600_000, 12 * 3_600_000 + 1]
  expect(retryDelaysOf({ type: 'CUSTOMIZED', customizedRetryPolicy: { next } })).toEqual({
    kind: 'listed',
    delaysMs: [0, 0, 43_200_000, 43_200_000],
  })
  const long = Array.from({ length: 65 }, () => 1)
  expect(retryDelaysOf({ type: 'CUSTOMIZED', customizedRetryPolicy: { next: long } })).toMatchObject({
    delaysMs: long.slice(1),
  })
  const of = (initial: number, max: number, multiplier: number) =>
    retryDelaysOf({ type: 'EXPONENTIAL', exponentialRetryPolicy: { initial, max, multiplier } })
  expect(of(0, 0, 0)).toEqual({ kind: 'exponential', initialMs: 1, maxMs: 1, multiplier: 1 })
  expect(of(9, 8, 1001)).toEqual({ kind: 'exponential', initialMs: 8, maxMs: 8, multiplier: 1000 })
  expect(of(1, 43_200_001, 2)).toMatchObject({ maxMs: 43_200_000 })
})

test.each([
  [-1, 2_147_483_647],
  [0, 1],
  [1, 2],
  [2 ** 31 - 1, 2_147_483_647],
])('attempts: a group with retryMaxTimes %s → clients are told %s', (retryMax, attempts) => {
  expect(attemptsMaxOf({ ...DEFAULT_GROUP, retryMax })).toBe(attempts)
})
