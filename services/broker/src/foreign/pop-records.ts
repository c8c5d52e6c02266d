// What Apache's broker writes about its pops: checkpoints (`ck`) and acknowledgements (`ack`, `bAck`) as JSON bodies of
// timer messages, and the order file. Java: PopCheckPoint, AckMsg, BatchAckMsg, ConsumerOrderInfoManager.
import { type JavaJson, JsonFields, parseJavaJson } from '@rocketmq-ts/model'

/** Most messages of one checkpoint. Java: the bit mask is an int. */
export const CHECKPOINT_MESSAGES_MAX = 32
/** Body of one record, at most: 32 offsets and two names. */
const RECORD_BYTES_MAX = 64 * 1024
/** Offsets of one batch acknowledgement, at most. */
const BATCH_OFFSETS_MAX = 65_536

/** Which pop of which queue. */
export interface PopIdentity {
  readonly topic: string
  readonly group: string
  readonly queueId: number
  readonly startOffset: number
  readonly popTime: number
}

export type PopRecord =
  | {
      readonly kind: 'checkpoint'
      readonly pop: PopIdentity
      readonly invisibleMs: number
      /** Queue offsets of its messages; bit i of `acked` is the i-th of them. */
      readonly offsets: readonly number[]
      readonly acked: number
    }
  | { readonly kind: 'ack'; readonly pop: PopIdentity; readonly offsets: readonly number[] }

function natural(fields: JsonFields, name: string): number {
  const value = fields.integer(name)
  if (value < 0) throw fields.wrong(name, 'an integer from 0 on')
  return value
}

function naturals(fields: JsonFields, name: string, max: number): number[] {
  const items = fields.items(name)
  if (items.length > max) throw fields.wrong(name, `at most ${max} integers`)
  return items.map((item) => {
    if (typeof item !== 'number' || !Number.isSafeInteger(item) || item < 0)
      throw fields.wrong(name, 'integers from 0 on')
    return item
  })
}

function identityOf(fields: JsonFields): PopIdentity {
  return {
    topic: fields.text('t'),
    group: fields.text('c'),
    queueId: natural(fields, 'q'),
    startOffset: natural(fields, 'so'),
    popTime: natural(fields, 'pt'),
  }
}

/** Tag of a record's message as Apache's broker writes it; others are none of these records. */
export function isPopTag(tag: string | undefined): tag is 'ck' | 'ack' | 'bAck' {
  return tag === 'ck' || tag === 'ack' || tag === 'bAck'
}

/** Reads the body of a message with this tag. MqError 'parameter-invalid' names what is wrong. */
export function decodePopRecord(tag: 'ck' | 'ack' | 'bAck', body: Uint8Array): PopRecord {
  const fields = new JsonFields(parseJavaJson(body, { bytesMax: RECORD_BYTES_MAX }), tag)
  const pop = identityOf(fields)
  if (tag === 'ack') return { kind: 'ack', pop, offsets: [natural(fields, 'ao')] }
  if (tag === 'bAck') return { kind: 'ack', pop, offsets: naturals(fields, 'aol', BATCH_OFFSETS_MAX) }
  const count = natural(fields, 'n')
  if (count < 1 || count > CHECKPOINT_MESSAGES_MAX) throw fields.wrong('n', `1 to ${CHECKPOINT_MESSAGES_MAX}`)
  const differences = naturals(fields, 'd', CHECKPOINT_MESSAGES_MAX)
  if (differences.length !== 0 && differences.length < count) throw fields.wrong('d', `${count} integers, or none`)
  const offsets = Array.from({ length: count }, (_, index) => pop.startOffset + (differences[index] ?? index))
  return {
    kind: 'checkpoint',
    pop,
    invisibleMs: natural(fields, 'it'),
    offsets,
    acked: fields.int32('bm', 0),
  }
}

/** A delivery in order that is neither acknowledged nor over. */
export interface OrderedDelivery {
  readonly topic: string
  readonly group: string
  readonly queueId: number
  /** Of every message of the batch, acknowledged or not; ascending. */
  readonly offsets: readonly number[]
  readonly isAcked: (index: number) => boolean
  readonly popTime: number
  /** When the message comes again. */
  readonly visibleMs: (offset: number) => number
  readonly attempts: (offset: number) => number
}

function countOf(value: JavaJson | undefined): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined
}

/** One queue of `consumerOrderInfo.json`. MqError 'parameter-invalid' names what is wrong. */
export function decodeOrderInfo(
  queue: { readonly topic: string; readonly group: string; readonly queueId: number },
  json: JavaJson,
): OrderedDelivery {
  const fields = new JsonFields(json, `${queue.topic}@${queue.group}.${queue.queueId}`)
  const [first = 0, ...differences] = naturals(fields, 'o', BATCH_OFFSETS_MAX)
  const raw = fields.raw('cm') ?? 0
  if (typeof raw !== 'number' && typeof raw !== 'bigint') throw fields.wrong('cm', 'an integer')
  const acked = BigInt.asUintN(64, BigInt(raw))
  const popTime = natural(fields, 'popTime')
  const invisibleMs = fields.raw('i') === undefined ? 0 : natural(fields, 'i')
  const visible = fields.object('ot')
  const consumed = fields.object('oc')
  return {
    ...queue,
    offsets: fields.items('o').length === 0 ? [] : [first, ...differences.map((each) => first + each)],
    isAcked: (index) => index < 64 && ((acked >> BigInt(index)) & 1n) === 1n,
    popTime,
    visibleMs: (offset) => countOf(visible.raw(String(offset))) ?? popTime + invisibleMs,
    attempts: (offset) => (countOf(consumed.raw(String(offset))) ?? 0) + 1,
  }
}
