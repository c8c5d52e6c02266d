// Randomness that a seed determines: sfc32. Subsystems take forks, so that one drawing more does not shift the others.
import assert from 'node:assert'
import type { Random } from '@rocketmq-ts/runtime'

const TWO_32 = 2 ** 32
const WARM_UP_ROUNDS = 12

/** A `Random` with what the simulation needs beside. */
export class Prng implements Random {
  #a: number
  #b: number
  #c: number
  #counter = 1

  constructor(seed: number) {
    assert(Number.isSafeInteger(seed) && seed >= 0, `not a seed: ${seed}`)
    this.#a = Math.floor(seed / TWO_32) | 0
    this.#b = seed | 0
    this.#c = 0x9e3779b9 | 0
    for (let round = 0; round < WARM_UP_ROUNDS; round += 1) this.uint32()
  }

  uint32(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum
    this.#c |= 0
    return sum >>> 0
  }

  fraction(): number {
    return this.uint32() / TWO_32
  }

  integer(bound: number): number {
    assert(Number.isSafeInteger(bound) && bound > 0, `not a positive safe integer: ${bound}`)
    if (bound <= TWO_32) return Math.floor((this.uint32() / TWO_32) * bound)
    const high = this.uint32() >>> 11
    return (high * TWO_32 + this.uint32()) % bound
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length)
    for (let at = 0; at < length; at += 1) bytes[at] = this.uint32() & 0xff
    return bytes
  }

  /** True with this probability. Draws nothing at 0, so that faults that are off cost and change nothing. */
  chance(probability: number): boolean {
    return probability > 0 && this.fraction() < probability
  }

  /** A number in [range[0], range[1]). Draws nothing when both are equal. */
  within(range: readonly [number, number]): number {
    const [from, to] = range
    return from === to ? from : from + this.fraction() * (to - from)
  }

  /** One of the items. */
  pick<Item>(items: readonly Item[]): Item {
    const item = items[this.integer(items.length)]
    assert(item !== undefined || items.length > 0, 'nothing to pick from')
    return item as Item
  }

  /** An independent generator. */
  fork(): Prng {
    return new Prng((this.uint32() >>> 11) * TWO_32 + this.uint32())
  }
}
