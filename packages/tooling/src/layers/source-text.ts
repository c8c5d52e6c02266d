// Enough of a scanner to see imports and names in a source file without being fooled by comments and strings.

/** An import or re-export as written: its specifier and the line it stands on, from 1. */
export interface ImportStatement {
  readonly specifier: string
  readonly line: number
}

/** A name used in code, outside comments and strings. */
export interface NameUse {
  readonly name: string
  readonly line: number
}

const IMPORT =
  /(?:^|[;}\n])\s*(?:import|export)\b(?:[^'"`;()]*?\bfrom)?\s*(['"])([^'"\n]+)\1|\b(?:import|require)\s*\(\s*(['"])([^'"\n]+)\3/g

/** Static and dynamic imports, re-exports and `require` calls with a literal specifier. */
export function importsOf(source: string): ImportStatement[] {
  const { code, plain } = scan(source)
  return [...plain.matchAll(IMPORT)]
    .filter((match) => isCode(code, match))
    .map((match) => ({
      specifier: match[2] ?? match[4] ?? '',
      line: lineAt(source, match.index + match[0].length - 1),
    }))
}

/** Every match of the pattern (with flag `g`) in code; its first group, or the whole match, is the name. */
export function namesIn(source: string, pattern: RegExp): NameUse[] {
  const { code } = scan(source)
  return [...code.matchAll(pattern)].map((match) => ({
    name: (match[1] ?? match[0]).replace(/\s+/g, ''),
    line: lineAt(source, match.index),
  }))
}

/** The source with comments, strings, templates' text and regular expressions blanked; same length and lines. */
export function codeOf(source: string): string {
  return scan(source).code
}

/** The keyword of the statement must be code, not the inside of a string or template. */
function isCode(code: string, match: RegExpExecArray): boolean {
  const keyword = /import|export|require/.exec(match[0])
  if (keyword === null) return false
  const at = match.index + keyword.index
  return code.slice(at, at + keyword[0].length) === keyword[0]
}

function lineAt(source: string, index: number): number {
  let line = 1
  for (let at = source.indexOf('\n'); at !== -1 && at < index; at = source.indexOf('\n', at + 1)) line += 1
  return line
}

interface Scanned {
  /** The source with comments, strings, templates' text and regular expressions blanked; same length and lines. */
  readonly code: string
  /** The source with only comments blanked. */
  readonly plain: string
}

const REGEX_MAY_FOLLOW = /(?:^|[(,=:[!&|?{};+\-*%~^<>\n]|\b(?:return|typeof|case|in|of|await|yield))\s*$/
const LOOK_BEHIND_CHARS = 16

function scan(source: string): Scanned {
  const code = source.split('')
  const plain = source.split('')
  const templateBraces: number[] = []
  let braces = 0
  let at = 0

  const skip = (end: number, isComment: boolean) => {
    blank(code, at, end)
    if (isComment) blank(plain, at, end)
    at = end
  }

  while (at < source.length) {
    const here = source[at]
    const pair = source.slice(at, at + 2)
    if (pair === '//') skip(endOf(source, '\n', at), true)
    else if (pair === '/*') skip(endOf(source, '*/', at + 2) + 2, true)
    else if (here === "'" || here === '"') skip(endOfQuoted(source, at, here), false)
    else if (here === '`') {
      const end = endOfTemplateText(source, at + 1)
      if (source[end] === '$') templateBraces.push(braces)
      skip(end + (source[end] === '$' ? 2 : 1), false)
    } else if (here === '}' && templateBraces.at(-1) === braces) {
      const end = endOfTemplateText(source, at + 1)
      if (source[end] !== '$') templateBraces.pop()
      skip(end + (source[end] === '$' ? 2 : 1), false)
    } else if (here === '/' && REGEX_MAY_FOLLOW.test(code.slice(Math.max(0, at - LOOK_BEHIND_CHARS), at).join(''))) {
      skip(endOfRegex(source, at), false)
    } else {
      if (here === '{') braces += 1
      if (here === '}') braces -= 1
      at += 1
    }
  }
  return { code: code.join(''), plain: plain.join('') }
}

/** Line ends stay, so that line numbers do. */
function blank(into: string[], from: number, to: number): void {
  for (let index = from; index < to && index < into.length; index += 1) if (into[index] !== '\n') into[index] = ' '
}

function endOf(source: string, mark: string, from: number): number {
  const end = source.indexOf(mark, from)
  return end === -1 ? source.length : end
}

function endOfQuoted(source: string, from: number, quote: string): number {
  for (let at = from + 1; at < source.length; at += 1) {
    if (source[at] === '\\') at += 1
    else if (source[at] === quote || source[at] === '\n') return at + 1
  }
  return source.length
}

/** Index of the closing backtick or of the `$` that opens an expression. */
function endOfTemplateText(source: string, from: number): number {
  for (let at = from; at < source.length; at += 1) {
    if (source[at] === '\\') at += 1
    else if (source[at] === '`' || (source[at] === '$' && source[at + 1] === '{')) return at
  }
  return source.length
}

function endOfRegex(source: string, from: number): number {
  let inClass = false
  for (let at = from + 1; at < source.length; at += 1) {
    const here = source[at]
    if (here === '\\') at += 1
    else if (here === '\n') return from + 1
    else if (here === '[') inClass = true
    else if (here === ']') inClass = false
    else if (here === '/' && !inClass) return at + 1
  }
  return source.length
}
