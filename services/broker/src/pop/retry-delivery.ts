// What a consumer gets of a message in a retry topic: the message under the topic that it knows, with its handle as a
// property, because nothing else tells where it lies. Java: PopMessageProcessor, in the walk over its results.
import {
  PropertyName,
  commitLogOffset,
  decodeRecord,
  encodeRecord,
  formatBrokerHandle,
  queueOffset,
  recordSize,
} from '@rocketmq-ts/model'
import { PROPERTIES_BYTES_MAX } from '../limits.ts'
import { OWN_PROPERTY_PREFIX, propertiesThatFit, withProperty, withoutProperties } from '../send/property-text.ts'
import { propertiesTextOf } from './copies.ts'
import { popKindOf } from './retry-topics.ts'
import type { TakenMessage } from './take-messages.ts'

/** Bytes that a delivered record may have more than the stored one, at most: a handle with the longest broker name. */
export const HANDLE_PROPERTY_BYTES_MAX = 512

export interface RetryPop {
  readonly topic: string
  readonly brokerName: string
  readonly popTime: number
  readonly invisibleMs: number
}

/** Deliveries of the message before this one, over all its copies. */
export function deliveriesBefore(stored: { readonly reconsumeTimes: number }, { attempt }: TakenMessage): number {
  return stored.reconsumeTimes + attempt - 1
}

/** The record as it is delivered. `startOffset` is the first of the pop in its queue. */
export function deliveredRecord(
  record: ReturnType<typeof decodeRecord>,
  message: TakenMessage,
  startOffset: number,
  pop: RetryPop,
): Uint8Array {
  const { queue, queueOffset: offset } = message
  const handle = formatBrokerHandle({
    startOffset: queueOffset(startOffset),
    popTimeMs: pop.popTime,
    invisibleMs: pop.invisibleMs,
    reviveQueueId: 0,
    topicKind: popKindOf(queue.topic, queue.group, pop.topic),
    brokerName: pop.brokerName,
    queueId: queue.queueId,
    queueOffset: queueOffset(offset),
  })
  const own = withProperty('', PropertyName.POP_CK, handle)
  const text = withoutProperties(
    propertiesTextOf(record),
    (name) => name === PropertyName.POP_CK || name.startsWith(OWN_PROPERTY_PREFIX),
  )
  const fields = {
    ...record,
    topic: pop.topic,
    reconsumeTimes: deliveriesBefore(record, message),
    properties: Buffer.from(propertiesThatFit(text, PROPERTIES_BYTES_MAX - own.length) + own, 'latin1'),
  }
  const bytes = new Uint8Array(recordSize(fields))
  const place = { queueOffset: record.queueOffset, commitLogOffset: commitLogOffset(record.commitLogOffset) }
  encodeRecord(fields, { ...place, storeTimestampMs: record.storeTimestampMs }, bytes, 0)
  return bytes
}
