// Java's .properties format as java.util.Properties.load reads it, but for the encoding, which is UTF-8: comments,
// continued lines, escapes, and three ways to part a key from its value.

/** A name and its text, with the line on which it begins. Lines count from 1. */
export interface FileEntry {
  readonly name: string
  readonly text: string
  readonly line: number
}

/** Something in a file that can not be read. */
export interface FileFault {
  readonly line: number
  readonly reason: string
}

export interface FileReading {
  readonly entries: readonly FileEntry[]
  readonly faults: readonly FileFault[]
}

const SPECIAL: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' }
const UNICODE_DIGITS = 4

/** Reads a whole file. A `\u` without four hexadecimal digits is a fault of its line; Java refuses the file. */
export function readPropertiesText(content: string): FileReading {
  const entries: FileEntry[] = []
  const faults: FileFault[] = []
  for (const { text, line } of logicalLines(content)) {
    const keyEnd = endOfKey(text)
    const name = unescape(text.slice(0, keyEnd))
    const value = unescape(text.slice(startOfValue(text, keyEnd)))
    if (name === undefined || value === undefined) {
      faults.push({ line, reason: '\\u needs four hexadecimal digits; write \\\\u for the characters themselves' })
    } else entries.push({ name, text: value, line })
  }
  return { entries, faults }
}

interface LogicalLine {
  readonly text: string
  readonly line: number
}

/** Lines that say something, joined where one ends in an odd number of backslashes; comments are never continued. */
function logicalLines(content: string): LogicalLine[] {
  const lines: LogicalLine[] = []
  let begun: { text: string; line: number } | undefined
  for (const [index, natural] of content.split(/\r\n|\r|\n/).entries()) {
    const part = natural.replace(/^[ \t\f]+/, '')
    if (begun === undefined && (part === '' || part.startsWith('#') || part.startsWith('!'))) continue
    const backslashes = /\\*$/.exec(part)?.[0].length ?? 0
    const isContinued = backslashes % 2 === 1
    begun ??= { text: '', line: index + 1 }
    begun.text += isContinued ? part.slice(0, -1) : part
    if (isContinued) continue
    lines.push(begun)
    begun = undefined
  }
  if (begun !== undefined) lines.push(begun)
  return lines
}

/** Index of the first unescaped `=`, `:` or white space. */
function endOfKey(text: string): number {
  let at = 0
  while (at < text.length && !/[=: \t\f]/.test(text.charAt(at))) at += text.charAt(at) === '\\' ? 2 : 1
  return Math.min(at, text.length)
}

function startOfValue(text: string, keyEnd: number): number {
  return keyEnd + (/^[ \t\f]*[=:]?[ \t\f]*/.exec(text.slice(keyEnd))?.[0].length ?? 0)
}

/** Undefined for a malformed `\u`. */
function unescape(text: string): string | undefined {
  if (!text.includes('\\')) return text
  let plain = ''
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charAt(at)
    if (character !== '\\') {
      plain += character
      continue
    }
    at += 1
    const escaped = text.charAt(at)
    if (escaped !== 'u') {
      plain += SPECIAL[escaped] ?? escaped
      continue
    }
    const digits = text.slice(at + 1, at + 1 + UNICODE_DIGITS)
    if (!/^[0-9a-fA-F]{4}$/.test(digits)) return undefined
    plain += String.fromCharCode(Number.parseInt(digits, 16))
    at += UNICODE_DIGITS
  }
  return plain
}

/** The line that reads as this name and text. */
export function writeProperty(name: string, text: string): string {
  return `${escapeKey(name)}=${escapeText(text)}`
}

function escapeKey(name: string): string {
  return escapeSpecial(name).replace(/^[#!]|[=: ]/g, (character) => `\\${character}`)
}

function escapeText(text: string): string {
  const escaped = escapeSpecial(text)
  // Otherwise it would belong to the separator.
  return escaped.startsWith(' ') ? `\\${escaped}` : escaped
}

function escapeSpecial(text: string): string {
  return text.replace(/[\\\t\n\r\f]/g, (character) => {
    const letter = Object.entries(SPECIAL).find(([, special]) => special === character)?.[0]
    return `\\${letter ?? character}`
  })
}
