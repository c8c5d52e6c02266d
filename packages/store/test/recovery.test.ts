import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import type { LogRange } from '../src/recovery.ts'
import { buildLog, scan, someRecords, sourceOf } from './log-bytes.ts'
import { newRecord, SEGMENT_BYTES } from './store-fixture.ts'

const log = buildLog(someRecords(60))
const positions = log.placed.map((record) => record.position)

test('recovery: a whole log of several segments → every record, and the end behind the last', async () => {
  const decision = await scan(log.bytes)
  expect(decision).toMatchObject({ end: log.end, tailEnd: log.end, damaged: [], records: 60, lastTimestampMs: 7 })
  expect(decision.positions).toEqual(positions)
})

test('recovery: an empty log, or one of zeros → it ends at 0', async () => {
  expect(await scan(Buffer.alloc(0))).toMatchObject({ end: 0, tailEnd: 0, records: 0 })
  expect(await scan(Buffer.alloc(SEGMENT_BYTES))).toMatchObject({ end: 0, tailEnd: 0, records: 0 })
})

test('recovery: the log cut at every byte of the last three records → exactly the whole records before the cut', async () => {
  const lastThree = log.placed.slice(-3)
  for (let cut = lastThree[0]!.position; cut <= log.end; cut += 1) {
    const bytes = Buffer.from(log.bytes)
    bytes.fill(0, cut)
    const whole = log.placed.filter((record) => record.end <= cut)
    const decision = await scan(bytes)
    expect(decision.positions).toEqual(whole.map((record) => record.position))
    expect(decision.end).toBe(whole.at(-1)!.end)
    expect(decision.tailEnd).toBeLessThanOrEqual(cut)
  }
})

test('recovery: any prefix of the log → every record that ends in it, and none behind', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: log.end }), async (cut) => {
      const bytes = Buffer.from(log.bytes)
      bytes.fill(0, cut)
      const flushed = log.placed.filter((record) => record.end <= cut)
      const provenFlushed = flushed.at(-1)?.end ?? 0
      const decision = await scan(bytes, { provenFlushed })
      expect(decision.positions).toEqual(flushed.map((record) => record.position))
      expect(decision.damaged).toEqual([])
    }),
    { numRuns: 200 },
  )
})

test('recovery: a flipped bit of a body above F → the log ends in front of that record, and the rest is debris', async () => {
  const hit = log.placed[40]!
  const bytes = Buffer.from(log.bytes)
  bytes[hit.position + 90]! ^= 1
  const decision = await scan(bytes, { provenFlushed: hit.position })
  expect(decision).toMatchObject({ end: hit.position, tailEnd: log.end, damaged: [], records: 40 })
})

test('recovery: a flipped bit below F → the range is reported, and everything behind it is served', async () => {
  const hit = log.placed[40]!
  const bytes = Buffer.from(log.bytes)
  bytes[hit.position + 90]! ^= 1
  const decision = await scan(bytes, { provenFlushed: hit.end })
  expect(decision).toMatchObject({ end: log.end, tailEnd: log.end, damaged: [{ from: hit.position, to: hit.end }] })
  expect(decision.positions).toEqual(positions.filter((position) => position !== hit.position))
})

test('recovery: any bits flipped below F → every record that is whole is served, nothing else is', async () => {
  const flip = fc.record({ at: fc.integer({ min: 0, max: log.end - 1 }), bit: fc.integer({ min: 0, max: 7 }) })
  await fc.assert(
    fc.asyncProperty(fc.array(flip, { minLength: 1, maxLength: 5 }), async (flips) => {
      const bytes = Buffer.from(log.bytes)
      for (const { at, bit } of flips) bytes[at]! ^= 1 << bit
      const isHit = ({ position, end }: { position: number; end: number }) =>
        flips.some(({ at }) => at >= position && at < end)
      const decision = await scan(bytes, { provenFlushed: log.end })
      expect(decision.end).toBe(log.end)
      const untouched = log.placed.filter((record) => !isHit(record)).map((record) => record.position)
      expect(decision.positions).toEqual(expect.arrayContaining(untouched))
      expect(positions).toEqual(expect.arrayContaining(decision.positions))
    }),
    { numRuns: 200 },
  )
})

test('recovery: a hole below F over the border of two segments → the next record in the next segment', async () => {
  const first = log.placed.findLast((record) => record.end <= SEGMENT_BYTES)!
  const second = log.placed.find((record) => record.position >= SEGMENT_BYTES)!
  const bytes = Buffer.from(log.bytes)
  bytes.fill(0, first.position, second.end)
  const decision = await scan(bytes, { provenFlushed: log.end })
  expect(decision.damaged).toEqual([{ from: first.position, to: second.end }])
  expect(decision.records).toBe(58)
})

test('recovery: more holes than are told one by one → the first 1,000, and the others as one', async () => {
  const many = buildLog(someRecords(2100))
  const bytes = Buffer.from(many.bytes)
  const holes = many.placed.filter((_, index) => index % 2 === 1)
  for (const { position } of holes) bytes[position + 89]! ^= 1
  const ranges: LogRange[] = []
  const onDamaged = (range: LogRange) => void ranges.push(range)
  const decision = await scan(bytes, { provenFlushed: many.end, onDamaged })
  const expected = holes.map(({ position: from, end: to }) => ({ from, to }))
  expect(ranges).toEqual(expected)
  expect(decision.damaged).toEqual(expected.slice(0, 1000))
  expect(decision.moreDamaged).toEqual({ from: expected[1000]!.from, to: expected[1049]!.to, ranges: 50 })
  expect(decision.damagedBytes).toBe(holes.reduce((sum, { size }) => sum + size, 0))
})

test('recovery: a hole that reaches F → the log goes on at F, and no position below is used again', async () => {
  const from = log.placed[50]!.position
  const bytes = Buffer.from(log.bytes)
  bytes.fill(0, from)
  expect(await scan(bytes, { provenFlushed: log.end })).toMatchObject({
    end: log.end,
    damaged: [{ from, to: log.end }],
    records: 50,
  })
})

test('recovery: a valid record behind a hole above F → it is not served', async () => {
  const hole = log.placed[20]!
  const bytes = Buffer.from(log.bytes)
  bytes.fill(0, hole.position, hole.end)
  expect(await scan(bytes, { provenFlushed: hole.position })).toMatchObject({ end: hole.position, records: 20 })
})

test('recovery: a journal record behind the hole proves more than F says → the hole is a loss, not the end', async () => {
  const hole = log.placed[20]!
  const witness = log.placed[45]!
  const bytes = Buffer.from(log.bytes)
  bytes.fill(0xee, hole.position, hole.end)
  const stampOf = ({ position }: { position: number }) => (position === witness.position ? hole.end : undefined)
  const decision = await scan(bytes, { provenFlushed: 0, stampOf })
  expect(decision).toMatchObject({
    end: log.end,
    damaged: [{ from: hole.position, to: hole.end }],
    provenFlushed: hole.end,
    records: 59,
  })
})

test('recovery: a stamp that claims more than lies in front of its record → it is not believed', async () => {
  const hole = log.placed[20]!
  const bytes = Buffer.from(log.bytes)
  bytes.fill(0xee, hole.position, hole.end)
  const stampOf = () => Number.MAX_SAFE_INTEGER
  expect(await scan(bytes, { stampOf })).toMatchObject({ end: hole.position })
})

test('recovery: a journal record that does not fit → what it claims is not asked for', async () => {
  const refused = log.placed[20]!
  const asked: number[] = []
  const decision = await scan(log.bytes, {
    onRecord: ({ position }) => position < refused.position,
    stampOf({ position }) {
      asked.push(position)
      return position === refused.position ? log.placed[10]!.position : undefined
    },
  })
  expect(decision).toMatchObject({ end: refused.position, records: 20, provenFlushed: 0 })
  expect(asked).toEqual(positions.filter((position) => position !== refused.position))
})

test('recovery: a record copied to another place → its own position betrays it', async () => {
  const stale = log.placed[3]!
  const bytes = Buffer.from(log.bytes)
  bytes.fill(0, log.placed[10]!.position)
  bytes.set(log.bytes.subarray(stale.position, stale.end), log.placed[10]!.position)
  expect(await scan(bytes)).toMatchObject({ end: log.placed[10]!.position, records: 10 })
})

test('recovery: a length field that says more than there is → nothing is allocated for it', async () => {
  for (const size of [0x7fff_ffff, -1, 0, 7, SEGMENT_BYTES]) {
    const bytes = Buffer.from(log.bytes)
    bytes.writeInt32BE(size, log.placed[10]!.position)
    expect(await scan(bytes)).toMatchObject({ end: log.placed[10]!.position, records: 10 })
  }
})

test('recovery: a filler whose length does not end the segment → it is no filler', async () => {
  const last = log.placed.findLast((record) => record.end <= SEGMENT_BYTES)!
  const bytes = Buffer.from(log.bytes)
  bytes.writeInt32BE(SEGMENT_BYTES - last.end - 1, last.end)
  expect(await scan(bytes)).toMatchObject({ end: last.end })
})

test('recovery: a record larger than a window → it is read whole', async () => {
  const segmentBytes = 16 * 1024 * 1024
  const records = [newRecord(), newRecord({ body: Buffer.alloc(9 * 1024 * 1024, 5) }), newRecord()]
  const large = buildLog(records, segmentBytes)
  const decision = await scan(large.bytes, { source: sourceOf(large.bytes, segmentBytes) })
  expect(decision).toMatchObject({ end: large.end, records: 3 })
})

test('recovery: a magic across the border of two windows → the record behind the hole is found', async () => {
  const segmentBytes = 8 * 1024 * 1024
  const windowBytes = 4 * 1024 * 1024
  const empty = buildLog([newRecord({ body: Buffer.alloc(0) })]).end
  for (const bytesBefore of [0, 2, 3]) {
    // The scan for the next record starts one byte behind the hole's first, its window ends inside of the magic.
    const holeBytes = windowBytes + 1 - 4 - bytesBefore
    const first = newRecord({ body: Buffer.alloc(holeBytes - empty) })
    const { bytes, placed, end } = buildLog([first, newRecord(), newRecord()], segmentBytes)
    bytes.fill(0xaa, 0, 100)
    const decision = await scan(bytes, { source: sourceOf(bytes, segmentBytes), provenFlushed: end })
    expect(decision).toMatchObject({ end, records: 2, damaged: [{ from: 0, to: placed[1]!.position }] })
  }
})

test('recovery: the properties of a record cut off to zeros → the record is invalid, although its body is whole', async () => {
  const last = log.placed.at(-1)!
  const bytes = Buffer.from(log.bytes)
  bytes[last.end - 1] = 0
  expect(await scan(bytes)).toMatchObject({ end: last.position, records: 59 })
  expect(await scan(bytes, { foreignFrom: 0 })).toMatchObject({ end: last.end, records: 60 })
})

test('recovery: a folder of another writer, stopped in order → a hole counts only with a record behind it', async () => {
  const hole = log.placed[20]!
  const bytes = Buffer.from(log.bytes)
  bytes.fill(0xee, hole.position, hole.end)
  const options = { provenFlushed: bytes.length, isGuess: true, cleanStop: false }
  expect(await scan(bytes, options)).toMatchObject({ end: log.end, records: 59, provenFlushed: log.end })
})

test('recovery: every byte is random → it ends, and what it takes is what a reader would take', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 256, maxLength: 256 }), fc.nat(log.end), async (noise, at) => {
      const bytes = Buffer.from(log.bytes)
      bytes.set(noise.subarray(0, Math.min(256, bytes.length - at)), at)
      const decision = await scan(bytes, { provenFlushed: at })
      expect(decision.end).toBeGreaterThanOrEqual(at > log.end ? log.end : 0)
      expect(positions).toEqual(expect.arrayContaining(decision.positions))
    }),
    { numRuns: 100 },
  )
})

test('recovery: a bound on what lies behind the flushed end → debris is looked for up to there, and not read beyond', async () => {
  const last = log.placed[40]!
  const bytes = Buffer.alloc(16 * SEGMENT_BYTES)
  log.bytes.copy(bytes, 0, 0, last.end)
  bytes[last.end + 100] = 1
  bytes[last.end + 5000] = 1
  const near = await scan(bytes, { provenFlushed: last.end, behindFlushedMax: 1000 })
  expect(near).toMatchObject({ end: last.end, tailEnd: last.end + 101 })
  const all = await scan(bytes, { provenFlushed: last.end })
  expect(all).toMatchObject({ end: last.end, tailEnd: last.end + 5001 })
})
