// How much of everything: a full run for figures, a quick one that only shows that all of it works.
import type { Extent } from './load/load.ts'

export interface Size {
  readonly name: 'full' | 'quick'
  /** Sends to a server that has just started, so that its code is compiled before anything is measured. */
  readonly firstCalls: number
  readonly warmUp: Extent
  readonly measure: Extent
  /** Runs of the cells that floors are about, and starts. */
  readonly repeats: number
  readonly starts: number
  readonly idleMs: number
  /** Calls of h2load, after a tenth of them to warm up. */
  readonly h2loadCalls: number
  /** Messages of a backlog that is drained. */
  readonly backlog: number
  readonly openLoopPerSecond: number
  readonly openLoopMs: number
  readonly probeMs: number
  readonly sequentialBytes: number
  readonly roundTrips: number
  readonly syncBatches: readonly number[]
}

const MIB = 1024 * 1024

export const FULL: Size = {
  name: 'full',
  firstCalls: 40_000,
  warmUp: { ms: 1000 },
  measure: { ms: 4000 },
  repeats: 3,
  starts: 5,
  idleMs: 3000,
  h2loadCalls: 30_000,
  backlog: 30_000,
  openLoopPerSecond: 1000,
  openLoopMs: 4000,
  probeMs: 700,
  sequentialBytes: 512 * MIB,
  roundTrips: 10_000,
  syncBatches: [1, 16, 128, 1024],
}

export const QUICK: Size = {
  name: 'quick',
  firstCalls: 300,
  warmUp: { calls: 50 },
  measure: { calls: 300 },
  repeats: 1,
  starts: 1,
  idleMs: 50,
  h2loadCalls: 100,
  backlog: 200,
  openLoopPerSecond: 400,
  openLoopMs: 250,
  probeMs: 10,
  sequentialBytes: 4 * MIB,
  roundTrips: 50,
  syncBatches: [1, 16],
}
