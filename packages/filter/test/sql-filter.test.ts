// Filters by properties as their users see them: a message is delivered or not.
import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { parseFilter, parseSqlExpression } from '../src/index.ts'

const matches = (expression: string, properties: Readonly<Record<string, string>>) =>
  parseSqlExpression(expression).matches((name) => properties[name])

test.each([
  ["price > 20 AND region IN ('eu', 'us')", { price: '21', region: 'eu' }, true],
  ["price > 20 AND region IN ('eu', 'us')", { price: '21' }, false],
  ['price BETWEEN 10 AND 20 AND color IS NOT NULL', { price: '15', color: 'red' }, true],
  ['unknown > 5', { price: '15' }, false],
  ['NOT (unknown > 5)', { price: '15' }, false],
  ['5 <> missing', {}, true],
  ["missing NOT CONTAINS 'x'", {}, false],
  ['a = 3', { a: '3.0' }, false],
  ['TRUE = a', { a: 'True' }, true],
  ["TAGS = 'A'", { TAGS: 'A' }, true],
  ['time > 1700000000000', { time: '1700000000001' }, true],
])('sql: %j for %j → %s', (expression, properties, expected) => {
  expect(matches(expression, properties as Readonly<Record<string, string>>)).toBe(expected)
})

test('sql: a property that is no number → the message is passed by, whatever else would match it', () => {
  expect(matches("a > 5 OR b = 'x'", { a: 'no number', b: 'x' })).toBe(false)
  expect(matches("b = 'x' OR a > 5", { a: 'no number', b: 'x' })).toBe(true)
})

test('sql: a comparison and its negation → never both, and neither only where the value is missing or no number', () => {
  const value = fc.oneof(fc.integer().map(String), fc.constantFrom('x', '5.0', ''), fc.constant(undefined))
  const operator = fc.constantFrom('>', '>=', '<', '<=', '=', '<>')
  fc.assert(
    fc.property(value, operator, fc.integer({ min: 0 }), (text, compare, constant) => {
      const properties: Record<string, string> = text === undefined ? {} : { a: text }
      const outcomes = [`a ${compare} ${constant}`, `NOT (a ${compare} ${constant})`].map((each) =>
        matches(each, properties),
      )
      expect(outcomes.filter(Boolean)).toHaveLength(/^-?\d+$/.test(text ?? '') ? 1 : 0)
    }),
  )
})

test('sql: constants, IS NULL and AND/OR over them → the truth tables of three values', () => {
  const truths = ['TRUE', 'FALSE', 'NULL'] as const
  const and = { TRUE: { TRUE: 'TRUE', FALSE: 'FALSE', NULL: 'NULL' }, FALSE: {}, NULL: { FALSE: 'FALSE' } } as const
  for (const left of truths) {
    for (const right of truths) {
      const expectedAnd = (and[left] as Record<string, string>)[right] ?? (left === 'FALSE' ? 'FALSE' : 'NULL')
      const isTrue = expectedAnd === 'TRUE'
      const isUnknown = expectedAnd === 'NULL'
      expect(matches(`${left} AND ${right}`, {})).toBe(isTrue)
      expect(matches(`(${left} AND ${right}) IS NULL`, {})).toBe(isUnknown)
      // De Morgan, with NOT of each side.
      const or = `NOT (NOT ${left} OR NOT ${right})`
      expect(matches(or, {})).toBe(isTrue)
      expect(matches(`(${or}) IS NULL`, {})).toBe(isUnknown)
    }
  }
})

test.each([
  [undefined, undefined, 'TAG', '*'],
  ['', 'A', 'TAG', 'A'],
  ['TAG', 'A || B', 'TAG', 'A || B'],
  ['SQL92', 'a = 1', 'SQL92', 'a = 1'],
])('filter: type %j, text %j → %s %j', (type, text, expectedType, expression) => {
  expect(parseFilter(type, text)).toMatchObject({ type: expectedType, expression })
})

test.each([
  ['SQL92', undefined, 'it is empty'],
  ['SQL92', ' \n', 'it is empty'],
  ['CLASS', 'x', "expression type 'CLASS' is unknown"],
])('filter: type %j, text %j → refused: %s', (type, text, reason) => {
  expect(() => parseFilter(type, text)).toThrow(reason)
})
