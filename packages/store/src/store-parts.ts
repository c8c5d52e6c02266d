// What a store is made of when its folder is open, and those of its parts that follow from the options alone.
import { SystemTopic } from '@rocketmq-ts/model'
import type { FolderLock, Logger } from '@rocketmq-ts/runtime'
import { type Checkpointer, type CheckpointerOptions, createCheckpointer } from './checkpointer.ts'
import { type CommitLog, type CommitLogOptions, createCommitLog } from './commit-log/commit-log.ts'
import { createDiskReserve, type DiskReserve } from './commit-log/disk-reserve.ts'
import { createDirectLogWriter } from './commit-log/log-writer.ts'
import type { Segments } from './commit-log/segment.ts'
import { createZeroWindow } from './commit-log/zero-window.ts'
import type { QueueFiles } from './consume-queue/queue-files.ts'
import type { QueueTable } from './consume-queue/queue-table.ts'
import type { KeyIndex } from './key-index/key-index.ts'
import type { StoreEvent } from './events.ts'
import type { RecoveryReport, StoreDeps, StoreOptions } from './message-store.ts'
import { sourceOf } from './restore.ts'
import { behindNotes, type StartNotes } from './start-notes.ts'
import { type pathsOf, reserveBytesOf, STORE_DEFAULTS } from './store-settings.ts'

/** Share of the reserve that copies may take on a full disk. */
const COPY_SHARE = 2
/** A flush that takes longer is told of. */
const FLUSH_SLOW_MS = 1000

export interface StoreParts {
  readonly options: StoreOptions
  readonly deps: StoreDeps
  readonly logger: Logger<StoreEvent>
  /** Of this start. */
  readonly notes: StartNotes
  readonly paths: ReturnType<typeof pathsOf>
  readonly lock: FolderLock
  readonly segments: Segments
  readonly queues: QueueTable
  readonly queueFiles: QueueFiles
  readonly index: KeyIndex
  /** Of Apache's checkpoint. */
  readonly indexTimestampMs: number
  readonly recovery: RecoveryReport
  /** Store time of the last record before this start. */
  readonly lastTimestampMs: number
  /** What the owner said at its last clean stop. */
  readonly stamp: string | undefined
}

/** The log, and the space that is kept for a full disk. Nothing enters it before the notes of the start are written. */
export function createStoreLog(
  { options, deps, logger, notes, segments, paths, recovery }: StoreParts,
  on: Pick<CommitLogOptions, 'onWritten' | 'onFlushed' | 'onRoll' | 'onFailure'>,
): { readonly log: CommitLog; readonly reserve: DiskReserve } {
  const { files, scheduler, observer } = deps
  const isSync = options.flushMode === 'SYNC_FLUSH'
  const reserve = createDiskReserve({
    files,
    scheduler,
    path: paths.reserve,
    bytes: reserveBytesOf(options),
    writeWaiting: () => notes.writeWaiting().then(() => log.writeWaiting()),
    onFull: (cause) => logger.error({ event: 'store.disk-full', message: String(cause) }),
    onFreed: () => logger.info({ event: 'store.disk-freed' }),
  })
  const log = createCommitLog({
    clock: deps.clock,
    observer: {
      wrote: (tookMs, bytes) => observer?.wrote(tookMs, bytes),
      flushed(tookMs, bytes) {
        if (tookMs >= FLUSH_SLOW_MS) {
          const took = Math.round(tookMs)
          logger.warn({ event: 'store.flush-slow', tookMs: took, bytes, limitMs: FLUSH_SLOW_MS })
        }
        observer?.flushed(tookMs, bytes)
      },
    },
    scheduler,
    segments,
    writer: behindNotes(createDirectLogWriter(segments, { wholePages: isSync }), notes),
    reserve,
    copyBytesMax: Math.floor(reserveBytesOf(options) / COPY_SHARE),
    zeroWindow: isSync ? createZeroWindow(segments) : undefined,
    pieceLane: isSync ? 'direct-parts' : 'direct',
    end: recovery.end,
    bodyBytesMax: options.bodyBytesMax ?? STORE_DEFAULTS.bodyBytesMax,
    flushIntervalMs: options.flushIntervalMs ?? STORE_DEFAULTS.flushIntervalMs,
    hotBytes: options.hotBytes ?? STORE_DEFAULTS.hotBytes,
    coldReadBytes: options.coldReadBytes ?? STORE_DEFAULTS.coldReadBytes,
    ...on,
  })
  if (notes.waitsFor !== undefined) reserve.startFull(notes.waitsFor)
  return { log, reserve }
}

/** The checkpointer of that log. */
export function createStoreCheckpointer(
  parts: StoreParts,
  store: Pick<CheckpointerOptions, 'log' | 'lastTimestampMs' | 'logMin' | 'storedMs'>,
): Checkpointer {
  const { options, deps, logger, segments, queues, queueFiles, index, paths, recovery } = parts
  const journalEnd = () => queues.find(SystemTopic.INFLIGHT_LOG, 0)?.max
  const recoveredEnd = journalEnd()
  return createCheckpointer({
    openCommits: () => (journalEnd() === recoveredEnd ? recovery.tailCommits : []),
    clock: deps.clock,
    files: deps.files,
    scheduler: deps.scheduler,
    queues,
    queueFiles,
    index,
    indexTimestampMs: parts.indexTimestampMs,
    checkpointPath: paths.queueCheckpoint,
    storeCheckpointPath: paths.checkpoint,
    flushedMarkPath: paths.flushedMark,
    shape: {
      segmentBytes: segments.segmentBytes,
      unitsPerFile: options.unitsPerFile ?? STORE_DEFAULTS.unitsPerFile,
      indexSlots: options.indexSlots ?? STORE_DEFAULTS.indexSlots,
      indexEntries: options.indexEntries ?? STORE_DEFAULTS.indexEntries,
    },
    intervalMs: options.checkpointIntervalMs ?? STORE_DEFAULTS.checkpointIntervalMs,
    source: sourceOf(segments, 'cold'),
    onFailure: (error) => logger.error({ event: 'store.checkpoint-failed', message: error.message }),
    ...store,
  })
}
