// Randomness from a seed: the same seed takes the same decisions in the same order.

export interface Random {
  /** In [0, 1). */
  next(): number
  /** In [0, below). */
  integer(below: number): number
  /** True with this probability. */
  chance(probability: number): boolean
  /** A generator of its own, so that its use does not shift the decisions of others. */
  derive(name: string): Random
}

/** FNV-1a over UTF-16 units. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  return hash >>> 0
}

/** mulberry32. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0
  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return {
    next,
    integer: (below) => Math.floor(next() * below),
    chance: (probability) => next() < probability,
    derive: (name) => createRandom(hashOf(`${seed}/${name}`)),
  }
}
