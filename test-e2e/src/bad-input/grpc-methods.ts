// What each gRPC method refuses, and what it still takes: one row per case. Codes are those of Apache's proxy.
import type { GrpcCase } from './grpc-case.ts'

const MIB = 1024 * 1024
const BODY_MAX = 4 * MIB
const PROPERTY_BYTES_MAX = 16_384
const HOUR_S = 3600

/** Where all well-made rows send to. */
export const TOPIC = 'bad-input'
const GROUP = 'bad-input-readers'
export const topic = { name: TOPIC }
export const group = { name: GROUP }
export const message_queue = { topic, id: -1 }
const endpoints = { scheme: 'IPv4', addresses: [{ host: '127.0.0.1', port: 8081 }] }
const filter_expression = { type: 'TAG', expression: '*' }
export const seconds = (count: number, nanos = 0) => ({ seconds: count, nanos })
const messageIdOf = (chars: number) => 'm'.repeat(chars)

/** A handle of this text that no broker gave. */
function handleOf({
  popTimeMs = Date.now(),
  invisibleMs = 12 * HOUR_S * 1_000,
  broker = 'broker-a',
  queue = 0,
  offset = 0,
} = {}) {
  return [offset, popTimeMs, invisibleMs, 0, 0, broker, queue, offset].join(' ')
}

interface Parts {
  readonly system?: object | null
  readonly [field: string]: unknown
}

export function message({ system = {}, ...rest }: Parts = {}): object {
  const system_properties =
    system === null ? null : { message_id: 'id', message_type: 'NORMAL', body_encoding: 'IDENTITY', ...system }
  return { topic, body: Buffer.from('body'), system_properties, ...rest }
}

/** User properties that take this many bytes together. */
function propertiesOf(bytes: number): Parts {
  return { user_properties: { k: 'v'.repeat(bytes - 1) } }
}

function manyProperties(count: number): Parts {
  return { user_properties: Object.fromEntries(Array.from({ length: count }, (_, at) => [`key-${at}`, 'v'])) }
}

/** A well-made request of each method. */
export const WELL_MADE: Readonly<Record<string, object>> = {
  SendMessage: { messages: [message()] },
  ReceiveMessage: {
    group,
    message_queue,
    filter_expression,
    batch_size: 1,
    invisible_duration: seconds(10),
    long_polling_timeout: seconds(0),
  },
  AckMessage: { topic, group, entries: [{ message_id: 'id', receipt_handle: handleOf() }] },
  ChangeInvisibleDuration: {
    topic,
    group,
    receipt_handle: handleOf(),
    invisible_duration: seconds(10),
    message_id: 'id',
  },
  ForwardMessageToDeadLetterQueue: { topic, group, receipt_handle: handleOf(), message_id: 'id' },
  // Undecided still: a success that changes nothing.
  EndTransaction: { topic, message_id: 'id', transaction_id: '1.0.0.broker-a', resolution: 0 },
  RecallMessage: { topic, recall_handle: 'djEgVCBiIDEgaw' },
  QueryRoute: { topic, endpoints },
  QueryAssignment: { topic, group, endpoints },
  Heartbeat: { group, client_type: 'SIMPLE_CONSUMER' },
  NotifyClientTermination: { group },
  Telemetry: { settings: { client_type: 'PRODUCER', publishing: { topics: [topic] } } },
}

export type Row = readonly [name: string, request: object, expected: string, names?: string]

export function rows(method: string, table: readonly Row[]): GrpcCase[] {
  return table.map(([name, change, expected, names = '']) => ({
    name: `${method}: ${name}`,
    method,
    request: { ...WELL_MADE[method], ...change },
    expected,
    names,
  }))
}

export const sends = (...messages: object[]) => ({ messages })

const SEND: readonly Row[] = [
  ['a body of 4 MiB − 1', sends(message({ body: Buffer.alloc(BODY_MAX - 1, 1) })), 'OK'],
  ['a body of 4 MiB', sends(message({ body: Buffer.alloc(BODY_MAX, 1) })), 'OK'],
  ['a body of 4 MiB + 1', sends(message({ body: Buffer.alloc(BODY_MAX + 1, 1) })), 'MESSAGE_BODY_TOO_LARGE', 'body'],
  [
    'a body of 4 MiB with 16,384 bytes of properties',
    sends(message({ body: Buffer.alloc(BODY_MAX, 1), ...propertiesOf(PROPERTY_BYTES_MAX) })),
    'OK',
  ],
  ['an empty body', sends(message({ body: Buffer.alloc(0) })), 'MESSAGE_BODY_EMPTY', 'body'],
  ['128 properties', sends(message(manyProperties(128))), 'OK'],
  ['129 properties', sends(message(manyProperties(129))), 'MESSAGE_PROPERTIES_TOO_LARGE', 'user_properties'],
  ['properties of 16,383 bytes', sends(message(propertiesOf(PROPERTY_BYTES_MAX - 1))), 'OK'],
  ['properties of 16,384 bytes', sends(message(propertiesOf(PROPERTY_BYTES_MAX))), 'OK'],
  [
    'properties of 16,385 bytes',
    sends(message(propertiesOf(PROPERTY_BYTES_MAX + 1))),
    'MESSAGE_PROPERTIES_TOO_LARGE',
    'user_properties',
  ],
  [
    'keys that make it 16,385 bytes',
    sends(message({ ...propertiesOf(PROPERTY_BYTES_MAX - 2), system: { keys: ['kkk'] } })),
    'MESSAGE_PROPERTIES_TOO_LARGE',
    'keys',
  ],
  [
    'a tag of 16,385 bytes',
    sends(message({ system: { tag: 't'.repeat(PROPERTY_BYTES_MAX + 1) } })),
    'MESSAGE_PROPERTIES_TOO_LARGE',
    'tag',
  ],
  [
    'a reserved property',
    sends(message({ user_properties: { POP_CK: 'x' } })),
    'ILLEGAL_MESSAGE_PROPERTY_KEY',
    'POP_CK',
  ],
  [
    'a property without a name',
    sends(message({ user_properties: { '': 'x' } })),
    'ILLEGAL_MESSAGE_PROPERTY_KEY',
    'user_properties',
  ],
  [
    'a separator in a property',
    sends(message({ user_properties: { k: 'v\u0002DELAY\u00013' } })),
    'ILLEGAL_MESSAGE_PROPERTY_KEY',
    "'k'",
  ],
  ['a property named __proto__', sends(message({ user_properties: JSON.parse('{"__proto__":"v"}') as object })), 'OK'],
  ['a blank tag', sends(message({ system: { tag: ' ' } })), 'ILLEGAL_MESSAGE_TAG', 'tag'],
  ['a tag that separates', sends(message({ system: { tag: 'a||b' } })), 'ILLEGAL_MESSAGE_TAG', 'tag'],
  ['a control character in the tag', sends(message({ system: { tag: 'a\u0007' } })), 'ILLEGAL_MESSAGE_TAG', 'tag'],
  ['a blank key', sends(message({ system: { keys: ['a', ' '] } })), 'ILLEGAL_MESSAGE_KEY', 'keys'],
  ['a control character in a key', sends(message({ system: { keys: ['a\u0002b'] } })), 'ILLEGAL_MESSAGE_KEY', 'keys'],
  ['a blank message id', sends(message({ system: { message_id: ' ' } })), 'ILLEGAL_MESSAGE_ID', 'message_id'],
  ['a message id of 254', sends(message({ system: { message_id: messageIdOf(254) } })), 'OK'],
  ['a message id of 255', sends(message({ system: { message_id: messageIdOf(255) } })), 'OK'],
  [
    'a message id of 256',
    sends(message({ system: { message_id: messageIdOf(256) } })),
    'ILLEGAL_MESSAGE_ID',
    'message_id',
  ],
  [
    'a control character in the id',
    sends(message({ system: { message_id: 'a\u0001b' } })),
    'ILLEGAL_MESSAGE_ID',
    'message_id',
  ],
  [
    'a FIFO message to a NORMAL topic',
    sends(message({ system: { message_group: 'g' } })),
    'MESSAGE_PROPERTY_CONFLICT_WITH_TYPE',
    'message_group',
  ],
  [
    'a message group of 63 bytes, to a NORMAL topic',
    sends(message({ system: { message_group: 'g'.repeat(63) } })),
    'MESSAGE_PROPERTY_CONFLICT_WITH_TYPE',
    'message_group',
  ],
  [
    'a message group of 64 bytes',
    sends(message({ system: { message_group: 'g'.repeat(64) } })),
    'ILLEGAL_MESSAGE_GROUP',
    'message_group',
  ],
  [
    'a blank message group',
    sends(message({ system: { message_group: ' ' } })),
    'ILLEGAL_MESSAGE_GROUP',
    'message_group',
  ],
  [
    'a control character in the message group',
    sends(message({ system: { message_group: 'a\u0001' } })),
    'ILLEGAL_MESSAGE_GROUP',
    'message_group',
  ],
  [
    'a delayed message to a NORMAL topic',
    sends(message({ system: { delivery_timestamp: seconds(1) } })),
    'MESSAGE_PROPERTY_CONFLICT_WITH_TYPE',
    'delivery_timestamp',
  ],
  [
    'a transaction in a NORMAL topic',
    sends(message({ system: { message_type: 'TRANSACTION' } })),
    'MESSAGE_PROPERTY_CONFLICT_WITH_TYPE',
    'message_type',
  ],
  [
    'a property that would make it FIFO',
    sends(message({ user_properties: { __SHARDINGKEY: 'g' } })),
    'MESSAGE_PROPERTY_CONFLICT_WITH_TYPE',
    '__SHARDINGKEY',
  ],
  ['no messages', sends(), 'MESSAGE_CORRUPTED', 'messages'],
  ['1,025 messages', sends(...Array.from({ length: 1025 }, () => message())), 'MESSAGE_CORRUPTED', 'messages'],
  ['messages of two topics', sends(message(), message({ topic: { name: 'other' } })), 'MESSAGE_CORRUPTED', 'messages'],
  ['no system properties', sends(message({ system: null })), 'MESSAGE_CORRUPTED', 'system_properties'],
  [
    'a host of birth of 64 KiB',
    sends(message({ system: { born_host: 'h'.repeat(65_536) } })),
    'MESSAGE_PROPERTIES_TOO_LARGE',
    'born_host',
  ],
  [
    'a separator in the host of birth',
    sends(message({ system: { born_host: 'h\u0002POP_CK\u0001x' } })),
    'MESSAGE_CORRUPTED',
    'born_host',
  ],
  [
    'a trace context of 64 KiB',
    sends(message({ system: { trace_context: 't'.repeat(65_536) } })),
    'MESSAGE_PROPERTIES_TOO_LARGE',
    'trace_context',
  ],
  [
    'a separator in the trace context',
    sends(message({ system: { trace_context: 't\u0002POP_CK\u0001x' } })),
    'MESSAGE_CORRUPTED',
    'trace_context',
  ],
  ['a time of birth before the calendar', sends(message({ system: { born_timestamp: seconds(-9e15, -1) } })), 'OK'],
  ['a queue that does not exist', sends(message({ system: { queue_id: 2_147_483_647 } })), 'OK'],
  [
    'the retry topic of no group',
    sends(message({ topic: { name: '%RETRY%nobody' } })),
    'TOPIC_NOT_FOUND',
    '%RETRY%nobody',
  ],
  ['a topic named __proto__', sends(message({ topic: { name: '__proto__' } })), 'OK'],
  ['a topic of 127 characters', sends(message({ topic: { name: 't'.repeat(127) } })), 'OK'],
]

const RECEIVE: readonly Row[] = [
  [
    'an invisible time of 9.999 s',
    { invisible_duration: seconds(9, 999_000_000) },
    'ILLEGAL_INVISIBLE_TIME',
    'invisible_duration',
  ],
  ['no invisible time', { invisible_duration: null }, 'ILLEGAL_INVISIBLE_TIME', 'invisible_duration'],
  [
    'an invisible time of 12 h + 1 ms',
    { invisible_duration: seconds(12 * HOUR_S, 1_000_000) },
    'ILLEGAL_INVISIBLE_TIME',
    'invisible_duration',
  ],
  ['an invisible time of −1 s', { invisible_duration: seconds(-1) }, 'ILLEGAL_INVISIBLE_TIME', 'invisible_duration'],
  [
    'an invisible time of ages',
    { invisible_duration: seconds(9e15, 2_147_483_647) },
    'ILLEGAL_INVISIBLE_TIME',
    'invisible_duration',
  ],
  ['an attempt of 256 bytes', { attempt_id: 'a'.repeat(256) }, 'BAD_REQUEST', 'attempt_id'],
  ['a batch of 0', { batch_size: 0 }, 'BAD_REQUEST', 'batch_size'],
  ['a batch of −1', { batch_size: -1 }, 'BAD_REQUEST', 'batch_size'],
  ['a poll of −1 ms', { long_polling_timeout: seconds(0, -1_000_000) }, 'ILLEGAL_POLLING_TIME', 'long_polling_timeout'],
  [
    'a filter that is no SQL92',
    { filter_expression: { type: 'SQL', expression: 'a > 1 AND' } },
    'ILLEGAL_FILTER_EXPRESSION',
    'filter_expression',
  ],
  [
    'a filter without SQL92',
    { filter_expression: { type: 'SQL', expression: '' } },
    'ILLEGAL_FILTER_EXPRESSION',
    'filter_expression',
  ],
  [
    'a filter of bars',
    { filter_expression: { type: 'TAG', expression: '||' } },
    'ILLEGAL_FILTER_EXPRESSION',
    'filter_expression',
  ],
  [
    'the retry topic of no group',
    { message_queue: { topic: { name: '%RETRY%nobody' }, id: -1 } },
    'TOPIC_NOT_FOUND',
    '%RETRY%nobody',
  ],
]
/** In topics without messages: no row takes those of another. */
const RECEIVE_EMPTY: readonly Row[] = [
  ['an invisible time of 10 s', { invisible_duration: seconds(10) }, 'MESSAGE_NOT_FOUND'],
  ['an invisible time of 12 h', { invisible_duration: seconds(12 * HOUR_S) }, 'MESSAGE_NOT_FOUND'],
  ['an attempt of 255 bytes', { attempt_id: 'a'.repeat(255) }, 'MESSAGE_NOT_FOUND'],
  ['a batch of 2^31 − 1', { batch_size: 2_147_483_647 }, 'MESSAGE_NOT_FOUND'],
  ['a poll of no time', { long_polling_timeout: seconds(0) }, 'MESSAGE_NOT_FOUND'],
  [
    'a broker that does not exist',
    { message_queue: { topic: { name: 'empty' }, id: -1, broker: { name: 'no-broker' } } },
    'MESSAGE_NOT_FOUND',
  ],
]

const ACK: readonly Row[] = [
  ['no entries', { entries: [] }, 'BAD_REQUEST', 'entries'],
  [
    '1,025 entries',
    { entries: Array.from({ length: 1025 }, () => ({ receipt_handle: handleOf() })) },
    'BAD_REQUEST',
    'entries',
  ],
  ...handleRows((receipt_handle) => ({ entries: [{ message_id: 'id', receipt_handle }] })),
]

const END: readonly Row[] = [
  ['no transaction id', { transaction_id: '' }, 'INVALID_TRANSACTION_ID', 'transaction_id'],
  ['a blank transaction id', { transaction_id: ' ' }, 'INVALID_TRANSACTION_ID', 'transaction_id'],
  ['the id of another proxy', { transaction_id: '7F000001' }, 'INVALID_TRANSACTION_ID', 'transaction_id'],
  ['a number too large', { transaction_id: '1.zzzzzzzzzzz.0.a' }, 'INVALID_TRANSACTION_ID', 'transaction_id'],
  ['no such half message', { resolution: 'COMMIT' }, 'INVALID_TRANSACTION_ID', 'tranStateTableOffset'],
  ['a resolution that there is not', { resolution: 7 }, 'BAD_REQUEST', 'resolution'],
  ['no topic', { topic: null }, 'ILLEGAL_TOPIC', 'topic'],
  ['a topic of the system', { topic: { name: 'RMQ_SYS_TRANS_HALF_TOPIC' } }, 'ILLEGAL_TOPIC', 'RMQ_SYS'],
  ['a message id of 256 characters', { message_id: 'i'.repeat(256) }, 'ILLEGAL_MESSAGE_ID', 'message_id'],
]

const FORWARD: readonly Row[] = [
  ['no handle', { receipt_handle: '' }, 'INVALID_RECEIPT_HANDLE', 'receipt_handle'],
  ['a handle that is none', { receipt_handle: 'none' }, 'INVALID_RECEIPT_HANDLE', 'receipt handle'],
  ['a blank message id', { message_id: ' ' }, 'ILLEGAL_MESSAGE_ID', 'message_id'],
  ['a message id of 256', { message_id: 'i'.repeat(256) }, 'ILLEGAL_MESSAGE_ID', 'message_id'],
  ['attempts of −1', { delivery_attempt: -1, max_delivery_attempts: -1, receipt_handle: '' }, 'INVALID_RECEIPT_HANDLE'],
]

const CHANGE: readonly Row[] = [
  [
    'an invisible time of −1 ms',
    { invisible_duration: seconds(0, -1_000_000) },
    'ILLEGAL_INVISIBLE_TIME',
    'invisible_duration',
  ],
  [
    'an invisible time of 12 h + 1 ms',
    { invisible_duration: seconds(12 * HOUR_S, 1_000_000) },
    'ILLEGAL_INVISIBLE_TIME',
    'invisible_duration',
  ],
  ['an invisible time of ages', { invisible_duration: seconds(9e15) }, 'ILLEGAL_INVISIBLE_TIME', 'invisible_duration'],
  ...handleRows((receipt_handle) => ({ receipt_handle })),
]

function handleRows(change: (handle: string) => object): Row[] {
  const invalid = 'INVALID_RECEIPT_HANDLE'
  return [
    ['an empty handle', change(''), invalid, 'receipt handle'],
    ['a handle that is none', change('garbage'), invalid, 'receipt handle'],
    ['a handle of a megabyte', change('1 '.repeat(500_000)), invalid, 'receipt handle'],
    ['a handle with a negative offset', change(handleOf({ offset: -1 })), invalid, 'receipt handle'],
    [
      'a handle with an offset beyond 2^53',
      change(handleOf().replace(/^0/, '9223372036854775807')),
      invalid,
      'receipt handle',
    ],
    ['an expired handle', change(handleOf({ popTimeMs: Date.now() - 13 * HOUR_S * 1_000 })), invalid, 'expired'],
    // The broker may come back: clients try again until the handle expires.
    ['a handle of an absent broker', change(handleOf({ broker: 'no-broker' })), 'PROXY_TIMEOUT', 'no-broker'],
    ['a handle of a queue that does not exist', change(handleOf({ queue: 2_000_000 })), invalid, 'queue'],
  ]
}

const ROUTE: readonly Row[] = [
  ['no endpoints', { endpoints: null }, 'ILLEGAL_ACCESS_POINT', 'endpoints'],
  ['no addresses', { endpoints: { scheme: 'IPv4', addresses: [] } }, 'ILLEGAL_ACCESS_POINT', 'endpoints'],
  [
    'no scheme',
    { endpoints: { ...endpoints, scheme: 'ADDRESS_SCHEME_UNSPECIFIED' } },
    'ILLEGAL_ACCESS_POINT',
    'endpoints.scheme',
  ],
  [
    '65 addresses',
    { endpoints: { scheme: 'IPv4', addresses: Array.from({ length: 65 }, () => endpoints.addresses[0]) } },
    'ILLEGAL_ACCESS_POINT',
    'endpoints.addresses',
  ],
  [
    'a host of 256 characters',
    { endpoints: { scheme: 'DOMAIN_NAME', addresses: [{ host: 'h'.repeat(256), port: 1 }] } },
    'ILLEGAL_ACCESS_POINT',
    'endpoints.addresses',
  ],
  ['the retry topic of no group', { topic: { name: '%RETRY%nobody' } }, 'TOPIC_NOT_FOUND', '%RETRY%nobody'],
]

const HEARTBEAT: readonly Row[] = [
  ['no client type', { client_type: 'CLIENT_TYPE_UNSPECIFIED' }, 'UNRECOGNIZED_CLIENT_TYPE', 'client_type'],
  ['a pull consumer', { client_type: 'PULL_CONSUMER' }, 'UNRECOGNIZED_CLIENT_TYPE', 'client_type'],
  ['an unknown client type', { client_type: 4711 }, 'UNRECOGNIZED_CLIENT_TYPE', '4711'],
]

export const publishing = (...topics: object[]) => ({ settings: { client_type: 'PRODUCER', publishing: { topics } } })
const subscribing = (name: string) => ({
  settings: { client_type: 'SIMPLE_CONSUMER', subscription: { group: { name }, subscriptions: [{ topic }] } },
})
const TELEMETRY: readonly Row[] = [
  ['settings of nobody', { settings: { client_type: 'PRODUCER' } }, 'grpc 3', 'publishing'],
  ['an illegal topic', publishing({ name: 'a b' }), 'grpc 3', 'topics'],
  ['a topic of the system', publishing({ name: 'TBW102' }), 'grpc 3', 'topics'],
  ['4,097 topics', publishing(...Array.from({ length: 4097 }, () => topic)), 'grpc 3', 'topics'],
  ['an illegal group', subscribing('a.b'), 'grpc 3', 'group'],
  ['an unknown client type', { settings: { client_type: 4711, publishing: {} } }, 'UNRECOGNIZED_CLIENT_TYPE', '4711'],
]

/** Every limit, at −1, 0 and +1. */
export function methodCases(): GrpcCase[] {
  return [
    ...rows('SendMessage', SEND),
    ...rows('ReceiveMessage', RECEIVE),
    ...rows(
      'ReceiveMessage',
      RECEIVE_EMPTY.map(([name, change, ...rest], at) => [
        name,
        { message_queue: { topic: { name: `empty-${at}` }, id: -1 }, ...change },
        ...rest,
      ]),
    ),
    ...rows('AckMessage', ACK),
    ...rows('ChangeInvisibleDuration', CHANGE),
    ...rows('ForwardMessageToDeadLetterQueue', FORWARD),
    ...rows('EndTransaction', END),
    ...rows('QueryRoute', ROUTE),
    ...rows('QueryAssignment', ROUTE),
    ...rows('Heartbeat', HEARTBEAT),
    ...rows('Telemetry', TELEMETRY),
  ]
}
