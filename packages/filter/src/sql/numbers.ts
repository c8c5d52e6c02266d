// Numbers as Java has them: int and long are whole, double is not. A long that a JavaScript number can not hold is a
// bigint; comparisons of both kinds are exact.
import { javaTrim } from '../java-trim.ts'

export type NumberType = 'int' | 'long' | 'double'

/** A number with the type that decides how text is read when the two are compared. */
export interface JavaNumber {
  readonly type: NumberType
  readonly value: number | bigint
}

const INT_MIN = -0x8000_0000
const INT_MAX = 0x7fff_ffff
const LONG_MIN = -(2n ** 63n)
const LONG_MAX = 2n ** 63n - 1n
/** Digits that a JavaScript number always holds exactly. */
const SAFE_DIGITS = 15
const CODE_0 = 48
const CODE_9 = 57
const CODE_PLUS = 43
const CODE_MINUS = 45
/** Linear in the length of the text: no part can be matched in two ways. */
const DOUBLE = /^[+-]?(?:NaN|Infinity|(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?[fFdD]?)$/
const NUMBER_PART = /[fFdD]$/

/**
 * The number that a text stands for in a type; undefined where it stands for none. Java: Integer.valueOf, Long.valueOf,
 * Double.valueOf, without digits of other scripts and without hexadecimal doubles.
 */
export function parseNumber(type: NumberType, text: string): number | bigint | undefined {
  if (type === 'double') return parseDouble(text)
  const whole = parseWhole(text)
  if (whole === undefined) return undefined
  if (type === 'int') return whole >= INT_MIN && whole <= INT_MAX ? whole : undefined
  return whole >= LONG_MIN && whole <= LONG_MAX ? whole : undefined
}

function parseWhole(text: string): number | bigint | undefined {
  const sign = text.charCodeAt(0)
  const start = sign === CODE_MINUS || sign === CODE_PLUS ? 1 : 0
  const { length } = text
  if (length === start) return undefined
  let value = 0
  for (let at = start; at < length; at += 1) {
    const code = text.charCodeAt(at)
    if (!(code >= CODE_0 && code <= CODE_9)) return undefined
    value = value * 10 + (code - CODE_0)
  }
  if (length - start <= SAFE_DIGITS) return sign === CODE_MINUS ? -value : value
  return narrow(BigInt(sign === CODE_PLUS ? text.slice(1) : text))
}

function narrow(value: bigint): number | bigint {
  const asNumber = Number(value)
  return Number.isSafeInteger(asNumber) ? asNumber : value
}

/** Undefined where the text is no double. Java: Double.valueOf. */
export function parseDouble(text: string): number | undefined {
  let number = text
  if (!DOUBLE.test(number)) {
    number = javaTrim(text)
    if (!DOUBLE.test(number)) return undefined
  }
  if (!NUMBER_PART.test(number)) return Number(number)
  return Number(number.slice(0, -1))
}

/** An integer literal: an int where it fits, else a long; undefined beyond. Java: createFromDecimal. */
export function wholeLiteral(digits: string): JavaNumber | undefined {
  const int = parseNumber('int', digits)
  if (int !== undefined) return { type: 'int', value: int }
  const long = parseNumber('long', digits)
  return long === undefined ? undefined : { type: 'long', value: long }
}

export function negate({ type, value }: JavaNumber): JavaNumber {
  // Not 0 - value: a double has −0, the others have not.
  return { type, value: type === 'double' ? -value : value === 0 ? 0 : -value }
}

/** Below, equal or above 0 as Java's compareTo, after making both of the wider type. */
export function compareNumbers(left: JavaNumber, right: JavaNumber): number {
  if (left.type === 'double' || right.type === 'double') return compareDoubles(Number(left.value), Number(right.value))
  return compareWhole(left.value, right.value)
}

export function compareWhole(left: number | bigint, right: number | bigint): number {
  return left < right ? -1 : left > right ? 1 : 0
}

/** Java: Double.compare, for which −0 is below 0, and NaN above all. */
export function compareDoubles(left: number, right: number): number {
  if (left < right) return -1
  if (left > right) return 1
  if (left === right && left !== 0) return 0
  return rankOf(left) - rankOf(right)
}

/** Orders what neither `<` nor `>` can: the zeros, and NaN above any other number. */
function rankOf(value: number): number {
  if (Number.isNaN(value)) return 2
  return value === 0 && !Object.is(value, -0) ? 1 : 0
}
