// One setting: its type, default, bounds, unit and help. A setting turns text into a value or says why it can not.

/** What a setting makes of a text. `reason` continues the sentence "<name> …". */
export type Reading<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reason: string }

/** What every setting may say about itself. */
export interface SettingOptions<T> {
  /** Taken when no source names the setting. Without it, the setting is required. */
  readonly default?: T
  /** One sentence for people: what it does, in which unit. */
  readonly help: string
  /** Name on the command line without the dashes. Otherwise the key in kebab case. */
  readonly flag?: string
  /** Name in the environment. Otherwise the prefix and the key in upper snake case. */
  readonly env?: string
  /** Apache's name in a properties file, where the key of the schema is not already that name. */
  readonly property?: string
}

/** A setting of type `T` in a schema. */
export interface Setting<T> extends SettingOptions<T> {
  /** Shown in the help, e.g. `port`, `sync|async`, `1 … 64`. */
  readonly shape: string
  /** A flag without a value stands for `true`. */
  readonly isSwitch: boolean
  read(text: string): Reading<T>
  /** The text that `read` gives this value for. */
  write(value: T): string
}

/** Bounds of a number, both inclusive. */
export interface NumberOptions extends SettingOptions<number> {
  readonly min?: number
  readonly max?: number
}

const TEXT_CHARS_MAX = 4096
const KIB = 1024

const BYTE_UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: KIB,
  kib: KIB,
  m: KIB ** 2,
  mib: KIB ** 2,
  g: KIB ** 3,
  gib: KIB ** 3,
}
const DURATION_UNITS: Readonly<Record<string, number>> = {
  '': 1,
  ms: 1,
  s: 1000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/** A TCP port; 0 takes a free one. */
export function port(options: SettingOptions<number>): Setting<number> {
  return { ...integer({ ...options, min: 0, max: 65_535 }), shape: 'port' }
}

/** A whole number within `min … max`; by default any safe integer ≥ 0. */
export function integer(options: NumberOptions): Setting<number> {
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = options
  return {
    ...options,
    shape: shapeOfRange('integer', min, max),
    isSwitch: false,
    read(given) {
      if (!/^[+-]?\d{1,16}$/.test(given)) return refuse(given, 'is not a whole number')
      return within(Number(given), given, min, max)
    },
    write: String,
  }
}

/** A number of bytes: `4194304`, `4096k`, `4MiB`, `1g` (powers of 1024). */
export function bytes(options: NumberOptions): Setting<number> {
  return scaled(options, 'bytes', BYTE_UNITS, 'a number of bytes such as 4194304, 512KiB or 4MiB')
}

/** A duration in milliseconds: `500`, `500ms`, `30s`, `5m`, `1h`, `3d`. */
export function durationMs(options: NumberOptions): Setting<number> {
  return scaled(options, 'duration', DURATION_UNITS, 'a duration such as 500ms, 30s, 5m or 1h')
}

/** Text without control characters, at most 4096 characters, not empty unless `mayBeEmpty`. */
export function text(options: SettingOptions<string> & { readonly mayBeEmpty?: boolean }): Setting<string> {
  return {
    ...options,
    shape: 'text',
    isSwitch: false,
    read(given) {
      if (given.length > TEXT_CHARS_MAX) return { ok: false, reason: `is longer than ${TEXT_CHARS_MAX} characters` }
      if (given === '' && options.mayBeEmpty !== true) return { ok: false, reason: 'is empty' }
      if (hasControlCharacter(given)) return { ok: false, reason: 'holds a control character' }
      return { ok: true, value: given }
    },
    write: (value) => value,
  }
}

/** One of the listed words, letter case as listed. */
export function oneOf<const W extends string>(words: readonly W[], options: SettingOptions<NoInfer<W>>): Setting<W> {
  return {
    ...options,
    shape: words.join('|'),
    isSwitch: false,
    read(given) {
      const value = words.find((word) => word === given)
      return value === undefined ? refuse(given, `is not one of ${words.join(', ')}`) : { ok: true, value }
    },
    write: (value) => value,
  }
}

/** `true` or `false`; on the command line `--name` and `--no-name` as well. */
export function bool(options: SettingOptions<boolean>): Setting<boolean> {
  return {
    ...options,
    shape: 'true|false',
    isSwitch: true,
    read(given) {
      if (given === 'true') return { ok: true, value: true }
      if (given === 'false') return { ok: true, value: false }
      return refuse(given, 'is neither true nor false')
    },
    write: String,
  }
}

function scaled(
  options: NumberOptions,
  kind: string,
  units: Readonly<Record<string, number>>,
  wanted: string,
): Setting<number> {
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = options
  return {
    ...options,
    shape: shapeOfRange(kind, min, max),
    isSwitch: false,
    read(given) {
      const match = /^(\d{1,16})\s?([a-z]*)$/.exec(given.toLowerCase())
      const unit = match === null ? undefined : units[match[2] ?? '']
      if (match === null || unit === undefined) return refuse(given, `is not ${wanted}`)
      return within(Number(match[1]) * unit, given, min, max)
    },
    write: String,
  }
}

function within(value: number, given: string, min: number, max: number): Reading<number> {
  if (!Number.isSafeInteger(value)) return refuse(given, 'is beyond 2^53')
  if (value < min) return refuse(given, `is less than ${min}`)
  if (value > max) return refuse(given, `is more than ${max}`)
  return { ok: true, value }
}

const SHOWN_CHARS_MAX = 60

function refuse(given: string, reason: string): Reading<never> {
  const shown = given.length > SHOWN_CHARS_MAX ? `${given.slice(0, SHOWN_CHARS_MAX)}…` : given
  return { ok: false, reason: `${JSON.stringify(shown)} ${reason}` }
}

function shapeOfRange(kind: string, min: number, max: number): string {
  if (max === Number.MAX_SAFE_INTEGER) return min === 0 ? kind : `${kind} ≥ ${min}`
  return `${kind} ${min} … ${max}`
}

function hasControlCharacter(value: string): boolean {
  for (let at = 0; at < value.length; at += 1) {
    const code = value.charCodeAt(at)
    if (code < 0x20 || code === 0x7f) return true
  }
  return false
}
