// An index file as Apache lays it out, big-endian. Entry 0 is never used, so `count` starts at 1.
//
//   header    beginTimestamp i8 | endTimestamp i8 | beginOffset i8 | endOffset i8 | usedSlots i4 | count i4
//   slots     number of the newest entry of the chain i4, 0 for none
//   entries   keyHash i4 | commit log offset i8 | seconds since beginTimestamp i4 | entry before it in the chain i4
//
// Java: IndexHeader, IndexFile.
import { readInt32, readInt64OrNaN, writeInt32, writeInt64 } from '@rocketmq-ts/bytes'

export const HEADER_BYTES = 40
export const SLOT_BYTES = 4
export const ENTRY_BYTES = 20
const SECONDS_MAX = 0x7fff_ffff

/** Sizes that are fixed for the life of a folder. */
export interface IndexGeometry {
  /** Java: maxHashSlotNum, 5,000,000. */
  readonly slots: number
  /** Entries of a file with the unused first one. Java: maxIndexNum, 20,000,000. */
  readonly entries: number
}

export interface IndexHeader {
  /** Store times in milliseconds and commit log offsets of the first and the last entry. */
  readonly beginTimestampMs: number
  readonly endTimestampMs: number
  readonly beginOffset: number
  readonly endOffset: number
  /** Slots that are not empty. */
  readonly usedSlots: number
  /** Number of the next entry. */
  readonly count: number
}

/** A file and what it holds. */
export interface IndexFileState extends IndexHeader {
  readonly name: string
}

/** Length of every file of this geometry. */
export function indexFileBytes({ slots, entries }: IndexGeometry): number {
  return HEADER_BYTES + slots * SLOT_BYTES + entries * ENTRY_BYTES
}

export function slotPosition(slot: number): number {
  return HEADER_BYTES + slot * SLOT_BYTES
}

export function entryPosition({ slots }: IndexGeometry, number: number): number {
  return HEADER_BYTES + slots * SLOT_BYTES + number * ENTRY_BYTES
}

export function encodeIndexHeader(header: IndexHeader): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES)
  writeInt64(bytes, 0, header.beginTimestampMs, 'beginTimestamp')
  writeInt64(bytes, 8, header.endTimestampMs, 'endTimestamp')
  writeInt64(bytes, 16, header.beginOffset, 'beginPhyOffset')
  writeInt64(bytes, 24, header.endOffset, 'endPhyOffset')
  writeInt32(bytes, 32, header.usedSlots)
  writeInt32(bytes, 36, header.count)
  return bytes
}

/** Undefined for 40 bytes that are no header of this geometry. Java takes a count of zero, as of a new file, for one. */
export function decodeIndexHeader(bytes: Uint8Array, { slots, entries }: IndexGeometry): IndexHeader | undefined {
  const header = {
    beginTimestampMs: readInt64OrNaN(bytes, 0),
    endTimestampMs: readInt64OrNaN(bytes, 8),
    beginOffset: readInt64OrNaN(bytes, 16),
    endOffset: readInt64OrNaN(bytes, 24),
    usedSlots: readInt32(bytes, 32),
    count: Math.max(1, readInt32(bytes, 36)),
  }
  const { beginTimestampMs, endTimestampMs, beginOffset, endOffset, usedSlots, count } = header
  const isValid =
    beginTimestampMs >= 0 &&
    endTimestampMs >= 0 &&
    beginOffset >= 0 &&
    endOffset >= beginOffset &&
    usedSlots >= 0 &&
    usedSlots <= slots &&
    count <= entries
  return isValid ? header : undefined
}

/** Whole seconds since the begin of the file, as an entry keeps them. Java: IndexFile.putKey. */
export function secondsSince(beginTimestampMs: number, timestampMs: number): number {
  if (beginTimestampMs <= 0) return 0
  return Math.min(SECONDS_MAX, Math.max(0, Math.trunc((timestampMs - beginTimestampMs) / 1000)))
}

/** What an index keeps of Java's hash of a key. Java: IndexFile.indexKeyHashMethod. */
export function indexHash(javaHash: number): number {
  const positive = Math.abs(javaHash)
  return positive > 0x7fff_ffff ? 0 : positive
}

const NAME_DIGITS = 17
const NAME = /^\d{17}$/u

export function isIndexFileName(name: string): boolean {
  return NAME.test(name)
}

/**
 * Name of a file made at `nowMs`: local time, yyyyMMddHHmmssSSS. Names ascend also where clocks do not: then it is the
 * number after `last`. Java: UtilAll.timeMillisToHumanString.
 */
export function indexFileName(nowMs: number, last: string | undefined): string {
  const time = new Date(nowMs)
  const two = (value: number): string => String(value).padStart(2, '0')
  const name =
    String(time.getFullYear()).padStart(4, '0') +
    two(time.getMonth() + 1) +
    two(time.getDate()) +
    two(time.getHours()) +
    two(time.getMinutes()) +
    two(time.getSeconds()) +
    String(time.getMilliseconds()).padStart(3, '0')
  if (last === undefined || name > last) return name
  return String(BigInt(last) + 1n).padStart(NAME_DIGITS, '0')
}
