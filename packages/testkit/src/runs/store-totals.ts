// The sum over all seeds of the store's world, and what in it is too little to prove anything.
import { CRASH_STEPS, RARE_STEPS } from '../store-world/crash-steps.ts'
import { FAULT_NAMES } from '../store-world/fault-names.ts'
import { addCounts, type Counts, type StoreSeedReport } from './store-seed-report.ts'

/** Fewer seeds than these need not have met every fault, or every step. */
export const SEEDS_FOR_FAULTS = 1000
export const SEEDS_FOR_STEPS = 3000

/** A step is rare when no larger share of the seeds passes it: a run ends at one that more pass, so it must be in the list. */
const RARE_SHARE_MAX = 0.03

const RARE: ReadonlySet<string> = new Set(RARE_STEPS)

export interface StoreTotals {
  seeds: number
  failed: number[]
  operations: number
  lives: number
  events: number
  virtualMs: number
  readonly outcomes: Counts
  readonly faults: Counts
  readonly steps: Counts
  /** Steps that were passed, in whatever number. */
  stepsPassed: string[]
  /** Seeds that passed a rare step, by its name. */
  readonly rare: Counts
}

export function noTotals(): StoreTotals {
  return {
    seeds: 0,
    failed: [],
    operations: 0,
    lives: 0,
    events: 0,
    virtualMs: 0,
    outcomes: {},
    faults: {},
    steps: {},
    stepsPassed: [],
    rare: {},
  }
}

export function addReport(totals: StoreTotals, report: StoreSeedReport): void {
  totals.seeds += 1
  if (report.violations.length > 0) totals.failed.push(report.seed)
  addSums(totals, report)
  totals.stepsPassed = [...new Set([...totals.stepsPassed, ...report.stepsPassed])]
  for (const step of report.stepsPassed) if (RARE.has(step)) addCounts(totals.rare, { [step]: 1 })
}

/** The sum of two runs. */
export function addTotals(totals: StoreTotals, more: StoreTotals): void {
  totals.seeds += more.seeds
  totals.failed.push(...more.failed)
  addSums(totals, more)
  addCounts(totals.rare, more.rare)
  totals.stepsPassed = [...new Set([...totals.stepsPassed, ...more.stepsPassed])]
}

function addSums(totals: StoreTotals, more: Omit<StoreTotals, 'seeds' | 'failed' | 'stepsPassed' | 'rare'>): void {
  totals.operations += more.operations
  totals.lives += more.lives
  totals.events += more.events
  totals.virtualMs += more.virtualMs
  addCounts(totals.outcomes, more.outcomes)
  addCounts(totals.faults, more.faults)
  addCounts(totals.steps, more.steps)
}

/** Why the run proves too little; empty when it proves enough. */
export function weaknessesOf({ seeds, faults, steps, stepsPassed, rare }: StoreTotals): string[] {
  const weak: string[] = []
  if (seeds >= SEEDS_FOR_FAULTS) {
    weak.push(...FAULT_NAMES.filter((name) => (faults[name] ?? 0) === 0).map((name) => `no ${name} in ${seeds} seeds`))
  }
  const known = new Set([...CRASH_STEPS, ...RARE_STEPS])
  weak.push(...stepsPassed.filter((step) => !known.has(step)).map((step) => `'${step}' is not in the list of steps`))
  if (seeds >= SEEDS_FOR_FAULTS) {
    const common = Object.entries(rare).filter(([, count]) => count > seeds * RARE_SHARE_MAX)
    weak.push(...common.map(([step, count]) => `${count} of ${seeds} seeds passed '${step}', which is called rare`))
  }
  if (seeds >= SEEDS_FOR_STEPS) {
    weak.push(...CRASH_STEPS.filter((step) => (steps[step] ?? 0) === 0).map((step) => `never ended at '${step}'`))
  }
  return weak
}
