// A message with all its copies, found by key at every broker: in its topic, and where it waits or ended besides. Copies
// keep unique key and keys of their message.
import {
  DEAD_LETTER_TOPIC_PREFIX,
  isDeadLetterTopic,
  isRetryTopic,
  isSystemTopic,
  type MessageRecord,
  popRetryTopicOf,
  PropertyName,
  recordProperties,
  RETRY_TOPIC_PREFIX,
  SystemTopic,
} from '@rocketmq-ts/model'
import type { Context } from '../context.ts'
import { compareText } from '../output/text.ts'
import type { BrokerAddress, Session } from '../session.ts'
import { askAll } from './ask-all.ts'
import { keysOf } from './message-text.ts'

/** What a record is to the message that it belongs to. */
export type CopyKind = 'message' | 'half' | 'undecided' | 'delayed' | 'recall' | 'retry' | 'dead'

export interface FoundCopy {
  readonly kind: CopyKind
  readonly broker: BrokerAddress
  readonly record: MessageRecord
  readonly properties: ReadonlyMap<string, string>
  readonly bodyBytes: number
  /** Of a retry or a dead letter. */
  readonly group: string | undefined
}

export interface CopiesQuestion {
  /** Undefined: all topics of users are asked for. */
  readonly topic: string | undefined
  readonly key: string
  /** Of one message, not of all that carry the key. */
  readonly isUniqueKey: boolean
  readonly fromMs: number
  readonly toMs: number
  /** The newest ones of each topic at each broker. */
  readonly max: number
}

export interface FoundCopies {
  /** By the time at which they were stored. */
  readonly copies: readonly FoundCopy[]
  /** A broker stopped at a bound: there may be more. */
  readonly isCut: boolean
  /** No broker that answered has the topic. */
  readonly isUnknownTopic: boolean
  /** Some broker did not answer. */
  readonly failed: boolean
}

/** Topics that one broker is asked for copies in, at most. */
const COPY_TOPICS_MAX = 1024
/** Questions under way at one broker. */
const QUESTIONS_AT_ONCE = 8
/** Where messages wait before they are in their topic, or end without it. */
const HELD_TOPICS: readonly string[] = [
  SystemTopic.HALF,
  SystemTopic.CHECK_MAX_TIME,
  SystemTopic.SCHEDULE,
  SystemTopic.TIMER,
]

/** Asks the brokers; who does not answer is named on standard error. */
export async function findCopies(
  context: Context,
  brokers: readonly BrokerAddress[],
  question: CopiesQuestion,
): Promise<FoundCopies> {
  const session = await context.session()
  const { answers, failed } = await askAll(context, brokers, (address) => copiesAt(session, address, question))
  const copies = answers.flatMap(({ broker, value }) => value.records.map((record) => copyOf(broker, record)))
  return {
    copies: copies.filter((copy) => isOf(copy, question.topic)).sort(byTime),
    isCut: answers.some(({ value }) => value.isCut),
    isUnknownTopic: answers.length > 0 && answers.every(({ value }) => !value.hasTopic),
    failed,
  }
}

async function copiesAt(session: Session, address: string, question: CopiesQuestion) {
  const configs = await session.brokers.topicConfigs(address)
  const names = configs.map(({ topicName }) => topicName)
  const wanted = topicsWithCopies(question.topic, names)
  const topics = wanted.slice(0, COPY_TOPICS_MAX)
  const records: MessageRecord[] = []
  let isCut = topics.length < wanted.length
  for (let from = 0; from < topics.length; from += QUESTIONS_AT_ONCE) {
    const answers = await Promise.all(
      topics
        .slice(from, from + QUESTIONS_AT_ONCE)
        .map((topic) => session.brokers.queryMessages(address, { ...question, topic })),
    )
    for (const answer of answers) {
      records.push(...answer.records)
      isCut ||= answer.isCut
    }
  }
  return { records, isCut, hasTopic: hasTopic(question.topic, names) }
}

function hasTopic(topic: string | undefined, names: readonly string[]): boolean {
  return topic === undefined || names.includes(topic) || isSystemTopic(topic)
}

/** Brokers have the held topics without naming them in their lists. */
function topicsWithCopies(topic: string | undefined, names: readonly string[]): string[] {
  if (topic === undefined) return [...HELD_TOPICS, ...names.filter((name) => !isSystemTopic(name))]
  if (isRetryTopic(topic) || isDeadLetterTopic(topic) || isSystemTopic(topic)) return [topic]
  return [topic, ...HELD_TOPICS, ...names.filter((name) => isDeadLetterTopic(name) || isRetryTopic(name))]
}

export function copyOf(broker: BrokerAddress, record: MessageRecord): FoundCopy {
  const properties = recordProperties(record)
  const kind = kindOf(record.topic, properties)
  const bodyBytes = record.body.length
  return { kind, broker, record, properties, bodyBytes, group: groupOf(record.topic, properties) }
}

const NOTHING = new Uint8Array(0)

/** For long lists: without what would keep whole answers of brokers in memory. */
export function listedCopyOf(broker: BrokerAddress, record: MessageRecord): FoundCopy {
  const copy = copyOf(broker, record)
  return { ...copy, record: { ...record, body: NOTHING, properties: NOTHING } }
}

function kindOf(topic: string, properties: ReadonlyMap<string, string>): CopyKind {
  if (topic === SystemTopic.HALF) return 'half'
  if (topic === SystemTopic.CHECK_MAX_TIME) return 'undecided'
  if (topic === SystemTopic.SCHEDULE) return 'delayed'
  if (topic === SystemTopic.TIMER) return properties.has(PropertyName.TIMER_DEL_UNIQKEY) ? 'recall' : 'delayed'
  if (isDeadLetterTopic(topic)) return 'dead'
  return isRetryTopic(topic) ? 'retry' : 'message'
}

/** A pop retry topic names group and topic; which part is which, the topic of the message tells. */
function groupOf(topic: string, properties: ReadonlyMap<string, string>): string | undefined {
  if (isDeadLetterTopic(topic)) return topic.slice(DEAD_LETTER_TOPIC_PREFIX.length)
  if (!isRetryTopic(topic)) return undefined
  const names = topic.slice(RETRY_TOPIC_PREFIX.length)
  const real = properties.get(PropertyName.RETRY_TOPIC)
  for (const version of [1, 2] as const) {
    const end = real === undefined ? '' : popRetryTopicOf('', real, version).slice(RETRY_TOPIC_PREFIX.length)
    if (end !== '' && names.endsWith(end)) return names.slice(0, -end.length)
  }
  return names
}

/** Keys are no ids: another topic's message may carry the same one, and have copies too. */
function isOf({ record, properties }: FoundCopy, topic: string | undefined): boolean {
  if (topic === undefined || record.topic === topic) return true
  const { REAL_TOPIC, RETRY_TOPIC, DLQ_ORIGIN_TOPIC } = PropertyName
  const told = properties.get(DLQ_ORIGIN_TOPIC) ?? properties.get(REAL_TOPIC) ?? properties.get(RETRY_TOPIC)
  if (told !== undefined) return told === topic
  return record.topic.endsWith(`_${topic}`) || record.topic.endsWith(`+${topic}`)
}

export function byTime(left: FoundCopy, right: FoundCopy): number {
  return (
    left.record.storeTimestampMs - right.record.storeTimestampMs ||
    compareText(left.broker.brokerName, right.broker.brokerName) ||
    left.record.commitLogOffset - right.record.commitLogOffset
  )
}

/** What an operator calls the message. A message without a unique key is called by its place. */
export function idOfCopy({ properties, broker, record }: FoundCopy): string {
  return properties.get(PropertyName.UNIQ_KEY) ?? placeText({ broker, record })
}

/** `broker-a/orders/0@5` */
export function placeText({ broker, record }: Pick<FoundCopy, 'broker' | 'record'>): string {
  return `${broker.brokerName}/${record.topic}/${record.queueId}@${record.queueOffset}`
}

/** `retry of billing`. */
export function kindText({ kind, group }: FoundCopy): string {
  return group === undefined ? kind : `${kind} of ${group}`
}

/** For programs, without the body. */
export function copyDocument(copy: FoundCopy) {
  const { kind, group, broker, record, properties, bodyBytes } = copy
  return {
    messageId: idOfCopy(copy),
    kind,
    ...(group !== undefined && { group }),
    topic: record.topic,
    brokerName: broker.brokerName,
    queueId: record.queueId,
    queueOffset: record.queueOffset,
    commitLogOffset: record.commitLogOffset,
    tag: properties.get(PropertyName.TAGS),
    keys: keysOf(properties),
    bornMs: record.bornTimestampMs,
    storedMs: record.storeTimestampMs,
    reconsumeTimes: record.reconsumeTimes,
    bodyBytes,
  }
}
