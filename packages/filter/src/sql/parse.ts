// Apache's grammar for SQL92 filters, rule by rule, with its checks. OR binds weakest, then AND, then = <> IS, then
// order, BETWEEN, IN and the text operators; NOT binds closer than any comparison.
import { compareNumbers, negate, wholeLiteral, type JavaNumber } from './numbers.ts'
import type { Condition, EqualityOperator, Operand, OrderOperator, TextOperator } from './syntax.ts'
import { nextToken, refuse, type Token } from './tokens.ts'

/** Longest expression in characters. */
export const SQL_CHARS_MAX = 64 * 1024
/** Most names, constants, values of lists and operators in it. */
export const SQL_NODES_MAX = 8192
/** Deepest nesting of parentheses, NOT, signs, and comparisons of comparisons. */
export const SQL_DEPTH_MAX = 128

const DOUBLE_MIN = 5e-324
const ORDERS: ReadonlySet<string> = new Set(['>', '>=', '<', '<='])
const TEXTS: ReadonlySet<string> = new Set(['CONTAINS', 'STARTSWITH', 'ENDSWITH'])

/** An operand, and where it begins, for what is said about it. */
interface Placed {
  readonly operand: Operand
  readonly at: number
  /** Levels below it. */
  readonly depth: number
}

/** Reads an expression. MqError 'filter-illegal' says where it is wrong, and why. Java: SelectorParser. */
export function parseSql(text: string): Condition {
  if (text.length > SQL_CHARS_MAX) {
    refuse(text, SQL_CHARS_MAX, `an expression has at most ${SQL_CHARS_MAX} characters; this one has ${text.length}`)
  }
  let { token, next } = nextToken(text, 0)
  let nodes = 0
  let open = 0

  function advance(): Token {
    const taken = token
    ;({ token, next } = nextToken(text, next))
    return taken
  }

  function is(value: string): boolean {
    return (token.kind === 'keyword' || token.kind === 'operator') && token.value === value
  }

  function take(value: string): boolean {
    if (!is(value)) return false
    advance()
    return true
  }

  function expect(value: string, purpose: string): void {
    if (!take(value)) refuse(text, token.at, `'${value}' is missing ${purpose}`)
  }

  function countNode(at: number): void {
    nodes += 1
    if (nodes > SQL_NODES_MAX)
      refuse(text, at, `an expression has at most ${SQL_NODES_MAX} names, values and operators`)
  }

  function placed(operand: Operand, at: number, depth: number): Placed {
    countNode(at)
    if (depth > SQL_DEPTH_MAX) refuse(text, at, `comparisons are nested deeper than ${SQL_DEPTH_MAX}`)
    return { operand, at, depth }
  }

  function conditionAt(condition: Condition, at: number, depth: number): Placed {
    return placed({ kind: 'condition', condition }, at, depth)
  }

  /** Counts what the parser itself would go down for. */
  function nested<T>(at: number, parse: () => T): T {
    open += 1
    if (open > SQL_DEPTH_MAX) refuse(text, at, `parentheses, NOT and signs are nested deeper than ${SQL_DEPTH_MAX}`)
    const parsed = parse()
    open -= 1
    return parsed
  }

  function asCondition({ operand, at }: Placed): Condition {
    if (operand.kind === 'condition') return operand.condition
    if (operand.kind === 'property') return { kind: 'cast', name: operand.name }
    return refuse(text, at, 'this is neither true nor false: compare it with something')
  }

  function parseOr(): Placed {
    return parseChain('OR', 'or', () => parseChain('AND', 'and', parseEquality))
  }

  /** Conditions joined by one keyword are one node, however many they are. */
  function parseChain(keyword: string, kind: 'and' | 'or', parsePart: () => Placed): Placed {
    const first = parsePart()
    if (!is(keyword)) return first
    const of = [asCondition(first)]
    let { depth } = first
    while (take(keyword)) {
      const part = parsePart()
      of.push(asCondition(part))
      depth = Math.max(depth, part.depth)
    }
    return conditionAt({ kind, of }, first.at, depth + 1)
  }

  function parseEquality(): Placed {
    let left = parseComparison()
    for (;;) {
      if (is('=') || is('<>')) left = parseEqual(left)
      else if (take('IS')) left = parseIsNull(left)
      else return left
    }
  }

  function parseEqual(left: Placed): Placed {
    const operator = advance().value as EqualityOperator
    if (is('=')) refuse(text, token.at, "equal is one '='")
    const right = parseComparison()
    checkNotNull(left)
    checkNotNull(right)
    if (constantOf(left.operand) !== undefined && isLiteral(right.operand)) {
      refuse(text, left.at, `TRUE and FALSE are not compared with a constant of another type`)
    }
    const equal: Condition = { kind: 'equal', left: left.operand, right: right.operand }
    const depth = Math.max(left.depth, right.depth) + 1
    return conditionAt(operator === '=' ? equal : { kind: 'not', of: equal }, left.at, depth)
  }

  function parseIsNull(left: Placed): Placed {
    const isNot = take('NOT')
    expect('NULL', isNot ? "behind 'IS NOT'" : "behind 'IS', or NOT NULL")
    const isNull: Condition = { kind: 'null', of: left.operand }
    return conditionAt(isNot ? { kind: 'not', of: isNull } : isNull, left.at, left.depth + 1)
  }

  function parseComparison(): Placed {
    let left = parseUnary()
    for (;;) {
      if (token.kind === 'operator' && ORDERS.has(token.value)) {
        const operator = advance().value as OrderOperator
        left = order(left, operator, parseUnary())
        continue
      }
      const isNot = is('NOT')
      if (isNot) advance()
      if (take('BETWEEN')) left = parseBetween(left, isNot)
      else if (take('IN')) left = parseIn(left, isNot)
      else if (token.kind === 'keyword' && TEXTS.has(token.value)) left = parseText(left, isNot)
      else if (isNot)
        refuse(text, token.at, 'NOT stands in front of BETWEEN, IN, CONTAINS, STARTSWITH or ENDSWITH here')
      else return left
    }
  }

  function order(left: Placed, operator: OrderOperator, right: Placed): Placed {
    checkHasOrder(left)
    checkHasOrder(right)
    const depth = Math.max(left.depth, right.depth) + 1
    return conditionAt({ kind: 'order', operator, left: left.operand, right: right.operand }, left.at, depth)
  }

  function parseBetween(value: Placed, isNot: boolean): Placed {
    const low = parseUnary()
    expect('AND', 'between the two values of BETWEEN')
    const high = parseUnary()
    const lowest = literalNumber(low.operand)
    const highest = literalNumber(high.operand)
    if (!isNot && lowest !== undefined && highest !== undefined && compareNumbers(highest, lowest) < 0) {
      refuse(text, low.at, 'the first value of BETWEEN is above the second: change their places')
    }
    const first = order(value, isNot ? '<' : '>=', low)
    const second = order(value, isNot ? '>' : '<=', high)
    const of = [asCondition(first), asCondition(second)]
    return conditionAt({ kind: isNot ? 'or' : 'and', of }, value.at, Math.max(first.depth, second.depth) + 1)
  }

  function parseIn({ operand, at }: Placed, isNot: boolean): Placed {
    if (operand.kind !== 'property') refuse(text, at, 'IN asks for a property: its name stands in front')
    expect('(', "behind 'IN'")
    const values = new Set<string>()
    do {
      countNode(token.at)
      values.add(takeText('IN lists'))
    } while (take(','))
    expect(')', 'behind the values of IN')
    return conditionAt({ kind: 'in', name: operand.name, values, isNot }, at, 1)
  }

  function parseText({ operand, at, depth }: Placed, isNot: boolean): Placed {
    const operator = advance().value as TextOperator
    const needle = takeText(`${operator} asks for`)
    return conditionAt({ kind: 'text', operator, of: operand, needle, isNot }, at, depth + 1)
  }

  function takeText(who: string): string {
    if (token.kind !== 'text') refuse(text, token.at, `${who} text between single quotes only`)
    return advance().value
  }

  function parseUnary(): Placed {
    const { at } = token
    if (take('+')) return nested(at, parseUnary)
    if (take('-')) return parseNegative(at)
    if (take('NOT')) {
      const of = nested(at, parseUnary)
      return conditionAt({ kind: 'not', of: asCondition(of) }, at, of.depth + 1)
    }
    if (take('(')) {
      const { operand, depth } = nested(at, parseOr)
      expect(')', `for the '(' at character ${at + 1}`)
      return { operand, at, depth }
    }
    return parsePrimary()
  }

  function parseNegative(at: number): Placed {
    const { operand, depth } = nested(at, parseUnary)
    if (operand.kind !== 'number') return placed({ kind: 'negated', of: operand }, at, depth + 1)
    return placed({ kind: 'number', value: negate(operand.value), isLiteral: false }, at, depth)
  }

  function parsePrimary(): Placed {
    const { kind, value, at } = token
    switch (kind) {
      case 'name':
        advance()
        return placed({ kind: 'property', name: value }, at, 0)
      case 'text':
        advance()
        return placed({ kind: 'text', value }, at, 0)
      case 'whole':
      case 'float':
        advance()
        return placed({ kind: 'number', value: numberOf(kind, value, at), isLiteral: true }, at, 0)
      case 'keyword':
        if (take('TRUE')) return conditionAt({ kind: 'constant', value: true }, at, 0)
        if (take('FALSE')) return conditionAt({ kind: 'constant', value: false }, at, 0)
        if (take('NULL')) return conditionAt({ kind: 'constant', value: null }, at, 0)
    }
    return refuse(text, at, 'a property, a constant or an expression in parentheses is missing')
  }

  function numberOf(kind: 'whole' | 'float', value: string, at: number): JavaNumber {
    if (kind === 'whole') {
      return wholeLiteral(value.replace(/[lL]$/, '')) ?? refuse(text, at, 'the number is larger than a long')
    }
    const double = Number(value)
    if (double === Infinity) refuse(text, at, 'the number is larger than a double')
    if (double < DOUBLE_MIN) refuse(text, at, "the number is smaller than a double above 0; zero is '0'")
    return { type: 'double', value: double }
  }

  function checkNotNull({ operand, at }: Placed): void {
    if (constantOf(operand) === null) refuse(text, at, 'nothing equals NULL: write IS NULL or IS NOT NULL')
  }

  function checkHasOrder({ operand, at }: Placed): void {
    if (operand.kind === 'text') refuse(text, at, 'text has no order: it is equal or not')
    if (operand.kind === 'condition') refuse(text, at, 'only numbers have an order')
  }

  const whole = asCondition(parseOr())
  // A comment may end with the expression.
  if (token.kind !== 'end' && !text.startsWith('--', token.at)) {
    const isLike = token.value.toUpperCase() === 'LIKE'
    refuse(
      text,
      token.at,
      isLike ? 'there is no LIKE: use CONTAINS, STARTSWITH or ENDSWITH' : 'AND, OR or the end is missing',
    )
  }
  return whole
}

/** The value of TRUE, FALSE and NULL; undefined for everything else. */
function constantOf(operand: Operand): boolean | null | undefined {
  return operand.kind === 'condition' && operand.condition.kind === 'constant' ? operand.condition.value : undefined
}

/** Text and numbers without a sign. */
function isLiteral(operand: Operand): boolean {
  return operand.kind === 'text' || (operand.kind === 'number' && operand.isLiteral)
}

function literalNumber(operand: Operand): JavaNumber | undefined {
  return operand.kind === 'number' && operand.isLiteral ? operand.value : undefined
}
