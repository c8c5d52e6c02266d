// Random expressions: some of the grammar, some of it with a token lost, doubled or exchanged, and random messages.
import type { Question } from './apache-evaluator.ts'

const NAMES = ['a', 'b', 'c', 'missing']
const VALUES = [
  '1',
  '2',
  '5',
  '-3',
  '5.0',
  '2.5',
  'x',
  'xy',
  '',
  'true',
  'FALSE',
  'NaN',
  '3000000000',
  '1e2',
  ' 7 ',
  '5d',
  '+4',
]
const NUMBERS = ['0', '1', '2', '5', '2.5', '5.0', '3000000000', '1e2', '.5', '7L', '9223372036854775807']
const TEXTS = ["'x'", "'xy'", "''", "'5'", "'true'", "'it''s'", "'y'"]
const TEXT_OPERATORS = ['CONTAINS', 'STARTSWITH', 'ENDSWITH']
const STRAY = [
  'AND',
  'OR',
  'NOT',
  '(',
  ')',
  '=',
  '<>',
  '<',
  '>=',
  ',',
  'NULL',
  'IS',
  'BETWEEN',
  'IN',
  '5',
  'a',
  "'x'",
  '+',
  '-',
]
const DEPTH_MAX = 4
const PROPERTIES_MAX = 3

/** The same ones for the same seed. */
export function randomQuestions(seed: number, count: number): readonly Question[] {
  // Marsaglia's xorshift; the state is never 0.
  let state = (seed | 0) === 0 ? 1 : seed | 0
  function below(end: number): number {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % end
  }
  const pick = <T>(from: readonly T[]): T => from[below(from.length)]!
  const maybeNot = () => (below(3) === 0 ? ['NOT'] : [])

  function operand(depth: number): string[] {
    switch (below(8)) {
      case 0:
        return [pick(NUMBERS)]
      case 1:
        return ['-', pick(NUMBERS)]
      case 2:
        return [pick(TEXTS)]
      case 3:
        return [pick(['TRUE', 'FALSE', 'NULL'])]
      case 4:
        return depth > 0 ? ['(', ...condition(depth - 1), ')'] : [pick(NAMES)]
      case 5:
        return [pick(['+', '-', 'NOT']), ...operand(Math.max(0, depth - 1))]
      default:
        return [pick(NAMES)]
    }
  }

  function comparison(depth: number): string[] {
    const left = below(4) === 0 ? operand(depth) : [pick(NAMES)]
    switch (below(7)) {
      case 0:
        return [...left, 'IS', ...maybeNot(), 'NULL']
      case 1:
        return [...left, ...maybeNot(), 'BETWEEN', ...numeric(depth), 'AND', ...numeric(depth)]
      case 2: {
        const more = Array.from({ length: below(6) }, () => [',', pick(TEXTS)]).flat()
        return [...left, ...maybeNot(), 'IN', '(', pick(TEXTS), ...more, ')']
      }
      case 3:
        return [...left, ...maybeNot(), pick(TEXT_OPERATORS), pick(TEXTS)]
      case 4:
        return [...left, pick(['>', '>=', '<', '<=']), ...numeric(depth)]
      default:
        return [...left, pick(['=', '<>']), ...operand(depth)]
    }
  }

  function numeric(depth: number): string[] {
    return below(5) === 0 ? operand(depth) : below(3) === 0 ? [pick(NAMES)] : [pick(NUMBERS)]
  }

  function condition(depth: number): string[] {
    if (depth === 0 || below(3) === 0) return comparison(depth)
    switch (below(4)) {
      case 0:
        return ['NOT', '(', ...condition(depth - 1), ')']
      case 1:
        return ['(', ...condition(depth - 1), ')', pick(['AND', 'OR']), ...condition(depth - 1)]
      default:
        return [...condition(depth - 1), pick(['AND', 'OR']), ...condition(depth - 1)]
    }
  }

  function damaged(tokens: string[]): string[] {
    const at = below(tokens.length)
    switch (below(3)) {
      case 0:
        return tokens.toSpliced(at, 1)
      case 1:
        return tokens.toSpliced(at, 0, tokens[at]!)
      default:
        return tokens.toSpliced(at, 1, pick(STRAY))
    }
  }

  function question(): Question {
    const tokens = condition(below(DEPTH_MAX))
    const expression = (below(5) === 0 ? damaged(tokens) : tokens).join(' ')
    const names = Array.from({ length: below(PROPERTIES_MAX + 1) }, () => pick(['a', 'b', 'c']))
    return { expression, properties: Object.fromEntries(names.map((name) => [name, pick(VALUES)])) }
  }

  return Array.from({ length: count }, question)
}
