// Looks at bytes of the log and says what they are. Pure: any bytes can test it. A record counts only with its lengths
// adding up, its own position in it, the CRC of its body, and no zero byte in its text, which no CRC covers: what a power
// loss cuts off reads as zeros.
import { BLANK_MAGIC, MqError, peekRecord, peekedBodyCrcMatches, type RecordPeek } from '@rocketmq-ts/model'
import type { RecordRange } from '../message-store.ts'

const MiB = 1024 * 1024
/** Of a record around its body, at most: head, topic and properties. */
export const AROUND_BODY_BYTES_MAX = 64 * 1024
/** Largest record looked for: Apache's largest body setting in use is 64 MiB. */
export const RECORD_BYTES_MAX = 64 * MiB + AROUND_BODY_BYTES_MAX
/** Bytes that show a record's own position. */
const HEAD_BYTES = 36
/** The bytes that both magics begin with, four bytes into a record. */
const MAGIC_PREFIX = Buffer.from([0xda, 0xa3, 0x20])
const BLANK_PREFIX = Buffer.from([BLANK_MAGIC >>> 24, (BLANK_MAGIC >>> 16) & 0xff, (BLANK_MAGIC >>> 8) & 0xff])

/**
 * 'record': `peek` is filled. 'end-of-segment': the filler. 'cut': the bytes given end inside a record that fits the
 * segment; `peek.totalSize` says how many it needs (0: at least a head). 'empty': untouched. 'torn': anything else.
 */
export type ScanStep = 'record' | 'end-of-segment' | 'cut' | 'empty' | 'torn'

/** What lies at index `at`. */
export interface ScanPlace {
  /** Position in the log of index `at`. */
  readonly position: number
  /** Position where the segment ends. */
  readonly segmentEnd: number
  /** From here on the log may be another broker's, which takes zero bytes in properties. */
  readonly foreignFrom?: number | undefined
}

/** Looks at one place. Java: CommitLog.checkMessageAndReturnSize, and the position that it does not compare. */
export function scanStep(bytes: Uint8Array, at: number, place: ScanPlace, peek: RecordPeek): ScanStep {
  const remaining = place.segmentEnd - place.position
  const kind = peekRecord(bytes, at, peek)
  if (kind === 'blank') return peek.totalSize === remaining ? 'end-of-segment' : 'torn'
  if (kind === 'invalid') return isZero(bytes, at) ? 'empty' : 'torn'
  if (peek.totalSize > RECORD_BYTES_MAX || peek.totalSize > remaining) return 'torn'
  if (kind === 'cut') return bytes.length - at < remaining ? 'cut' : 'torn'
  if (peek.commitLogOffset !== place.position) return 'torn'
  if (!peekedBodyCrcMatches(bytes, peek)) return 'torn'
  return place.position >= (place.foreignFrom ?? Infinity) || !hasZero(bytes, peek) ? 'record' : 'torn'
}

/** True for a record of this place that only its body betrays: what its head says of it can be believed. */
export function isBodyLost(bytes: Uint8Array, at: number, place: ScanPlace, peek: RecordPeek): boolean {
  if (peekRecord(bytes, at, peek) !== 'record' || peek.commitLogOffset !== place.position) return false
  if (peek.totalSize > RECORD_BYTES_MAX || peek.totalSize > place.segmentEnd - place.position) return false
  return !hasZero(bytes, peek) && !peekedBodyCrcMatches(bytes, peek)
}

/** Not Buffer's own, which also takes texts and costs more. */
const { indexOf } = Uint8Array.prototype

/** Views cost more than the search: it ends at the next record, whose first byte is zero, if not before. */
function hasZero(bytes: Uint8Array, { topicAt, topicLength, propertiesAt, propertiesLength }: RecordPeek): boolean {
  const inTopic = indexOf.call(bytes, 0, topicAt)
  if (inTopic >= 0 && inTopic < topicAt + topicLength) return true
  const inProperties = indexOf.call(bytes, 0, propertiesAt)
  return inProperties >= 0 && inProperties < propertiesAt + propertiesLength
}

function isZero(bytes: Uint8Array, at: number): boolean {
  for (let index = at; index < at + 8; index += 1) if (bytes[index] !== 0) return false
  return true
}

/**
 * Index of the next place from `from` on that is a record, a record cut by the end of the bytes, or the filler of the
 * segment; −1 when there is none. `position` is that of index 0.
 */
export function findRecord(bytes: Buffer, from: number, place: ScanPlace, peek: RecordPeek): number {
  let record = bytes.indexOf(MAGIC_PREFIX, from + 4)
  let blank = bytes.indexOf(BLANK_PREFIX, from + 4)
  while (record >= 0 || blank >= 0) {
    const isRecord = record >= 0 && (blank < 0 || record < blank)
    const at = (isRecord ? record : blank) - 4
    const step = scanStep(bytes, at, { ...place, position: place.position + at }, peek)
    if (step === 'record' || step === 'end-of-segment') return at
    if (step === 'cut' && mayBeRecord(bytes, at, place.position + at)) return at
    if (isRecord) record = bytes.indexOf(MAGIC_PREFIX, record + 1)
    else blank = bytes.indexOf(BLANK_PREFIX, blank + 1)
  }
  return -1
}

/** False when enough of a cut record is here to see that it is at a foreign position. */
function mayBeRecord(bytes: Buffer, at: number, position: number): boolean {
  if (bytes.length - at < HEAD_BYTES) return true
  return bytes.readUInt32BE(at + 28) * 0x1_0000_0000 + bytes.readUInt32BE(at + 32) === position
}

/** Throws MqError 'damaged' unless the bytes from `start` on are the record of that place, whole. */
export function checkRecord(
  bytes: Uint8Array,
  start: number,
  { commitLogOffset: position, size }: RecordRange,
  peek: RecordPeek,
): void {
  const kind = peekRecord(bytes, start, peek)
  const problem =
    kind !== 'record'
      ? kind === 'blank'
        ? 'is the filler of a segment'
        : peek.problem
      : peek.totalSize !== size
        ? `totalSize is ${peek.totalSize}, its queue says ${size}`
        : peek.commitLogOffset !== position
          ? `commitLogOffset says ${peek.commitLogOffset}`
          : peekedBodyCrcMatches(bytes, peek)
            ? undefined
            : 'bodyCrc does not match the body'
  if (problem !== undefined) throw damaged(position, problem)
}

/** True for what the log may be asked about instead: what was read is not what was written. */
export function isDamage(error: unknown): boolean {
  return error instanceof MqError && error.code === 'damaged'
}

/** The error for a record that can not be read. */
export function damaged(position: number, problem: string): MqError {
  return new MqError(
    'damaged',
    `record at commit log offset ${position}: ${problem}; it is skipped, the others are served`,
  )
}
