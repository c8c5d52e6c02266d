// ACK_MESSAGE and BATCH_ACK_MESSAGE: settle deliveries. A handle acts only on an equal (queue, offset, pop time);
// anything else is a success without effect. Java: AckMessageProcessor.
import { MqError, parseReceiptHandle } from '@rocketmq-ts/model'
import { type AckMessageHeader, type IncomingRequest, ResponseCode, decodeBatchAckBody } from '@rocketmq-ts/remoting'
import type { Turns } from '@rocketmq-ts/runtime'
import type { QueueReader } from '@rocketmq-ts/store'
import type { Inflight } from '../inflight/inflight.ts'
import type { TopicTable } from '../topics/topic-table.ts'
import { placeTopicOf } from './retry-topics.ts'

export interface AckDeps {
  readonly inflight: Inflight
  readonly reader: QueueReader
  readonly topics: TopicTable
  readonly turns: Pick<Turns, 'release'>
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
    const handle = parseReceiptHandle(extraInfo, queueOffset)
    const topic = placeTopicOf(request.header.topic, consumerGroup, handle.topicKind)
    checkQueueId(deps.topics, topic, queueId)
    const bounds = deps.reader.bounds(topic, queueId)
    if (queueOffset < bounds.min || queueOffset >= bounds.max) {
      request.respond({
        code: ResponseCode.NO_MESSAGE,
        remark: `offset ${queueOffset} is outside of queue ${queueId} of '${topic}': ${bounds.min} to ${bounds.max - 1}`,
      })
      return
    }
    const queue = deps.inflight.queue(topic, consumerGroup, queueId)
    if (queue !== undefined) deps.inflight.ack(queue, queueOffset, handle.popTimeMs)
    deps.turns.release('written', () => request.respond({ code: ResponseCode.SUCCESS }))
  }
}

/** The handler of batch acks. Entries of unknown topics are left out, as in Java. */
export function createBatchAckMessage(deps: AckDeps) {
  return function batchAckMessage(request: IncomingRequest): void {
    for (const { consumerGroup, queueId, ...batch } of decodeBatchAckBody(request.body).acks) {
      const topic = placeTopicOf(batch.topic, consumerGroup, batch.topicKind)
      const queue = deps.inflight.queue(topic, consumerGroup, queueId)
      if (queue === undefined) continue
      for (const each of batch.offsetsFromStart) deps.inflight.ack(queue, batch.startOffset + each, batch.popTimeMs)
    }
    deps.turns.release('written', () => request.respond({ code: ResponseCode.SUCCESS }))
  }
}
