import { createRequire } from 'node:module'
import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import type * as Definition from 'rocketmq-client-nodejs/proto/apache/rocketmq/v2/definition_pb.js'
import type * as Service from 'rocketmq-client-nodejs/proto/apache/rocketmq/v2/service_pb.js'
import { MqError } from '@rocketmq-ts/model'
import {
  Code,
  MessageType,
  MessagingService,
  OffsetOption,
  ReceiveMessageResponse,
  SendMessageRequest,
  SendResultEntry,
  Settings,
  TelemetryCommand,
  type SendMessageRequestInit,
} from '@rocketmq-ts/grpc/v2'

const require = createRequire(import.meta.url)
const officialProtos = 'rocketmq-client-nodejs/proto/apache/rocketmq/v2'
const definition = require(`${officialProtos}/definition_pb.js`) as typeof Definition
const service = require(`${officialProtos}/service_pb.js`) as typeof Service

const BODY = new TextEncoder().encode('hello')

test('codec: a send request → the bytes of the official encoding', () => {
  const ours = SendMessageRequest.encode({
    messages: [
      {
        topic: { name: 'T' },
        userProperties: { k: 'v' },
        systemProperties: { tag: 'a', messageId: '01', messageType: MessageType.NORMAL, queueOffset: 2 ** 40 },
        body: BODY,
      },
    ],
  })
  const official = new definition.Message()
    .setTopic(new definition.Resource().setName('T'))
    .setSystemProperties(
      new definition.SystemProperties()
        .setTag('a')
        .setMessageId('01')
        .setMessageType(1)
        .setQueueOffset(2 ** 40),
    )
    .setBody(BODY)
  official.getUserPropertiesMap().set('k', 'v')
  const theirs = new service.SendMessageRequest()
  theirs.addMessages(official)
  expect(Buffer.from(ours).toString('hex')).toBe(Buffer.from(theirs.serializeBinary()).toString('hex'))
})

test('codec: decode of encode → the same values, absent ones as null or their default', () => {
  const [message] = SendMessageRequest.decode(
    SendMessageRequest.encode({ messages: [{ topic: { name: 'T' }, systemProperties: { tag: '' }, body: BODY }] }),
  ).messages
  const system = message?.systemProperties
  expect(message?.topic).toMatchObject({ name: 'T' })
  expect(new Uint8Array(message?.body ?? [])).toStrictEqual(BODY)
  // `optional`: set to '' is not absent. Others: absent reads as the default.
  expect([system?.tag, system?.messageGroup]).toStrictEqual(['', null])
  expect([system?.messageId, system?.queueId, system?.keys]).toStrictEqual(['', 0, []])
  expect([system?.queueOffset, system?.bornTimestamp]).toStrictEqual([null, null])
})

test('codec: the body → a view of the request, no copy', () => {
  const bytes = SendMessageRequest.encode({ messages: [{ body: BODY }] })
  expect(SendMessageRequest.decode(bytes).messages[0]?.body.buffer).toBe(bytes.buffer)
})

test('codec: a slice of a larger array → only the slice is read', () => {
  const bytes = SendResultEntry.encode({ messageId: 'x' })
  const larger = new Uint8Array(bytes.length + 20).fill(0xff)
  larger.set(bytes, 10)
  expect(SendResultEntry.decode(larger.subarray(10, 10 + bytes.length)).messageId).toBe('x')
})

test('codec: a oneof → its name tells which is set', () => {
  const decode = (init: Parameters<typeof ReceiveMessageResponse.encode>[0]) =>
    ReceiveMessageResponse.decode(ReceiveMessageResponse.encode(init)).content
  expect(decode({ status: { code: Code.OK } })).toBe('status')
  expect(decode({ deliveryTimestamp: { seconds: 1 } })).toBe('deliveryTimestamp')
  expect(decode({})).toBeUndefined()
  expect(TelemetryCommand.decode(TelemetryCommand.encode({ settings: {} })).command).toBe('settings')
})

test('codec: a decoded message → can be sent back as it is', () => {
  const settings = Settings.decode(Settings.encode({ publishing: { topics: [{ name: 'T' }] }, metric: { on: true } }))
  expect(Settings.encode(settings)).toStrictEqual(
    Settings.encode({ publishing: { topics: [{ name: 'T' }] }, metric: { on: true } }),
  )
})

test('codec: 64-bit values → numbers up to 2^53 - 1 with either sign, 0 when absent', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), (offset) => {
      expect(SendResultEntry.decode(SendResultEntry.encode({ offset })).offset).toBe(offset)
    }),
  )
  expect(SendResultEntry.decode(new Uint8Array()).offset).toBe(0)
})

test.each([
  ['2^53', '208080808080808010'],
  ['-2^53', '2080808080808080f0ff01'],
  ['2^63 - 1', '20ffffffffffffffff7f'],
  ['-2^63', '2080808080808080808001'],
])('codec: the 64-bit value %s → refused, never rounded', (_value, hex) => {
  expect(() => SendResultEntry.decode(Buffer.from(hex, 'hex'))).toThrow(/64-bit value beyond 2\^53/)
})

test('codec: an int64 inside a oneof → a number too', () => {
  expect(OffsetOption.decode(OffsetOption.encode({ timestamp: 1_700_000_000_000 })).timestamp).toBe(1_700_000_000_000)
})

test('codec: fields and enum values of a newer version → skipped and kept as numbers', () => {
  const unknownField = Buffer.from('fa0103616263', 'hex')
  const decoded = SendResultEntry.decode(Buffer.concat([SendResultEntry.encode({ messageId: 'x' }), unknownField]))
  expect(decoded.messageId).toBe('x')
  expect(SendResultEntry.encode(decoded)).toStrictEqual(SendResultEntry.encode({ messageId: 'x' }))
  expect(Settings.decode(Buffer.from('0863', 'hex')).clientType).toBe(99)
})

test('codec: a property named __proto__ → is a property and nothing else', () => {
  const userProperties = JSON.parse('{"__proto__": "x"}') as Record<string, string>
  const bytes = SendMessageRequest.encode({ messages: [{ userProperties }] })
  const decoded = SendMessageRequest.decode(bytes).messages[0]?.userProperties ?? {}
  expect(Object.entries(decoded)).toStrictEqual([['__proto__', 'x']])
  expect(({} as Record<string, unknown>)['x']).toBeUndefined()
})

test.each([
  ['cut in a length', '0a'],
  ['a length beyond the end', '0aff01'],
  ['a length beyond 32 bits', '0affffffffff01'],
  ['field number 0', '0000'],
  ['an unknown wire type', '0f'],
  ['text that is no UTF-8', '0a051203c3280a'],
  ['an end of a group that was never opened', '0c'],
])('codec: %s → MqError protocol naming the message', (_what, hex) => {
  const decode = () => MessagingService.QueryRoute.request.decode(Buffer.from(hex, 'hex'))
  expect(decode).toThrow(MqError)
  expect(decode).toThrow(
    expect.objectContaining({ code: 'protocol', message: expect.stringContaining('QueryRouteRequest') }),
  )
})

test('codec: any bytes for any method → a message or MqError protocol, nothing else', () => {
  const seed = SendMessageRequest.encode({
    messages: [{ topic: { name: 'T' }, userProperties: { k: 'v' }, systemProperties: { keys: ['a'] }, body: BODY }],
  } satisfies SendMessageRequestInit)
  const damaged = fc.tuple(fc.nat(seed.length - 1), fc.nat(255)).map(([at, value]) => {
    const copy = new Uint8Array(seed)
    copy[at] = value
    return copy
  })
  const codecs = Object.values(MessagingService).flatMap(({ request, response }) => [request, response])
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), damaged), fc.constantFrom(...codecs), (bytes, codec) => {
      try {
        codec.decode(bytes)
      } catch (error) {
        expect(error).toMatchObject({ name: 'MqError', code: 'protocol' })
      }
    }),
    { numRuns: 2000 },
  )
})
