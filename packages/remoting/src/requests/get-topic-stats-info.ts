// GET_TOPIC_STATS_INFO: how full each queue of a topic is. Java: GetTopicStatsInfoRequestHeader, TopicStatsTable.
import { utf8Encode } from '@rocketmq-ts/bytes'
import { JsonFields, parseJavaJson, stringifyJavaJson } from '@rocketmq-ts/model'
import { RequestCode } from '../codec/codes.ts'
import { defineRequest, type RequestHeaderOf } from '../codec/define-request.ts'
import { text } from '../codec/fields.ts'
import { decodeQueueTable, type MessageQueue, queueTable } from './queue-table.ts'

export const GetTopicStatsInfo = defineRequest({
  code: RequestCode.GET_TOPIC_STATS_INFO,
  name: 'GET_TOPIC_STATS_INFO',
  header: { topic: text() },
  answer: {},
})

export type GetTopicStatsInfoHeader = RequestHeaderOf<typeof GetTopicStatsInfo>

/** Bounds of a queue. Java: TopicOffset. */
export interface QueueStats extends MessageQueue {
  readonly minOffset: number
  readonly maxOffset: number
  /** When its last message was stored, in milliseconds; 0 for an empty queue. */
  readonly lastUpdateTimestamp: number
}

export function encodeTopicStats(queues: readonly QueueStats[]): Uint8Array {
  return utf8Encode(stringifyJavaJson({ offsetTable: queueTable(queues), topicPutTps: 0 }))
}

/** MqError 'parameter-invalid' names the member. */
export function decodeTopicStats(bytes: Uint8Array): QueueStats[] {
  return decodeQueueTable(new JsonFields(parseJavaJson(bytes), 'TopicStatsTable'), 'offsetTable', (row) => ({
    minOffset: row.integer('minOffset', 0),
    maxOffset: row.integer('maxOffset', 0),
    lastUpdateTimestamp: row.integer('lastUpdateTimestamp', 0),
  }))
}
