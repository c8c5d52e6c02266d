// What is kept of one seed of the store's world: plain numbers and texts, so that another process can have made it.
import type { Counters } from '../sim/index.ts'
import { type StoreRunRecord, runStoreSeed } from '../store-world/run-store-seed.ts'
import { OPERATIONS_MIN, storePlanOf } from '../store-world/store-plan.ts'
import type { Violation } from '../store-world/verdict.ts'

export type Counts = Record<string, number>

export interface StoreSeedReport {
  readonly seed: number
  readonly violations: readonly Violation[]
  readonly operations: number
  /** By name and outcome. */
  readonly outcomes: Counts
  /** By kind: how often a fault truly hit. */
  readonly faults: Counts
  /** By name: how often the broker was ended there. */
  readonly steps: Counts
  /** Steps that were passed and have no place in the list of steps. */
  readonly stepsPassed: readonly string[]
  readonly lives: number
  readonly traceHash: string
  readonly events: number
  readonly virtualMs: number
}

/** Runs a seed and judges it. One with too few operations fails, too. */
export async function runStoreAndJudge(seed: number): Promise<StoreSeedReport> {
  return reportOf(await runStoreSeed(storePlanOf(seed)))
}

export function reportOf(run: StoreRunRecord): StoreSeedReport {
  const { plan, violations, operations, host, counters, traceHash, events, virtualMs } = run
  const weak = { rule: 'progress', detail: `${operations.total} operations, at least ${OPERATIONS_MIN} make a run` }
  return {
    seed: plan.seed,
    violations: violations.length === 0 && operations.total < OPERATIONS_MIN ? [weak] : violations,
    operations: operations.total,
    outcomes: Object.fromEntries(operations.outcomes),
    faults: faultsOf(run, counters),
    steps: Object.fromEntries(host.stepsHit),
    stepsPassed: [...host.stepsSeen.keys()],
    lives: host.lives.length,
    traceHash,
    events,
    virtualMs,
  }
}

function faultsOf({ plan, host }: StoreRunRecord, counters: Counters): Counts {
  const ends = host.lives.map(({ end }) => end)
  const unit = plan.shape.atomicBytes
  return {
    kills: ends.filter((end) => end === 'killed').length,
    'power losses': counters.powerLosses,
    'orderly stops': ends.filter((end) => end === 'stopped').length,
    [`lost pieces of ${unit} bytes`]: counters.lostSectors,
    [`torn pieces of ${unit} bytes`]: counters.tornSectors,
    'lost folder changes': counters.lostFolderChanges,
    ...Object.fromEntries(host.faults),
  }
}

/** Adds `more` to `sum`. */
export function addCounts(sum: Counts, more: Counts): void {
  for (const [name, count] of Object.entries(more)) sum[name] = (sum[name] ?? 0) + count
}
