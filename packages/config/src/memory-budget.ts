// How much memory clients may make a service hold, derived from what the container or the machine allows. Only what is
// really enforced has a share; the program itself, garbage that is not collected yet and the page cache of the system
// live in the other half of the limit.
import assert from 'node:assert'
import { autoBytes, type Setting } from './setting.ts'

const MIB = 1024 * 1024
export const MEMORY_BUDGET_BYTES_MIN = 64 * MIB
/** More than this is taken only when it is asked for: caches of the system make better use of the rest. */
export const MEMORY_BUDGET_AUTO_BYTES_MAX = 1024 * MIB
/** Taken where nobody looked at the machine, such as in tests. */
export const MEMORY_BUDGET_BYTES_DEFAULT = 512 * MIB
const MEMORY_BUDGET_BYTES_MAX = 1024 * 1024 * MIB
/** Share of the limit that a budget takes by itself. */
const AUTO_SHARE = 1 / 2

/** What the process may use at most. */
export interface MemoryLimit {
  readonly bytes: number
  /** Who sets the limit. */
  readonly from: 'container' | 'machine'
  /** Heap of V8, which is a part of it. `--max-old-space-size` in NODE_OPTIONS changes it, at the start only. */
  readonly heapBytes: number
}

/** A part of the budget, and the bound that it is. */
export interface MemoryShare {
  readonly name: string
  readonly bytes: number
  /** What it bounds, and the answer at the bound. */
  readonly what: string
}

export interface MemoryPlan {
  readonly limit: MemoryLimit
  readonly budgetBytes: number
  readonly shares: readonly MemoryShare[]
}

/** What services log of it when they start. */
export interface MemoryPlanEvent {
  readonly event: 'memory.planned'
  readonly limitBytes: number
  readonly limitFrom: string
  readonly heapBytes: number
  readonly budgetBytes: number
  /** Bytes by the name of the share. */
  readonly shares: Readonly<Record<string, number>>
}

/** The setting `memoryBudget`, the same for every service. */
export function memoryBudget(): Setting<number> {
  return autoBytes({
    default: 0,
    min: MEMORY_BUDGET_BYTES_MIN,
    max: MEMORY_BUDGET_BYTES_MAX,
    help: 'Memory that clients can make it hold; auto is half of what the container or machine allows, at most 1GiB.',
  })
}

/** The budget in bytes that a value of the setting stands for. */
export function budgetBytesOf(setting: number, limit: MemoryLimit): number {
  if (setting !== 0) return setting
  const share = Math.floor(limit.bytes * AUTO_SHARE)
  return Math.max(MEMORY_BUDGET_BYTES_MIN, Math.min(share, MEMORY_BUDGET_AUTO_BYTES_MAX))
}

/** `parts` of `of` of the budget, a whole number of bytes and never less than `min`. */
export function shareOf(budgetBytes: number, parts: number, of: number, min = 0): number {
  assert(parts > 0 && parts <= of, 'a share is a part of the budget')
  return Math.max(min, Math.floor((budgetBytes * parts) / of))
}

/** The event of a plan. */
export function planEvent({ limit, budgetBytes, shares }: MemoryPlan): MemoryPlanEvent {
  return {
    event: 'memory.planned',
    limitBytes: limit.bytes,
    limitFrom: limit.from,
    heapBytes: limit.heapBytes,
    budgetBytes,
    shares: Object.fromEntries(shares.map(({ name, bytes }) => [name, bytes])),
  }
}
