import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { commitLogOffset, createRecordPeek, decodeRecord } from '@rocketmq-ts/model'
import { checkRecord, findRecord, scanStep } from '../../src/commit-log/scan.ts'
import { buildLog, someRecords } from '../log-bytes.ts'

/** Vector A of Java's MessageDecoder: TopicTest, queue 3, offset 100, at 4096. */
const VECTOR_A = Buffer.from(
  '000000b1daa320a769c865ed000000030000000000000000000000640000000000001000000000000000018bcfe568000a0000010000c350' +
    '0000018bcfe568010a00000200002a9f0000000000000000000000000000000e48656c6c6f20526f636b65744d5109546f706963546573740' +
    '03f4b455953016b31206b3202554e49515f4b45590130413030303030313030303030303030303030303030303030303041303030300254414753015461674102',
  'hex',
)
const PLACE = { position: 4096, segmentEnd: 8192 }

test('scan: the record that Java wrote → a record, at its own position only', () => {
  const peek = createRecordPeek()
  expect(VECTOR_A).toHaveLength(177)
  expect(scanStep(VECTOR_A, 0, PLACE, peek)).toBe('record')
  expect([peek.queueId, peek.queueOffset, peek.totalSize]).toEqual([3, 100, 177])
  expect(scanStep(VECTOR_A, 0, { ...PLACE, position: 4097 }, peek)).toBe('torn')
  expect(() =>
    checkRecord(VECTOR_A, 0, { commitLogOffset: commitLogOffset(4096), size: VECTOR_A.length }, peek),
  ).not.toThrow()
  expect(() => checkRecord(VECTOR_A, 0, { commitLogOffset: commitLogOffset(0), size: VECTOR_A.length }, peek)).toThrow(
    expect.objectContaining({ code: 'damaged' }),
  )
  expect(decodeRecord(VECTOR_A).topic).toBe('TopicTest')
})

test('scan: any flipped bit of length, magic, CRC, position or body → no record', () => {
  const peek = createRecordPeek()
  const fields = [
    [0, 12],
    [28, 36],
    [84, 102],
  ] as const
  for (const [from, to] of fields) {
    for (let bit = from * 8; bit < to * 8; bit += 1) {
      const bytes = Buffer.from(VECTOR_A)
      bytes[bit >> 3]! ^= 1 << (bit & 7)
      expect([bit, scanStep(bytes, 0, PLACE, peek)]).not.toEqual([bit, 'record'])
    }
  }
})

test('scan: fewer bytes than the record has → cut, with the number it needs', () => {
  const peek = createRecordPeek()
  for (let length = 8; length < VECTOR_A.length; length += 1) {
    expect(scanStep(VECTOR_A.subarray(0, length), 0, PLACE, peek)).toBe('cut')
    expect(peek.totalSize).toBe(177)
  }
})

test('scan: the record does not fit what is left of the segment → torn, not cut', () => {
  expect(scanStep(VECTOR_A.subarray(0, 100), 0, { position: 4096, segmentEnd: 4196 }, createRecordPeek())).toBe('torn')
})

test('scan: zeros → empty; a filler of the right length → end of the segment', () => {
  const peek = createRecordPeek()
  expect(scanStep(Buffer.alloc(64), 0, PLACE, peek)).toBe('empty')
  const filler = Buffer.from('00000040cbd43194', 'hex')
  expect(scanStep(filler, 0, { position: 4096, segmentEnd: 4160 }, peek)).toBe('end-of-segment')
  expect(scanStep(filler, 0, { position: 4096, segmentEnd: 4161 }, peek)).toBe('torn')
})

test('scan: any bytes at all → an answer, never an exception', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 8, maxLength: 300 }), fc.nat(7), (bytes, at) => {
      scanStep(bytes, at, { position: at, segmentEnd: 4096 }, createRecordPeek())
      findRecord(Buffer.from(bytes), at, { position: 0, segmentEnd: 4096 }, createRecordPeek())
    }),
  )
})

test('find: noise in front of a record → the index of the record', () => {
  const log = buildLog(someRecords(5))
  fc.assert(
    fc.property(fc.integer({ min: 1, max: log.end - 200 }), (from) => {
      const next = log.placed.find((record) => record.position >= from)!
      const found = findRecord(log.bytes, from, { position: 0, segmentEnd: 4096 }, createRecordPeek())
      expect(found).toBe(next.position)
    }),
  )
})

test('find: the bytes end inside a record → its index, unless its head says that it stands elsewhere', () => {
  const log = buildLog(someRecords(3))
  const [, second] = log.placed
  for (const end of [second!.position + 12, second!.position + 36, second!.end - 1]) {
    const bytes = log.bytes.subarray(0, end)
    expect(findRecord(bytes, 1, { position: 0, segmentEnd: 4096 }, createRecordPeek())).toBe(second!.position)
  }
  const elsewhere = { position: 4096, segmentEnd: 8192 }
  expect(findRecord(log.bytes.subarray(0, second!.end - 1), 1, elsewhere, createRecordPeek())).toBe(-1)
})
