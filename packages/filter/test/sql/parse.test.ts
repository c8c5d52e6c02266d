// Where an expression is wrong, and why; and how much of one there may be.
import { expect, test } from '@jest/globals'
import { MqError } from '@rocketmq-ts/model'
import * as fc from 'fast-check'
import { parseSql, SQL_CHARS_MAX, SQL_DEPTH_MAX, SQL_NODES_MAX } from '../../src/sql/parse.ts'

test.each([
  ['a != 1', 'at character 3, "!= 1": not equal is \'<>\''],
  ['a == 1', 'at character 4, "= 1": equal is one \'=\''],
  ["a LIKE 'x%'", 'at character 3, "LIKE \'x%\'": there is no LIKE: use CONTAINS'],
  ["a NOT LIKE 'x%'", 'at character 7, "LIKE \'x%\'": NOT stands in front of BETWEEN'],
  ['a && b', 'at character 3, "&& b": write AND instead of \'&&\''],
  ['a = "x"', 'text stands between single quotes'],
  ["a = 'x", 'at character 5, "\'x": the text has no closing quote'],
  ['a.b = 1', 'at character 2, ".b = 1": names consist of'],
  ['a = 1;', 'at character 6, ";": an expression has no end mark'],
  ['/* a = 1', 'at character 1, "/* a = 1": the comment has no end'],
  ['a = 1 b = 2', 'at character 7, "b = 2": AND, OR or the end is missing'],
  ['a = 1)', 'at character 6, ")": AND, OR or the end is missing'],
  ['(a = 1', "at its end: ')' is missing for the '(' at character 1"],
  ['a >', 'at its end: a property, a constant or an expression in parentheses is missing'],
  ['', 'at its end: a property'],
  ['5', 'at character 1, "5": this is neither true nor false'],
  ['a AND 5', 'at character 7, "5": this is neither true nor false'],
  ['a = NULL', 'at character 5, "NULL": nothing equals NULL: write IS NULL'],
  ['TRUE = 5', 'at character 1, "TRUE = 5": TRUE and FALSE are not compared'],
  ["a > 'x'", 'at character 5, "\'x\'": text has no order'],
  ['a > 5 > 3', 'at character 1, "a > 5 > 3": only numbers have an order'],
  ['a BETWEEN 5 AND 3', 'at character 11, "5 AND 3": the first value of BETWEEN is above the second'],
  ['a BETWEEN 5 OR 3', 'at character 13, "OR 3": \'AND\' is missing between the two values of BETWEEN'],
  ['a IN (5)', 'at character 7, "5)": IN lists text between single quotes only'],
  ["5 IN ('x')", 'at character 1, "5 IN (\'x\')": IN asks for a property'],
  ["a IN ('x'", "at its end: ')' is missing behind the values of IN"],
  ['a CONTAINS 5', 'at character 12, "5": CONTAINS asks for text'],
  ['a IS 5', "at character 6, \"5\": 'NULL' is missing behind 'IS', or NOT NULL"],
  ['a IS NOT TRUE', "at character 10, \"TRUE\": 'NULL' is missing behind 'IS NOT'"],
  ['a > 9223372036854775808', 'at character 5, "9223372036854775808": the number is larger than a long'],
  ['a > 1e999', 'the number is larger than a double'],
  ['a > 0.0', "zero is '0'"],
])('parse: %j → refused %s', (expression, expected) => {
  expect(() => parseSql(expression)).toThrow(MqError)
  expect(() => parseSql(expression)).toThrow(expected)
})

/** The largest count that is taken, and the reason that one more is refused for. */
function boundary(of: (count: number) => string, max: number): string {
  expect(() => parseSql(of(max))).not.toThrow()
  try {
    parseSql(of(max + 1))
  } catch (error) {
    return (error as Error).message
  }
  return ''
}

test('parse: an expression as long as allowed → taken; one character more → refused', () => {
  const text = (chars: number) => `a = '${'x'.repeat(chars - 6)}'`
  expect(boundary(text, SQL_CHARS_MAX)).toContain(`at most ${SQL_CHARS_MAX} characters`)
})

test('parse: as many values as allowed → taken; one more → refused at its place', () => {
  const list = (nodes: number) => `a IN (${Array.from({ length: nodes - 2 }, () => "''").join(',')})`
  expect(boundary(list, SQL_NODES_MAX)).toMatch(/at character \d+, .*at most 8192 names/)
})

test.each([
  ['parentheses', (depth: number) => `${'('.repeat(depth)}a${')'.repeat(depth)}`],
  ['NOT', (depth: number) => `${'NOT '.repeat(depth)}a`],
  ['signs', (depth: number) => `a = ${'- '.repeat(depth)}5`],
  ['comparisons of comparisons', (depth: number) => `a${' = a'.repeat(depth)}`],
])('parse: %s nested as deep as allowed → taken; one deeper → refused', (_name, nested) => {
  expect(boundary(nested, SQL_DEPTH_MAX)).toContain(`nested deeper than ${SQL_DEPTH_MAX}`)
})

test('parse: any text → an expression, or MqError filter-illegal within the bounds of time and stack', () => {
  const word = fc.constantFrom(
    'a',
    "'x'",
    '5',
    '.5',
    '(',
    ')',
    ',',
    'NOT',
    'AND',
    'OR',
    '=',
    '<>',
    '>',
    'IN',
    'BETWEEN',
    'IS',
    'NULL',
    '-',
    '+',
  )
  const text = fc.oneof(
    fc.string(),
    fc.string({ unit: 'binary' }),
    fc.array(word).map((words) => words.join(' ')),
  )
  fc.assert(
    fc.property(text, (expression) => {
      try {
        parseSql(expression)
      } catch (error) {
        expect((error as MqError).code).toBe('filter-illegal')
      }
    }),
    { numRuns: 500 },
  )
})
