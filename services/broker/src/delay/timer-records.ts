// What records of the log say about delayed messages. A delayed message lies in a topic of the system, as Apache's broker
// has it, with its own topic and queue in properties. What ends it is one more record that names its place: the copy in
// its topic, the one that goes on in its stead before retention takes it, or a mark, as of a recall. So there is no window
// between two writes: the record that ends it is all there is to write.
import { PropertyName, REVIVE_TOPIC_PREFIX, SystemTopic, isForbiddenToSend } from '@rocketmq-ts/model'
import type { ScannedRecord, TimerEntry, TimerIndex, TimerKey } from '@rocketmq-ts/store'
import { OWN_PROPERTY_PREFIX, findProperty } from '../send/property-text.ts'

/** due position level queueOffset, separated by spaces: which delayed message this record ends. */
export const TIMER_ORIGIN_PROPERTY = `${OWN_PROPERTY_PREFIX}TIMER`
/** due size keyHash, separated by spaces, beside the origin: it could not be read when it was due, and is due again then. */
export const TIMER_AGAIN_PROPERTY = `${OWN_PROPERTY_PREFIX}TIMER_AGAIN`
const ORIGIN_BYTES = Buffer.from(TIMER_ORIGIN_PROPERTY)
const [SCHEDULE_BYTES, TIMER_BYTES] = [SystemTopic.SCHEDULE, SystemTopic.TIMER].map((topic) => Buffer.from(topic))

/** Java's name of the unique key of a message, within all topics. */
export function deleteKeyOf(topic: string, uniqueKey: string): string {
  return `${topic}+${uniqueKey}`
}

/** Of a message's topic and unique key; never 0. */
export function keyHashOf(topic: string, uniqueKey: string): number {
  const text = deleteKeyOf(topic, uniqueKey)
  let hash = 0
  for (let index = 0; index < text.length; index += 1) hash = (Math.imul(hash, 31) + text.charCodeAt(index)) | 0
  return hash >>> 0 || 1
}

/** A delayed message that ends. */
export interface TimerOrigin extends TimerKey {
  /** 0 for a time of its own. */
  readonly level: number
  readonly queueOffset: number
}

/** Value of TIMER_ORIGIN_PROPERTY. */
export function formatTimerOrigin({ dueMs, position, level, queueOffset }: TimerOrigin): string {
  return `${dueMs} ${position} ${level} ${queueOffset}`
}

/** Of a mark, the entry that goes on with the record that it had: nobody could read that one, so nobody could copy it. */
function againOf(text: string, { position }: TimerKey): TimerEntry | undefined {
  const numbers = findProperty(text, TIMER_AGAIN_PROPERTY)?.split(' ').map(Number) ?? []
  const [dueMs, size, keyHash] = numbers
  if (!numbers.every(Number.isSafeInteger) || keyHash === undefined) return undefined
  return { dueMs: dueMs!, position, size: size!, keyHash }
}

/** Value of TIMER_AGAIN_PROPERTY. */
export function formatTimerAgain({ dueMs, size, keyHash }: TimerEntry): string {
  return `${dueMs} ${size} ${keyHash}`
}

function timerOriginOf(text: string): TimerOrigin | undefined {
  const numbers = findProperty(text, TIMER_ORIGIN_PROPERTY)?.split(' ').map(Number) ?? []
  const [dueMs, position, level, queueOffset] = numbers
  if (!numbers.every(Number.isSafeInteger) || queueOffset === undefined) return undefined
  return { dueMs: dueMs!, position: position!, level: level!, queueOffset }
}

/** Where a delayed message goes. */
export interface RealPlace {
  readonly topic: string
  readonly queueId: number
}

/** Undefined for records of the system's own: those of Apache's pops. */
export function realPlaceOf(text: string): RealPlace | undefined {
  const topic = findProperty(text, PropertyName.REAL_TOPIC)
  const queueId = Number(findProperty(text, PropertyName.REAL_QID))
  if (topic === undefined || topic.startsWith(REVIVE_TOPIC_PREFIX) || isForbiddenToSend(topic)) return undefined
  return Number.isSafeInteger(queueId) && queueId >= 0 ? { topic, queueId } : undefined
}

/** When the record says it is due. */
function dueMsOf(text: string): number | undefined {
  const dueMs = Number(findProperty(text, PropertyName.DUE_MS) ?? findProperty(text, PropertyName.TIMER_OUT_MS))
  return Number.isSafeInteger(dueMs) ? dueMs : undefined
}

/** The entry of a record of the system's topics; undefined for one that is no delayed message. */
export function timerEntryOf(
  text: string,
  { position, size, dueMs = dueMsOf(text) }: { position: number; size: number; dueMs?: number | undefined },
): TimerEntry | undefined {
  const place = realPlaceOf(text)
  if (place === undefined || dueMs === undefined) return undefined
  if (findProperty(text, PropertyName.TIMER_DEL_UNIQKEY) !== undefined) return undefined
  const uniqueKey = findProperty(text, PropertyName.UNIQ_KEY)
  // Messages of delay levels have no handles.
  const hasHandle = uniqueKey !== undefined && findProperty(text, PropertyName.TIMER_OUT_MS) !== undefined
  return { dueMs, position, size, keyHash: hasHandle ? keyHashOf(place.topic, uniqueKey) : 0 }
}

/** A record that is no message: it lies where Apache's broker looks for recalls, with the body that these have there. */
export const TIMER_MARK = { topic: SystemTopic.TIMER, body: Buffer.from('0') } as const

/** How far each delay level has come: the next queue offset, level 1 first. Java: delayOffset.json. */
export class LevelOffsets {
  readonly #offsets = new Map<number, number>()

  ended({ level, queueOffset }: Pick<TimerOrigin, 'level' | 'queueOffset'>): void {
    if (level > 0) this.#offsets.set(level, Math.max(queueOffset + 1, this.#offsets.get(level) ?? 0))
  }

  get all(): readonly (readonly [level: number, offset: number])[] {
    return [...this.#offsets].sort(([a], [b]) => a - b)
  }
}

const { indexOf } = Uint8Array.prototype

function isOf({ bytes, peek: { topicAt, topicLength } }: ScannedRecord, topic: Buffer): boolean {
  return topicLength === topic.length && bytes.compare(topic, 0, topicLength, topicAt, topicAt + topicLength) === 0
}

/** Tells the index what a record of the log means to it. */
export function replayTimerRecord(index: TimerIndex, levels: LevelOffsets, record: ScannedRecord): void {
  const { bytes, position, peek } = record
  const isTimer = isOf(record, TIMER_BYTES!)
  const isDelayed = isTimer || isOf(record, SCHEDULE_BYTES!)
  const properties = bytes.subarray(peek.propertiesAt, peek.propertiesAt + peek.propertiesLength)
  if (!isDelayed && (indexOf.call(properties, ORIGIN_BYTES[0]!) < 0 || !properties.includes(ORIGIN_BYTES))) return
  const text = properties.toString('latin1')
  const origin = timerOriginOf(text)
  if (origin !== undefined) {
    levels.ended(origin)
    const again = isTimer ? againOf(text, origin) : undefined
    if (!isTimer) index.replaySettled(origin, 'delivered')
    else if (again !== undefined) {
      index.replaySettled(origin, 'moved')
      index.add(again)
    } else if (findProperty(text, PropertyName.TIMER_DEL_UNIQKEY) === undefined) index.replayRemoved(origin, 'moved')
    else index.replayRemoved(origin, 'recalled')
  }
  if (!isDelayed) return
  const entry = timerEntryOf(text, { position, size: peek.totalSize })
  if (entry !== undefined) index.add(entry)
}
