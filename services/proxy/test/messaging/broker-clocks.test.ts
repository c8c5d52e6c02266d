import { expect, test } from '@jest/globals'
import { CLOCKS_DIFFER_MS, createBrokerClocks } from '../../src/messaging/broker-clocks.ts'

const NOW_MS = 1_700_000_000_000
const HOUR_MS = 3_600_000

function setUp() {
  const told: [string, number][] = []
  const clocks = createBrokerClocks({
    clock: { nowMs: () => NOW_MS },
    onDiffers: (brokerName, aheadMs) => told.push([brokerName, aheadMs]),
  })
  return { clocks, told }
}

test.each([HOUR_MS, -HOUR_MS, CLOCKS_DIFFER_MS, -CLOCKS_DIFFER_MS])(
  'broker clocks: %i ms ahead → told once, and its time is judged by its own clock',
  (aheadMs) => {
    const { clocks, told } = setUp()
    clocks.popped('a', NOW_MS + aheadMs)
    clocks.popped('a', NOW_MS + aheadMs)
    expect(told).toEqual([['a', aheadMs]])
    expect(clocks.nowMs('a')).toBe(NOW_MS + aheadMs)
    expect(clocks.nowMs('b')).toBe(NOW_MS)
  },
)

test('broker clocks: near ours → our own time, and nothing is told', () => {
  const { clocks, told } = setUp()
  clocks.popped('a', NOW_MS - CLOCKS_DIFFER_MS + 1)
  expect(told).toEqual([])
  expect(clocks.nowMs('a')).toBe(NOW_MS)
})

test('broker clocks: right again → forgotten, and told anew when it goes off again', () => {
  const { clocks, told } = setUp()
  for (const aheadMs of [HOUR_MS, 0]) clocks.popped('a', NOW_MS + aheadMs)
  expect(clocks.nowMs('a')).toBe(NOW_MS)
  clocks.popped('a', NOW_MS + HOUR_MS)
  expect(told).toHaveLength(2)
})

test('broker clocks: more brokers than any cluster has → the one heard of longest ago is forgotten', () => {
  const { clocks } = setUp()
  for (let at = 0; at <= 4096; at += 1) clocks.popped(`broker-${at}`, NOW_MS + HOUR_MS)
  expect(clocks.nowMs('broker-0')).toBe(NOW_MS)
  expect(clocks.nowMs('broker-1')).toBe(NOW_MS + HOUR_MS)
})
