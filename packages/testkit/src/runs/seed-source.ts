// Which seed comes next: so many of one world, or of both until the time is over.
import type { SeedOrder } from './seed-workers.ts'

/** With both worlds, one seed of a cluster takes its turn after so many of the store. */
const STORE_SEEDS_PER_CLUSTER_SEED = 100

export interface SeedSourceOptions {
  /** Both without it. */
  readonly world: SeedOrder['world'] | undefined
  readonly from: Readonly<Record<SeedOrder['world'], number>>
  readonly count?: number
  readonly forMs?: number
}

export interface SeedSource {
  /** How many there will be, where that is known. */
  readonly count: number | undefined
  next(): SeedOrder | undefined
  /** For a line of progress. */
  timeLeft(): string
}

export function seedSource({ world, from, count, forMs = Infinity }: SeedSourceOptions): SeedSource {
  const endMs = performance.now() + forMs
  const nextSeed = { ...from }
  let given = 0
  return {
    count,
    next() {
      if (given === count || performance.now() >= endMs) return undefined
      given += 1
      const turn = world ?? (given % (STORE_SEEDS_PER_CLUSTER_SEED + 1) === 0 ? 'cluster' : 'store')
      const seed = nextSeed[turn]
      nextSeed[turn] += 1
      return { world: turn, seed }
    },
    timeLeft: () => `seeds, ${Math.max(0, Math.round((endMs - performance.now()) / 1000))} s left`,
  }
}
