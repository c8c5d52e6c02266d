import { expect, test } from '@jest/globals'
import { reserveBytesOf, STORE_DEFAULTS } from '../src/store-settings.ts'

// Files of other sizes can not be read by Apache's broker, nor its files by ours.
test("store: nothing set → the sizes of files and messages are Apache's", () => {
  expect(STORE_DEFAULTS).toMatchObject({
    segmentBytes: 1_073_741_824,
    unitsPerFile: 300_000,
    bodyBytesMax: 4_194_304,
    flushIntervalMs: 500,
    indexSlots: 5_000_000,
    indexEntries: 20_000_000,
  })
})

test('store: nothing set → what Apache has no name for is as documented', () => {
  expect(STORE_DEFAULTS).toMatchObject({
    checkpointIntervalMs: 10_000,
    hotBytes: 268_435_456,
    coldReadBytes: 33_554_432,
    unitCacheBytes: 33_554_432,
    unitsPerWrite: 4096,
  })
})

test('reserve: nothing set → 64 MiB, at most a sixteenth of a segment', () => {
  const options = { folder: '/data', flushMode: 'SYNC_FLUSH' } as const
  expect(reserveBytesOf(options)).toBe(67_108_864)
  expect(reserveBytesOf({ ...options, segmentBytes: 4096 })).toBe(256)
  expect(reserveBytesOf({ ...options, reserveBytes: 5 })).toBe(5)
})
