// What may go wrong by chance, how long things take, and the record of what did go wrong.

/** A range [from, to) in milliseconds. */
export type Range = readonly [number, number]

/** Chances are per operation, in [0, 1]. */
export interface FaultChances {
  /** A delivery carries a random part of what was written, instead of all of it. */
  readonly splitChunk: number
  /** A delivery is late, as after a lost packet. */
  readonly stallConnection: number
  readonly resetConnection: number
  readonly refuseConnection: number
  readonly readError: number
  readonly writeError: number
  readonly syncError: number
  readonly slowSync: number
  /** A timer fires late. */
  readonly lateTimer: number
}

export interface Latencies {
  /** Until a task handed to `soon` runs. */
  readonly soon: Range
  /** One way between two machines. */
  readonly network: Range
  /** One way inside a machine. */
  readonly loopback: Range
  /** A read, a look at a file, a change of a folder. */
  readonly disk: Range
  readonly sync: Range
  /** A job of the offload. */
  readonly job: Range
  /** A sync hit by `slowSync`. */
  readonly slowSync: Range
  /** A delivery hit by `stallConnection`. */
  readonly stall: Range
  /** What a late timer is late. */
  readonly lateTimer: Range
  /** Until the peers of a machine without power notice. */
  readonly deadPeer: Range
  /** Until a connection over a cut link gives up, for those that do before it heals. */
  readonly cutLink: Range
  /** How much the wall clocks of machines differ at the start. */
  readonly clockSkew: Range
}

export const NO_FAULTS: FaultChances = {
  splitChunk: 0,
  stallConnection: 0,
  resetConnection: 0,
  refuseConnection: 0,
  readError: 0,
  writeError: 0,
  syncError: 0,
  slowSync: 0,
  lateTimer: 0,
}

export const USUAL_LATENCIES: Latencies = {
  soon: [0.001, 0.02],
  network: [0.2, 2],
  loopback: [0.02, 0.1],
  disk: [0.02, 0.2],
  sync: [0.1, 3],
  job: [0.1, 20],
  slowSync: [10, 1000],
  stall: [200, 3000],
  lateTimer: [1, 50],
  deadPeer: [1000, 15_000],
  cutLink: [5000, 60_000],
  clockSkew: [-5, 5],
}

const AT_ONCE: Range = [0, 0]

/** Everything is done at the moment it is asked for; time passes by waiting only. */
export const NO_LATENCIES: Latencies = {
  ...USUAL_LATENCIES,
  soon: AT_ONCE,
  network: AT_ONCE,
  loopback: AT_ONCE,
  disk: AT_ONCE,
  sync: AT_ONCE,
  job: AT_ONCE,
  clockSkew: AT_ONCE,
}

/** Faults that truly hit: a test that means to survive them can prove that they happened. */
export interface Counters {
  /** By name of the process. */
  readonly crashes: Map<string, number>
  powerLosses: number
  /** Sectors that kept their old content at a power loss although newer had been written. */
  lostSectors: number
  /** Sectors left half old, half new. */
  tornSectors: number
  /** Creations, renames and removals undone by a power loss. */
  lostFolderChanges: number
  readErrors: number
  writeErrors: number
  syncErrors: number
  diskFull: number
  slowSyncs: number
  bitFlips: number
  clockJumps: number
  lateTimers: number
  /** Deliveries split at a random place. */
  splits: number
  stalls: number
  /** Deliveries and connection attempts swallowed by a cut link. */
  droppedFrames: number
  /** Connections that ended by a reset. */
  resets: number
  /** Connection attempts refused by chance. */
  refusals: number
  partitions: number
}

export function createCounters(): Counters {
  return {
    crashes: new Map(),
    powerLosses: 0,
    lostSectors: 0,
    tornSectors: 0,
    lostFolderChanges: 0,
    readErrors: 0,
    writeErrors: 0,
    syncErrors: 0,
    diskFull: 0,
    slowSyncs: 0,
    bitFlips: 0,
    clockJumps: 0,
    lateTimers: 0,
    splits: 0,
    stalls: 0,
    droppedFrames: 0,
    resets: 0,
    refusals: 0,
    partitions: 0,
  }
}
