// HEART_BEAT: a client tells a broker its groups and subscriptions. Java: HeartbeatData, ConsumerData,
// SubscriptionData. C++ writes enums as ordinals and numbers as texts, Go numbers of a set as texts.
import { utf8Encode } from '@rocketmq-ts/bytes'
import { JsonFields, MqError, parseJavaJson, stringifyJavaJson, type JavaJson } from '@rocketmq-ts/model'
import { RequestCode } from '../codec/codes.ts'
import { defineRequest, type AnswerHeaderOf } from '../codec/define-request.ts'
import { bool, optional } from '../codec/fields.ts'

export const HeartBeat = defineRequest({
  code: RequestCode.HEART_BEAT,
  name: 'HEART_BEAT',
  header: {},
  answer: {
    supportsHeartbeatV2: optional(bool({ wire: 'IS_SUPPORT_HEART_BEAT_V2' })),
    subscriptionChanged: optional(bool({ wire: 'IS_SUB_CHANGE' })),
  },
})

export type HeartBeatAnswer = AnswerHeaderOf<typeof HeartBeat>

/** By ordinal. */
export const CONSUME_TYPES = ['CONSUME_ACTIVELY', 'CONSUME_PASSIVELY', 'CONSUME_POP'] as const
export const MESSAGE_MODELS = ['BROADCASTING', 'CLUSTERING'] as const
export const CONSUME_FROM_WHERE = [
  'CONSUME_FROM_LAST_OFFSET',
  'CONSUME_FROM_LAST_OFFSET_AND_FROM_MIN_WHEN_BOOT_FIRST',
  'CONSUME_FROM_MIN_OFFSET',
  'CONSUME_FROM_MAX_OFFSET',
  'CONSUME_FROM_FIRST_OFFSET',
  'CONSUME_FROM_TIMESTAMP',
] as const

/** Member names are those of the JSON. Tag codes are not read: clients compute them differently. */
export interface SubscriptionData {
  readonly topic: string
  readonly subString: string
  readonly expressionType: string
  readonly tagsSet: readonly string[]
  /** A time in milliseconds or nanoseconds; may pass 2^53. */
  readonly subVersion: bigint
  readonly classFilterMode: boolean
}

export interface ConsumerData {
  readonly groupName: string
  readonly consumeType: (typeof CONSUME_TYPES)[number]
  readonly messageModel: (typeof MESSAGE_MODELS)[number]
  readonly consumeFromWhere: (typeof CONSUME_FROM_WHERE)[number]
  readonly subscriptionDataSet: readonly SubscriptionData[]
  readonly unitMode: boolean
}

export interface HeartbeatData {
  readonly clientID: string
  readonly producerDataSet: readonly { readonly groupName: string }[]
  readonly consumerDataSet: readonly ConsumerData[]
  readonly heartbeatFingerprint: number
  readonly withoutSub: boolean
}

const BODY_BYTES_MAX = 4 * 1024 * 1024
/** Groups of a client, and subscriptions of a group. */
const ITEMS_MAX = 4096

export function encodeHeartbeatData(data: HeartbeatData): Uint8Array {
  return utf8Encode(stringifyJavaJson(data))
}

/** MqError 'parameter-invalid' names the field. Absent sets are empty. */
export function decodeHeartbeatData(bytes: Uint8Array): HeartbeatData {
  const fields = new JsonFields(parseJavaJson(bytes, { bytesMax: BODY_BYTES_MAX }), 'HeartbeatData')
  return {
    clientID: fields.text('clientID'),
    producerDataSet: each(fields, 'producerDataSet', (producer) => ({ groupName: producer.text('groupName') })),
    consumerDataSet: each(fields, 'consumerDataSet', decodeConsumerData),
    heartbeatFingerprint: fields.integer('heartbeatFingerprint', 0),
    withoutSub: fields.flag('withoutSub', false),
  }
}

function decodeConsumerData(fields: JsonFields): ConsumerData {
  return {
    groupName: fields.text('groupName'),
    consumeType: oneOf(fields, 'consumeType', CONSUME_TYPES, 'CONSUME_PASSIVELY'),
    messageModel: oneOf(fields, 'messageModel', MESSAGE_MODELS, 'CLUSTERING'),
    consumeFromWhere: oneOf(fields, 'consumeFromWhere', CONSUME_FROM_WHERE, 'CONSUME_FROM_LAST_OFFSET'),
    subscriptionDataSet: each(fields, 'subscriptionDataSet', decodeSubscriptionData),
    unitMode: fields.flag('unitMode', false),
  }
}

function decodeSubscriptionData(fields: JsonFields): SubscriptionData {
  return {
    topic: fields.text('topic'),
    subString: fields.text('subString', '*'),
    expressionType: fields.text('expressionType', 'TAG'),
    tagsSet: fields.texts('tagsSet'),
    subVersion: bigInteger(fields, 'subVersion'),
    classFilterMode: fields.flag('classFilterMode', false),
  }
}

function each<Item>(fields: JsonFields, name: string, decode: (item: JsonFields) => Item): Item[] {
  const items = fields.items(name)
  if (items.length > ITEMS_MAX) {
    throw new MqError('parameter-invalid', `${fields.path}.${name}: at most ${ITEMS_MAX} items are accepted`)
  }
  return items.map((item: JavaJson, index) => decode(new JsonFields(item, `${fields.path}.${name}[${index}]`)))
}

function oneOf<Name extends string>(fields: JsonFields, name: string, names: readonly Name[], absent: Name): Name {
  const value = fields.raw(name) ?? absent
  const found = names.find((known, ordinal) => value === known || value === ordinal)
  if (found === undefined) throw fields.wrong(name, names.join(', '))
  return found
}

function bigInteger(fields: JsonFields, name: string): bigint {
  const value = fields.raw(name) ?? 0
  if (typeof value === 'bigint') return value
  if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value)
  if (typeof value === 'string' && /^-?\d{1,19}$/.test(value)) return BigInt(value)
  throw fields.wrong(name, 'a 64-bit integer')
}
