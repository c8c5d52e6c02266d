// What units of a file must look like to be believed, and what a record must say to be that of its unit. Pure.
import { readInt32, readInt64OrNaN } from '@rocketmq-ts/bytes'
import { type QueueId, RECORD_BYTES_MIN, type RecordPeek } from '@rocketmq-ts/model'
import { RECORD_BYTES_MAX } from '../commit-log/scan.ts'
import type { Unit } from '../message-store.ts'
import { hasUnit, storedTagsCode } from '../record-fields.ts'
import { UNIT_BYTES, unitPosition } from './unit.ts'

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

/** False also for a filler, whose size no record has, and where no unit is. */
function isLikely(position: number, size: number, tagsCode: number, { topic, logEnd }: UnitJudge): boolean {
  if (position < 0 || size < RECORD_BYTES_MIN || size > RECORD_BYTES_MAX || position + size > logEnd) return false
  if (topic === SCHEDULE_TOPIC) return !Number.isNaN(tagsCode)
  return tagsCode >= INT32_MIN && tagsCode <= INT32_MAX
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
    // No object for each: all units of a drain come through here.
    const position = unitPosition(units, at)
    const size = readInt32(units, at + 8)
    if (!isLikely(position, size, readInt64OrNaN(units, at + 12), judge)) {
      if (!judge.isProven(offset)) return offset
      continue
    }
    if (position < recordsEnd) {
      if (!judge.isProven(before)) return before
      if (!judge.isProven(offset)) return offset
    }
    before = offset
    recordsEnd = position + size
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
