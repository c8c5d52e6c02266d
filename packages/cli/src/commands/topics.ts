// What the topic commands share: a topic as its brokers together have it, and which topics are nobody's business.
import {
  isDeadLetterTopic,
  isReadable,
  isRetryTopic,
  isSystemTopic,
  isWritable,
  type TopicConfig,
  topicMessageType,
} from '@rocketmq-ts/model'
import type { BrokerAddress } from '../session.ts'

/** A topic's settings at one broker. */
export interface TopicAt {
  readonly broker: BrokerAddress
  readonly config: TopicConfig
}

export function queuesOf({ readQueueNums, writeQueueNums }: TopicConfig): number {
  return Math.max(readQueueNums, writeQueueNums)
}

/** `rw`, `r`, `w` or `-`. */
export function permText(perm: number): string {
  const text = (isReadable(perm) ? 'r' : '') + (isWritable(perm) ? 'w' : '')
  return text === '' ? '-' : text
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
