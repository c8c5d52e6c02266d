import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { FileError } from '@rocketmq-ts/runtime'
import { createManualEffects } from '@rocketmq-ts/testkit'
import { createDirectLogWriter, type LogPart } from '../../src/commit-log/log-writer.ts'
import { openSegments, type Segments } from '../../src/commit-log/segment.ts'

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

/** A log in memory, of which every write is noted; `room` bytes are taken, then one write fails where it is. */
function inMemory(end: number) {
  const log = Buffer.alloc(4 * SEGMENT_BYTES)
  log.fill(1, 0, end)
  const wrote: { readonly from: number; readonly to: number }[] = []
  let room = Infinity
  const segments = {
    segmentBytes: SEGMENT_BYTES,
    at(position: number) {
      const base = position - (position % SEGMENT_BYTES)
      function writeSync(at: number, chunks: readonly Uint8Array[]): void {
        const bytes = Buffer.concat(chunks)
        const taken = Math.min(room, bytes.length)
        bytes.copy(log, base + at, 0, taken)
        wrote.push({ from: base + at, to: base + at + bytes.length })
        room -= taken
        if (taken === bytes.length) return
        room = Infinity
        throw new FileError('no-space', '/log', 'is full')
      }
      return { base, file: { writeSync } }
    },
  }
  return {
    log,
    wrote,
    failAfter: (bytes: number) => void (room = bytes),
    writer: createDirectLogWriter(segments as unknown as Segments, { wholePages: true }),
  }
}

/** Bytes of the log from `from` on, in parts as a batch has them: each within one segment. */
function partsOf(from: number, bytes: Buffer): LogPart[] {
  const parts: LogPart[] = []
  for (let at = 0; at < bytes.length;) {
    const position = from + at
    const length = Math.min(bytes.length - at, SEGMENT_BYTES - (position % SEGMENT_BYTES))
    parts.push({ position, chunks: [bytes.subarray(at, at + length)] })
    at += length
  }
  return parts
}

test('log writer: any batches from any recovered end on, some again after a full disk → every byte in its place, zeros behind, nothing in front touched', () => {
  const size = fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: PAGE_BYTES + 50 }))
  const batch = fc.record({ size, room: fc.option(fc.integer({ min: 0, max: 2 * PAGE_BYTES })) })
  const end = fc.integer({ min: 0, max: SEGMENT_BYTES })
  fc.assert(
    fc.property(end, fc.array(batch, { minLength: 1, maxLength: 8 }), (recoveredEnd, batches) => {
      const { log, wrote, failAfter, writer } = inMemory(recoveredEnd)
      const expected = Buffer.from(log)
      let at = recoveredEnd
      for (const [index, { size: bytes, room }] of batches.entries()) {
        if (at + bytes > log.length) break
        const content = Buffer.alloc(bytes, 2 + index)
        const parts = partsOf(at, content)
        wrote.length = 0
        if (room !== null) failAfter(room)
        try {
          void writer.submit({ parts })
        } catch (error) {
          expect(error).toMatchObject({ code: 'no-space' })
          // What is in front was promised to somebody, whatever became of this batch.
          expect(log.subarray(0, at).equals(expected.subarray(0, at))).toBe(true)
          wrote.length = 0
          failAfter(Infinity)
          void writer.submit({ parts })
        }
        failAfter(Infinity)
        content.copy(expected, at)
        expect(log.equals(expected)).toBe(true)
        const isInFront = wrote.some(({ from }) => from < at)
        const total = wrote.reduce((sum, { from, to }) => sum + to - from, 0)
        expect([isInFront, total <= bytes + parts.length * PAGE_BYTES]).toEqual([false, true])
        at += bytes
      }
    }),
    { numRuns: 300 },
  )
})
