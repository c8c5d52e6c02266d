// Byte primitives of the journal and of states: unsigned LEB128 for safe integers, int32, text with its length.
// Invariant: a reader never passes its end and never allocates more than its input; errors are MqError 'damaged'.
import { Buffer } from 'node:buffer'
import { MqError } from '@rocketmq-ts/model'

const PER_7_BITS = 2 ** -7
/** A varint of a safe integer has 53 bits at most. */
const VARINT_BYTES_MAX = 8

/** A buffer that grows as it is written and is used again. */
export class VarintWriter {
  #bytes: Buffer
  #at = 0

  constructor(capacity = 4096) {
    this.#bytes = Buffer.allocUnsafeSlow(capacity)
  }

  get position(): number {
    return this.#at
  }

  #reserve(bytes: number): void {
    const needed = this.#at + bytes
    if (needed <= this.#bytes.length) return
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2))
    this.#bytes.copy(grown, 0, 0, this.#at)
    this.#bytes = grown
  }

  byte(value: number): void {
    this.#reserve(1)
    this.#bytes[this.#at] = value
    this.#at += 1
  }

  /** 0 … 2^53−1 */
  varint(value: number): void {
    this.#reserve(VARINT_BYTES_MAX)
    const bytes = this.#bytes
    let rest = value
    while (rest >= 0x8000_0000) {
      const high = Math.floor(rest * PER_7_BITS)
      bytes[this.#at++] = rest - high * 128 + 128
      rest = high
    }
    while (rest >= 128) {
      bytes[this.#at++] = (rest & 127) | 128
      rest >>>= 7
    }
    bytes[this.#at++] = rest
  }

  int32(value: number): void {
    this.#reserve(4)
    this.#at = this.#bytes.writeInt32BE(value, this.#at)
  }

  double(value: number): void {
    this.#reserve(8)
    this.#at = this.#bytes.writeDoubleBE(value, this.#at)
  }

  /** Bytes with their length before them. */
  block(bytes: Uint8Array): void {
    this.varint(bytes.length)
    this.#reserve(bytes.length)
    this.#bytes.set(bytes, this.#at)
    this.#at += bytes.length
  }

  /** Sets bits in an int32 written before. */
  orInt32(at: number, mask: number): void {
    this.#bytes.writeInt32BE(this.#bytes.readInt32BE(at) | mask, at)
  }

  patchDouble(at: number, value: number): void {
    this.#bytes.writeDoubleBE(value, at)
  }

  /** A copy of what was written. */
  copy(): Uint8Array {
    return Uint8Array.prototype.slice.call(this.#bytes, 0, this.#at)
  }

  /** What was written, valid until the next write. */
  view(): Uint8Array {
    return this.#bytes.subarray(0, this.#at)
  }

  rewind(to = 0): void {
    this.#at = to
  }
}

export class VarintReader {
  readonly #bytes: Buffer
  readonly #what: string
  #at = 0

  /** @param what names the input in errors, e.g. 'in-flight journal record' */
  constructor(bytes: Uint8Array, what: string) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#what = what
  }

  get remaining(): number {
    return this.#bytes.length - this.#at
  }

  /** An error that names the field and where it is. */
  refuse(field: string, reason: string): MqError {
    return new MqError(
      'damaged',
      `${this.#what}: ${field} ${reason} (before byte ${this.#at} of ${this.#bytes.length})`,
    )
  }

  #need(bytes: number, field: string): void {
    if (this.remaining < bytes) throw this.refuse(field, `needs ${bytes} bytes, ${this.remaining} are left`)
  }

  byte(field: string): number {
    this.#need(1, field)
    return this.#bytes[this.#at++]!
  }

  /** @param max highest value allowed */
  varint(field: string, max: number = Number.MAX_SAFE_INTEGER): number {
    let value = 0
    let scale = 1
    for (let count = 0; count < VARINT_BYTES_MAX; count += 1) {
      const byte = this.byte(field)
      value += (byte & 127) * scale
      if (byte < 128) {
        if (value > max) throw this.refuse(field, `is ${value}, at most ${max} is allowed`)
        return value
      }
      scale *= 128
    }
    throw this.refuse(field, `is longer than ${VARINT_BYTES_MAX} bytes`)
  }

  int32(field: string): number {
    this.#need(4, field)
    const value = this.#bytes.readInt32BE(this.#at)
    this.#at += 4
    return value
  }

  double(field: string): number {
    this.#need(8, field)
    const value = this.#bytes.readDoubleBE(this.#at)
    this.#at += 8
    return value
  }

  /** Bytes with their length before them; a view. */
  block(field: string, max: number): Uint8Array {
    const length = this.varint(`length of ${field}`, max)
    this.#need(length, field)
    const at = this.#at
    this.#at += length
    return this.#bytes.subarray(at, this.#at)
  }

  text(field: string, max: number): string {
    const bytes = this.block(field, max)
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    } catch {
      throw this.refuse(field, 'is not UTF-8')
    }
  }

  /** A count of things that take at least `bytesEach` bytes: checked before anything is allocated for them. */
  count(field: string, bytesEach: number): number {
    const count = this.varint(field)
    if (count * bytesEach > this.remaining)
      throw this.refuse(field, `is ${count}, more than ${this.remaining} bytes hold`)
    return count
  }
}
