// What a half message looks like: parked in a topic of the system until its producer decides, and what it becomes then.
// Pure. Java: TransactionalMessageBridge.parseHalfMessageInner, EndTransactionProcessor.endMessageTransaction.
import { type MessageRecord, PropertyName, SysFlag, SystemGroup, SystemTopic } from '@rocketmq-ts/model'
import { type NewRecord, tagsCodeIn } from '@rocketmq-ts/store'
import { INVISIBLE_TIME_MS_MAX, SECOND_MS } from '../limits.ts'
import { HIDDEN_PROPERTY, ORIGIN_PROPERTY, propertiesTextOf } from '../pop/copies.ts'
import { entryOf, findProperty, withEntries, withoutProperties } from '../send/property-text.ts'

/** Half messages are the deliveries of this group in this queue: in flight until decided, released when to be checked. */
export const HALF_QUEUE = { topic: SystemTopic.HALF, group: SystemGroup.TRANSACTION, queueId: 0 } as const

/** A client may not set these, and a delay means nothing to a transaction. */
const PARKED_WITHOUT: ReadonlySet<string> = new Set([
  PropertyName.REAL_TOPIC,
  PropertyName.REAL_QID,
  PropertyName.TRANSACTION_ID,
  PropertyName.TRANSACTION_CHECK_TIMES,
  PropertyName.TRAN_PREPARED_QUEUE_OFFSET,
  PropertyName.DELAY,
])

/** Of the time while it was parked. */
const COMMITTED_WITHOUT: ReadonlySet<string> = new Set([
  PropertyName.REAL_TOPIC,
  PropertyName.REAL_QID,
  PropertyName.TRANSACTION_CHECK_TIMES,
  PropertyName.TRAN_PREPARED_QUEUE_OFFSET,
  PropertyName.CHECK_IMMUNITY_TIME_IN_SECONDS,
  PropertyName.FIRST_POP_TIME,
  ORIGIN_PROPERTY,
  HIDDEN_PROPERTY,
])

/** Whether the properties make a message a half one. Java: Boolean.parseBoolean. */
export function isHalf(properties: string): boolean {
  return findProperty(properties, PropertyName.TRAN_MSG)?.toLowerCase() === 'true'
}

/** The properties of a message while it is parked. */
export function parkedProperties(sent: string, topic: string, queueId: number): string {
  let text = sent
  for (const name of PARKED_WITHOUT) {
    if (!text.includes(name)) continue
    text = withoutProperties(text, (each) => PARKED_WITHOUT.has(each))
    break
  }
  const key = findProperty(text, PropertyName.UNIQ_KEY)
  const id = key === undefined ? '' : entryOf(PropertyName.TRANSACTION_ID, key)
  return withEntries(
    text,
    entryOf(PropertyName.REAL_TOPIC, topic) + entryOf(PropertyName.REAL_QID, String(queueId)) + id,
  )
}

/** How long its producer has until it is asked for the first time; undefined where the message does not say. */
export function immunityMsOf(properties: string): number | undefined {
  const seconds = Number(findProperty(properties, PropertyName.CHECK_IMMUNITY_TIME_IN_SECONDS) ?? Number.NaN)
  return seconds > 0 ? Math.min(seconds * SECOND_MS, INVISIBLE_TIME_MS_MAX) : undefined
}

/** A half message that was read. */
export interface HalfMessage {
  readonly record: MessageRecord
  /** Its properties. */
  readonly text: string
  readonly realTopic: string
  readonly realQueueId: number
  /** Who is asked about it. */
  readonly producerGroup: string
  readonly uniqueKey: string | undefined
}

/** Undefined where a record of the half topic does not say where it belongs: nobody can decide it. */
export function halfMessageOf(record: MessageRecord): HalfMessage | undefined {
  const text = propertiesTextOf(record)
  const realTopic = findProperty(text, PropertyName.REAL_TOPIC)
  const realQueueId = Number(findProperty(text, PropertyName.REAL_QID) ?? Number.NaN)
  if (realTopic === undefined || !Number.isSafeInteger(realQueueId) || realQueueId < 0) return undefined
  return {
    record,
    text,
    realTopic,
    realQueueId,
    producerGroup: findProperty(text, PropertyName.PGROUP) ?? '',
    uniqueKey: findProperty(text, PropertyName.UNIQ_KEY),
  }
}

/** The message as consumers get it: in its own topic, and with the place of the half one. */
export function committedRecord(
  { record, text, realTopic }: HalfMessage,
  queueId: number,
  storeHost: NewRecord['storeHost'],
): NewRecord {
  const properties = Buffer.from(
    withoutProperties(text, (name) => COMMITTED_WITHOUT.has(name)),
    'latin1',
  )
  return {
    topic: realTopic,
    queueId,
    flag: record.flag,
    sysFlag: (record.sysFlag & ~SysFlag.TRANSACTION_MASK) | SysFlag.TRANSACTION_COMMIT,
    bornTimestampMs: record.bornTimestampMs,
    bornHost: record.bornHost,
    storeHost,
    reconsumeTimes: 0,
    preparedTransactionOffset: record.commitLogOffset,
    body: record.body,
    properties,
    tagsCode: tagsCodeIn(properties),
  }
}
