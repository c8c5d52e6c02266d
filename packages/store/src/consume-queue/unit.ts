// The entry of a consume queue: | commit log offset i8 | record size i4 | tags code i8 |, 20 bytes.
// Its place in the file is its queue offset. Java: ConsumeQueue.java.
import { readInt32, readInt64OrNaN, writeInt32, writeInt64 } from '@rocketmq-ts/bytes'
import { commitLogOffset, type QueueOffset } from '@rocketmq-ts/model'
import type { Unit } from '../message-store.ts'

/** Java: ConsumeQueue.CQ_STORE_UNIT_SIZE. */
export const UNIT_BYTES = 20
/** What a file holds where there is no unit yet. */
export const EMPTY_UNIT: Uint8Array = Buffer.alloc(UNIT_BYTES)
/** The size that no record has: stands where a record was lost. Java: ConsumeQueue.fillPreBlank. */
export const FILLER_SIZE = 0x7fff_ffff

/** True for the place of a record that was lost; reading it fails with MqError 'damaged'. */
export function isFillerUnit(unit: { readonly size: number }): boolean {
  return unit.size === FILLER_SIZE
}

/** @param at first of the unit's 20 bytes, inside the buffer. */
export function encodeUnit(
  into: Uint8Array,
  at: number,
  unit: { readonly commitLogOffset: number; readonly size: number; readonly tagsCode: number },
): void {
  writeInt64(into, at, unit.commitLogOffset, 'commitLogOffset')
  writeInt32(into, at + 8, unit.size)
  writeInt64(into, at + 12, unit.tagsCode, 'tagsCode')
}

/** Commit log offset of a unit, −1 where there is none: Java's rule is offset ≥ 0 and size > 0. Never throws. */
export function unitPosition(from: Uint8Array, at: number): number {
  if (readInt32(from, at + 8) <= 0) return -1
  const position = readInt64OrNaN(from, at)
  return position >= 0 ? position : -1
}

/** Position in the log of the first record that units name, which those of lost ones do not; Infinity without any. */
export function firstPosition(units: Uint8Array): number {
  for (let at = 0; at < units.length; at += UNIT_BYTES) {
    const position = unitPosition(units, at)
    if (position >= 0 && readInt32(units, at + 8) !== FILLER_SIZE) return position
  }
  return Infinity
}

/** Undefined where no valid unit is: untouched bytes are zero. Never throws. */
export function decodeUnit(from: Uint8Array, at: number, offset: QueueOffset): Unit | undefined {
  const position = unitPosition(from, at)
  // No number holds every value exactly, e.g. not an address in consumequeue_ext, which we do not write.
  const tagsCode = readInt64OrNaN(from, at + 12)
  if (position < 0 || Number.isNaN(tagsCode)) return undefined
  return { queueOffset: offset, commitLogOffset: commitLogOffset(position), size: readInt32(from, at + 8), tagsCode }
}

/** Stands for a record that was lost, so that the offsets behind it stay. */
export function fillerUnit(offset: QueueOffset): Unit {
  return { queueOffset: offset, commitLogOffset: commitLogOffset(0), size: FILLER_SIZE, tagsCode: 0 }
}
