// What a run of the benchmark says, as data. Everything printed derives from it.
import type { DelayFigures } from '../delay/delay-bench.ts'
import type { FilterFigures } from '../filter/filter-bench.ts'
import type { InFlightFigures } from '../in-flight/in-flight-bench.ts'
import type { OrderFigures } from '../order/order-bench.ts'
import type { LatencySummary } from '../histogram.ts'
import type { LoadResult } from '../load/load.ts'
import type { SequentialProbe, SyncProbe } from '../probes/disk.ts'
import type { MemoryProbe } from '../probes/memory.ts'
import type { StoreFigures } from '../store/figures.ts'

export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryGiB: number
  readonly kernel: string
  readonly node: string
  /** Below the data folder. */
  readonly fileSystem: string
  /** Cores of servers and of load; undefined where nothing was pinned. */
  readonly serverCores: string | undefined
  readonly loadCores: string | undefined
  /** Processes that wanted a core, in the minute before the run and in its last one. Above the cores, others disturbed it. */
  readonly loadAverageBefore: number
  readonly loadAverageAfter: number
}

/** What one process used within a window. */
export interface ProcessUsage {
  readonly name: string
  readonly cpuUsPerMessage: number | undefined
  readonly rssMiB: number | undefined
}

/** One run of a workload. */
export interface CellRun extends LoadResult {
  readonly processes: readonly ProcessUsage[]
  /** All processes of the system together; undefined where the platform does not tell. */
  readonly cpuUsPerMessage: number | undefined
  readonly loadCpuUsPerMessage: number | undefined
  /** What neither servers nor load used of all cores: above some percent, others disturbed the run. */
  readonly othersShare: number | undefined
  /** Messages that the broker counted as stored, and those whose send was acknowledged. Undefined where nothing is sent. */
  readonly counted: { readonly stored: number; readonly acknowledged: number } | undefined
}

/** A workload on a deployment; of several runs the median by CPU per message stands for it. */
export interface Cell {
  readonly deployment: 'standalone' | 'cluster' | 'bare grpc-js'
  readonly flush: 'sync' | 'async' | undefined
  readonly workload: string
  readonly generator: string
  readonly runs: readonly CellRun[]
  readonly median: CellRun
}

export interface Probes {
  readonly syncs: readonly SyncProbe[]
  readonly sequential: SequentialProbe
  readonly memory: MemoryProbe
  readonly roundTripUs: LatencySummary
}

export interface Start {
  /** From the start of the process to the first answer that it is ready: each run, and the median. */
  readonly readyMs: readonly number[]
  readonly readyMsMedian: number
  readonly idleRssMiB: number | undefined
  /** Of one core. */
  readonly idleCpuPercent: number | undefined
}

export interface Ratio {
  readonly what: string
  readonly value: number
}

export interface Verdict {
  readonly name: string
  readonly outcome: 'passed' | 'failed' | 'skipped'
  readonly detail: string
}

/** Servers under load, their starts, and what the machine does without them. */
export interface LoadReport {
  readonly probes: Probes
  readonly start: Start
  readonly cells: readonly Cell[]
  readonly ratios: readonly Ratio[]
}

/** A part that was not asked for is undefined. */
export interface Report {
  readonly commit: string
  readonly size: 'full' | 'quick'
  readonly startedAt: string
  readonly seconds: number
  readonly machine: Machine
  readonly load: LoadReport | undefined
  readonly store: StoreFigures | undefined
  readonly filter: FilterFigures | undefined
  readonly order: OrderFigures | undefined
  readonly inFlight: InFlightFigures | undefined
  readonly delay: DelayFigures | undefined
  readonly verdicts: readonly Verdict[]
}

/** The run in the middle, by the first figure that all runs have. */
export function medianRun(runs: readonly CellRun[]): CellRun {
  const keyOf = ({ cpuUsPerMessage, ms }: CellRun) => cpuUsPerMessage ?? ms
  const sorted = [...runs].sort((a, b) => keyOf(a) - keyOf(b))
  const middle = sorted[Math.floor((sorted.length - 1) / 2)]
  if (middle === undefined) throw new Error('a cell without a run has no median')
  return middle
}

export function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN
}
