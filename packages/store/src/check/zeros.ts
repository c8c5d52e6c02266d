// Finds what is not zero where nothing was ever written.
import type { File } from '@rocketmq-ts/runtime'

const PIECE_BYTES = 4 * 1024 * 1024
const ZEROS = Buffer.alloc(64 * 1024)

/** Index of the first byte in [from, to) that is not zero, −1 when all are. */
export function firstNonZero(bytes: Buffer, from = 0, to = bytes.length): number {
  for (let at = from; at < to; at += ZEROS.length) {
    const length = Math.min(ZEROS.length, to - at)
    if (bytes.compare(ZEROS, 0, length, at, at + length) === 0) continue
    let index = at
    while (bytes[index] === 0) index += 1
    return index
  }
  return -1
}

/** Position of the first byte of a file in [from, to) that is not zero, −1 when all are. */
export async function firstWritten(file: File, from: number, to: number): Promise<number> {
  const piece = Buffer.allocUnsafe(Math.max(0, Math.min(PIECE_BYTES, to - from)))
  for (let at = from; at < to;) {
    const count = await file.read(at, piece.subarray(0, Math.min(piece.length, to - at)))
    if (count === 0) return -1
    const found = firstNonZero(piece, 0, count)
    if (found >= 0) return at + found
    at += count
  }
  return -1
}
