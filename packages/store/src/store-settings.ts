// What a store is without being told: sizes, intervals, and the names of everything inside its folder.
import type { StoreOptions } from './message-store.ts'

const MiB = 1024 * 1024
/** Apache's defaults, and ours where Apache has none. */
export const STORE_DEFAULTS = {
  segmentBytes: 1024 * MiB,
  unitsPerFile: 300_000,
  bodyBytesMax: 4 * MiB,
  holder: 'rocketmq-ts store',
  flushIntervalMs: 500,
  checkpointIntervalMs: 10_000,
  hotBytes: 256 * MiB,
  coldReadBytes: 32 * MiB,
  unitCacheBytes: 32 * MiB,
  unitsPerWrite: 1024,
  indexSlots: 5_000_000,
  indexEntries: 20_000_000,
}
const RESERVE_BYTES_MAX = 64 * MiB
/** The reserve is this share of a segment at most: a test's store stays small. */
const RESERVE_SHARE = 16

/** Everything inside the root folder. Java: StorePathConfigHelper. */
export function pathsOf(folder: string) {
  return {
    commitLog: `${folder}/commitlog`,
    consumeQueue: `${folder}/consumequeue`,
    /** Ours: units of many queues in each file. */
    unitPacks: `${folder}/unit-packs`,
    index: `${folder}/index`,
    /** Apache's. */
    checkpoint: `${folder}/checkpoint`,
    abort: `${folder}/abort`,
    /** Ours, with generations. */
    queueCheckpoint: `${folder}/queue-checkpoint`,
    flushedMark: `${folder}/flushed`,
    lastWriter: `${folder}/last-writer`,
    damaged: `${folder}/damaged`,
    reserve: `${folder}/reserve`,
  }
}

/** Disk space kept for a full disk. */
export function reserveBytesOf({ reserveBytes, segmentBytes = STORE_DEFAULTS.segmentBytes }: StoreOptions): number {
  return reserveBytes ?? Math.min(RESERVE_BYTES_MAX, Math.floor(segmentBytes / RESERVE_SHARE))
}
