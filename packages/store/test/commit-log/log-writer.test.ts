import { expect, test } from '@jest/globals'
import { createManualEffects } from '@rocketmq-ts/testkit'
import { createDirectLogWriter } from '../../src/commit-log/log-writer.ts'
import { openSegments } from '../../src/commit-log/segment.ts'

const PAGE_BYTES = 4096
/** Ends within a page. */
const SEGMENT_BYTES = 2 * PAGE_BYTES + 100

async function setUp(wholePages: boolean) {
  const effects = createManualEffects()
  const segments = await openSegments({ files: effects.files, folder: '/log', segmentBytes: SEGMENT_BYTES })
  const segment = await segments.ensure(SEGMENT_BYTES)
  /** What a page held before: nobody would see zeros on zeros. */
  segment.file.writeSync(0, [Buffer.alloc(SEGMENT_BYTES, 1)])
  const writer = createDirectLogWriter(segments, { wholePages })

  /** Bytes of the file that are zero after chunks of sevens were written to it, as [from, to). */
  async function zerosAfter(at: number, sizes: readonly number[]): Promise<[number, number]> {
    const chunks = sizes.map((size) => Buffer.alloc(size, 7))
    await writer.submit({ parts: [{ position: SEGMENT_BYTES + at, chunks }] })
    const bytes = Buffer.alloc(SEGMENT_BYTES + 1)
    const count = segment.file.readSync(0, bytes)
    expect(count).toBe(SEGMENT_BYTES)
    const written = bytes.subarray(at, at + sizes.reduce((sum, size) => sum + size, 0))
    expect(written.every((byte) => byte === 7)).toBe(true)
    return [bytes.subarray(0, count).indexOf(0), bytes.subarray(0, count).lastIndexOf(0) + 1]
  }
  return { zerosAfter }
}

test('log writer: whole pages → the page that a batch ends in is zeros first, one that it begins in stays', async () => {
  const { zerosAfter } = await setUp(true)
  expect(await zerosAfter(10, [100, 200])).toEqual([-1, 0])
  expect(await zerosAfter(310, [PAGE_BYTES - 310])).toEqual([-1, 0])
  expect(await zerosAfter(PAGE_BYTES, [1])).toEqual([PAGE_BYTES + 1, 2 * PAGE_BYTES])
})

test('log writer: whole pages at the end of a segment → its file keeps its size', async () => {
  const { zerosAfter } = await setUp(true)
  expect(await zerosAfter(PAGE_BYTES + 7, [PAGE_BYTES, 60])).toEqual([2 * PAGE_BYTES + 67, SEGMENT_BYTES])
  expect(await zerosAfter(2 * PAGE_BYTES + 67, [33])).toEqual([-1, 0])
})

test('log writer: no whole pages → not a byte more than the batch', async () => {
  const { zerosAfter } = await setUp(false)
  expect(await zerosAfter(10, [100])).toEqual([-1, 0])
})
