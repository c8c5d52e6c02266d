import { expect, test } from '@jest/globals'
import { commitLogOffset, queueOffset, recordSize } from '@rocketmq-ts/model'
import { BatchBuilder } from '../../src/commit-log/batch.ts'
import type { NewRecord } from '../../src/message-store.ts'
import { buildLog } from '../log-bytes.ts'
import { newRecord } from '../store-fixture.ts'

function add(builder: BatchBuilder, record: NewRecord, offset: number): void {
  const place = { queueOffset: queueOffset(offset), commitLogOffset: commitLogOffset(builder.end), storeTimestampMs: 7 }
  builder.addRecord(record, place, recordSize(record))
}

test('batch: small and large bodies, more than one staging buffer → the bytes of each record, one behind the other', () => {
  const sizes = [10, 3000, 0, 2047, 2048, 900_000, 5, 700_000, 20]
  const records = [
    ...sizes.map((bytes) => newRecord({ body: Buffer.alloc(bytes, bytes % 251) })),
    ...Array.from({ length: 800 }, () => newRecord({ body: Buffer.alloc(2000, 1) })),
  ]
  const segmentBytes = 16 * 1024 * 1024
  const expected = buildLog(records, segmentBytes)
  const builder = new BatchBuilder(0)
  for (const [index, record] of records.entries()) add(builder, record, index)
  const batch = builder.take()!
  expect(batch.parts).toHaveLength(1)
  expect(Buffer.concat(batch.parts[0]!.chunks).equals(expected.bytes.subarray(0, expected.end))).toBe(true)
  expect([batch.start, batch.end, builder.bytes]).toEqual([0, expected.end, 0])
})

test('batch: a large body → lent, not copied', () => {
  const builder = new BatchBuilder(0)
  const body = Buffer.alloc(4096)
  add(builder, newRecord({ body }), 0)
  expect(builder.take()!.parts[0]!.chunks).toContain(body)
})

test('batch: a filler → its header only, and a new part at the next segment', () => {
  const builder = new BatchBuilder(1000)
  add(builder, newRecord(), 0)
  const first = builder.end
  builder.addBlank(4096 - first)
  add(builder, newRecord(), 1)
  const { parts, end } = builder.take()!
  expect(parts.map(({ position }) => position)).toEqual([1000, 4096])
  expect(Buffer.concat(parts[0]!.chunks).subarray(-8).readInt32BE(0)).toBe(4096 - first)
  expect(end).toBe(4096 + (first - 1000))
})

test('batch: taken but not written → the next one leaves its bytes alone; released, its buffer is used again', () => {
  const builder = new BatchBuilder(0)
  add(builder, newRecord({ text: 'first' }), 0)
  const first = builder.take()!
  const before = Buffer.concat(first.parts[0]!.chunks)
  add(builder, newRecord({ text: 'second' }), 1)
  expect(Buffer.concat(first.parts[0]!.chunks).equals(before)).toBe(true)
  const second = builder.take()!
  first.release()
  second.release()
  add(builder, newRecord({ text: 'third' }), 2)
  builder.take()
  add(builder, newRecord({ text: 'fourth' }), 3)
  const [{ buffer }] = builder.take()!.parts[0]!.chunks as [Uint8Array]
  expect([first, second].map(({ parts }) => parts[0]!.chunks[0]!.buffer)).toContain(buffer)
})

test('batch: nothing was added → nothing to take', () => {
  expect(new BatchBuilder(5).take()).toBeUndefined()
})
