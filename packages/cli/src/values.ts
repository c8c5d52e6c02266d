// Reads the values of options. What is wrong is said with the value and the rule, see the settings of @rocketmq-ts/config.
import { bytes as byteSize, durationMs, integer, type Setting } from '@rocketmq-ts/config'
import { InvalidArgumentError } from 'commander'
import { CliFailure } from './failures.ts'

const ADDRESSES_MAX = 64
/** Takes a bound away. */
const NONE = 'none'
/** 2, 4, 6: the bits of the wire; people write r, w, rw. */
const PERMS: Readonly<Record<string, number>> = { r: 4, w: 2, rw: 6, wr: 6, '2': 2, '4': 4, '6': 6 }

function reader<Value>(setting: Setting<Value>): (text: string) => Value {
  return (text) => {
    const reading = setting.read(text)
    if (!reading.ok) throw new InvalidArgumentError(`${reading.reason}.`)
    return reading.value
  }
}

/** A whole number within bounds. */
export function number(min: number, max: number): (text: string) => number {
  return reader(integer({ default: min, min, max, help: '' }))
}

/** A duration in milliseconds: `500ms`, `30s`, `5m`. A bare number is refused: some would mean seconds. */
export function duration(min: number, max: number): (text: string) => number {
  const read = reader(durationMs({ default: min, min, max, help: '' }))
  return (text) => {
    if (/^0*[1-9]\d*$/.test(text)) throw new InvalidArgumentError(`It has no unit: write ${text}s or ${text}ms.`)
    return read(text)
  }
}

/** A number of bytes with a unit, such as 512MiB. */
export function bytes(min: number, max: number): (text: string) => number {
  return reader(byteSize({ default: min, min, max, help: '' }))
}

/** The same, or -1 for the word `none`. */
export function durationOrNone(min: number, max: number): (text: string) => number {
  const read = duration(min, max)
  return (text) => (text === NONE ? -1 : read(text))
}

/** A number of bytes with a unit, such as 512MiB, or -1 for `none`. */
export function bytesOrNone(min: number, max: number): (text: string) => number {
  const read = bytes(min, max)
  return (text) => (text === NONE ? -1 : read(text))
}

/** A whole number within bounds, or -1 for `none`. */
export function numberOrNone(min: number, max: number): (text: string) => number {
  const read = number(min, max)
  return (text) => (text === NONE ? -1 : read(text))
}

/** `true` or `false`. */
export function flag(text: string): boolean {
  const read = word(['true', 'false'])
  return read(text) === 'true'
}

/** One of some words, letter case aside. */
export function word<const Word extends string>(words: readonly Word[]): (text: string) => Word {
  return (text) => {
    const found = words.find((each) => each.toLowerCase() === text.toLowerCase())
    if (found === undefined) throw new InvalidArgumentError(`It must be one of ${words.join(', ')}.`)
    return found
  }
}

/** Permission bits from `r`, `w` or `rw`. */
export function permission(text: string): number {
  const perm = PERMS[text.toLowerCase()]
  if (perm === undefined) throw new InvalidArgumentError('It must be r, w or rw.')
  return perm
}

/** `name=value`, added to those before. */
export function property(
  text: string,
  earlier: readonly (readonly [string, string])[] = [],
): (readonly [string, string])[] {
  const at = text.indexOf('=')
  if (at < 1) throw new InvalidArgumentError('It must be of the form name=value.')
  return [...earlier, [text.slice(0, at), text.slice(at + 1)]]
}

/** Text added to those before. */
export function several(text: string, earlier: readonly string[] = []): string[] {
  return [...earlier, text]
}

/** `host:port`, several joined by `;` or `,`. */
export function addresses(text: string): string[] {
  const fault = faultOfAddresses(text)
  if (fault !== undefined) throw new InvalidArgumentError(fault)
  return splitAddresses(text)
}

/** The same for a text that is no option. Throws CliFailure 'usage' that names its source. */
export function addressesOf(text: string, source: string): string[] {
  const fault = faultOfAddresses(text)
  if (fault !== undefined) throw new CliFailure('usage', `${source} is '${text}'. ${fault}`)
  return splitAddresses(text)
}

function splitAddresses(text: string): string[] {
  return text
    .split(/[;,]/)
    .map((address) => address.trim())
    .filter((address) => address !== '')
}

function faultOfAddresses(text: string): string | undefined {
  const all = splitAddresses(text)
  if (all.length === 0 || all.length > ADDRESSES_MAX) return `It must name 1 to ${ADDRESSES_MAX} addresses.`
  const wrong = all.find((address) => !/^(?:\[[^\]]+\]|[^:[\]\s]+):\d{1,5}$/.test(address))
  return wrong === undefined ? undefined : `'${wrong}' is not of the form host:port.`
}

/** A time, or so long before now. */
export type Moment = { readonly kind: 'at' | 'ago'; readonly ms: number }

const YEARS_MS = 100 * 366 * 86_400_000
/** With a zone: a time without one would mean another moment on another machine. */
const TIME = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})$/

/** `2026-01-31T10:00:00Z`, or `2h`, which is two hours ago. */
export function moment(text: string): Moment {
  if (TIME.test(text)) {
    const ms = Date.parse(text.replace(' ', 'T'))
    if (Number.isNaN(ms)) throw new InvalidArgumentError('It is no date that there is.')
    return { kind: 'at', ms }
  }
  if (/^\d{4}-/.test(text)) throw new InvalidArgumentError('It must be of the form 2026-01-31T10:00:00Z.')
  return { kind: 'ago', ms: duration(0, YEARS_MS)(text) }
}
