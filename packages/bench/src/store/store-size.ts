// How much the store's table takes: figures with `full`, and with `quick` only the proof that all of it runs.

const KIB = 1024
const MIB = 1024 * KIB

export interface StoreSize {
  /** Runs of each point of a curve. */
  readonly repeats: number
  /** Measured runs of appends. */
  readonly appendRounds: number
  /**
   * Messages of one measured run of appends: more than come between two batches of the key index, or two checkpoints, so
   * that every run has its share of them.
   */
  readonly appends: number
  /** Runs of sends that wait for the disk, each so long and with a probe on both sides. */
  readonly commitRounds: number
  readonly commitMs: number
  readonly commitProbeMs: number
  /** Of what others use of the machine. */
  readonly probeMs: number
  readonly inFlight: readonly number[]
  /** Runs, each between two of the probe. */
  readonly sequentialRounds: number
  /** Bytes of 16 KiB bodies. */
  readonly sequentialBytes: number
  /** In front of each run of these and of its probes, see page-cache.ts. */
  readonly pageRestMs: number
  /** Runs, each between two of the probe. */
  readonly coldRounds: number
  /** Bytes of the log that is read from the disk. */
  readonly coldBytes: number
  readonly growth: {
    readonly retainedBytes: readonly number[]
    readonly queues: readonly number[]
    readonly topics: readonly number[]
    readonly messages: number
  }
  /** Of sends alone, in each round. */
  readonly drainMs: number
  readonly drainRounds: number
  readonly retainedBytes: number
  readonly unflushedBytes: number
  readonly manyQueues: readonly { readonly topics: number; readonly queuesPerTopic: number }[]
  readonly messagesPerQueue: number
  /** Before memory is looked at. */
  readonly settleMs: number
}

export const STORE_FULL: StoreSize = {
  repeats: 9,
  appendRounds: 9,
  appends: 250_000,
  commitRounds: 15,
  commitMs: 400,
  commitProbeMs: 150,
  probeMs: 400,
  inFlight: [1, 16, 128],
  sequentialRounds: 7,
  sequentialBytes: 512 * MIB,
  pageRestMs: 2200,
  coldRounds: 11,
  coldBytes: 512 * MIB,
  growth: {
    retainedBytes: [64 * MIB, 2048 * MIB, 4096 * MIB, 8192 * MIB],
    queues: [1, 10, 100, 1000, 10_000],
    topics: [1, 10, 100, 1000],
    /** Of each run, with one checkpoint: about as many come between two that the log asks for. */
    messages: 200_000,
  },
  drainMs: 2000,
  drainRounds: 7,
  retainedBytes: 5 * 1024 * MIB,
  unflushedBytes: 240 * MIB,
  manyQueues: [
    { topics: 100, queuesPerTopic: 100 },
    { topics: 1250, queuesPerTopic: 8 },
  ],
  messagesPerQueue: 3,
  settleMs: 3000,
}

export const STORE_QUICK: StoreSize = {
  repeats: 1,
  appendRounds: 1,
  appends: 500,
  commitRounds: 1,
  commitMs: 20,
  commitProbeMs: 10,
  probeMs: 10,
  inFlight: [1, 16],
  sequentialRounds: 1,
  sequentialBytes: 2 * MIB,
  pageRestMs: 0,
  coldRounds: 1,
  coldBytes: 2 * MIB,
  growth: { retainedBytes: [0, MIB], queues: [1, 8], topics: [1, 2], messages: 300 },
  drainMs: 100,
  drainRounds: 1,
  retainedBytes: 4 * MIB,
  unflushedBytes: MIB,
  manyQueues: [{ topics: 2, queuesPerTopic: 4 }],
  messagesPerQueue: 2,
  settleMs: 10,
}
