// What is appended in place of a delayed message. Java: HookUtils.transformTimerMessage, transformDelayLevelMessage.
import { utf8Length } from '@rocketmq-ts/bytes'
import { MqError, PropertyName, SystemTopic, formatRecallHandle } from '@rocketmq-ts/model'
import { tagsCodeIn } from '@rocketmq-ts/store'
import { PROPERTIES_BYTES_MAX } from '../limits.ts'
import { entryOf, findProperty, withEntries, withoutProperties } from '../send/property-text.ts'
import { type Delay, TIME_NAMES } from './delay-time.ts'
import { type RealPlace, keyHashOf } from './timer-records.ts'

/** What a delivery adds to the properties of a message must fit. */
const ORIGIN_ROOM_BYTES = 256

/** Of the broker alone: what a client sends by these names means nothing. */
const SET_BY_BROKER: ReadonlySet<string> = new Set([
  PropertyName.REAL_TOPIC,
  PropertyName.REAL_QID,
  PropertyName.TIMER_OUT_MS,
  PropertyName.TIMER_DEL_UNIQKEY,
])

/** A message to be held. */
export interface Held {
  readonly topic: string
  readonly queueId: number
  readonly properties: string
  readonly tagsCode: number
  readonly dueMs: number
  readonly keyHash: number
  /** Undefined where it can not be recalled. */
  readonly recallHandle: string | undefined
}

export interface HoldRequest {
  readonly delay: Delay
  /** Properties as the message has them. */
  readonly text: string
  readonly place: RealPlace
  readonly brokerName: string
}

/** Throws MqError 'properties-too-large' where there is no room for what the broker adds. */
export function holdMessage({ delay, text, place, brokerName }: HoldRequest): Held {
  const { dueMs } = delay
  const { topic, queueId } = place
  const isLevel = delay.kind === 'level'
  const own =
    entryOf(PropertyName.REAL_TOPIC, topic) +
    entryOf(PropertyName.REAL_QID, String(queueId)) +
    entryOf(isLevel ? PropertyName.DUE_MS : PropertyName.TIMER_OUT_MS, String(dueMs))
  const kept = withoutProperties(text, (name) => SET_BY_BROKER.has(name) || (isLevel && TIME_NAMES.has(name)))
  const bytes = utf8Length(kept)
  const bytesMax = PROPERTIES_BYTES_MAX - own.length - ORIGIN_ROOM_BYTES
  if (bytes > bytesMax) {
    throw new MqError('properties-too-large', `properties take ${bytes} bytes; with a delay at most ${bytesMax} fit`)
  }
  const properties = withEntries(kept, own)
  if (isLevel) {
    return {
      topic: SystemTopic.SCHEDULE,
      queueId: delay.level - 1,
      properties,
      // Java's broker looks for the time where other units have the tag.
      tagsCode: dueMs,
      dueMs,
      keyHash: 0,
      recallHandle: undefined,
    }
  }
  const uniqueKey = findProperty(text, PropertyName.UNIQ_KEY)
  return {
    topic: SystemTopic.TIMER,
    queueId: 0,
    properties,
    tagsCode: tagsCodeIn(Buffer.from(properties)),
    dueMs,
    keyHash: uniqueKey === undefined ? 0 : keyHashOf(topic, uniqueKey),
    recallHandle: uniqueKey === undefined ? undefined : formatRecallHandle({ topic, brokerName, dueMs, uniqueKey }),
  }
}
