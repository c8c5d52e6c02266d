import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import {
  DIGEST_MODULUS,
  addDigest,
  lowestBit,
  multiplyDigest,
  popCount,
  prefixSquares,
  prefixSum,
  squareDigest,
  subtractDigest,
} from '../../src/inflight/digest.ts'

const modulus = BigInt(DIGEST_MODULUS)
const offset = fc.oneof(
  fc.nat(1000),
  fc.maxSafeNat(),
  fc.constantFrom(2 ** 26 - 1, 2 ** 26, 2 ** 51, 2 ** 52 - 1, 2 ** 52, 2 ** 52 + 1, Number.MAX_SAFE_INTEGER),
)
const digest = offset.map((value) => value % DIGEST_MODULUS)

function exact(value: bigint): number {
  return Number(((value % modulus) + modulus) % modulus)
}

test('digest: sums, differences, products and squares of any offsets → those of BigInt', () => {
  fc.assert(
    fc.property(digest, digest, offset, (a, b, at) => {
      expect(addDigest(a, b)).toBe(exact(BigInt(a) + BigInt(b)))
      expect(subtractDigest(a, b)).toBe(exact(BigInt(a) - BigInt(b)))
      expect(multiplyDigest(a, b)).toBe(exact(BigInt(a) * BigInt(b)))
      expect(squareDigest(at)).toBe(exact(BigInt(at) * BigInt(at)))
    }),
    { numRuns: 2000 },
  )
})

test('digest: closed forms of [0, n) → those of BigInt, up to 2^53 − 1', () => {
  fc.assert(
    fc.property(offset, (count) => {
      const n = BigInt(count)
      expect(prefixSum(count)).toBe(exact((n * (n - 1n)) / 2n))
      expect(prefixSquares(count)).toBe(exact((n * (n - 1n) * (2n * n - 1n)) / 6n))
    }),
    { numRuns: 2000 },
  )
})

test('digest: bits of a mask → counted and found as written out', () => {
  fc.assert(
    fc.property(fc.integer(), (mask) => {
      const bits = (mask >>> 0).toString(2)
      expect(popCount(mask)).toBe(bits.replaceAll('0', '').length)
      if (mask !== 0) expect(lowestBit(mask)).toBe(bits.length - 1 - bits.lastIndexOf('1'))
    }),
  )
})
