// The copy of a delayed message that is due, for its own topic. It names the place of the origin, and so ends it.
import { type MessageRecord, PropertyName, type TopicConfig } from '@rocketmq-ts/model'
import { type NewRecord, tagsCodeIn } from '@rocketmq-ts/store'
import type { HostPort } from '../host-port.ts'
import { PROPERTIES_BYTES_MAX } from '../limits.ts'
import { entryOf, propertiesThatFit, withoutProperties } from '../send/property-text.ts'
import { type RealPlace, TIMER_ORIGIN_PROPERTY, type TimerOrigin, formatTimerOrigin } from './timer-records.ts'

export interface DueMessage {
  readonly record: MessageRecord
  /** Its properties. */
  readonly text: string
  readonly origin: TimerOrigin
  readonly place: RealPlace
  /** Of its topic, which may have fewer queues by now. */
  readonly config: TopicConfig
  readonly storeHost: HostPort
}

/** What is to be appended. Java: TimerMessageStore.convert. */
export function dueCopy({ record, text, origin, place, config, storeHost }: DueMessage): NewRecord {
  const queues = Math.max(config.readQueueNums, config.writeQueueNums, 1)
  const own = entryOf(TIMER_ORIGIN_PROPERTY, formatTimerOrigin(origin))
  const kept = withoutProperties(text, (name) => name === TIMER_ORIGIN_PROPERTY || name === PropertyName.DUE_MS)
  const properties = Buffer.from(propertiesThatFit(kept, PROPERTIES_BYTES_MAX - own.length) + own, 'latin1')
  return {
    topic: place.topic,
    queueId: place.queueId % queues,
    flag: record.flag,
    sysFlag: record.sysFlag,
    bornTimestampMs: record.bornTimestampMs,
    bornHost: record.bornHost,
    storeHost,
    reconsumeTimes: record.reconsumeTimes,
    preparedTransactionOffset: 0,
    body: record.body,
    properties,
    tagsCode: tagsCodeIn(properties),
  }
}
