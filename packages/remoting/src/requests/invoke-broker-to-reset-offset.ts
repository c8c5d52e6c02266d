// INVOKE_BROKER_TO_RESET_OFFSET: a group goes on elsewhere in a topic. Java: ResetOffsetRequestHeader, ResetOffsetBody.
import { utf8Encode } from '@rocketmq-ts/bytes'
import { isJavaJsonObject, JsonFields, parseJavaJson, stringifyJavaJson } from '@rocketmq-ts/model'
import { RequestCode } from '../codec/codes.ts'
import { defineRequest, type RequestHeaderOf } from '../codec/define-request.ts'
import { bool, int32, int64, optional, text } from '../codec/fields.ts'
import type { MessageQueue } from './queue-table.ts'

/** Of `timestampMs`: behind the last message of each queue. */
export const RESET_TO_MAX = -1

export const InvokeBrokerToResetOffset = defineRequest({
  code: RequestCode.INVOKE_BROKER_TO_RESET_OFFSET,
  name: 'INVOKE_BROKER_TO_RESET_OFFSET',
  header: {
    topic: text(),
    group: text(),
    /** Absent or −1: all queues of the topic, by time. */
    queueId: optional(int32()),
    /** Of the named queue. Absent or −1: by time. */
    offset: optional(int64()),
    /** The first message stored then or later is next; negative: behind the last one. */
    timestampMs: int64({ wire: 'timestamp' }),
    /** Java looks at it where clients are to be told, which is not done here. */
    isForce: optional(bool()),
  },
  answer: {},
})

export type InvokeBrokerToResetOffsetHeader = RequestHeaderOf<typeof InvokeBrokerToResetOffset>

/** Where a group goes on in a queue. */
export interface QueuePosition extends MessageQueue {
  readonly offset: number
}

/** Body of the answer. Java: ResetOffsetBody. */
export function encodeQueuePositions(positions: readonly QueuePosition[]): Uint8Array {
  const table = new Map(
    positions.map(({ topic, brokerName, queueId, offset }) => [{ topic, brokerName, queueId }, offset]),
  )
  return utf8Encode(stringifyJavaJson({ offsetTable: table }))
}

/** MqError 'parameter-invalid' names the member. */
export function decodeQueuePositions(bytes: Uint8Array): QueuePosition[] {
  const fields = new JsonFields(parseJavaJson(bytes), 'ResetOffsetBody')
  const table = fields.raw('offsetTable') ?? {}
  if (!isJavaJsonObject(table)) throw fields.wrong('offsetTable', 'an object')
  const rows = table instanceof Map ? [...table] : Object.entries(table)
  return rows.map(([key, offset], index) => {
    const path = `${fields.path}.offsetTable[${index}]`
    const queue = new JsonFields(typeof key === 'string' ? parseJavaJson(key) : key, `${path} key`)
    if (typeof offset !== 'number' || !Number.isSafeInteger(offset)) throw fields.wrong('offsetTable', 'offsets')
    return {
      topic: queue.text('topic'),
      brokerName: queue.text('brokerName'),
      queueId: queue.int32('queueId'),
      offset,
    }
  })
}
