// What dispatch needs of a stored record, without decoding all of it.
import {
  decodeProperties,
  DELAY_LEVELS_TEXT,
  delayOfLevel,
  parseDelayLevels,
  PropertyName,
  type RecordPeek,
  SysFlag,
  SystemTopic,
  tagsCodeOf,
} from '@rocketmq-ts/model'

const VALUE_END = 0x02
const ASCII_MAX = 0x7f
const JOURNAL = Buffer.from(SystemTopic.INFLIGHT_LOG)
const SCHEDULE = Buffer.from(SystemTopic.SCHEDULE)
const DELAY_LEVELS = parseDelayLevels(DELAY_LEVELS_TEXT)
const TAGS = Buffer.from('TAGS\u0001')

/** Only decided messages get a unit. Java: CommitLogDispatcherBuildConsumeQueue. */
export function hasUnit(sysFlag: number): boolean {
  const state = sysFlag & SysFlag.TRANSACTION_MASK
  return state !== SysFlag.TRANSACTION_PREPARED && state !== SysFlag.TRANSACTION_ROLLBACK
}

/** Undecided messages are found by their keys too, rolled back ones are not. Java: IndexService.buildIndex. */
export function isIndexed(sysFlag: number): boolean {
  return (sysFlag & SysFlag.TRANSACTION_MASK) !== SysFlag.TRANSACTION_ROLLBACK
}

/** Topic of a peeked record; bytes that are not UTF-8 make a name that is not legal. */
export function topicOf(bytes: Buffer, peek: RecordPeek): string {
  return bytes.toString('utf8', peek.topicAt, peek.topicAt + peek.topicLength)
}

/** Not Buffer's own, which also takes texts and costs more. */
const { indexOf } = Uint8Array.prototype

/** When a peeked record of the delay levels is due. Java: CommitLog.checkMessageAndReturnSize. */
function dueMsOf(bytes: Buffer, { propertiesAt, propertiesLength, storeTimestampMs }: RecordPeek): number {
  const properties = decodeProperties(bytes.toString('latin1', propertiesAt, propertiesAt + propertiesLength))
  const dueMs = Number(properties.get(PropertyName.DUE_MS))
  if (Number.isSafeInteger(dueMs)) return dueMs
  return storeTimestampMs + (delayOfLevel(DELAY_LEVELS, Number(properties.get(PropertyName.DELAY))) ?? 0)
}

function isScheduled(bytes: Buffer, { topicAt, topicLength }: RecordPeek): boolean {
  return (
    topicLength === SCHEDULE.length && bytes.compare(SCHEDULE, 0, topicLength, topicAt, topicAt + topicLength) === 0
  )
}

/**
 * Tags code of a peeked record, from its properties; of several tags the last one counts, as for every reader. Messages of
 * delay levels have the time instead at which they are due: Java's broker looks for it there.
 */
export function storedTagsCode(bytes: Buffer, peek: RecordPeek): number {
  if (isScheduled(bytes, peek)) return dueMsOf(bytes, peek)
  const { propertiesAt, propertiesLength } = peek
  return tagsCodeWithin(bytes, propertiesAt, propertiesAt + propertiesLength)
}

/** Tags code of a record with these properties: what its unit must have, so that a queue built again is the same. */
export function tagsCodeIn(properties: Buffer): number {
  return tagsCodeWithin(properties, 0, properties.length)
}

function tagsCodeWithin(bytes: Buffer, start: number, stop: number): number {
  let code = 0
  for (let at = start; at < stop;) {
    const found = indexOf.call(bytes, VALUE_END, at)
    const end = found < 0 || found > stop ? stop : found
    if (hasTagsName(bytes, at, end)) code = hashOf(bytes, at + TAGS.length, end)
    at = end + 1
  }
  return code
}

function hasTagsName(bytes: Buffer, at: number, end: number): boolean {
  if (end - at < TAGS.length) return false
  for (let index = 0; index < TAGS.length; index += 1) if (bytes[at + index] !== TAGS[index]) return false
  return true
}

/** Java's hash of the text in these bytes; nothing is decoded unless it is not ASCII. */
function hashOf(bytes: Buffer, from: number, to: number): number {
  let hash = 0
  for (let at = from; at < to; at += 1) {
    if (bytes[at]! > ASCII_MAX) return tagsCodeOf(bytes.toString('utf8', from, to))
    hash = (Math.imul(hash, 31) + bytes[at]!) | 0
  }
  return hash
}

/** True for a record of the broker's journal. */
export function isJournal(bytes: Buffer, { topicAt, topicLength }: RecordPeek): boolean {
  return topicLength === JOURNAL.length && bytes.compare(JOURNAL, 0, topicLength, topicAt, topicAt + topicLength) === 0
}
