import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { durationToMs, msToDuration, msToTimestamp, timestampToMs } from '@rocketmq-ts/grpc/v2'

const wholeMs = fc.integer({ min: -8_640_000_000_000_000, max: 8_640_000_000_000_000 })

test('time: whole milliseconds there and back → the same', () => {
  fc.assert(
    fc.property(wholeMs, (ms) => {
      expect(durationToMs(msToDuration(ms))).toBe(ms)
      expect(timestampToMs(msToTimestamp(ms))).toBe(ms)
    }),
  )
})

test('time: before 1970 → nanos of a timestamp stay positive, those of a duration share its sign', () => {
  expect(msToTimestamp(-1)).toStrictEqual({ seconds: -1, nanos: 999_000_000 })
  expect(durationToMs(msToDuration(-1500))).toBe(-1500)
  expect(msToDuration(-1500)).toStrictEqual({ seconds: -1, nanos: -500_000_000 })
})

test('time: parts of a millisecond → cut off', () => {
  expect(durationToMs({ seconds: 1, nanos: 999_999 })).toBe(1000)
})

test('time: beyond what a number holds → the longest time of its sign', () => {
  expect(durationToMs({ seconds: Number.MAX_SAFE_INTEGER, nanos: 0 })).toBe(Number.MAX_SAFE_INTEGER)
  expect(timestampToMs({ seconds: Number.MIN_SAFE_INTEGER, nanos: -1 })).toBe(Number.MIN_SAFE_INTEGER)
})
