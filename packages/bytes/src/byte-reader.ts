// Reads big-endian fields one after the other. No read leaves [start, end): BytesError names the first bad field.
import { BytesError } from './bytes-error.ts'
import { readInt32, readInt64 } from './int64.ts'
import { utf8Decode } from './utf8.ts'

export class ByteReader {
  readonly bytes: Uint8Array
  readonly end: number
  #position: number

  /** Reads `bytes` from `start` up to `end`. */
  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    if (!(start >= 0 && start <= end && end <= bytes.length)) {
      throw new BytesError('range', `${start}..${end} is outside of ${bytes.length} bytes`)
    }
    this.bytes = bytes
    this.end = end
    this.#position = start
  }

  /** Index of the next byte in `bytes`. */
  get position(): number {
    return this.#position
  }

  get remaining(): number {
    return this.end - this.#position
  }

  int8(field: string): number {
    return (this.bytes[this.#take(1, field)]! << 24) >> 24
  }

  uint8(field: string): number {
    return this.bytes[this.#take(1, field)]!
  }

  int16(field: string): number {
    return (this.uint16(field) << 16) >> 16
  }

  uint16(field: string): number {
    const at = this.#take(2, field)
    return (this.bytes[at]! << 8) | this.bytes[at + 1]!
  }

  int32(field: string): number {
    return readInt32(this.bytes, this.#take(4, field))
  }

  uint32(field: string): number {
    return this.int32(field) >>> 0
  }

  /** A Java `long` within ±(2^53 − 1). */
  int64(field: string): number {
    return readInt64(this.bytes, this.#take(8, field), field)
  }

  /** A view, not a copy. A negative `length` is refused like one that is too large. */
  view(length: number, field: string): Uint8Array {
    const at = this.#take(length, field)
    return this.bytes.subarray(at, at + length)
  }

  utf8(length: number, field: string): string {
    return utf8Decode(this.view(length, field), field)
  }

  skip(length: number, field: string): void {
    this.#take(length, field)
  }

  #take(length: number, field: string): number {
    const at = this.#position
    if (!(length >= 0 && length <= this.end - at)) {
      throw new BytesError(field, `needs ${length} bytes at ${at}, ${this.end - at} are left`)
    }
    this.#position = at + length
    return at
  }
}
