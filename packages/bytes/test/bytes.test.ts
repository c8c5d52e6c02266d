import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import {
  ByteReader,
  BytesError,
  ByteWriter,
  crc32,
  crc32Of31Bits,
  readInt64,
  readInt64OrNaN,
  utf8Decode,
  utf8Encode,
  utf8Length,
  utf8Write,
  writeInt64,
} from '../src/index.ts'

const buffer = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'))

test('int64: any safe integer → the bytes of a Java long, and back', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), (value) => {
      const bytes = new Uint8Array(8)
      writeInt64(bytes, 0, value)
      expect(new DataView(bytes.buffer).getBigInt64(0)).toBe(BigInt(value))
      expect(readInt64(bytes, 0)).toBe(value)
    }),
  )
})

test('int64: any eight bytes → the exact value, or NaN beyond 2^53 − 1', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
      const bytes = new Uint8Array(8)
      new DataView(bytes.buffer).setBigInt64(0, value)
      const isSafe = Number.isSafeInteger(Number(value)) && BigInt(Number(value)) === value
      expect(readInt64OrNaN(bytes, 0)).toBe(isSafe ? Number(value) : NaN)
    }),
  )
})

test.each([
  ['001fffffffffffff', Number.MAX_SAFE_INTEGER],
  ['ffe0000000000001', Number.MIN_SAFE_INTEGER],
  ['ffffffffffffffff', -1],
])('int64: %s → %i', (hex, value) => {
  expect(readInt64(buffer(hex), 0)).toBe(value)
})

test.each(['0020000000000000', 'ffe0000000000000', '7fffffffffffffff', '8000000000000000'])(
  'int64: %s is no safe integer → BytesError naming the field',
  (hex) => {
    expect(() => readInt64(buffer(hex), 0, 'queueOffset')).toThrow('queueOffset: is beyond')
  },
)

test('int64: outside of the buffer, or no integer → BytesError', () => {
  expect(() => readInt64(new Uint8Array(8), 1)).toThrow(BytesError)
  expect(() => writeInt64(new Uint8Array(8), -1, 0)).toThrow(BytesError)
  expect(() => writeInt64(new Uint8Array(8), 0, 2 ** 53)).toThrow('not a safe integer')
  expect(() => writeInt64(new Uint8Array(8), 0, 0.5)).toThrow(BytesError)
})

test('reader: each kind of field → its value, and the position moves on', () => {
  const reader = new ByteReader(buffer('fffffffefffefffffffdfffffffc0000000100000000c3a4'))
  expect([reader.int8('a'), reader.uint8('b')]).toEqual([-1, 255])
  expect([reader.int16('c'), reader.uint16('d')]).toEqual([-2, 65_534])
  expect([reader.int32('e'), reader.uint32('f')]).toEqual([-3, 4_294_967_292])
  expect(reader.int64('g')).toBe(2 ** 32)
  expect(reader.remaining).toBe(2)
  expect(reader.utf8(2, 'h')).toBe('ä')
  expect(reader.position).toBe(24)
})

test('reader: a field beyond the end → BytesError naming it, and nothing is consumed', () => {
  const reader = new ByteReader(buffer('000000ff0000'), 0, 4)
  expect(() => reader.int64('offset')).toThrow('offset: needs 8 bytes at 0, 4 are left')
  expect(() => reader.view(reader.int32('length'), 'body')).toThrow('body: needs 255 bytes at 4, 0 are left')
  expect(() => new ByteReader(new Uint8Array(4)).view(-1, 'body')).toThrow(BytesError)
  expect(() => new ByteReader(new Uint8Array(4), 2, 5)).toThrow(BytesError)
})

test('writer: a value outside its field → BytesError naming it', () => {
  const writer = ByteWriter.growing(64)
  expect(() => writer.uint8(256, 'count')).toThrow('count: 256 is not an integer from 0 to 255')
  expect(() => writer.int16(-32_769, 'count')).toThrow(BytesError)
  expect(() => writer.int32(1.5, 'count')).toThrow(BytesError)
  expect(() => writer.uint32(NaN, 'count')).toThrow(BytesError)
  expect(writer.written()).toHaveLength(0)
})

test('writer: over a buffer of the caller → nothing outside of it', () => {
  const into = new Uint8Array(6)
  const writer = ByteWriter.over(into, 1).int32(-1, 'a')
  expect(() => writer.int16(1, 'b')).toThrow(BytesError)
  expect([...into]).toEqual([0, 255, 255, 255, 255, 0])
  expect(() => writer.patchInt32(2, 0)).toThrow(BytesError)
  expect([...writer.patchInt32(1, 258).written()]).toEqual([0, 0, 1, 2])
})

test('writer: grows up to its bound, not beyond', () => {
  const writer = ByteWriter.growing(1000).view(new Uint8Array(600), 'a').utf8('x'.repeat(400), 'b')
  expect(writer.written()).toHaveLength(1000)
  expect(() => writer.int8(0, 'c')).toThrow('c: needs 1001 bytes, the limit is 1000')
})

test('writer, then reader: any fields → the same', () => {
  const int32s = fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff })
  fc.assert(
    fc.property(fc.array(fc.tuple(int32s, fc.maxSafeInteger(), fc.string({ unit: 'grapheme' }))), (rows) => {
      const writer = ByteWriter.growing(1 << 20)
      for (const [small, large, text] of rows) {
        writer.int32(small, 'small').int64(large, 'large').uint16(utf8Length(text), 'length').utf8(text, 'text')
      }
      const reader = new ByteReader(writer.written())
      const read = rows.map(() => [
        reader.int32('small'),
        reader.int64('large'),
        reader.utf8(reader.uint16('length'), 'text'),
      ])
      expect(read).toEqual(rows)
      expect(reader.remaining).toBe(0)
    }),
  )
})

test('utf8: bytes that are no UTF-8 → BytesError, never a replacement character', () => {
  expect(() => utf8Decode(buffer('c328'), 'topic')).toThrow('topic: is not UTF-8')
  expect(utf8Decode(utf8Encode('\ufeff测试'))).toBe('\ufeff测试')
  expect(() => utf8Write('测', new Uint8Array(4), 2)).toThrow('needs 3 bytes')
})

test('crc32: body "hello" → the value of Java, and the sign bit is masked', () => {
  expect(crc32Of31Bits(utf8Encode('hello'))).toBe(907_060_870)
  expect(crc32(utf8Encode('123456789'))).toBe(0xcbf4_3926)
  expect(crc32Of31Bits(utf8Encode('123456789'))).toBe(0x4bf4_3926)
  expect(crc32(utf8Encode('6789'), crc32(utf8Encode('12345')))).toBe(0xcbf4_3926)
  expect(crc32Of31Bits(new Uint8Array(0))).toBe(0)
})
