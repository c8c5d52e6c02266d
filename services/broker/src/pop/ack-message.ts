// ACK_MESSAGE and BATCH_ACK_MESSAGE: settle deliveries. A handle acts only on an equal (queue, offset, pop time);
// anything else is a success without effect. Java: AckMessageProcessor.
import { MqError, decodeBitset, parseJavaJson, parseReceiptHandle } from '@rocketmq-ts/model'
import { type AckMessageHeader, type IncomingRequest, ResponseCode } from '@rocketmq-ts/remoting'
import type { Turns } from '@rocketmq-ts/runtime'
import type { QueueReader } from '@rocketmq-ts/store'
import { utf8Decode } from '@rocketmq-ts/bytes'
import type { Inflight } from '../inflight/inflight.ts'
import { BATCH_ACK_ENTRIES_MAX } from '../limits.ts'
import type { TopicTable } from '../topics/topic-table.ts'

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
    const { topic, consumerGroup, queueId, queueOffset, extraInfo } = request.header
    checkQueueId(deps.topics, topic, queueId)
    const handle = parseReceiptHandle(extraInfo, queueOffset)
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

/** One element of a batch ack. Java: BatchAck, with its one-letter names. */
interface BatchAckEntry {
  readonly group: string
  readonly topic: string
  readonly startOffset: number
  readonly queueId: number
  readonly popTimeMs: number
  readonly bits: readonly number[]
}

function batchAckEntries(body: Uint8Array): BatchAckEntry[] {
  const parsed = parseJavaJson(utf8Decode(body, 'body')) as { acks?: unknown }
  if (!Array.isArray(parsed?.acks)) throw new MqError('parameter-invalid', 'acks: expected an array')
  if (parsed.acks.length > BATCH_ACK_ENTRIES_MAX) {
    throw new MqError(
      'parameter-invalid',
      `acks has ${parsed.acks.length} entries; allowed are ${BATCH_ACK_ENTRIES_MAX}`,
    )
  }
  return parsed.acks.map((each: unknown, index) => {
    const ack = (each ?? {}) as Record<string, unknown>
    return {
      group: textField(ack['c'], `acks[${index}].c`),
      topic: textField(ack['t'], `acks[${index}].t`),
      startOffset: integerField(ack['so'], `acks[${index}].so`),
      queueId: integerField(ack['q'], `acks[${index}].q`),
      popTimeMs: integerField(ack['pt'], `acks[${index}].pt`),
      bits: decodeBitset(textField(ack['b'], `acks[${index}].b`)),
    }
  })
}

function textField(value: unknown, field: string): string {
  if (typeof value !== 'string') throw new MqError('parameter-invalid', `${field}: expected a text`)
  return value
}

function integerField(value: unknown, field: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
    throw new MqError('parameter-invalid', `${field}: expected an integer from 0 on`)
  }
  return value
}

/** The handler of batch acks. Entries of unknown topics are left out, as in Java. */
export function createBatchAckMessage(deps: AckDeps) {
  return function batchAckMessage(request: IncomingRequest): void {
    for (const entry of batchAckEntries(request.body)) {
      const queue = deps.inflight.queue(entry.topic, entry.group, entry.queueId)
      if (queue === undefined) continue
      for (const bit of entry.bits) deps.inflight.ack(queue, entry.startOffset + bit, entry.popTimeMs)
    }
    deps.turns.release('written', () => request.respond({ code: ResponseCode.SUCCESS }))
  }
}
