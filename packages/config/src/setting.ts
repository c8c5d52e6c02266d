// One setting: its type, default, bounds, unit and help. A setting turns text into a value or says why it can not, and
// what it expects instead.

/** A text that is no value. `reason` continues the sentence "<name> …", `expected` the one "expected …". */
export interface Refusal {
  readonly ok: false
  readonly reason: string
  readonly expected?: string
}

/** What a setting makes of a text. */
export type Reading<T> = { readonly ok: true; readonly value: T } | Refusal

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
  /** Name in a file, where the key of the schema is not already that name. */
  readonly property?: string
  /** Further names in a file, such as Apache's where ours says more. */
  readonly aliases?: readonly string[]
}

/** A setting of type `T` in a schema. */
export interface Setting<T> extends SettingOptions<T> {
  /** Shown in the help, e.g. `port`, `sync|async`, `1 … 64`. */
  readonly shape: string
  /** A flag without a value stands for `true`. */
  readonly isSwitch: boolean
  /** Its value is never shown, neither in a fault nor by `--print-config`. */
  readonly isSecret: boolean
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
const AUTO = 'auto'

type Units = Readonly<Record<string, number>>

const BYTE_UNITS: Units = { '': 1, b: 1, k: KIB, kib: KIB, m: KIB ** 2, mib: KIB ** 2, g: KIB ** 3, gib: KIB ** 3 }
/** Units in which bytes are shown, the largest first. */
const SHOWN_BYTE_UNITS: readonly (readonly [string, number])[] = [
  ['GiB', KIB ** 3],
  ['MiB', KIB ** 2],
  ['KiB', KIB],
]
const DURATION_UNITS: Units = { '': 1, ms: 1, s: 1000, m: 60_000, min: 60_000, h: 3_600_000, d: 86_400_000 }
const SHOWN_DURATION_UNITS: readonly (readonly [string, number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1000],
]

/** A number in a form that `read` takes, in the largest unit that divides it. */
interface NumberForm {
  readonly kind: string
  /** Begins "… 1 to 16". */
  readonly article: string
  readonly shown: (value: number) => string
}

const PLAIN: NumberForm = { kind: 'integer', article: '', shown: String }
const PORT: NumberForm = { kind: 'port', article: 'a port from ', shown: String }
const BYTES: NumberForm = { kind: 'bytes', article: '', shown: (value) => inUnits(value, SHOWN_BYTE_UNITS, 'B') }
const DURATION: NumberForm = {
  kind: 'duration',
  article: '',
  shown: (value) => inUnits(value, SHOWN_DURATION_UNITS, 'ms'),
}

/** Bytes as people write them: 4MiB, 1536B. */
export const formatBytes = BYTES.shown
/** Durations in milliseconds as people write them: 5min, 24h, 1500ms. */
export const formatDuration = DURATION.shown

/** A TCP port; 0 takes a free one. */
export function port(options: SettingOptions<number>): Setting<number> {
  return { ...whole({ ...options, min: 0, max: 65_535 }, PORT), shape: 'port' }
}

/** A whole number within `min … max`; by default any safe integer ≥ 0. */
export function integer(options: NumberOptions): Setting<number> {
  return whole(options, PLAIN)
}

/** A number of bytes: `4194304`, `4096k`, `4MiB`, `1g` (powers of 1024). */
export function bytes(options: NumberOptions): Setting<number> {
  return scaled(options, BYTES, BYTE_UNITS, 'a number of bytes such as 4194304, 512KiB or 4MiB')
}

/** Bytes, or `auto` for 0: the program finds a number that fits the machine. */
export function autoBytes(options: NumberOptions): Setting<number> {
  const given = bytes(options)
  return {
    ...given,
    shape: `auto|${given.shape}`,
    read: (word) => (word === AUTO ? { ok: true, value: 0 } : given.read(word)),
    write: (value) => (value === 0 ? AUTO : given.write(value)),
  }
}

/** A duration in milliseconds: `500`, `500ms`, `30s`, `5m`, `1h`, `3d`. */
export function durationMs(options: NumberOptions): Setting<number> {
  return scaled(options, DURATION, DURATION_UNITS, 'a duration such as 500ms, 30s, 5m or 1h')
}

/** Text without control characters, at most 4096 characters, not empty unless `mayBeEmpty`. */
export function text(options: SettingOptions<string> & { readonly mayBeEmpty?: boolean }): Setting<string> {
  return {
    ...options,
    shape: 'text',
    isSwitch: false,
    isSecret: false,
    read(given) {
      const reason = faultOfText(given, options.mayBeEmpty === true)
      return reason === undefined ? { ok: true, value: given } : { ok: false, reason }
    },
    write: (value) => value,
  }
}

/** A text that nobody may see: a password, a key. Like `text`, but its value is in no fault and no print. */
export function secret(options: SettingOptions<string> & { readonly mayBeEmpty?: boolean }): Setting<string> {
  return { ...text(options), shape: 'secret', isSecret: true }
}

/** One of the listed words, letter case as listed. */
export function oneOf<const W extends string>(words: readonly W[], options: SettingOptions<NoInfer<W>>): Setting<W> {
  return {
    ...options,
    shape: words.join('|'),
    isSwitch: false,
    isSecret: false,
    read(given) {
      const value = words.find((word) => word === given)
      if (value !== undefined) return { ok: true, value }
      return refuse(given, `is not one of ${words.join(', ')}`)
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
    isSecret: false,
    read(given) {
      if (given === 'true') return { ok: true, value: true }
      if (given === 'false') return { ok: true, value: false }
      return refuse(given, 'is neither true nor false')
    },
    write: String,
  }
}

function whole(options: NumberOptions, form: NumberForm): Setting<number> {
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = options
  return {
    ...options,
    shape: shapeOfRange(form, min, max),
    isSwitch: false,
    isSecret: false,
    read(given) {
      if (!/^[+-]?\d{1,16}$/.test(given)) return refuse(given, 'is not a whole number', rangeOf(form, min, max))
      return within(Number(given), given, form, min, max)
    },
    write: String,
  }
}

function scaled(options: NumberOptions, form: NumberForm, units: Units, wanted: string): Setting<number> {
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = options
  return {
    ...options,
    shape: shapeOfRange(form, min, max),
    isSwitch: false,
    isSecret: false,
    read(given) {
      const match = /^(\d{1,16})\s?([a-z]*)$/.exec(given.toLowerCase())
      const unit = match === null ? undefined : units[match[2] ?? '']
      if (match === null || unit === undefined) return refuse(given, `is not ${wanted}`)
      return within(Number(match[1]) * unit, given, form, min, max)
    },
    write: form.shown,
  }
}

function within(value: number, given: string, form: NumberForm, min: number, max: number): Reading<number> {
  const expected = rangeOf(form, min, max)
  if (!Number.isSafeInteger(value)) return refuse(given, 'is beyond 2^53', expected)
  if (value < min) return refuse(given, `is less than ${form.shown(min)}`, expected)
  if (value > max) return refuse(given, `is more than ${form.shown(max)}`, expected)
  return { ok: true, value }
}

const SHOWN_CHARS_MAX = 60

function refuse(given: string, reason: string, expected?: string): Refusal {
  const shown = given.length > SHOWN_CHARS_MAX ? `${given.slice(0, SHOWN_CHARS_MAX)}…` : given
  return { ok: false, reason: `${JSON.stringify(shown)} ${reason}`, ...(expected === undefined ? {} : { expected }) }
}

function faultOfText(given: string, mayBeEmpty: boolean): string | undefined {
  if (given.length > TEXT_CHARS_MAX) return `is longer than ${TEXT_CHARS_MAX} characters`
  if (given === '' && !mayBeEmpty) return 'is empty'
  return hasControlCharacter(given) ? 'holds a control character' : undefined
}

function rangeOf({ article, shown }: NumberForm, min: number, max: number): string {
  if (min === max) return shown(min)
  return max === Number.MAX_SAFE_INTEGER
    ? `${article}${shown(min)} or more`
    : `${article}${shown(min)} to ${shown(max)}`
}

function shapeOfRange({ kind, shown }: NumberForm, min: number, max: number): string {
  if (min === max) return shown(min)
  if (max === Number.MAX_SAFE_INTEGER) return min === 0 ? kind : `${kind} ≥ ${shown(min)}`
  return `${kind} ${shown(min)} … ${shown(max)}`
}

function inUnits(value: number, units: readonly (readonly [string, number])[], smallest: string): string {
  const unit = value === 0 ? undefined : units.find(([, size]) => value % size === 0)
  return unit === undefined ? `${value}${smallest}` : `${value / unit[1]}${unit[0]}`
}

function hasControlCharacter(value: string): boolean {
  for (let at = 0; at < value.length; at += 1) {
    const code = value.charCodeAt(at)
    if (code < 0x20 || code === 0x7f) return true
  }
  return false
}
