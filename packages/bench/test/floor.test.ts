import { expect, test } from '@jest/globals'
import { dearestToCheapest, type Floor, judgeFloor, OTHERS_SHARE_MAX } from '../src/floor.ts'

const most: Floor = { name: 'a', value: 1.5, max: 1.5, unit: ' µs', dependsOnOthers: true }
const least: Floor = { name: 'a', value: 300_000, min: 300_000, unit: ' msg/s', dependsOnOthers: true }

test('floor: a figure at its limit → passed; beyond, on either side → failed, with figure, limit and unit', () => {
  expect(judgeFloor(most, 'full', 0)).toEqual({ name: 'a', outcome: 'passed', detail: '1.50 µs, at most 1.5 µs' })
  expect(judgeFloor({ ...most, value: 12.34 }, 'full', OTHERS_SHARE_MAX)).toMatchObject({
    outcome: 'failed',
    detail: '12.3 µs, at most 1.5 µs',
  })
  expect(judgeFloor(least, 'full', 0).outcome).toBe('passed')
  expect(judgeFloor({ ...least, value: 299_999 }, 'full', 0)).toMatchObject({
    outcome: 'failed',
    detail: '299 999 msg/s, at least 300 000 msg/s',
  })
})

test('floor: no figure, none that can be true, an invalid one, a quick run → skipped', () => {
  for (const changes of [{ value: undefined }, { value: Number.NaN }, { invalid: 'it was cached' }]) {
    expect(judgeFloor({ ...most, ...changes }, 'full', 0).outcome).toBe('skipped')
  }
  expect(judgeFloor(most, 'quick', 0).outcome).toBe('skipped')
})

test('floor: missed while others used the machine → skipped only where it depends on them', () => {
  const missed = { ...most, value: 2 }
  expect(judgeFloor(missed, 'full', 0.3)).toMatchObject({
    outcome: 'skipped',
    detail: expect.stringContaining('others used 30 % of the cores'),
  })
  expect(judgeFloor({ ...missed, dependsOnOthers: false }, 'full', 0.3).outcome).toBe('failed')
})

test('dearest to cheapest: the ratio of the ends; a cost that is not told → undefined', () => {
  expect(dearestToCheapest([2, 1, 3])).toBe(3)
  expect(dearestToCheapest([2, undefined])).toBeUndefined()
})
