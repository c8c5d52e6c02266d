import { expect, test } from '@jest/globals'
import {
  decodeIndexHeader,
  encodeIndexHeader,
  entryPosition,
  indexFileBytes,
  indexFileName,
  indexHash,
  secondsSince,
  slotPosition,
} from '../../src/key-index/layout.ts'

const APACHE = { slots: 5_000_000, entries: 20_000_000 }

test("index layout: Apache's sizes → Apache's positions", () => {
  expect(indexFileBytes(APACHE)).toBe(420_000_040)
  expect(slotPosition(2_746_024)).toBe(10_984_136)
  expect(entryPosition(APACHE, 1)).toBe(20_000_060)
})

test('index layout: a hash below zero → its amount, and 0 for the one that has none', () => {
  expect([indexHash(7), indexHash(-7), indexHash(-0x8000_0000), indexHash(0x7fff_ffff)]).toEqual([7, 7, 0, 0x7fff_ffff])
})

test('index layout: seconds since the begin → whole, from 0 to what fits; 0 without a begin', () => {
  const cases = [
    [0, 1_700_000_000_000, 0],
    [1000, 1999, 0],
    [1000, 2000, 1],
    [1000, 999, 0],
    [1000, 500, 0],
    [1, Number.MAX_SAFE_INTEGER, 0x7fff_ffff],
  ] as const
  for (const [begin, timestamp, seconds] of cases) expect(secondsSince(begin, timestamp)).toBe(seconds)
})

test('index header: encoded → 40 bytes in the order of Apache, and back', () => {
  const header = {
    beginTimestampMs: 0x0102,
    endTimestampMs: 0x0304,
    beginOffset: 0x0506,
    endOffset: 0x0708,
    usedSlots: 9,
    count: 10,
  }
  const bytes = encodeIndexHeader(header)
  expect(Buffer.from(bytes).toString('hex')).toBe(
    '0000000000000102000000000000030400000000000005060000000000000708000000090000000a',
  )
  expect(decodeIndexHeader(bytes, APACHE)).toEqual(header)
})

test('index header: zeros → a new file; what can not be → none', () => {
  expect(decodeIndexHeader(new Uint8Array(40), APACHE)?.count).toBe(1)
  const cases: [position: number, value: number][] = [
    [0, 0xff],
    [8, 0xff],
    [16, 1],
    [24, 0xff],
    [32, 0x7f],
    [36, 0x7f],
  ]
  for (const [position, value] of cases) {
    const bytes = new Uint8Array(40)
    bytes[position] = value
    expect([position, decodeIndexHeader(bytes, APACHE)]).toEqual([position, undefined])
  }
})

test('index file name: a time → local time in 17 digits; names ascend where clocks do not', () => {
  const local = new Date(2026, 10, 21, 7, 5, 9, 42).getTime()
  expect(indexFileName(local, undefined)).toBe('20261121070509042')
  expect(indexFileName(local, '20261121070509041')).toBe('20261121070509042')
  expect(indexFileName(local, '20261121070509042')).toBe('20261121070509043')
  expect(indexFileName(local, '99999999999999998')).toBe('99999999999999999')
})
