// Records that the broker makes itself, for itself or for Apache's broker: no client has sent them.
import { type NewRecord, tagsCodeIn } from '@rocketmq-ts/store'
import type { HostPort } from './host-port.ts'

/** All records of one topic are in this queue. */
const QUEUE_ID = 0

export interface OwnRecord {
  readonly topic: string
  readonly body: Uint8Array
  /** As the log has them; empty without any. */
  readonly properties: Buffer
  /** Wall milliseconds. */
  readonly nowMs: number
  readonly storeHost: HostPort
}

/** The record as it is appended: born here and now. */
export function ownRecord({ topic, body, properties, nowMs, storeHost }: OwnRecord): NewRecord {
  return {
    topic,
    queueId: QUEUE_ID,
    flag: 0,
    sysFlag: 0,
    bornTimestampMs: nowMs,
    bornHost: storeHost,
    storeHost,
    reconsumeTimes: 0,
    preparedTransactionOffset: 0,
    body,
    properties,
    tagsCode: tagsCodeIn(properties),
  }
}
