import { expect, test } from '@jest/globals'
import { STORE_DEFAULTS } from '../src/store-settings.ts'

// Files of other sizes can not be read by Apache's broker, nor its files by ours.
test("store: nothing set → the sizes of files and messages are Apache's", () => {
  expect(STORE_DEFAULTS).toMatchObject({
    segmentBytes: 1_073_741_824,
    unitsPerFile: 300_000,
    bodyBytesMax: 4_194_304,
    flushIntervalMs: 500,
  })
})
