// Copies of messages that go on in another topic: the dead-letter topic, or the group's retry topic. The copy is the settle:
// it carries its origin, and applying that record settles the message, live and at replay. So there is no window between
// two writes. The journal of the same Turn says so once more, because a topic may be deleted with all its records.
import { MqError, PropertyName, decodeRecord } from '@rocketmq-ts/model'
import { type Appender, type QueueReader, type Unit, type UnitReader, tagsCodeIn } from '@rocketmq-ts/store'
import type { HostPort } from '../host-port.ts'
import type { Delivery, Origin } from '../inflight/inflight.ts'
import { PROPERTIES_BYTES_MAX } from '../limits.ts'
import {
  OWN_PROPERTY_PREFIX,
  findProperty,
  propertiesThatFit,
  withProperty,
  withoutProperties,
} from '../send/property-text.ts'
import { locate } from './take-messages.ts'

/** incarnation queueId queueOffset popTime group topic, separated by spaces. */
export const ORIGIN_PROPERTY = `${OWN_PROPERTY_PREFIX}ORIGIN`

/** Copies go into this queue of their topic. */
export const COPY_QUEUE_ID = 0
/** Wall milliseconds: until then the copy is in flight as its origin was. Not there when that was released. */
export const HIDDEN_PROPERTY = `${OWN_PROPERTY_PREFIX}HIDDEN`

/** The origin as a property value. */
export function formatOrigin(origin: Origin): string {
  const { incarnation, queueId, offset, popTime, group, topic } = origin
  return `${incarnation} ${queueId} ${offset} ${popTime} ${group} ${topic}`
}

/** Properties as text that keeps every byte: names and separators are ASCII, values may be anything. */
export function propertiesTextOf({ properties }: { readonly properties: Uint8Array }): string {
  return Buffer.from(properties.buffer, properties.byteOffset, properties.byteLength).toString('latin1')
}

/** The origin that a record's properties carry; undefined without one. */
export function originOf(properties: string): Origin | undefined {
  const parts = findProperty(properties, ORIGIN_PROPERTY)?.split(' ')
  const [incarnation, queueId, offset, popTime, group, topic] = parts ?? []
  if (topic === undefined || group === undefined) return undefined
  const numbers = [incarnation, queueId, offset, popTime].map(Number)
  if (!numbers.every((each) => Number.isSafeInteger(each) && each >= 0)) return undefined
  const [life = 0, queue = 0, at = 0, time = 0] = numbers
  return { incarnation: life, queueId: queue, offset: at, popTime: time, group, topic }
}

/**
 * Queue offset by which the producer of a half message knows it, where this is a copy: copies of copies keep it, whatever
 * became of those between. Java: TransactionalMessageServiceImpl.putImmunityMsgBackToHalfQueue.
 */
export function toldOffsetOf(properties: string): number | undefined {
  const offset = Number(findProperty(properties, PropertyName.TRAN_PREPARED_QUEUE_OFFSET) ?? Number.NaN)
  return Number.isSafeInteger(offset) && offset >= 0 ? offset : undefined
}

/** How long a copy stays hidden, see `HIDDEN_PROPERTY`. */
export function hiddenToOf(properties: string): number | undefined {
  const deadlineMs = Number(findProperty(properties, HIDDEN_PROPERTY) ?? Number.NaN)
  return Number.isSafeInteger(deadlineMs) && deadlineMs >= 0 ? deadlineMs : undefined
}

/**
 * Where the message of a delivery lies; undefined where its queue has no readable record for it. Rejects with MqError 'busy'
 * while nobody can read the message yet: a copy is in flight before it is flushed, and a full disk makes it wait.
 */
export async function placeOf(reader: QueueReader, { queue, offset, attempts }: Delivery): Promise<Unit | undefined> {
  if (offset >= reader.bounds(queue.topic, queue.queueId).max) {
    throw new MqError('busy', `queue offset ${offset} can not be read yet: its record waits to be flushed`)
  }
  return locate(reader, { queue, queueOffset: offset, attempt: attempts, unit: undefined })
}

/** The record of a delivery. Rejects with MqError 'damaged' where there is none. */
export async function recordOf(store: QueueReader & UnitReader, delivery: Delivery): Promise<Uint8Array> {
  const place = await placeOf(store, delivery)
  if (place === undefined) throw new MqError('damaged', `queue offset ${delivery.offset} has no readable record`)
  return store.readUnit(delivery.queue, place)
}

export interface Copy {
  readonly delivery: Delivery
  /** The whole record. */
  readonly bytes: Uint8Array
  /** Into queue `COPY_QUEUE_ID` of it. */
  readonly topic: string
  /** Own properties of the copy, instead of those that the message has by the same names. */
  properties(original: ReturnType<typeof decodeRecord>, text: string): Iterable<readonly [name: string, value: string]>
  /** From what the record itself counts. */
  reconsumeTimes(stored: number): number
}

/**
 * Appends a copy that settles its origin; returns its place and what it counts. Throws what the store throws, with
 * nothing appended.
 */
export function appendCopy(store: Appender, storeHost: HostPort, copy: Copy) {
  const { delivery, bytes, topic } = copy
  const { queue, offset, popTime } = delivery
  const original = decodeRecord(bytes)
  const text = propertiesTextOf(original)
  const entries = [...copy.properties(original, text)]
  const { incarnation, group, queueId } = queue
  entries.push([ORIGIN_PROPERTY, formatOrigin({ topic: queue.topic, incarnation, group, queueId, offset, popTime })])
  // A copy of a copy is hidden by its own time, or not at all.
  const replaced = new Set([HIDDEN_PROPERTY, ...entries.map(([name]) => name)])
  const kept = withoutProperties(text, (name) => replaced.has(name))
  let own = ''
  for (const [name, value] of entries) own = withProperty(own, name, value)
  const properties = Buffer.from(propertiesThatFit(kept, PROPERTIES_BYTES_MAX - own.length) + own, 'latin1')
  const reconsumeTimes = copy.reconsumeTimes(original.reconsumeTimes)
  const record = {
    topic,
    queueId: COPY_QUEUE_ID,
    flag: original.flag,
    sysFlag: original.sysFlag,
    bornTimestampMs: original.bornTimestampMs,
    bornHost: original.bornHost,
    storeHost,
    reconsumeTimes,
    preparedTransactionOffset: 0,
    body: original.body,
    properties,
    tagsCode: tagsCodeIn(properties),
  }
  return { ...store.append(record, { copy: true }), reconsumeTimes }
}
