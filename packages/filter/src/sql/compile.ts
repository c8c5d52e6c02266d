// Makes functions of a parsed expression. A condition has four outcomes: a failed evaluation ends the whole expression, as
// Java's exception does, unless AND or OR knew their answer before.
import { compareDoubles, compareNumbers, compareWhole, parseDouble, parseNumber, type JavaNumber } from './numbers.ts'
import type { Condition, Operand, OrderOperator, TextOperator } from './syntax.ts'

/** The value of a property; undefined where the message has none of that name. */
export type PropertyLookup = (name: string) => string | undefined

export const Truth = { FALSE: 0, TRUE: 1, UNKNOWN: 2, FAILED: 3 } as const
export type Truth = (typeof Truth)[keyof typeof Truth]

export type Evaluation = (property: PropertyLookup) => Truth

const { FALSE, TRUE, UNKNOWN, FAILED } = Truth

/** The value could not be found: something below it failed. */
const BROKEN = Symbol('failed')
/** Null: there is no value. */
type Value = string | boolean | JavaNumber | null
type OperandValue = (property: PropertyLookup) => Value | typeof BROKEN

const truthOf = (value: boolean): Truth => (value ? TRUE : FALSE)

/** The function for a condition. Pure; safe to share. */
export function compile(condition: Condition): Evaluation {
  switch (condition.kind) {
    case 'constant': {
      const outcome = condition.value === null ? UNKNOWN : truthOf(condition.value)
      return () => outcome
    }
    case 'and':
      return compileChain(condition.of, FALSE)
    case 'or':
      return compileChain(condition.of, TRUE)
    case 'not':
      return compileNot(compile(condition.of))
    case 'cast': {
      const { name } = condition
      return (property) => (property(name) === undefined ? UNKNOWN : FALSE)
    }
    case 'null':
      return compileIsNull(condition.of)
    case 'equal':
      return compileEqual(condition.left, condition.right)
    case 'order':
      return compileOrder(condition.operator, condition.left, condition.right)
    case 'in': {
      const { name, values, isNot } = condition
      return (property) => {
        const value = property(name)
        return value === undefined ? UNKNOWN : truthOf(values.has(value) !== isNot)
      }
    }
    case 'text':
      return compileText(condition)
  }
}

/** AND and OR: the first `decisive` outcome is the answer; else one unknown makes the whole unknown. */
function compileChain(conditions: readonly Condition[], decisive: Truth): Evaluation {
  const parts = conditions.map(compile)
  const otherwise = decisive === TRUE ? FALSE : TRUE
  return (property) => {
    let outcome: Truth = otherwise
    for (const part of parts) {
      const truth = part(property)
      if (truth === decisive || truth === FAILED) return truth
      if (truth === UNKNOWN) outcome = UNKNOWN
    }
    return outcome
  }
}

function compileNot(of: Evaluation): Evaluation {
  return (property) => {
    const truth = of(property)
    return truth === TRUE ? FALSE : truth === FALSE ? TRUE : truth
  }
}

function compileIsNull(of: Operand): Evaluation {
  if (of.kind === 'property') return (property) => truthOf(property(of.name) === undefined)
  const valueOf = compileOperand(of)
  return (property) => {
    const value = valueOf(property)
    return value === BROKEN ? FAILED : truthOf(value === null)
  }
}

function compileOperand(operand: Operand): OperandValue {
  switch (operand.kind) {
    case 'property':
      return (property) => property(operand.name) ?? null
    case 'text':
    case 'number': {
      const { value } = operand
      return () => value
    }
    case 'condition': {
      const of = compile(operand.condition)
      return (property) => {
        const truth = of(property)
        return truth === FAILED ? BROKEN : truth === UNKNOWN ? null : truth === TRUE
      }
    }
    case 'negated': {
      const of = compileOperand(operand.of)
      return (property) => (of(property) === BROKEN ? BROKEN : null)
    }
  }
}

function compileEqual(left: Operand, right: Operand): Evaluation {
  if (left.kind === 'property' && right.kind === 'text') {
    return (property) => {
      const value = property(left.name)
      return value === undefined ? UNKNOWN : truthOf(value === right.value)
    }
  }
  if (left.kind === 'property' && right.kind === 'number') {
    return compareProperty(left.name, right.value, (answer) => answer === 0)
  }
  const leftOf = compileOperand(left)
  const rightOf = compileOperand(right)
  return (property) => {
    const leftValue = leftOf(property)
    if (leftValue === BROKEN) return FAILED
    const rightValue = rightOf(property)
    if (rightValue === BROKEN) return FAILED
    // Not symmetric: a missing value is unknown on the left, and unequal on the right.
    if (leftValue === null) return rightValue === null ? TRUE : UNKNOWN
    if (rightValue === null) return FALSE
    return equalTruth(leftValue, rightValue)
  }
}

function equalTruth(left: Exclude<Value, null>, right: Exclude<Value, null>): Truth {
  if (typeof left === 'boolean' || typeof right === 'boolean') {
    // A boolean is never a number. Text in front of one or behind it is read as one.
    if (typeof left === 'object' || typeof right === 'object') return FALSE
    return truthOf(booleanOf(left) === booleanOf(right))
  }
  if (typeof left === 'string' && typeof right === 'string') return truthOf(left === right)
  const answer = compareValues(left, right)
  return answer === undefined ? FAILED : truthOf(answer === 0)
}

/** Java: Boolean.valueOf. */
function booleanOf(value: string | boolean): boolean {
  return typeof value === 'boolean' ? value : value.toLowerCase() === 'true'
}

/** Text is read as a number of the other side's type, and as a double next to text. Undefined: it is none. */
function compareValues(left: string | JavaNumber, right: string | JavaNumber): number | undefined {
  if (typeof left === 'string') {
    if (typeof right === 'object') return compareText(left, right)
    const [leftNumber, rightNumber] = [parseDouble(left), parseDouble(right)]
    return leftNumber === undefined || rightNumber === undefined ? undefined : compareDoubles(leftNumber, rightNumber)
  }
  if (typeof right === 'object') return compareNumbers(left, right)
  const answer = compareText(right, left)
  return answer === undefined ? undefined : 0 - answer
}

function compareText(text: string, number: JavaNumber): number | undefined {
  const value = parseNumber(number.type, text)
  return value === undefined ? undefined : compareNumbers({ type: number.type, value }, number)
}

function compareProperty(name: string, number: JavaNumber, test: (answer: number) => boolean): Evaluation {
  const { type, value: constant } = number
  if (type === 'double') {
    const double = Number(constant)
    return (property) => {
      const text = property(name)
      if (text === undefined) return UNKNOWN
      const value = parseDouble(text)
      return value === undefined ? FAILED : truthOf(test(compareDoubles(value, double)))
    }
  }
  return (property) => {
    const text = property(name)
    if (text === undefined) return UNKNOWN
    const value = parseNumber(type, text)
    if (value === undefined) return FAILED
    return truthOf(test(compareWhole(value, constant)))
  }
}

const ORDER_TESTS: Readonly<Record<OrderOperator, (answer: number) => boolean>> = {
  '>': (answer) => answer > 0,
  '>=': (answer) => answer >= 0,
  '<': (answer) => answer < 0,
  '<=': (answer) => answer <= 0,
}

function compileOrder(operator: OrderOperator, left: Operand, right: Operand): Evaluation {
  const test = ORDER_TESTS[operator]
  if (left.kind === 'property' && right.kind === 'number') return compareProperty(left.name, right.value, test)
  const leftOf = compileOperand(left)
  const rightOf = compileOperand(right)
  return (property) => {
    const leftValue = leftOf(property)
    if (leftValue === BROKEN) return FAILED
    if (leftValue === null) return UNKNOWN
    const rightValue = rightOf(property)
    if (rightValue === BROKEN) return FAILED
    if (rightValue === null) return UNKNOWN
    // The parser lets no condition be ordered.
    if (typeof leftValue === 'boolean' || typeof rightValue === 'boolean') return FAILED
    const answer = compareValues(leftValue, rightValue)
    return answer === undefined ? FAILED : truthOf(test(answer))
  }
}

const TEXT_TESTS: Readonly<Record<TextOperator, (value: string, needle: string) => boolean>> = {
  CONTAINS: (value, needle) => value.includes(needle),
  STARTSWITH: (value, needle) => value.startsWith(needle),
  ENDSWITH: (value, needle) => value.endsWith(needle),
}

/** Never unknown: what has no value, is no text, or is asked for nothing is false, also with NOT. */
function compileText({ operator, of, needle, isNot }: Extract<Condition, { readonly kind: 'text' }>): Evaluation {
  if (needle === '') return () => FALSE
  const test = TEXT_TESTS[operator]
  const valueOf = compileOperand(of)
  return (property) => {
    const value = valueOf(property)
    if (value === BROKEN) return FAILED
    return typeof value === 'string' ? truthOf(test(value, needle) !== isNot) : FALSE
  }
}
