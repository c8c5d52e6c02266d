// Texts that come from a cluster, made safe for a terminal, and values as people read them. Pure.

// Names and bodies are somebody else's bytes: an escape sequence among them must not reach the terminal.
// oxlint-disable-next-line no-control-regex
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g
// oxlint-disable-next-line no-control-regex
const UNPRINTABLE_IN_LINES = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g

/** One line: control characters and those that turn the direction of writing become visible escapes. */
export function printable(text: string): string {
  return text.replaceAll(UNPRINTABLE, escapeOf)
}

/** The same, but line feeds and tabs stay. */
export function printableLines(text: string): string {
  return text.replaceAll(UNPRINTABLE_IN_LINES, escapeOf)
}

function escapeOf(character: string): string {
  const code = character.charCodeAt(0)
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`
}

/** JSON that is safe on a terminal too: JSON.stringify leaves DEL and the C1 controls as they are. */
export function jsonText(value: unknown, indent?: number): string {
  return JSON.stringify(value, undefined, indent).replaceAll(
    /[\u007f-\u009f]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** `2026-01-31 10:00:00Z`, or `-` where there is no time. */
export function timeText(ms: number): string {
  if (!(ms > 0 && ms < 8.64e15)) return '-'
  return new Date(ms)
    .toISOString()
    .replace('T', ' ')
    .replace(/\.\d+Z$/, 'Z')
}

const UNITS: readonly (readonly [name: string, ms: number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
]

/** The two largest units: `2d 3h`, `5m 10s`, `0s`. */
export function durationText(ms: number): string {
  const first = UNITS.findIndex(([, unitMs]) => ms >= unitMs)
  if (first === -1) return '0s'
  let rest = ms
  const parts: string[] = []
  for (const [name, unitMs] of UNITS.slice(first, first + 2)) {
    const count = Math.floor(rest / unitMs)
    rest -= count * unitMs
    if (count > 0) parts.push(`${count}${name}`)
  }
  return parts.join(' ')
}

/** A short span: `0.015s`, `12.500s`, and `1h 5m` where that is no use any more. */
export function millisecondsText(ms: number): string {
  return Math.abs(ms) < 60_000 ? `${(ms / 1000).toFixed(3)}s` : durationText(ms)
}

/** `1 topic`, `2 topics`. */
export function countText(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

/** Order by code units: the same on every machine. */
export function compareText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Undefined for bytes that are no text. */
export function textOf(bytes: Uint8Array): string | undefined {
  try {
    const text = strictUtf8.decode(bytes)
    return text.includes('\0') ? undefined : text
  } catch {
    return undefined
  }
}
