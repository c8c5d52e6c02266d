// What a store is without being told: sizes, intervals, and the names of everything inside its folder.
import type { FileLimits } from './consume-queue/file-plan.ts'
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
  unitsPerWrite: 4096,
  /** 16 MiB. */
  keptUnitsMax: 838_860,
  unitPacksMax: 32,
  indexSlots: 5_000_000,
  indexEntries: 20_000_000,
}
/** Units in memory only are those of so many queue files at most, for the same reason as that of the reserve. */
const KEPT_FILES = 3
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

/** How units get into files, for the queues of a store. */
export function fileLimitsOf(options: StoreOptions): FileLimits {
  const { unitsPerFile, unitsPerWrite, keptUnitsMax, unitPacksMax } = { ...STORE_DEFAULTS, ...options }
  return {
    unitsPerWrite: Math.min(unitsPerWrite, unitsPerFile),
    keptUnitsMax: options.keptUnitsMax ?? Math.min(keptUnitsMax, KEPT_FILES * unitsPerFile),
    packsMax: unitPacksMax,
  }
}

/** Disk space kept for a full disk. */
export function reserveBytesOf({ reserveBytes, segmentBytes = STORE_DEFAULTS.segmentBytes }: StoreOptions): number {
  return reserveBytes ?? Math.min(RESERVE_BYTES_MAX, Math.floor(segmentBytes / RESERVE_SHARE))
}
