// ACK_MESSAGE and BATCH_ACK_MESSAGE: settle deliveries. A handle acts only on an equal (queue, offset, pop time);
// anything else is a success without effect. Java: AckMessageProcessor.
import { MqError, ORDERED_REVIVE_QUEUE_ID, parseReceiptHandle } from '@rocketmq-ts/model'
import { type AckMessageHeader, type IncomingRequest, ResponseCode, decodeBatchAckBody } from '@rocketmq-ts/remoting'
import type { Turns } from '@rocketmq-ts/runtime'
import type { QueueReader } from '@rocketmq-ts/store'
import type { Inflight } from '../inflight/inflight.ts'
import type { TopicTable } from '../topics/topic-table.ts'
import type { MovedDeliveries } from './moved-deliveries.ts'
import { placeTopicOf } from './retry-topics.ts'

export interface AckDeps {
  readonly inflight: Inflight
  readonly moved: Pick<MovedDeliveries, 'act' | 'has'>
  readonly reader: QueueReader
  readonly topics: TopicTable
  readonly turns: Pick<Turns, 'release'>
}

/** Settling a delivery in order lets the next one go: it is to be as durable as a send. Others are cheap to repeat. */
export function heldUntil(reviveQueueId: number): 'written' | 'flushed' {
  return reviveQueueId === ORDERED_REVIVE_QUEUE_ID ? 'flushed' : 'written'
}

/** The queue of a topic must exist. Java: MESSAGE_ILLEGAL for a queue out of range. */
export function checkQueueId(topics: TopicTable, topicName: string, queueId: number): void {
  const { config } = topics.require(topicName)
  if (queueId < 0 || queueId >= config.readQueueNums) {
    throw new MqError(
      'message-illegal',
      `queueId is ${queueId}; topic '${topicName}' has queues 0 to ${config.readQueueNums - 1}`,
    )
  }
}

/** The handler of single acks. */
export function createAckMessage(deps: AckDeps) {
  return function ackMessage(request: IncomingRequest<AckMessageHeader>): void {
    const { consumerGroup, queueId, queueOffset, extraInfo } = request.header
    deps.topics.require(request.header.topic)
    const handle = parseReceiptHandle(extraInfo, queueOffset)
    const topic = placeTopicOf(request.header.topic, consumerGroup, handle.topicKind)
    checkQueueId(deps.topics, topic, queueId)
    const place = { topic, group: consumerGroup, queueId, offset: queueOffset }
    const bounds = deps.reader.bounds(topic, queueId)
    if ((queueOffset < bounds.min && !deps.moved.has(place)) || queueOffset >= bounds.max) {
      request.respond({
        code: ResponseCode.NO_MESSAGE,
        remark: `offset ${queueOffset} is outside of queue ${queueId} of '${topic}': ${bounds.min} to ${bounds.max - 1}`,
      })
      return
    }
    deps.moved.act(place, (queue, offset) => deps.inflight.ack(queue, offset, handle.popTimeMs) || undefined)
    deps.turns.release(heldUntil(handle.reviveQueueId), () => request.respond({ code: ResponseCode.SUCCESS }))
  }
}

/** The handler of batch acks. Entries of unknown topics are left out, as in Java. */
export function createBatchAckMessage(deps: AckDeps) {
  return function batchAckMessage(request: IncomingRequest): void {
    const { acks } = decodeBatchAckBody(request.body)
    for (const { consumerGroup: group, queueId, ...batch } of acks) {
      const topic = placeTopicOf(batch.topic, group, batch.topicKind)
      for (const each of batch.offsetsFromStart) {
        const place = { topic, group, queueId, offset: batch.startOffset + each }
        deps.moved.act(place, (queue, offset) => deps.inflight.ack(queue, offset, batch.popTimeMs) || undefined)
      }
    }
    const isInOrder = acks.some(({ reviveQid }) => heldUntil(reviveQid) === 'flushed')
    deps.turns.release(isInOrder ? 'flushed' : 'written', () => request.respond({ code: ResponseCode.SUCCESS }))
  }
}
