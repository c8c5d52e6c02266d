// What units of a file must look like to be believed, and what a record must say to be that of its unit. Pure.
import { type QueueId, queueOffset, RECORD_BYTES_MIN, type RecordPeek } from '@rocketmq-ts/model'
import { RECORD_BYTES_MAX } from '../commit-log/scan.ts'
import type { Unit } from '../message-store.ts'
import { hasUnit, storedTagsCode } from '../record-fields.ts'
import { decodeUnit, isFillerUnit, UNIT_BYTES } from './unit.ts'

/** Java keeps the time of delivery in its units of this topic, in place of a tags code. */
const SCHEDULE_TOPIC = 'SCHEDULE_TOPIC_XXXX'
const INT32_MIN = -0x8000_0000
const INT32_MAX = 0x7fff_ffff

/** What units are judged by. */
export interface UnitJudge {
  readonly topic: string
  /** Nobody asks for units below. */
  readonly min: number
  /** Records lie in front of this position of the log. */
  readonly logEnd: number
  /** The log itself was asked about this offset. */
  readonly isProven: (offset: number) => boolean
}

function isLikely(unit: Unit, { topic, logEnd }: UnitJudge): boolean {
  const { commitLogOffset, size, tagsCode } = unit
  if (size < RECORD_BYTES_MIN || size > RECORD_BYTES_MAX || commitLogOffset + size > logEnd) return false
  return topic === SCHEDULE_TOPIC || (tagsCode >= INT32_MIN && tagsCode <= INT32_MAX)
}

/**
 * The first offset whose unit can not be believed, undefined when all can: ranges, and records that lie one behind the
 * other. A filler is no proof of a loss: it counts only when the log was asked.
 */
export function firstDoubt(units: Uint8Array, from: number, judge: UnitJudge): number | undefined {
  let before = -1
  let recordsEnd = 0
  for (let at = 0; at + UNIT_BYTES <= units.length; at += UNIT_BYTES) {
    const offset = from + at / UNIT_BYTES
    if (offset < judge.min) continue
    const unit = decodeUnit(units, at, queueOffset(offset))
    if (unit === undefined || isFillerUnit(unit) || !isLikely(unit, judge)) {
      if (!judge.isProven(offset)) return offset
      continue
    }
    if (unit.commitLogOffset < recordsEnd) {
      if (!judge.isProven(before)) return before
      if (!judge.isProven(offset)) return offset
    }
    before = offset
    recordsEnd = unit.commitLogOffset + unit.size
  }
  return undefined
}

/** True when the peeked record says that it is the one of the unit. Tags are only looked at where `withTags` says so. */
export function isRecordOf(
  bytes: Buffer,
  peek: RecordPeek,
  { queue, unit, withTags }: { readonly queue: QueueId; readonly unit: Unit; readonly withTags: boolean },
): boolean {
  if (peek.queueOffset !== unit.queueOffset || peek.queueId !== queue.queueId) return false
  if (peek.totalSize !== unit.size || !hasUnit(peek.sysFlag) || !isOfTopic(bytes, peek, queue.topic)) return false
  return !withTags || queue.topic === SCHEDULE_TOPIC || storedTagsCode(bytes, peek) === unit.tagsCode
}

/** True for a record of the topic. Nothing is decoded unless a name is not ASCII, which ours never are. */
export function isOfTopic(bytes: Buffer, { topicAt, topicLength }: RecordPeek, topic: string): boolean {
  if (topicLength !== topic.length) return Buffer.byteLength(topic) === topicLength && isText(bytes, topicAt, topic)
  for (let index = 0; index < topicLength; index += 1) {
    if (bytes[topicAt + index] !== topic.charCodeAt(index)) return false
  }
  return true
}

function isText(bytes: Buffer, at: number, text: string): boolean {
  return bytes.toString('utf8', at, at + Buffer.byteLength(text)) === text
}
