// Writes big-endian fields one after the other, into a buffer of the caller or one that grows up to a bound.
// A value that does not fit its field, and a field that does not fit the buffer, is a BytesError naming the field.
import { BytesError } from './bytes-error.ts'
import { writeInt32, writeInt64 } from './int64.ts'
import { utf8Length, utf8Write } from './utf8.ts'

const INITIAL_BYTES = 256

export class ByteWriter {
  #bytes: Uint8Array
  #position: number
  readonly #start: number
  readonly #bytesMax: number

  private constructor(bytes: Uint8Array, start: number, bytesMax: number) {
    this.#bytes = bytes
    this.#start = start
    this.#position = start
    this.#bytesMax = bytesMax
  }

  /** Writes into `into` from `at` on; never beyond its end. */
  static over(into: Uint8Array, at = 0): ByteWriter {
    if (!(at >= 0 && at <= into.length)) throw new BytesError('range', `${at} is outside of ${into.length} bytes`)
    return new ByteWriter(into, at, into.length)
  }

  /** Writes into a buffer of its own, up to `bytesMax`. */
  static growing(bytesMax: number): ByteWriter {
    return new ByteWriter(new Uint8Array(Math.min(INITIAL_BYTES, bytesMax)), 0, bytesMax)
  }

  /** Index of the next byte. */
  get position(): number {
    return this.#position
  }

  int8(value: number, field: string): this {
    return this.#integer(value, -0x80, 0x7f, 1, field)
  }

  uint8(value: number, field: string): this {
    return this.#integer(value, 0, 0xff, 1, field)
  }

  int16(value: number, field: string): this {
    return this.#integer(value, -0x8000, 0x7fff, 2, field)
  }

  uint16(value: number, field: string): this {
    return this.#integer(value, 0, 0xffff, 2, field)
  }

  int32(value: number, field: string): this {
    return this.#integer(value, -0x8000_0000, 0x7fff_ffff, 4, field)
  }

  uint32(value: number, field: string): this {
    return this.#integer(value, 0, 0xffff_ffff, 4, field)
  }

  /** A Java `long` within ±(2^53 − 1). */
  int64(value: number, field: string): this {
    const at = this.#take(8, field)
    writeInt64(this.#bytes, at, value, field)
    return this
  }

  view(bytes: Uint8Array, field: string): this {
    const at = this.#take(bytes.length, field)
    this.#bytes.set(bytes, at)
    return this
  }

  /** The text without a length. */
  utf8(text: string, field: string): this {
    const at = this.#take(utf8Length(text), field)
    utf8Write(text, this.#bytes, at, field)
    return this
  }

  /** Overwrites a 32-bit integer written before, e.g. a length known late. */
  patchInt32(at: number, value: number): this {
    if (!(at >= this.#start && at + 4 <= this.#position)) throw new BytesError('patch', `${at} was not written`)
    writeInt32(this.#bytes, at, value)
    return this
  }

  /** What was written: a view that the next write may outgrow. */
  written(): Uint8Array {
    return this.#bytes.subarray(this.#start, this.#position)
  }

  #integer(value: number, min: number, max: number, width: 1 | 2 | 4, field: string): this {
    if (!(Number.isInteger(value) && value >= min && value <= max)) {
      throw new BytesError(field, `${value} is not an integer from ${min} to ${max}`)
    }
    let at = this.#take(width, field)
    for (let shift = (width - 1) * 8; shift >= 0; shift -= 8) this.#bytes[at++] = value >>> shift
    return this
  }

  #take(length: number, field: string): number {
    const at = this.#position
    const end = at + length
    if (end > this.#bytes.length) this.#grow(end, field)
    this.#position = end
    return at
  }

  #grow(end: number, field: string): void {
    if (end > this.#bytesMax) throw new BytesError(field, `needs ${end} bytes, the limit is ${this.#bytesMax}`)
    const grown = new Uint8Array(Math.min(Math.max(end, this.#bytes.length * 2), this.#bytesMax))
    grown.set(this.#bytes.subarray(0, this.#position))
    this.#bytes = grown
  }
}
