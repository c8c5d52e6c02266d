// Opens the folder of a store: takes its lock, judges its files, recovers. What fails on the way gives the lock back.
import assert from 'node:assert'
import { MqError } from '@rocketmq-ts/model'
import type { FolderLock, Logger } from '@rocketmq-ts/runtime'
import { isNoSpace, keepForStart } from './commit-log/disk-reserve.ts'
import { openSegments, type Segments } from './commit-log/segment.ts'
import { createQueueFiles } from './consume-queue/queue-files.ts'
import { createQueueTable } from './consume-queue/queue-table.ts'
import { createUnitPacks } from './consume-queue/unit-packs.ts'
import { readStoreCheckpoint } from './checkpoint.ts'
import { KeyIndex } from './key-index/key-index.ts'
import type { IndexState } from './key-index/key-index-options.ts'
import { restoreIndex } from './key-index/restore-index.ts'
import type { StoreEvent } from './events.ts'
import type { MessageStore, RecoveryReport, StoreDeps, StoreOptions } from './message-store.ts'
import { noteOwn } from './last-writer.ts'
import { createStartNotes } from './start-notes.ts'
import { restore, sourceOf } from './restore.ts'
import { fileLimitsOf, pathsOf, reserveBytesOf, STORE_DEFAULTS } from './store-settings.ts'
import { Store } from './store.ts'

/** Smallest segment: the filler and a small record. */
const SEGMENT_BYTES_MIN = 256
/** Bytes of an abort marker that are read. */
const ABORT_BYTES_MAX = 4096

function checkOptions({ folder, segmentBytes, unitsPerFile, indexSlots, indexEntries }: StoreOptions): void {
  assert(folder.startsWith('/'), `the folder of a store is an absolute path: ${folder}`)
  if (segmentBytes !== undefined && !(Number.isSafeInteger(segmentBytes) && segmentBytes >= SEGMENT_BYTES_MIN)) {
    throw new MqError(
      'parameter-invalid',
      `mappedFileSizeCommitLog: ${segmentBytes} is below ${SEGMENT_BYTES_MIN} bytes`,
    )
  }
  if (unitsPerFile !== undefined && !(Number.isSafeInteger(unitsPerFile) && unitsPerFile > 0)) {
    throw new MqError('parameter-invalid', `units of a consume queue file: ${unitsPerFile} is not a positive count`)
  }
  if (indexSlots !== undefined && !(Number.isSafeInteger(indexSlots) && indexSlots > 0)) {
    throw new MqError('parameter-invalid', `maxHashSlotNum: ${indexSlots} is not a positive count`)
  }
  if (indexEntries !== undefined && !(Number.isSafeInteger(indexEntries) && indexEntries > 1)) {
    throw new MqError('parameter-invalid', `maxIndexNum: ${indexEntries} is not a count above 1`)
  }
}

/** Text of the abort marker; undefined without one. */
export async function readAbort({ files }: Pick<StoreDeps, 'files'>, path: string): Promise<string | undefined> {
  const bytes = await files.readWhole(path, ABORT_BYTES_MAX)
  return bytes === undefined ? undefined : Buffer.from(bytes).toString()
}

/** Java: DefaultMessageStore.createTempFile. */
async function writeAbort(deps: StoreDeps, folder: string, path: string, holder: string): Promise<void> {
  const file = await deps.files.open(path, 'create')
  try {
    file.writeSync(0, [Buffer.from(holder)])
    await file.sync()
  } finally {
    await file.close()
  }
  await deps.files.syncFolder(folder)
}

/** Opens the key index; what it lacks is built again from the log, and named in the report. */
async function openIndex(
  options: StoreOptions,
  deps: StoreDeps,
  {
    segments,
    report,
    saved,
    indexTimestampMs,
  }: { segments: Segments; report: RecoveryReport; saved: IndexState | undefined; indexTimestampMs: number },
): Promise<{ readonly index: KeyIndex; readonly rebuilt: readonly string[] }> {
  const { files, clock, scheduler } = deps
  const logger = deps.logger as Logger<StoreEvent>
  const paths = pathsOf(options.folder)
  const { indexSlots: slots, indexEntries: entries } = { ...STORE_DEFAULTS, ...options }
  const place = { files, folder: paths.index, geometry: { slots, entries } }
  const index = new KeyIndex({
    ...place,
    clock,
    scheduler,
    unpersistedMax: options.indexEntriesInMemory,
    onFull: (error) => logger.error({ event: 'store.checkpoint-failed', message: error.message }),
    onFailure: (error) => logger.error({ event: 'store.index-failed', message: error.message }),
  })
  const rebuilt: string[] = []
  await restoreIndex(index, {
    ...place,
    saved,
    cleanStop: report.cleanStop,
    indexTimestampMs,
    log: { min: segments.min, end: report.end, source: sourceOf(segments) },
    rebuilt(file, reason) {
      rebuilt.push(file)
      logger.warn({ event: 'store.rebuilt', file, reason })
    },
  })
  return { index, rebuilt }
}

/** Times of Apache's checkpoint that still hold: none is later than now. */
async function storedTimes({ files, clock }: StoreDeps, path: string) {
  const before = await readStoreCheckpoint(files, path)
  const known = (timestampMs = 0): number => Math.min(Math.max(0, timestampMs), clock.nowMs())
  return { recordMs: known(before?.physicMsgTimestamp), indexMs: known(before?.indexMsgTimestamp) }
}

async function openLocked(
  options: StoreOptions,
  deps: StoreDeps,
  lock: FolderLock,
  isFull = false,
): Promise<MessageStore> {
  const { files, clock } = deps
  const logger = deps.logger as Logger<StoreEvent>
  const startedMs = clock.monotonicMs()
  const paths = pathsOf(options.folder)
  await files.makeFolder(paths.consumeQueue, { durable: true })
  const segments = await openSegments({
    files,
    folder: paths.commitLog,
    segmentBytes: options.segmentBytes ?? STORE_DEFAULTS.segmentBytes,
  })
  const { unitsPerFile, unitCacheBytes: cacheBytes } = { ...STORE_DEFAULTS, ...options }
  const packs = createUnitPacks({ files, scheduler: deps.scheduler, folder: paths.unitPacks })
  const queueFiles = createQueueFiles({ files, root: paths.consumeQueue, unitsPerFile, packs })
  const notes = createStartNotes(logger, isFull)
  try {
    const queues = createQueueTable({
      cacheBytes,
      limits: fileLimitsOf(options),
      queueFiles,
    })
    const ownerStamp = await options.ownerStamp?.()
    const { report, lastTimestampMs, stamp, savedIndex } = await restore({
      files,
      logger,
      notes,
      segments,
      queues,
      queueFiles,
      checkpointPath: paths.queueCheckpoint,
      storeCheckpointPath: paths.checkpoint,
      flushedMarkPath: paths.flushedMark,
      damagedFolder: paths.damaged,
      lastWriterPath: paths.lastWriter,
      abort: await readAbort(deps, paths.abort),
      ownerStamp,
      flushedStampOf: options.flushedStampOf,
      topicsEndedBy: options.topicsEndedBy,
      queueEndsOf: options.queueEndsOf,
    })
    const lastBase = report.end - (report.end % segments.segmentBytes)
    await notes.add(paths.commitLog, async () => void (await segments.ensure(lastBase)))
    const { holder } = { ...STORE_DEFAULTS, ...options }
    await notes.add(paths.abort, () => writeAbort(deps, options.folder, paths.abort, holder))
    const times = await storedTimes(deps, paths.checkpoint)
    const { index, rebuilt } = await openIndex(options, deps, {
      segments,
      report,
      saved: savedIndex,
      indexTimestampMs: times.indexMs,
    })
    const { end, records, scannedBytes, cleanStop } = report
    if (report.foreign === undefined) {
      const said = options.ownerStamp === undefined ? stamp : ownerStamp
      const own = { files, path: paths.lastWriter, segments, state: 'ours' as const, at: end, stamp: said }
      await notes.add(paths.lastWriter, () => noteOwn({ ...own, whenFlushed: async () => undefined }))
    }
    const durationMs = clock.monotonicMs() - startedMs
    logger.info({ event: 'store.opened', end, records, scannedBytes, cleanStop, durationMs })
    const store = new Store({
      options,
      deps,
      logger,
      notes,
      paths,
      lock,
      segments,
      queues,
      queueFiles,
      index,
      indexTimestampMs: times.indexMs,
      recovery: { ...report, rebuilt: [...report.rebuilt, ...rebuilt] },
      lastTimestampMs: report.end === 0 ? 0 : Math.max(lastTimestampMs, times.recordMs),
      stamp,
    })
    // Their headers say what Apache's checkpoint does not cover: its broker would delete them after a kill of ours.
    if (report.foreign !== undefined || rebuilt.length > 0) {
      await store.checkpoint().catch((error: unknown) => {
        logger.error({ event: 'store.checkpoint-failed', message: String(error) })
      })
    }
    return store
  } catch (error) {
    await queueFiles.close()
    await segments.close()
    throw error
  }
}

/**
 * With what was kept for this. A start replaces files and adds none: what it needed is there for the next one as well. Where
 * nothing was kept, what finds no room waits.
 */
async function openOnFullDisk(options: StoreOptions, deps: StoreDeps, lock: FolderLock): Promise<MessageStore> {
  const { reserve } = pathsOf(options.folder)
  await deps.files.remove(reserve)
  const store = await openLocked(options, deps, lock, true)
  await keepForStart(deps.files, reserve, reserveBytesOf(options))
  return store
}

/**
 * Opens the store in `options.folder`, made where it is missing, and recovers it. Rejects with FileError 'locked' while
 * another process has it, and with MqError 'parameter-invalid' where its files do not fit the settings; damage is never a
 * reason: see `recovery`. Java: DefaultMessageStore.load.
 */
export async function openMessageStore(options: StoreOptions, deps: StoreDeps): Promise<MessageStore> {
  checkOptions(options)
  await deps.files.makeFolder(options.folder, { durable: true })
  const lock = await deps.files.lockFolder(options.folder, options.holder ?? STORE_DEFAULTS.holder)
  try {
    return await openLocked(options, deps, lock).catch(async (error: unknown) => {
      if (!isNoSpace(error)) throw error
      return openOnFullDisk(options, deps, lock)
    })
  } catch (error) {
    await lock.release()
    throw error
  }
}
