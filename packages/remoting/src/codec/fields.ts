// The kinds of header fields. Every value travels as text; numbers and booleans are read by Java's rules
// (Integer.parseInt, Long.parseLong, Boolean.parseBoolean).
import type { Field, FieldCodec } from './define-request.ts'

export interface FieldOptions {
  /** Name on the wire where it differs from the domain name. */
  readonly wire?: string
}

const INT32_MIN = -0x8000_0000
const INT32_MAX = 0x7fff_ffff
/** Longest decimal text that is read; Java has no bound, but no sender pads to more. */
const NUMBER_TEXT_MAX = 32

const textCodec: FieldCodec<string> = {
  check(value) {
    if (typeof value !== 'string') throw new RangeError(`expected a text, got ${typeof value}`)
  },
  encode(value) {
    textCodec.check(value)
    return value
  },
  decode: (wireText) => wireText,
}

const boolCodec: FieldCodec<boolean> = {
  check(value) {
    if (typeof value !== 'boolean') throw new RangeError(`expected a boolean, got ${typeof value}`)
  },
  encode(value) {
    boolCodec.check(value)
    return value ? 'true' : 'false'
  },
  decode: (wireText) => wireText.toLowerCase() === 'true',
}

function readDecimal(digits: string): number {
  if (digits.length > NUMBER_TEXT_MAX || !/^[+-]?[0-9]+$/.test(digits)) {
    throw new RangeError(`expected a decimal number, got ${quote(digits)}`)
  }
  const value = Number(digits)
  return value === 0 ? 0 : value
}

function quote(long: string): string {
  return JSON.stringify(long.length > 40 ? `${long.slice(0, 40)}…` : long)
}

function integerCodec(name: string, min: number, max: number): FieldCodec<number> {
  function checked(value: number, digits?: string): number {
    if (!Number.isInteger(value) || value < min || value > max) {
      throw new RangeError(`expected ${name}, got ${digits ?? String(value)}`)
    }
    return value
  }
  return {
    check: (value) => void checked(value),
    encode: (value) => String(checked(value)),
    decode: (digits) => checked(readDecimal(digits), digits),
  }
}

const int32Codec = integerCodec('a 32-bit integer', INT32_MIN, INT32_MAX)
const int64Codec = integerCodec('an integer within ±(2^53−1)', Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)

function required<Value>(codec: FieldCodec<Value>, options: FieldOptions | undefined): Field<Value, true> {
  return { codec, wire: options?.wire, required: true }
}

/** Java: String. */
export function text(options?: FieldOptions): Field<string, true> {
  return required(textCodec, options)
}

/** Java: int, Integer. */
export function int32(options?: FieldOptions): Field<number, true> {
  return required(int32Codec, options)
}

/** Java: long, Long; values beyond 2^53−1 are refused. */
export function int64(options?: FieldOptions): Field<number, true> {
  return required(int64Codec, options)
}

/** Java: boolean, Boolean; only "true" in any case is true. */
export function bool(options?: FieldOptions): Field<boolean, true> {
  return required(boolCodec, options)
}

/** A field that may be absent. */
export function optional<Value>(field: Field<Value, true>): Field<Value, false> {
  return { codec: field.codec, wire: field.wire, required: false }
}
