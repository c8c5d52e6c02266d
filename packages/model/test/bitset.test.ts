import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { BITSET_BITS_MAX, decodeBitset, encodeBitset } from '../src/index.ts'
import { codeOf } from './thrown.ts'

test("bitset: 0, 2 and 9 → 'BQI=' as in Java", () => {
  expect(encodeBitset([0, 2, 9])).toBe('BQI=')
  expect(decodeBitset('BQI=')).toEqual([0, 2, 9])
})

test('bitset: any indexes → the same, ascending', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(BITSET_BITS_MAX - 1)), (indexes) => {
      expect(decodeBitset(encodeBitset(indexes))).toEqual(indexes.toSorted((left, right) => left - right))
    }),
  )
})

test('bitset: beyond the bound or no base64 → parameter-invalid', () => {
  expect(codeOf(() => encodeBitset([BITSET_BITS_MAX]))).toBe('parameter-invalid')
  expect(codeOf(() => decodeBitset(Buffer.alloc(BITSET_BITS_MAX / 8 + 1).toString('base64')))).toBe('parameter-invalid')
  expect(codeOf(() => decodeBitset('<>'))).toBe('parameter-invalid')
})
