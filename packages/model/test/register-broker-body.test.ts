import { expect, test } from '@jest/globals'
import { deflateSync } from 'node:zlib'
import { ByteWriter, utf8Encode } from '@rocketmq-ts/bytes'
import * as fc from 'fast-check'
import {
  decodeRegisterBrokerBody,
  encodeRegisterBrokerBody,
  MqError,
  topicConfig,
  type RegisterBrokerBody,
} from '../src/index.ts'
import { codeOf } from './thrown.ts'

const LIMITS = { bytesMax: 64 * 1024, topicsMax: 100 }

const body: RegisterBrokerBody = {
  dataVersion: { stateVersion: 0, counter: 3, timestamp: 1_700_000_000_000 },
  topicConfigTable: new Map([
    ['A', topicConfig('A', { readQueueNums: 4, writeQueueNums: 4 })],
    ['B', topicConfig('B', { attributes: new Map([['message.type', 'FIFO']]) })],
  ]),
  filterServerList: [],
}

/** Apache's compressed form. */
function compressed(parts: { topics: string[]; count?: number; rest?: Uint8Array }): Uint8Array {
  const writer = ByteWriter.growing(1 << 20)
  const part = (text: string) => {
    const bytes = utf8Encode(text)
    writer.int32(bytes.length, 'length').view(bytes, 'text')
  }
  part('{"counter":3,"stateVersion":0,"timestamp":1700000000000}')
  writer.int32(parts.count ?? parts.topics.length, 'count')
  for (const topic of parts.topics) part(topic)
  part('[]')
  writer.view(parts.rest ?? new Uint8Array(4), 'mappings')
  return deflateSync(writer.written())
}

test('registration: encoded as JSON → the same after decoding', () => {
  expect(decodeRegisterBrokerBody(encodeRegisterBrokerBody(body), LIMITS)).toEqual(body)
})

test('registration: compressed by Apache → the same as its JSON', () => {
  const topics = ['A 4 4 6 SINGLE_TAG {}', 'B 16 16 6 SINGLE_TAG {"message.type":"FIFO"}']
  expect(decodeRegisterBrokerBody(compressed({ topics }), LIMITS)).toEqual(body)
})

test('registration: compressed by 4.x, without attributes → read', () => {
  const decoded = decodeRegisterBrokerBody(compressed({ topics: ['A 4 4 6 SINGLE_TAG'] }), LIMITS)
  expect(decoded.topicConfigTable.get('A')).toEqual(topicConfig('A', { readQueueNums: 4, writeQueueNums: 4 }))
})

test('registration: no body → no topics', () => {
  expect(decodeRegisterBrokerBody(new Uint8Array(0), LIMITS).topicConfigTable.size).toBe(0)
})

test('registration: inflates beyond the limit → refused before the memory is taken', () => {
  expect(() => decodeRegisterBrokerBody(deflateSync(new Uint8Array(1 << 20)), LIMITS)).toThrow('inflate')
})

test('registration: more topics than allowed → refused, whatever the count claims', () => {
  expect(() => decodeRegisterBrokerBody(compressed({ topics: [], count: 0x7fff_ffff }), LIMITS)).toThrow('topics')
  expect(() => decodeRegisterBrokerBody(encodeRegisterBrokerBody(body), { ...LIMITS, topicsMax: 1 })).toThrow('topics')
})

test.each(['A 4 4', 'A x 4 6 SINGLE_TAG', 'A 4 4 6 OTHER', `${'t'.repeat(256)} 4 4 6 SINGLE_TAG`])(
  "registration: topic text '%.20s' → parameter-invalid",
  (topic) => {
    expect(codeOf(() => decodeRegisterBrokerBody(compressed({ topics: [topic] }), LIMITS))).toBe('parameter-invalid')
  },
)

test('registration: any bytes → a registration or MqError', () => {
  const inflated = fc.uint8Array({ maxLength: 64 }).map((bytes) => new Uint8Array(deflateSync(bytes)))
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 64 }), inflated), (bytes) => {
      try {
        decodeRegisterBrokerBody(bytes, LIMITS)
      } catch (error) {
        expect(error).toBeInstanceOf(MqError)
      }
    }),
  )
})
