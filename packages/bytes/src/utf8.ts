// Text from and to UTF-8. Bytes that are no UTF-8 are refused, never replaced.
import { Buffer } from 'node:buffer'
import { BytesError } from './bytes-error.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * The bytes of a text. Short ones lie in Node's shared pool, ten times faster than memory of their own: do not transfer
 * `.buffer`. A lone surrogate becomes U+FFFD, as in every UTF-8 encoder.
 */
export function utf8Encode(text: string): Uint8Array {
  return Buffer.from(text, 'utf8')
}

/** A text as short as a name is counted here faster than native code is called. */
const SHORT_LENGTH_MAX = 64
const ASCII_MAX = 0x7f

/** Bytes that `utf8Encode(text)` would have. */
export function utf8Length(text: string): number {
  const { length } = text
  let ascii = 0
  if (length <= SHORT_LENGTH_MAX) while (ascii < length && text.charCodeAt(ascii) <= ASCII_MAX) ascii += 1
  if (ascii === length) return length
  return Buffer.byteLength(text, 'utf8')
}

/** Writes the text at `at`; returns the bytes written. BytesError when it does not fit. */
export function utf8Write(text: string, into: Uint8Array, at: number, field = 'text'): number {
  const { read, written } = encoder.encodeInto(text, at === 0 ? into : into.subarray(at))
  if (read !== text.length) throw new BytesError(field, `needs ${utf8Length(text)} bytes at ${at} of ${into.length}`)
  return written
}

/** The text. BytesError names `field` for bytes that are no UTF-8. */
export function utf8Decode(bytes: Uint8Array, field = 'text'): string {
  try {
    return decoder.decode(bytes)
  } catch {
    throw new BytesError(field, 'is not UTF-8')
  }
}
