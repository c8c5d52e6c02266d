import { expect, test } from '@jest/globals'
import { Histogram } from '../src/histogram.ts'

test('histogram: values below 128 µs → percentiles are exact', () => {
  const histogram = new Histogram()
  for (let us = 1; us <= 100; us += 1) histogram.record(us / 1000)
  expect(histogram.count).toBe(100)
  expect([0.5, 0.9, 0.99, 1].map((share) => histogram.percentile(share))).toEqual([50, 90, 99, 100])
})

test('histogram: values of all sizes → each comes back at most 0.8 % too high, and never too low', () => {
  for (let us = 1; us < 4_000_000_000; us = Math.ceil(us * 1.37)) {
    const histogram = new Histogram()
    histogram.record(us / 1000)
    histogram.record(10_000_000)
    const seen = histogram.percentile(0.5)
    expect(seen).toBeGreaterThanOrEqual(us)
    expect(seen).toBeLessThanOrEqual(us * 1.0079)
  }
})

test('histogram: one slow value among many fast ones → only the high percentiles see it', () => {
  const histogram = new Histogram()
  for (let at = 0; at < 999; at += 1) histogram.record(0.05)
  histogram.record(300)
  const { p50, p99, p999, max, mean } = histogram.summary()
  expect([p50, p99, p999, max]).toEqual([50, 50, 50, 300_000])
  expect(mean).toBeCloseTo((999 * 50 + 300_000) / 1000)
})

test('histogram: nothing recorded → all zero', () => {
  expect(new Histogram().summary()).toEqual({ p50: 0, p90: 0, p99: 0, p999: 0, max: 0, mean: 0 })
})
