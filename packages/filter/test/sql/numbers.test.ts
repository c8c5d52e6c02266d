import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import {
  compareDoubles,
  compareNumbers,
  type JavaNumber,
  negate,
  parseDouble,
  parseNumber,
} from '../../src/sql/numbers.ts'

test.each([
  ['2147483647', 2_147_483_647, 2_147_483_647],
  ['2147483648', undefined, 2_147_483_648],
  ['-2147483648', -2_147_483_648, -2_147_483_648],
  ['+7', 7, 7],
  ['007', 7, 7],
  ['9007199254740993', undefined, 9_007_199_254_740_993n],
  ['9223372036854775807', undefined, 2n ** 63n - 1n],
  ['9223372036854775808', undefined, undefined],
  ['-9223372036854775808', undefined, -(2n ** 63n)],
  ['000000000000000000005', 5, 5],
  ...['', '+', '-', ' 5', '5 ', '5.0', '0x5', '1e3', '٥', '--5'].map((text) => [text, undefined, undefined] as const),
])('numbers: %j → as an int %s, as a long %s', (text, int, long) => {
  expect(parseNumber('int', text)).toBe(int)
  expect(parseNumber('long', text)).toBe(long)
})

test.each([
  ['5', 5],
  ['5.', 5],
  ['.5', 0.5],
  ['\t 5e-1 \n', 0.5],
  ['5d', 5],
  ['-5F', -5],
  ['NaN', Number.NaN],
  ['-Infinity', Number.NEGATIVE_INFINITY],
  ['1e999', Number.POSITIVE_INFINITY],
  ...['', ' ', 'x', '5x', '0x1p3', '1e', '.', 'nan', '5 5', '\u00a05'].map((text) => [text, undefined] as const),
])('numbers: %j → as a double %s', (text, double) => {
  expect(parseDouble(text)).toBe(double)
})

test('numbers: a hostile text of digits or spaces → answered in time that grows with its length', () => {
  for (const text of [`${'1'.repeat(32_000)}x`, `x${' '.repeat(32_000)}x`, '1.'.repeat(16_000)]) {
    expect(parseDouble(text)).toBeUndefined()
  }
})

test('numbers: doubles → in the order of Java: −0 before 0, NaN behind all', () => {
  const ordered = [Number.NEGATIVE_INFINITY, -1, -0, 0, 1, Number.POSITIVE_INFINITY, Number.NaN]
  for (const [left, a] of ordered.entries()) {
    for (const [right, b] of ordered.entries()) expect(Math.sign(compareDoubles(a, b))).toBe(Math.sign(left - right))
  }
})

test('numbers: any two longs → compared exactly, also beyond what a double holds', () => {
  const long = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
  const near = fc.tuple(long, fc.bigInt({ min: -2n, max: 2n })).map(([a, by]) => [a, a + by] as const)
  const numberOf = (value: bigint): JavaNumber => ({ type: 'long', value: parseNumber('long', `${value}`) ?? 0 })
  fc.assert(
    fc.property(fc.oneof(fc.tuple(long, long), near), ([a, b]) => {
      fc.pre(b >= -(2n ** 63n) && b < 2n ** 63n)
      expect(compareNumbers(numberOf(a), numberOf(b))).toBe(a < b ? -1 : a > b ? 1 : 0)
    }),
  )
})

test('numbers: a sign twice → the number itself; an int 0 has no sign', () => {
  expect(negate(negate({ type: 'double', value: 0.5 }))).toStrictEqual({ type: 'double', value: 0.5 })
  expect(negate({ type: 'int', value: 0 }).value).toBe(0)
})
