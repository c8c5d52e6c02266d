import { expect, test } from '@jest/globals'
import { utf8Encode } from '@rocketmq-ts/bytes'
import * as fc from 'fast-check'
import {
  bodyCrcMatches,
  commitLogOffset,
  createRecordPeek,
  decodeProperties,
  decodeRecord,
  decodeRecords,
  encodeProperties,
  encodeRecord,
  MqError,
  offsetMessageId,
  patchPlace,
  addReconsumeTimes,
  BODY_HEAD_BYTES,
  peekedBodyCrcMatches,
  peekQueueHead,
  peekRecord,
  queueOffset,
  RECORD_MAGIC_V1,
  RECORD_MAGIC_V2,
  recordProperties,
  recordSize,
  SysFlag,
  type RecordFields,
  type RecordPlace,
} from '../src/index.ts'
import { codeOf } from './thrown.ts'

const FIRST_BYTE_OF_MAGIC = 4
const NOWHERE: RecordPlace = { queueOffset: queueOffset(0), commitLogOffset: commitLogOffset(0), storeTimestampMs: 0 }

const helloFields: RecordFields = {
  topic: 'T1',
  queueId: 3,
  flag: 0,
  sysFlag: 0,
  bornTimestampMs: 1_700_000_000_000,
  bornHost: { host: '127.0.0.1', port: 50_000 },
  storeHost: { host: '127.0.0.1', port: 10_911 },
  reconsumeTimes: 0,
  preparedTransactionOffset: 0,
  body: utf8Encode('hello'),
  properties: utf8Encode(
    encodeProperties([
      ['UNIQ_KEY', '7F000001'],
      ['TAGS', 'TagA'],
    ]),
  ),
}
const helloPlace: RecordPlace = {
  queueOffset: queueOffset(7),
  commitLogOffset: commitLogOffset(1024),
  storeTimestampMs: 1_700_000_000_001,
}
/** Written by Apache's MessageDecoder. */
const HELLO_HEX =
  '0000007edaa320a73610a686000000030000000000000000000000070000000000000400000000000000018bcfe568007f0000010000c350' +
  '0000018bcfe568017f00000100002a9f0000000000000000000000000000000568656c6c6f025431001c554e49515f4b4559013746303030' +
  '3030310254414753015461674102'

/** Read by Apache's MessageDecoder: topic TopicTest, body 'Hello RocketMQ'. */
const ROCKET_HEX =
  '000000b1daa320a769c865ed000000030000000000000000000000640000000000001000000000000000018bcfe568000a0000010000c350' +
  '0000018bcfe568010a00000200002a9f0000000000000000000000000000000e48656c6c6f20526f636b65744d5109546f70696354657374' +
  '003f4b455953016b31206b3202554e49515f4b4559013041303030303031303030303030303030303030303030303030304130303030025441' +
  '4753015461674102'

function encoded(fields: RecordFields, place: RecordPlace): Uint8Array {
  const bytes = new Uint8Array(recordSize(fields))
  expect(encodeRecord(fields, place, bytes, 0)).toBe(bytes.length)
  return bytes
}

test('record: the fields of a known message → the bytes that Java writes', () => {
  expect(Buffer.from(encoded(helloFields, helloPlace)).toString('hex')).toBe(HELLO_HEX)
})

test('record: bytes of Java → every field of the message', () => {
  const record = decodeRecord(Buffer.from(ROCKET_HEX, 'hex'))
  expect(record).toMatchObject({
    size: 177,
    magic: RECORD_MAGIC_V1,
    bodyCrc: 1_774_740_973,
    topic: 'TopicTest',
    queueId: 3,
    queueOffset: 100,
    commitLogOffset: 4096,
    bornTimestampMs: 1_700_000_000_000,
    bornHost: { host: '10.0.0.1', port: 50_000 },
    storeTimestampMs: 1_700_000_000_001,
    storeHost: { host: '10.0.0.2', port: 10_911 },
  })
  expect(Buffer.from(record.body).toString()).toBe('Hello RocketMQ')
  expect(bodyCrcMatches(record)).toBe(true)
  expect(recordProperties(record)).toEqual(
    new Map([
      ['KEYS', 'k1 k2'],
      ['UNIQ_KEY', '0A0000010000000000000000000A0000'],
      ['TAGS', 'TagA'],
    ]),
  )
  expect(offsetMessageId(record.storeHost.host, record.storeHost.port, record.commitLogOffset)).toBe(
    '0A00000200002A9F0000000000001000',
  )
})

test('record: Java bytes with an unknown last property of 20 bytes (append CRC) → still one record', () => {
  const properties = utf8Encode('KEYS\u0001k1\u0002__CRC32#\u00014559505091\u0002')
  const fields: RecordFields = {
    ...helloFields,
    topic: 'T',
    queueId: 0,
    bornTimestampMs: 1,
    bornHost: { host: '127.0.0.1', port: 1 },
    body: utf8Encode('abc'),
    properties,
  }
  const bytes = encoded(fields, { ...NOWHERE, storeTimestampMs: 2 })
  expect(bytes.length).toBe(123)
  expect(Buffer.from(bytes).toString('hex')).toMatch(
    /^0000007bdaa320a7352441c200.*5f5f435243333223013435353935303530393102$/,
  )
})

test('record: place known after encoding → same bytes as encoded with it', () => {
  for (const host of ['127.0.0.1', '2001:db8::1']) {
    const fields = { ...helloFields, bornHost: { host, port: 1 } }
    const bytes = encoded(fields, NOWHERE)
    patchPlace(bytes, 0, helloPlace)
    expect(Buffer.from(bytes)).toEqual(Buffer.from(encoded(fields, helloPlace)))
  }
})

test('record: delivery count patched → only the count differs', () => {
  for (const host of ['127.0.0.1', '2001:db8::1']) {
    const fields = { ...helloFields, storeHost: { host, port: 1 } }
    const bytes = encoded(fields, helloPlace)
    addReconsumeTimes(bytes, 5)
    expect(Buffer.from(bytes)).toEqual(Buffer.from(encoded({ ...fields, reconsumeTimes: 5 }, helloPlace)))
  }
})

test('record: topic of more than 127 bytes → magic V2', () => {
  const topic = `%RETRY%${'g'.repeat(121)}`
  const record = decodeRecord(encoded({ ...helloFields, topic }, helloPlace))
  expect(record.magic).toBe(RECORD_MAGIC_V2)
  expect(record.topic).toBe(topic)
})

test('record: host is an IPv4 address mapped into IPv6 → stored as IPv4', () => {
  const record = decodeRecord(encoded({ ...helloFields, bornHost: { host: '::ffff:10.1.2.3', port: 9 } }, helloPlace))
  expect(record.bornHost).toEqual({ host: '10.1.2.3', port: 9 })
  expect(record.sysFlag & SysFlag.BORN_HOST_V6).toBe(0)
})

test('record: properties beyond a short → properties-too-large', () => {
  expect(codeOf(() => recordSize({ ...helloFields, properties: new Uint8Array(32_768) }))).toBe('properties-too-large')
})

test('record: filler of a segment → blank, and no record', () => {
  const filler = Buffer.from('00000040cbd43194', 'hex')
  const peek = createRecordPeek()
  expect(peekRecord(filler, 0, peek)).toBe('blank')
  expect(peek.totalSize).toBe(64)
  expect(() => decodeRecord(filler)).toThrow(/filler/)
})

test('record: flipped bit in the body → the CRC does not match', () => {
  const bytes = encoded(helloFields, helloPlace)
  const peek = createRecordPeek()
  expect(peekRecord(bytes, 0, peek)).toBe('record')
  expect(peekedBodyCrcMatches(bytes, peek)).toBe(true)
  bytes[peek.bodyAt]! ^= 1
  expect(peekedBodyCrcMatches(bytes, peek)).toBe(false)
})

test('record: a CRC of zero → a checksum like any other: it passes where it is right, and only there', () => {
  const peek = createRecordPeek()
  const cleared = encoded(helloFields, helloPlace)
  cleared.fill(0, 8, 12)
  expect(peekRecord(cleared, 0, peek)).toBe('record')
  expect(peekedBodyCrcMatches(cleared, peek)).toBe(false)
  const body = Buffer.from('9d0ad96d', 'hex')
  const bytes = encoded({ ...helloFields, body }, helloPlace)
  expect(peekRecord(bytes, 0, peek)).toBe('record')
  expect([peek.bodyCrc, peekedBodyCrcMatches(bytes, peek)]).toEqual([0, true])
})

test.each([
  ['totalSize', 0, [0, 0, 0, 7], 'totalSize is too small'],
  ['magic', 4, [1, 2, 3, 4], 'magic is unknown'],
  ['queueId', 12, [0xff, 0, 0, 0], 'queueId is negative'],
  ['queueOffset', 20, [0x80, 0, 0, 0], 'queueOffset is out of range'],
  ['commitLogOffset', 28, [0x7f, 0, 0, 0], 'commitLogOffset is out of range'],
  ['bodyLength', 84, [0x7f, 0xff, 0xff, 0xff], 'bodyLength leaves the record'],
  ['topicLength', 93, [120], 'topicLength leaves the record'],
  ['propertiesLength', 96, [0, 27], 'propertiesLength does not end the record'],
])('record: %s is wrong → damaged, and the message names it', (_field, at, values, problem) => {
  const bytes = encoded(helloFields, helloPlace)
  bytes.set(values, at)
  expect(codeOf(() => decodeRecord(bytes))).toBe('damaged')
  expect(() => decodeRecord(bytes)).toThrow(problem)
})

const hosts = fc.record({
  host: fc.oneof(fc.ipV4(), fc.constantFrom('::1', '2001:db8::ff00:42:8329', 'fe80::1', '::')),
  port: fc.integer({ min: 0, max: 65_535 }),
})
const fields: fc.Arbitrary<RecordFields> = fc.record({
  topic: fc.oneof(fc.stringMatching(/^[%|a-zA-Z0-9_-]{1,255}$/), fc.string({ unit: 'grapheme', minLength: 1 })),
  queueId: fc.nat(65_535),
  flag: fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff }),
  sysFlag: fc.nat(0x7ff).map((flag) => flag & ~0x30),
  bornTimestampMs: fc.maxSafeInteger(),
  bornHost: hosts,
  storeHost: hosts,
  reconsumeTimes: fc.nat(20),
  preparedTransactionOffset: fc.maxSafeInteger(),
  body: fc.uint8Array({ maxLength: 200 }),
  properties: fc.uint8Array({ maxLength: 200 }),
})
const places: fc.Arbitrary<RecordPlace> = fc.record({
  queueOffset: fc.maxSafeNat().map(queueOffset),
  commitLogOffset: fc.maxSafeNat().map(commitLogOffset),
  storeTimestampMs: fc.maxSafeInteger(),
})

test('record: any message, decoded after encoding → the same message', () => {
  fc.assert(
    fc.property(fields, places, (message, place) => {
      const record = decodeRecord(encoded(message, place))
      const hostBits = SysFlag.BORN_HOST_V6 | SysFlag.STORE_HOST_V6
      expect({ ...record, sysFlag: record.sysFlag & ~hostBits }).toMatchObject({ ...message, ...place })
      expect(bodyCrcMatches(record)).toBe(true)
    }),
  )
})

test('record: any cut of a record → cut, never a record', () => {
  const bytes = encoded(helloFields, helloPlace)
  const peek = createRecordPeek()
  for (let length = 0; length < bytes.length; length += 1) {
    expect(peekRecord(bytes.subarray(0, length), 0, peek)).toBe('cut')
  }
})

test('record: any damage to a record → a record of the same size or MqError damaged', () => {
  const flips = fc.array(fc.tuple(fc.nat(125), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(flips, (changes) => {
      const bytes = encoded(helloFields, helloPlace)
      for (const [at, mask] of changes) bytes[at]! ^= mask
      try {
        expect(decodeRecord(bytes).size).toBeLessThanOrEqual(bytes.length)
      } catch (error) {
        expect(error).toBeInstanceOf(MqError)
        expect(error).toMatchObject({ code: 'damaged' })
      }
    }),
  )
})

test('record: several behind each other → all of them in order', () => {
  const one = encoded(helloFields, helloPlace)
  const two = Buffer.from(ROCKET_HEX, 'hex')
  expect(decodeRecords(Buffer.concat([one, two])).map((record) => record.topic)).toEqual(['T1', 'TopicTest'])
  expect(() => decodeRecords(Buffer.concat([one, two.subarray(0, 100)]))).toThrow(
    /record at 126: the record is cut short/,
  )
})

test('properties: last separator missing, empty values, later duplicates → as Java reads them', () => {
  const text = 'a\u00011\u0002b\u0001\u0002\u0001x\u0002junk\u0002a\u00012\u0002c\u00013'
  expect(decodeProperties(text)).toEqual(
    new Map([
      ['a', '2'],
      ['c', '3'],
    ]),
  )
})

test('properties: any names and values without separators → the same after decoding', () => {
  const part = fc
    .string({ unit: 'grapheme', minLength: 1 })
    .filter((text) => !text.includes('\u0001') && !text.includes('\u0002'))
  fc.assert(
    fc.property(fc.dictionary(part, part), (record) => {
      const properties = new Map(Object.entries(record))
      expect(decodeProperties(encodeProperties(properties))).toEqual(properties)
    }),
  )
})

test('properties: a separator inside a value → message-illegal, so that nobody can add a property', () => {
  expect(codeOf(() => encodeProperties([['a', 'b\u0002TAGS\u0001x']]))).toBe('message-illegal')
})

test('properties: any text → a map, in time that grows with its length', () => {
  expect(decodeProperties('\u0002'.repeat(32_000)).size).toBe(0)
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('a', '\u0001', '\u0002') }), (text) => void decodeProperties(text)),
  )
})

test.each(['10.0.0.1', '2001:db8::1'])(
  'queue head: hosts like %s, topics with a length of one byte and of two → what the whole record says',
  (host) => {
    for (const topic of ['T', 'x'.repeat(200)]) {
      for (const storeHost of [helloFields.storeHost, { host: '::1', port: 1 }]) {
        const fields = { ...helloFields, topic, bornHost: { host, port: 5 }, storeHost, body: new Uint8Array(500) }
        const bytes = new Uint8Array(recordSize(fields))
        encodeRecord(fields, helloPlace, bytes, 0)
        const peek = createRecordPeek()
        expect(peekRecord(bytes, 0, peek)).toBe('record')
        const head = peekQueueHead(bytes.subarray(0, BODY_HEAD_BYTES))
        expect(head).toMatchObject({ queueId: 3, queueOffset: 7, sysFlag: peek.sysFlag })
        expect(head!.topicLengthAt + head!.topicLengthBytes).toBe(peek.topicAt)
        expect(peekQueueHead(bytes.subarray(0, BODY_HEAD_BYTES - 1))).toBeUndefined()
        bytes[FIRST_BYTE_OF_MAGIC] = 0
        expect(peekQueueHead(bytes)).toBeUndefined()
      }
    }
  },
)
