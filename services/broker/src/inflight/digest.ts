// Sums of offsets and of their squares modulo 2^52, exact in doubles. A set of offsets that lost or gained a member
// has another digest. Invariant: every value in and out is an integer in [0, 2^52), offsets are safe integers.

/** Digests live in the integers modulo this. */
export const DIGEST_MODULUS = 2 ** 52

const HALF = 2 ** 26
const PER_HALF = 2 ** -26
const PER_MODULUS = 2 ** -52

/** `value` modulo 2^52, for 0 ≤ value ≤ 2^53. */
function reduce(value: number): number {
  return value - Math.floor(value * PER_MODULUS) * DIGEST_MODULUS
}

export function addDigest(a: number, b: number): number {
  const sum = a + b
  return sum >= DIGEST_MODULUS ? sum - DIGEST_MODULUS : sum
}

export function subtractDigest(a: number, b: number): number {
  return a >= b ? a - b : a - b + DIGEST_MODULUS
}

/** a · b modulo 2^52, by halves of 26 bits so that every partial product is exact. */
export function multiplyDigest(a: number, b: number): number {
  const x = reduce(a)
  const y = reduce(b)
  const xHigh = Math.floor(x * PER_HALF)
  const xLow = x - xHigh * HALF
  const yHigh = Math.floor(y * PER_HALF)
  const yLow = y - yHigh * HALF
  const middle = xHigh * yLow + xLow * yHigh
  return reduce(xLow * yLow + (middle - Math.floor(middle * PER_HALF) * HALF) * HALF)
}

/** offset² modulo 2^52. */
export function squareDigest(offset: number): number {
  return offset < HALF ? offset * offset : multiplyDigest(offset, offset)
}

/** Σ i for 0 ≤ i < count, modulo 2^52. */
export function prefixSum(count: number): number {
  if (count === 0) return 0
  return count % 2 === 0 ? multiplyDigest(count / 2, count - 1) : multiplyDigest(count, (count - 1) / 2)
}

/** Σ i² for 0 ≤ i < count, modulo 2^52: n(n−1)(2n−1)/6, divided before it is multiplied. */
export function prefixSquares(count: number): number {
  if (count === 0) return 0
  let first = count
  let second = count - 1
  // 2n − 1 modulo 2^52; above 2^52 it is no longer exact as a double.
  let third = reduce(2 * (count - Math.floor(count / 2 ** 51) * 2 ** 51) + DIGEST_MODULUS - 1)
  if (count % 3 === 0) first /= 3
  else if (count % 3 === 1) second /= 3
  else third = reduce(2 * ((count - 2) / 3) + 1)
  if (count % 2 === 0) first /= 2
  else second /= 2
  return multiplyDigest(multiplyDigest(first, second), third)
}

/** Number of bits set in a 32-bit mask. */
export function popCount(mask: number): number {
  let bits = mask - ((mask >>> 1) & 0x5555_5555)
  bits = (bits & 0x3333_3333) + ((bits >>> 2) & 0x3333_3333)
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24
}

/** Index of the lowest bit of a mask that is not 0. */
export function lowestBit(mask: number): number {
  return 31 - Math.clz32(mask & -mask)
}
