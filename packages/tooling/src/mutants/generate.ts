// Faults nobody thought of: operators and constants of real code, changed. Which sites are taken follows from a hash of
// each site and the seed, so that a change of the code moves only the choice among the lines it touched.
import { createHash } from 'node:crypto'
import { codeOf } from '../layers/source-text.ts'
import type { Fault } from './mutant.ts'

/** How one kind of site is found in code, and what it becomes. */
interface Operator {
  readonly pattern: RegExp
  readonly replace: (found: string) => string
}

const SWAPS: Readonly<Record<string, string>> = {
  ' < ': ' <= ',
  ' <= ': ' < ',
  ' > ': ' >= ',
  ' >= ': ' > ',
  ' === ': ' !== ',
  ' !== ': ' === ',
  ' && ': ' || ',
  ' || ': ' && ',
  ' + ': ' - ',
  ' - ': ' + ',
  ' += ': ' -= ',
  ' -= ': ' += ',
  ' * ': ' / ',
  'Math.max(': 'Math.min(',
  'Math.min(': 'Math.max(',
  true: 'false',
  false: 'true',
}

const OPERATORS: readonly Operator[] = [
  { pattern: / (?:<|<=|>|>=|===|!==|&&|\|\||\+|-|\+=|-=|\*) /gu, replace: (found) => SWAPS[found] ?? found },
  { pattern: /Math\.(?:max|min)\(/gu, replace: (found) => SWAPS[found] ?? found },
  { pattern: /\b(?:true|false)\b/gu, replace: (found) => SWAPS[found] ?? found },
  {
    pattern: /(?<![\w.$])\d[\d_]*(?![\w.])/gu,
    replace: (found) => String(Number(found.replaceAll('_', '')) + 1),
  },
]

export interface GenerateOptions {
  readonly seed: number
  readonly count: number
}

/** Everything that can be changed in one file. */
export function faultsOf(file: string, source: string): Fault[] {
  const code = codeOf(source)
  return OPERATORS.flatMap(({ pattern, replace }) =>
    [...code.matchAll(pattern)].map((match) => faultAt(file, source, match.index, match[0], replace(match[0]))),
  )
}

/** `count` faults over all files; the same for the same sources and seed. */
export function generateFaults(sources: ReadonlyMap<string, string>, { seed, count }: GenerateOptions): Fault[] {
  const all = [...sources].flatMap(([file, source]) => faultsOf(file, source))
  return all
    .map((fault) => ({ fault, rank: rankOf(fault, seed) }))
    .sort((a, b) => (a.rank < b.rank ? -1 : 1))
    .slice(0, count)
    .map(({ fault }) => fault)
}

function rankOf({ file, text, replacement }: Fault, seed: number): string {
  return createHash('sha256')
    .update(JSON.stringify([seed, file, text, replacement]))
    .digest('hex')
}

function faultAt(file: string, source: string, at: number, found: string, replacement: string): Fault {
  const lineStart = source.lastIndexOf('\n', at) + 1
  const lineEnd = endOfLine(source, at)
  // Lines in front are taken in until the text is the only one of its kind in the file.
  let from = lineStart
  while (from > 0 && isRepeated(source, source.slice(from, lineEnd))) from = source.lastIndexOf('\n', from - 2) + 1
  const text = source.slice(from, lineEnd)
  const line = source.slice(0, at).split('\n').length
  const was = source.slice(lineStart, lineEnd).trim()
  const column = at - lineStart
  const is = (source.slice(lineStart, at) + replacement + source.slice(at + found.length, lineEnd)).trim()
  return {
    name: `${file.replace(/^.*\/src\//u, '')}:${line}:${column + 1} ${was} → ${is}`,
    file,
    text,
    replacement: text.slice(0, at - from) + replacement + text.slice(at - from + found.length),
  }
}

function endOfLine(source: string, at: number): number {
  const end = source.indexOf('\n', at)
  return end < 0 ? source.length : end
}

function isRepeated(source: string, text: string): boolean {
  return source.indexOf(text) !== source.lastIndexOf(text)
}
