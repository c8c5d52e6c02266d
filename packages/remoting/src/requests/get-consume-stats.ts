// GET_CONSUME_STATS: how far a group has consumed each queue. Java: GetConsumeStatsRequestHeader, ConsumeStats.
import { utf8Encode } from '@rocketmq-ts/bytes'
import { JsonFields, parseJavaJson, stringifyJavaJson } from '@rocketmq-ts/model'
import { RequestCode } from '../codec/codes.ts'
import { defineRequest, type RequestHeaderOf } from '../codec/define-request.ts'
import { optional, text } from '../codec/fields.ts'
import { decodeQueueTable, type MessageQueue, queueTable } from './queue-table.ts'

export const GetConsumeStats = defineRequest({
  code: RequestCode.GET_CONSUME_STATS,
  name: 'GET_CONSUME_STATS',
  header: {
    consumerGroup: text(),
    /** Absent or blank: all topics that the group consumes. */
    topic: optional(text()),
    /** Several topics, joined by ';'. */
    topicList: optional(text()),
  },
  answer: {},
})

export type GetConsumeStatsHeader = RequestHeaderOf<typeof GetConsumeStats>

/** A queue as a group consumes it. Java: OffsetWrapper. */
export interface QueueConsumeStats extends MessageQueue {
  /** One past the last message. */
  readonly brokerOffset: number
  /** First message that is not settled. */
  readonly consumerOffset: number
  /** First message that was never delivered. */
  readonly pullOffset: number
  /** When the last settled message was stored, in milliseconds; 0 when none is. */
  readonly lastTimestamp: number
  /** Messages that are not settled, in flight or not. Ours alone, as is the next one. */
  readonly lag?: number
  /** How long the oldest of them has been stored, in milliseconds: 0 without one, −1 where it can not be told. */
  readonly lagMs?: number
}

/** Body of the answer. Java: ConsumeStats. */
export function encodeConsumeStats(queues: readonly QueueConsumeStats[]): Uint8Array {
  return utf8Encode(stringifyJavaJson({ consumeTps: 0, offsetTable: queueTable(queues) }))
}

/** MqError 'parameter-invalid' names the member. */
export function decodeConsumeStats(bytes: Uint8Array): QueueConsumeStats[] {
  return decodeQueueTable(new JsonFields(parseJavaJson(bytes), 'ConsumeStats'), 'offsetTable', (row) => ({
    brokerOffset: row.integer('brokerOffset', 0),
    consumerOffset: row.integer('consumerOffset', 0),
    pullOffset: row.integer('pullOffset', 0),
    lastTimestamp: row.integer('lastTimestamp', 0),
    ...(row.raw('lag') !== undefined && { lag: row.integer('lag', 0) }),
    ...(row.raw('lagMs') !== undefined && { lagMs: row.integer('lagMs', 0) }),
  }))
}
