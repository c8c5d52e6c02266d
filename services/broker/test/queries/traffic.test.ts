import { expect, test } from '@jest/globals'
import { Traffic } from '../../src/queries/traffic.ts'

const SECOND_MS = 1000
/** Noon of a day without a change of daylight saving time anywhere. */
const NOON_MS = new Date(2026, 0, 15, 12).getTime()
const DAY_MS = 86_400_000

test('traffic: a steady stream → the same rate over every span that it filled', () => {
  const traffic = new Traffic(NOON_MS)
  for (let second = 0; second < 60; second += 1) traffic.add(5, NOON_MS + second * SECOND_MS)
  expect(traffic.perSecondText(NOON_MS + 60 * SECOND_MS)).toBe('5.0 5.0 0.5')
})

test('traffic: the second that is not over → counts in the next', () => {
  const traffic = new Traffic(NOON_MS)
  traffic.add(10, NOON_MS)
  expect(traffic.perSecondText(NOON_MS + 999)).toBe('0.0 0.0 0.0')
  expect(traffic.perSecondText(NOON_MS + 1000)).toBe('1.0 0.2 0.0')
})

test('traffic: silence longer than the counters reach back → no rate, and the total stays', () => {
  const traffic = new Traffic(NOON_MS)
  traffic.add(6000, NOON_MS)
  expect(traffic.perSecondText(NOON_MS + 600 * SECOND_MS)).toBe('0.0 0.0 10.0')
  expect(traffic.perSecondText(NOON_MS + 601 * SECOND_MS)).toBe('0.0 0.0 0.0')
  expect(traffic.perSecondText(NOON_MS + 10_000 * SECOND_MS)).toBe('0.0 0.0 0.0')
  expect(traffic.totals(NOON_MS + 10_000 * SECOND_MS).now).toBe(6000)
})

test('traffic: midnight passes → totals of this and of the last morning; days without a look → both the same', () => {
  const traffic = new Traffic(NOON_MS)
  traffic.add(3, NOON_MS)
  expect(traffic.totals(NOON_MS)).toEqual({ now: 3, thisMorning: 0, yesterdayMorning: 0 })
  traffic.add(4, NOON_MS + DAY_MS)
  expect(traffic.totals(NOON_MS + DAY_MS)).toEqual({ now: 7, thisMorning: 3, yesterdayMorning: 0 })
  expect(traffic.totals(NOON_MS + 2 * DAY_MS)).toEqual({ now: 7, thisMorning: 7, yesterdayMorning: 3 })
  expect(traffic.totals(NOON_MS + 9 * DAY_MS)).toEqual({ now: 7, thisMorning: 7, yesterdayMorning: 7 })
})
