// From the body of a pop answer to messages with their receipt handles. Java: MQClientAPIImpl.processPopResponse.
import {
  decodeRecords,
  formatReceiptHandle,
  MqError,
  parseMessageOffsetInfo,
  parseOrderCountInfo,
  parseReceiptHandle,
  parseStartOffsetInfo,
  popRetryTopicOf,
  PropertyName,
  recordProperties,
  type MessageRecord,
  type PopTopicKind,
  type QueueOffset,
  type ReceiptHandle,
} from '@rocketmq-ts/model'
import type { PopMessageAnswer } from '@rocketmq-ts/remoting'

export interface PoppedMessage {
  readonly record: MessageRecord
  readonly properties: ReadonlyMap<string, string>
  /** Names this delivery; `handleText` is its text without the commit log offset. */
  readonly handle: ReceiptHandle
  readonly handleText: string
  /** Deliveries before this one. */
  readonly reconsumeTimes: number
}

/** What was asked, and of whom. */
export interface PopQuestion {
  readonly topic: string
  readonly consumerGroup: string
  readonly brokerName: string
}

function place(kind: PopTopicKind, queueId: number, offset?: number): string {
  return offset === undefined ? `${kind} ${queueId}` : `${kind} ${queueId} ${offset}`
}

function kindOf(topic: string, question: PopQuestion): PopTopicKind {
  if (topic === popRetryTopicOf(question.consumerGroup, question.topic, 1)) return 'retry-v1'
  if (topic === popRetryTopicOf(question.consumerGroup, question.topic, 2)) return 'retry-v2'
  return 'normal'
}

/** Everything an answer tells about handles, ready for look-ups. */
class HandleSource {
  readonly #question: PopQuestion
  readonly #answer: PopMessageAnswer
  readonly #starts = new Map<string, QueueOffset>()
  readonly #delivered = new Set<string>()
  readonly #counts = new Map<string, number>()

  constructor(question: PopQuestion, answer: PopMessageAnswer) {
    this.#question = question
    this.#answer = answer
    for (const { topicKind, queueId, startOffset } of parseStartOffsetInfo(answer.startOffsetInfo ?? '')) {
      this.#starts.set(place(topicKind, queueId), startOffset)
    }
    for (const { topicKind, queueId, queueOffsets } of parseMessageOffsetInfo(answer.msgOffsetInfo ?? '')) {
      for (const offset of queueOffsets) this.#delivered.add(place(topicKind, queueId, offset))
    }
    for (const count of parseOrderCountInfo(answer.orderCountInfo ?? '')) {
      this.#counts.set(place(count.topicKind, count.queueId, count.queueOffset), count.consumeTimes)
    }
  }

  handle(record: MessageRecord): ReceiptHandle {
    const kind = kindOf(record.topic, this.#question)
    const { queueId, queueOffset } = record
    // Without a list of starts every message is a batch of its own.
    const startOffset = this.#starts.size === 0 ? queueOffset : this.#starts.get(place(kind, queueId))
    const listed = this.#delivered.size === 0 || this.#delivered.has(place(kind, queueId, queueOffset))
    if (startOffset === undefined || !listed) {
      const where = `topic ${record.topic}, queue ${queueId}, offset ${queueOffset}`
      throw new MqError('protocol', `pop answer of ${this.#question.brokerName} does not list a message (${where})`)
    }
    return {
      startOffset,
      popTimeMs: this.#answer.popTimeMs,
      invisibleMs: this.#answer.invisibleTimeMs,
      reviveQueueId: this.#answer.reviveQid,
      topicKind: kind,
      brokerName: this.#question.brokerName,
      queueId,
      queueOffset,
    }
  }

  reconsumeTimes(record: MessageRecord): number {
    const kind = kindOf(record.topic, this.#question)
    const { queueId, queueOffset, reconsumeTimes } = record
    const count = this.#counts.get(place(kind, queueId, queueOffset)) ?? this.#counts.get(place(kind, queueId)) ?? 0
    return count > 0 ? count : reconsumeTimes
  }
}

/**
 * Messages of a pop answer in its order. A message that carries its handle (from a retry topic) keeps it. Throws
 * MqError 'protocol' for a record that can not be read or that the answer does not list.
 */
export function readPopped(question: PopQuestion, answer: PopMessageAnswer, body: Uint8Array): PoppedMessage[] {
  const source = new HandleSource(question, answer)
  return decodeRecords(body).map((record) => {
    const properties = recordProperties(record)
    const carried = properties.get(PropertyName.POP_CK)
    const handle = carried === undefined ? source.handle(record) : parseReceiptHandle(carried, record.queueOffset)
    return {
      record,
      properties,
      handle,
      handleText: formatReceiptHandle(handle),
      reconsumeTimes: source.reconsumeTimes(record),
    }
  })
}
