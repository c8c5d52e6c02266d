// Cuts an expression into tokens, one at a time, so that the first fault is found at its place.
import { MqError } from '@rocketmq-ts/model'

export type TokenKind = 'keyword' | 'name' | 'whole' | 'float' | 'text' | 'operator' | 'end'

export interface Token {
  readonly kind: TokenKind
  /** Keywords in capitals, the text without its quotes, everything else as it stands there. */
  readonly value: string
  /** Index of the first character. */
  readonly at: number
}

const KEYWORDS: ReadonlySet<string> = new Set([
  'NOT',
  'AND',
  'OR',
  'BETWEEN',
  'IN',
  'TRUE',
  'FALSE',
  'NULL',
  'IS',
  'CONTAINS',
  'STARTSWITH',
  'ENDSWITH',
])

const SPACES = /[ \t\n\r\f]+/y
/** A line comment needs the end of its line, as Apache's: without one it is two signs. */
const LINE_COMMENT = /--[^\n\r]*[\n\r]/y
const WORD = /[A-Za-z_$][A-Za-z0-9_$]*/y
const FLOAT = /(?:\d+\.\d*|\.\d+)(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+/y
const WHOLE = /0|[1-9]\d*[lL]?/y
const TEXT = /'[^']*'(?:'[^']*')*/y
const OPERATOR = /<>|>=|<=|[=<>(),+-]/y
const EXCERPT_CHARS_MAX = 32

/** Characters that people write who know other dialects. */
const INSTEAD: ReadonlyMap<string, string> = new Map([
  ['!', "not equal is '<>', and negation is NOT"],
  ['"', "text stands between single quotes: 'text'"],
  ["'", 'the text has no closing quote'],
  ['&', "write AND instead of '&&'"],
  ['|', "write OR instead of '||'"],
  ['*', 'there is no arithmetic'],
  ['/', 'there is no arithmetic, and a comment ends with */'],
  ['%', 'there is no arithmetic'],
  ['.', 'names consist of letters, digits, _ and $'],
  [';', 'an expression has no end mark: leave it out'],
])

/** Refuses an expression: MqError 'filter-illegal' that names the character (from 1), what stands there, and why. */
export function refuse(text: string, at: number, reason: string): never {
  const rest = text.slice(at, at + EXCERPT_CHARS_MAX)
  const place = rest === '' ? 'at its end' : `at character ${at + 1}, ${JSON.stringify(rest)}`
  throw new MqError('filter-illegal', `SQL92 expression, ${place}: ${reason}`)
}

function matchAt(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at
  return pattern.exec(text)?.[0]
}

/** Index behind white space and comments. */
function skip(text: string, from: number): number {
  let at = from
  for (;;) {
    const length = (matchAt(SPACES, text, at) ?? matchAt(LINE_COMMENT, text, at))?.length ?? commentLength(text, at)
    if (length === 0) return at
    at += length
  }
}

function commentLength(text: string, at: number): number {
  if (!text.startsWith('/*', at)) return 0
  const end = text.indexOf('*/', at + 2)
  return end < 0 ? refuse(text, at, 'the comment has no end') : end + 2 - at
}

/** The first token at or behind `from`, and where the next one may begin. */
export function nextToken(text: string, from: number): { readonly token: Token; readonly next: number } {
  const at = skip(text, from)
  if (at >= text.length) return { token: { kind: 'end', value: '', at }, next: at }
  const word = matchAt(WORD, text, at)
  if (word !== undefined) {
    const upper = word.toUpperCase()
    const isKeyword = KEYWORDS.has(upper)
    return {
      token: { kind: isKeyword ? 'keyword' : 'name', value: isKeyword ? upper : word, at },
      next: at + word.length,
    }
  }
  for (const [kind, pattern] of [
    ['float', FLOAT],
    ['whole', WHOLE],
    ['operator', OPERATOR],
  ] as const) {
    const value = matchAt(pattern, text, at)
    if (value !== undefined) return { token: { kind, value, at }, next: at + value.length }
  }
  const quoted = matchAt(TEXT, text, at)
  if (quoted === undefined) refuse(text, at, INSTEAD.get(text[at]!) ?? 'no part of an expression begins like this')
  return { token: { kind: 'text', value: quoted.slice(1, -1).replaceAll("''", "'"), at }, next: at + quoted.length }
}
