// What the store's table says, as data. Each part is measured in a process of its own, beside the probe that judges it.
import type { LatencySummary } from '../histogram.ts'

/** CPU of the whole process, all threads, per message. */
export interface CpuPerMessage {
  readonly userUs: number
  readonly systemUs: number
  readonly cpuUs: number
}

/** Appends of 1 KiB in Turns of 128, with write, dispatch and what runs in the background. */
export interface AppendFigures extends CpuPerMessage {
  readonly runs: readonly CpuPerMessage[]
  /** What no log can do without, between these runs: CRC, copy and write of as many bytes. Says how fast the machine was. */
  readonly bareCpuUs: number
}

/** Sends in synchronous mode, so many under way. */
export interface CommitFigures {
  readonly inFlight: number
  readonly perSecond: number
  /** Records of one sync. */
  readonly meanBatch: number
  readonly latencyUs: LatencySummary
  /** The same write and fdatasync without us, the batch being the mean one: on this thread, and on one of the pool. */
  readonly probe: { readonly syncsPerSecond: number; readonly p50Us: number; readonly pooledP50Us: number }
  /** Our median latency against that of one write and fdatasync around it: the median of several runs. */
  readonly latencyRatio: number
  /** Of the syncs that the probe makes, ours of each run; the figures above are those of the run in the middle. */
  readonly shares: readonly number[]
}

/** Bytes per second against the probe that moves as many, each in the same run. */
export interface RateFigures {
  readonly mibPerSecond: number
  readonly probeMibPerSecond: number
  /** Of each pair of runs; the median is judged. */
  readonly ratios: readonly number[]
}

export interface ColdFigures extends RateFigures {
  /** How the probe reads: through the page cache only where the file system has no direct reads. */
  readonly probeWay: 'direct' | 'cached'
  /** What the same reads bring through the page cache: told, not judged. */
  readonly cachedProbeMibPerSecond: number
  /** The page cache held so much of the log before the reads began: false figures otherwise. */
  readonly cachedShare: number
  readonly messages: number
}

export interface GrowthPoint {
  readonly at: number
  readonly cpuUs: number
  /** Of a young store with one queue, in turns with it. */
  readonly youngUs: number
}

/** Cost of a message as something grows; flat is what it should be. */
export interface GrowthCurve {
  readonly what: string
  readonly unit: string
  readonly points: readonly GrowthPoint[]
}

/** A drain of cold messages while sends go on at half of what they can. */
export interface DrainFigures {
  readonly sendsPerSecond: number
  readonly alone: LatencySummary
  readonly during: LatencySummary
  readonly drainMibPerSecond: number
}

export interface ScanFigures {
  readonly bytes: number
  readonly mibPerSecond: number
}

export interface RestartFigures {
  readonly retainedBytes: number
  /** From the start of the process until it is ready. */
  readonly cleanMs: number
  readonly killedMs: number
}

export interface ManyQueuesFigures {
  readonly topics: number
  readonly queuesPerTopic: number
  readonly messages: number
  /** Resident memory of the broker after the sends, and after it was started again. */
  readonly rssMib: number | undefined
  readonly restartedRssMib: number | undefined
  /** Started again after SIGKILL. */
  readonly killedRssMib: number | undefined
}

/** A part that was not asked for is missing. */
export interface StoreFigures {
  /** Of all cores, what others used while nothing of ours ran: before the first part, or after the last one if more. */
  readonly othersShare: number
  readonly append?: AppendFigures
  readonly commits?: readonly CommitFigures[]
  readonly sequential?: RateFigures
  readonly cold?: ColdFigures
  readonly growth?: readonly GrowthCurve[]
  readonly drain?: DrainFigures
  readonly scan?: ScanFigures
  readonly restart?: RestartFigures
  readonly manyQueues?: readonly ManyQueuesFigures[]
}
