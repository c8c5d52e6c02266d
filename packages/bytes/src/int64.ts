// Signed 64-bit big-endian integers as safe numbers: two 32-bit halves and a check, no BigInt.
import { BytesError } from './bytes-error.ts'

const HIGH_WORD = 0x1_0000_0000
/** The high word of a safe integer: −2^21 … 2^21 − 1 (and −2^53 itself is not safe). */
const HIGH_WORD_LIMIT = 0x20_0000

/** @param at first of four bytes, inside the buffer. */
export function readInt32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
}

/** @param at first of four bytes, inside the buffer. */
export function writeInt32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24
  bytes[at + 1] = value >>> 16
  bytes[at + 2] = value >>> 8
  bytes[at + 3] = value
}

/** The Java `long` in the eight bytes from `at`, which lie inside the buffer; NaN outside of ±(2^53 − 1). */
export function readInt64OrNaN(bytes: Uint8Array, at: number): number {
  const high = readInt32(bytes, at)
  const value = high * HIGH_WORD + (readInt32(bytes, at + 4) >>> 0)
  if (high >= HIGH_WORD_LIMIT || high < -HIGH_WORD_LIMIT || value < Number.MIN_SAFE_INTEGER) return NaN
  return value
}

/**
 * Reads a Java `long`. The eight bytes from `at` must lie inside the buffer, or BytesError names `field`; it does so
 * too for a value outside ±(2^53 − 1).
 */
export function readInt64(bytes: Uint8Array, at: number, field = 'int64'): number {
  if (!(at >= 0 && at + 8 <= bytes.length)) throw new BytesError(field, `needs 8 bytes at ${at} of ${bytes.length}`)
  const value = readInt64OrNaN(bytes, at)
  if (Number.isNaN(value)) throw new BytesError(field, 'is beyond ±(2^53 - 1)')
  return value
}

/** Writes a Java `long`. BytesError names `field` when there is no room or the value is no safe integer. */
export function writeInt64(bytes: Uint8Array, at: number, value: number, field = 'int64'): void {
  if (!(at >= 0 && at + 8 <= bytes.length)) throw new BytesError(field, `needs 8 bytes at ${at} of ${bytes.length}`)
  if (!Number.isSafeInteger(value)) throw new BytesError(field, `${value} is not a safe integer`)
  const high = Math.floor(value / HIGH_WORD)
  writeInt32(bytes, at, high)
  writeInt32(bytes, at + 4, value - high * HIGH_WORD)
}
