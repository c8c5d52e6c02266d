// Looks at a record without creating anything: for scans of a whole log. Every length is checked, no text is decoded.
import { crc32Of31Bits, readInt32, readInt64OrNaN } from '@rocketmq-ts/bytes'
import {
  BLANK_BYTES_MIN,
  BLANK_MAGIC,
  FieldAt,
  RECORD_BYTES_MIN,
  RECORD_MAGIC_V1,
  RECORD_MAGIC_V2,
} from './record-layout.ts'
import { SysFlag } from './sys-flag.ts'

/** Filled by `peekRecord`, and used again for the next record. Positions are indexes into the scanned bytes. */
export interface RecordPeek {
  totalSize: number
  magic: number
  bodyCrc: number
  queueId: number
  queueOffset: number
  commitLogOffset: number
  sysFlag: number
  storeTimestampMs: number
  bodyAt: number
  bodyLength: number
  topicAt: number
  topicLength: number
  propertiesAt: number
  propertiesLength: number
  /** Names the first bad field after 'cut' and 'invalid'. */
  problem: string
}

/**
 * 'record': all fields are set. 'blank': a filler of `totalSize` bytes, of which only 8 need to be here. 'cut': the
 * bytes end early; `totalSize` is set when four of them are here, else 0. 'invalid': no record starts here.
 */
export type PeekKind = 'record' | 'blank' | 'cut' | 'invalid'

export function createRecordPeek(): RecordPeek {
  return {
    totalSize: 0,
    magic: 0,
    bodyCrc: 0,
    queueId: 0,
    queueOffset: 0,
    commitLogOffset: 0,
    sysFlag: 0,
    storeTimestampMs: 0,
    bodyAt: 0,
    bodyLength: 0,
    topicAt: 0,
    topicLength: 0,
    propertiesAt: 0,
    propertiesLength: 0,
    problem: '',
  }
}

/** Looks at the record at `at` of `bytes`; the body's CRC is checked by `peekedBodyCrcMatches`. */
export function peekRecord(bytes: Uint8Array, at: number, into: RecordPeek): PeekKind {
  into.totalSize = 0
  const available = bytes.length - at
  if (available < 4) return fail(into, 'cut', 'totalSize is cut short')
  const totalSize = readInt32(bytes, at)
  if (totalSize < BLANK_BYTES_MIN) return fail(into, 'invalid', 'totalSize is too small')
  into.totalSize = totalSize
  if (available < 8) return fail(into, 'cut', 'magic is cut short')
  const magic = readInt32(bytes, at + FieldAt.MAGIC)
  into.magic = magic
  if (magic === BLANK_MAGIC) return 'blank'
  if (magic !== RECORD_MAGIC_V1 && magic !== RECORD_MAGIC_V2) return fail(into, 'invalid', 'magic is unknown')
  if (totalSize < RECORD_BYTES_MIN) return fail(into, 'invalid', 'totalSize is too small')
  if (totalSize > available) return fail(into, 'cut', 'the record is cut short')
  return peekHead(bytes, at, into) && peekTail(bytes, at, into) ? 'record' : 'invalid'
}

/** Bytes from the start of a record that hold everything up to its store time. */
export const STORE_TIMESTAMP_HEAD_BYTES = FieldAt.BORN_HOST + 20 + 8

/**
 * When the record at `commitLogOffset` was stored, from its first bytes alone: neither the rest nor any CRC is looked at.
 * Undefined where they are not those of that record.
 */
export function peekStoreTimestamp(head: Uint8Array, commitLogOffset: number): number | undefined {
  if (head.length < STORE_TIMESTAMP_HEAD_BYTES) return undefined
  const magic = readInt32(head, FieldAt.MAGIC)
  if (magic !== RECORD_MAGIC_V1 && magic !== RECORD_MAGIC_V2) return undefined
  if (readInt64OrNaN(head, FieldAt.COMMIT_LOG_OFFSET) !== commitLogOffset) return undefined
  const isV6 = (readInt32(head, FieldAt.SYS_FLAG) & SysFlag.BORN_HOST_V6) !== 0
  const timestampMs = readInt64OrNaN(head, FieldAt.BORN_HOST + (isV6 ? 20 : 8))
  return timestampMs >= 0 ? timestampMs : undefined
}

/** Bytes from the start of a record that hold everything in front of its body. */
export const BODY_HEAD_BYTES = FieldAt.BORN_HOST + 20 + 8 + 20 + 16

/** What the bytes in front of a record's body say of its queue, and where its topic stands. */
export interface QueueHead {
  readonly queueId: number
  readonly queueOffset: number
  readonly sysFlag: number
  /** From the start of the record to the length of its topic, which takes one byte or two. */
  readonly topicLengthAt: number
  readonly topicLengthBytes: 1 | 2
}

/** Looks at `BODY_HEAD_BYTES` of a record; undefined where they are none. */
export function peekQueueHead(head: Uint8Array): QueueHead | undefined {
  if (head.length < BODY_HEAD_BYTES) return undefined
  const magic = readInt32(head, FieldAt.MAGIC)
  if (magic !== RECORD_MAGIC_V1 && magic !== RECORD_MAGIC_V2) return undefined
  const sysFlag = readInt32(head, FieldAt.SYS_FLAG)
  const hostBytes = (flag: number): number => ((sysFlag & flag) === 0 ? 8 : 20)
  const bodyAt = FieldAt.BORN_HOST + hostBytes(SysFlag.BORN_HOST_V6) + 8 + hostBytes(SysFlag.STORE_HOST_V6) + 16
  const bodyLength = readInt32(head, bodyAt - 4)
  const queueId = readInt32(head, FieldAt.QUEUE_ID)
  const queueOffset = readInt64OrNaN(head, FieldAt.QUEUE_OFFSET)
  if (bodyLength < 0 || queueId < 0 || !(queueOffset >= 0)) return undefined
  const topicLengthBytes = magic === RECORD_MAGIC_V1 ? 1 : 2
  return { queueId, queueOffset, sysFlag, topicLengthAt: bodyAt + bodyLength, topicLengthBytes }
}

/** True when the body of the record that was peeked last is what was stored. */
export function peekedBodyCrcMatches(bytes: Uint8Array, peek: RecordPeek): boolean {
  return crc32Of31Bits(bytes.subarray(peek.bodyAt, peek.bodyAt + peek.bodyLength)) === peek.bodyCrc
}

/** The fields of fixed position. All of them lie inside the smallest record. */
function peekHead(bytes: Uint8Array, at: number, into: RecordPeek): boolean {
  into.bodyCrc = readInt32(bytes, at + FieldAt.BODY_CRC)
  into.queueId = readInt32(bytes, at + FieldAt.QUEUE_ID)
  into.queueOffset = readInt64OrNaN(bytes, at + FieldAt.QUEUE_OFFSET)
  into.commitLogOffset = readInt64OrNaN(bytes, at + FieldAt.COMMIT_LOG_OFFSET)
  into.sysFlag = readInt32(bytes, at + FieldAt.SYS_FLAG)
  if (into.bodyCrc < 0) return refuse(into, 'bodyCrc is negative')
  if (into.queueId < 0) return refuse(into, 'queueId is negative')
  if (!(into.queueOffset >= 0)) return refuse(into, 'queueOffset is out of range')
  if (!(into.commitLogOffset >= 0)) return refuse(into, 'commitLogOffset is out of range')
  if (Number.isNaN(readInt64OrNaN(bytes, at + FieldAt.BORN_TIMESTAMP))) {
    return refuse(into, 'bornTimestamp is out of range')
  }
  return true
}

/** The fields behind the first host; their lengths must use up the record exactly. */
function peekTail(bytes: Uint8Array, at: number, into: RecordPeek): boolean {
  const end = at + into.totalSize
  const storeTimestampAt = at + FieldAt.BORN_HOST + ((into.sysFlag & SysFlag.BORN_HOST_V6) === 0 ? 8 : 20)
  const restAt = storeTimestampAt + 8 + ((into.sysFlag & SysFlag.STORE_HOST_V6) === 0 ? 8 : 20)
  const bodyAt = restAt + 16
  if (bodyAt > end) return refuse(into, 'totalSize is too small')
  into.storeTimestampMs = readInt64OrNaN(bytes, storeTimestampAt)
  if (Number.isNaN(into.storeTimestampMs)) return refuse(into, 'storeTimestamp is out of range')
  if (Number.isNaN(readInt64OrNaN(bytes, restAt + 4))) {
    return refuse(into, 'preparedTransactionOffset is out of range')
  }
  into.bodyAt = bodyAt
  into.bodyLength = readInt32(bytes, bodyAt - 4)
  const topicLengthBytes = into.magic === RECORD_MAGIC_V1 ? 1 : 2
  const bodyEnd = bodyAt + into.bodyLength
  if (into.bodyLength < 0 || bodyEnd + topicLengthBytes > end) return refuse(into, 'bodyLength leaves the record')
  into.topicAt = bodyEnd + topicLengthBytes
  into.topicLength = topicLengthBytes === 1 ? bytes[bodyEnd]! : (bytes[bodyEnd]! << 8) | bytes[bodyEnd + 1]!
  const topicEnd = into.topicAt + into.topicLength
  const topicMax = topicLengthBytes === 1 ? 0x7f : 0x7fff
  if (into.topicLength > topicMax || topicEnd + 2 > end) return refuse(into, 'topicLength leaves the record')
  into.propertiesAt = topicEnd + 2
  into.propertiesLength = (bytes[topicEnd]! << 8) | bytes[topicEnd + 1]!
  if (into.propertiesAt + into.propertiesLength !== end || into.propertiesLength > 0x7fff) {
    return refuse(into, 'propertiesLength does not end the record')
  }
  return true
}

function fail(into: RecordPeek, kind: 'cut' | 'invalid', problem: string): PeekKind {
  into.problem = problem
  return kind
}

function refuse(into: RecordPeek, problem: string): false {
  into.problem = problem
  return false
}
