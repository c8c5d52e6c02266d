// What the topic commands share: a topic as its brokers together have it, and which topics are nobody's business.
import {
  DedupAttribute,
  type DedupBy,
  isDeadLetterTopic,
  isReadable,
  isRetryTopic,
  isSystemTopic,
  isWritable,
  readAttribute,
  type ShardingQueues,
  RetentionAttribute,
  type TopicConfig,
  topicDedup,
  topicMessageType,
  topicShardingQueues,
  topicRetention,
  type TopicRetention,
} from '@rocketmq-ts/model'
import { formatBytes, formatDuration } from '@rocketmq-ts/config'
import { countText } from '../output/text.ts'
import type { BrokerAddress } from '../session.ts'

/** Options of the commands that set it, as the broker's attributes have them. */
export interface RetentionFlags {
  /** Milliseconds; -1 takes the bound away, also below. */
  readonly retention?: number
  readonly retentionBytes?: number
  readonly retentionCount?: number
}

/** The same for what a topic has already. */
export interface DedupFlags {
  readonly dedup?: DedupBy | 'NONE'
  /** Milliseconds. */
  readonly dedupWindow?: number
}

/** A topic's settings at one broker. */
export interface TopicAt {
  readonly broker: BrokerAddress
  readonly config: TopicConfig
}

/** As many as people see: the larger of the two numbers. */
export function queuesOf({ readQueueNums, writeQueueNums }: TopicConfig): number {
  return Math.max(readQueueNums, writeQueueNums)
}

/** `rw`, `r`, `w` or `-`. */
export function permText(perm: number): string {
  const text = (isReadable(perm) ? 'r' : '') + (isWritable(perm) ? 'w' : '')
  return text === '' ? '-' : text
}

/** The attributes that options ask for. */
export function dedupAttributes({ dedup, dedupWindow }: DedupFlags): ReadonlyMap<string, string> {
  const given = [
    [DedupAttribute.by, dedup],
    [DedupAttribute.window, dedupWindow?.toString()],
  ] as const
  return new Map(given.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])))
}

/** How the topic tells what it has already; empty where it takes everything. */
export function dedupText(config: TopicConfig): string {
  const dedup = readAttribute(() => topicDedup(config))
  return dedup === undefined ? '' : `each ${DEDUP_WORDS[dedup.by]} once in ${formatDuration(dedup.windowMs)}`
}

export const DEDUP_WORDS = { MESSAGE_ID: 'message id', KEY: 'key' } as const satisfies Record<DedupBy, string>

/** The attributes that options ask for; -1 takes a bound away. */
export function retentionAttributes(options: RetentionFlags): ReadonlyMap<string, string> {
  const given = [
    [RetentionAttribute.ms, options.retention],
    [RetentionAttribute.bytes, options.retentionBytes],
    [RetentionAttribute.count, options.retentionCount],
  ] as const
  return new Map(given.flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])))
}

/** How long the topic keeps its messages, as people write it; empty without rules of its own. */
export function retentionText(config: TopicConfig): string {
  const { ms, bytes, count } = retentionOf(config)
  return [
    ...(ms === undefined ? [] : [formatDuration(ms)]),
    ...(bytes === undefined ? [] : [formatBytes(bytes)]),
    ...(count === undefined ? [] : [countText(count, 'message')]),
  ].join(', ')
}

/** Where message groups go; undefined where the topic does not say, or not in our words. */
export function shardingQueuesOf(config: TopicConfig): readonly ShardingQueues[] | undefined {
  return readAttribute(() => topicShardingQueues(config))
}

/** Where message groups go, as people read it; empty where they have no choice, or the topic does not say. */
export function shardingText(config: TopicConfig): string {
  const places = shardingQueuesOf(config) ?? []
  if (places.length < 2) return ''
  return places.map(({ brokerName, queues }) => `${brokerName} (${countText(queues, 'queue')})`).join(', ')
}

/** All settings in one line. */
export function settingsText(config: TopicConfig): string {
  const retention = retentionText(config)
  const keeps = retention === '' ? '' : `, keeps ${retention}`
  const order = shardingText(config)
  const dedup = dedupText(config)
  const once = dedup === '' ? '' : `, ${dedup}`
  const groups = order === '' ? '' : `, sharded over ${order}`
  return `${countText(queuesOf(config), 'queue')}, ${topicMessageType(config)}, ${permText(config.perm)}${keeps}${groups}${once}`
}

function retentionOf(config: TopicConfig): TopicRetention {
  return readAttribute(() => topicRetention(config)) ?? { ms: undefined, bytes: undefined, count: undefined }
}

/** The value, or `mixed` where brokers differ. */
export function common(values: readonly string[]): string {
  return values.every((value) => value === values[0]) ? (values[0] ?? '-') : 'mixed'
}

/** For programs. */
export function topicDocument(name: string, places: readonly TopicAt[]) {
  return {
    topic: name,
    type: common(places.map(({ config }) => topicMessageType(config))),
    queues: places.reduce((sum, { config }) => sum + queuesOf(config), 0),
    perm: common(places.map(({ config }) => permText(config.perm))),
    brokers: places.map(({ broker }) => broker.brokerName),
  }
}

/** Topics that nobody made: of the system, of clusters and brokers, and those that hold a group's failures. */
export function isHidden(name: string, brokers: readonly BrokerAddress[]): boolean {
  return (
    isSystemTopic(name) ||
    isRetryTopic(name) ||
    isDeadLetterTopic(name) ||
    brokers.some((broker) => broker.cluster === name || broker.brokerName === name) ||
    name.endsWith('_REPLY_TOPIC')
  )
}
