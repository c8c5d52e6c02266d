// Which messages of a popped batch are acknowledged: Java's BitSet.toByteArray (little-endian), as base64.
import { MqError } from './mq-error.ts'

/** Highest number of bits in one bitset: what a batch acknowledgement may span in queue offsets. */
export const BITSET_BITS_MAX = 65_536

/** MqError 'parameter-invalid' for an index outside 0 … BITSET_BITS_MAX − 1. */
export function encodeBitset(indexes: Iterable<number>): string {
  const bytes: number[] = []
  for (const index of indexes) {
    if (!(Number.isInteger(index) && index >= 0 && index < BITSET_BITS_MAX)) {
      throw new MqError('parameter-invalid', `bitset: ${index} is not an index from 0 to ${BITSET_BITS_MAX - 1}`)
    }
    while (bytes.length <= index >>> 3) bytes.push(0)
    bytes[index >>> 3]! |= 1 << (index & 7)
  }
  return Buffer.from(bytes).toString('base64')
}

/** The set bits, ascending. MqError 'parameter-invalid' for text that is no base64 or too long. */
export function decodeBitset(text: string): number[] {
  if (text.length > Math.ceil(BITSET_BITS_MAX / 6) + 4 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) {
    throw new MqError('parameter-invalid', `bitset: is not base64 of at most ${BITSET_BITS_MAX} bits`)
  }
  const bytes = Buffer.from(text, 'base64')
  if (bytes.length * 8 > BITSET_BITS_MAX) {
    throw new MqError('parameter-invalid', `bitset: has more than ${BITSET_BITS_MAX} bits`)
  }
  const indexes: number[] = []
  bytes.forEach((byte, at) => {
    for (let bit = 0; bit < 8; bit += 1) if ((byte & (1 << bit)) !== 0) indexes.push(at * 8 + bit)
  })
  return indexes
}
