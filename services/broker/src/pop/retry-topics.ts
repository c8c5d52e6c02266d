// A group's pops of a topic also take from its pop retry topics. Apache writes version 1 of their names and reads both.
import { Perm, type PopTopicKind, isRetryTopic, popRetryTopicOf } from '@rocketmq-ts/model'
import type { QueueReader } from '@rocketmq-ts/store'
import type { Inflight } from '../inflight/inflight.ts'
import type { Topic, TopicTable } from '../topics/topic-table.ts'
import type { MovedDeliveries } from './moved-deliveries.ts'

/** The retry topics that are there and readable. */
export function retryTopicsOf(topics: Pick<TopicTable, 'get'>, group: string, topic: string): readonly Topic[] {
  const found: Topic[] = []
  for (const version of [1, 2] as const) {
    const each = topics.get(popRetryTopicOf(group, topic, version))
    if (each !== undefined && (each.config.perm & Perm.READ) !== 0) found.push(each)
  }
  return found
}

export interface OpenDeps {
  readonly inflight: Pick<Inflight, 'queue' | 'lag'>
  readonly reader: Pick<QueueReader, 'bounds'>
  readonly moved: Pick<MovedDeliveries, 'awaitsCopies'>
}

/** Whether a retry topic has anything that its group has not settled: in order, the topic itself waits for that. */
export function isOpen(
  { inflight, reader, moved }: OpenDeps,
  group: string,
  { config: { topicName, readQueueNums } }: Topic,
): boolean {
  for (let queueId = 0; queueId < readQueueNums; queueId += 1) {
    const { max } = reader.bounds(topicName, queueId)
    const queue = inflight.queue(topicName, group, queueId)
    if (queue === undefined ? max > 0 : inflight.lag(queue, max) > 0 || moved.awaitsCopies(queue)) return true
  }
  return false
}

/** What a queue's topic is to a pop of `topic`. */
export function popKindOf(queueTopic: string, group: string, topic: string): PopTopicKind {
  if (queueTopic === topic) return 'normal'
  return queueTopic === popRetryTopicOf(group, topic, 1) ? 'retry-v1' : 'retry-v2'
}

/**
 * The topic that the message of a handle lies in. Clients name the retry topic themselves, in batches the topic that they
 * know. Java: ExtraInfoUtil.getRealTopic.
 */
export function placeTopicOf(topic: string, group: string, kind: PopTopicKind): string {
  if (kind === 'normal' || isRetryTopic(topic)) return topic
  return popRetryTopicOf(group, topic, kind === 'retry-v1' ? 1 : 2)
}
