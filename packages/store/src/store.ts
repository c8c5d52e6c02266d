// Puts the store together: appends, dispatches, checkpoints and closes. Its folder is opened in open-store.ts.
import { commitLogOffset, MqError, queueOffset } from '@rocketmq-ts/model'
import type { FolderLock, Logger } from '@rocketmq-ts/runtime'
import { type Checkpointer, createCheckpointer } from './checkpointer.ts'
import { type CommitLog, createCommitLog } from './commit-log/commit-log.ts'
import { createDiskReserve, type DiskReserve } from './commit-log/disk-reserve.ts'
import { createDirectLogWriter } from './commit-log/log-writer.ts'
import type { Segments } from './commit-log/segment.ts'
import { createZeroWindow } from './commit-log/zero-window.ts'
import type { QueueFiles } from './consume-queue/queue-files.ts'
import { createQueueRepair, type QueueRepair } from './consume-queue/queue-repair.ts'
import type { QueueTable } from './consume-queue/queue-table.ts'
import { createUnitReads, type UnitReads } from './consume-queue/unit-reads.ts'
import { createDispatcher, type Dispatcher } from './dispatch.ts'
import type {
  Appended,
  AppendOptions,
  Dispatched,
  MessageStore,
  NewRecord,
  RecoveryReport,
  StoreDeps,
  StoreEvent,
  StoreOptions,
} from './message-store.ts'
import type { KeyIndex } from './key-index/key-index.ts'
import { noteOwn } from './last-writer.ts'
import { createMessageQueries, type MessageQueries } from './queries/message-queries.ts'
import { hasUnit } from './record-fields.ts'
import { replayRecords } from './replay.ts'
import { sourceOf } from './restore.ts'
import { behindNotes, type StartNotes } from './start-notes.ts'
import { createRetention, type Retention } from './retention/retention.ts'

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
  unitsPerWrite: 256,
  indexSlots: 5_000_000,
  indexEntries: 20_000_000,
}
/** Readers that say no group take turns with the others as one. */
const NO_GROUP = ''
const RESERVE_BYTES_MAX = 64 * MiB
/** Share of the reserve that copies may take on a full disk. */
const COPY_SHARE = 2
/** A flush that takes longer is told of. */
const FLUSH_SLOW_MS = 1000
/** The reserve is this share of a segment at most: a test's store stays small. */
const RESERVE_SHARE = 16

/** Everything inside the root folder. Java: StorePathConfigHelper. */
export function pathsOf(folder: string) {
  return {
    commitLog: `${folder}/commitlog`,
    consumeQueue: `${folder}/consumequeue`,
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

/** Reports and the listeners of the owner, which come after the store was made. */
class Listeners<Value> {
  readonly #listeners: ((value: Value) => void)[] = []

  add(listener: (value: Value) => void): void {
    this.#listeners.push(listener)
  }

  tell(value: Value): void {
    for (const listener of this.#listeners) listener(value)
  }
}

/** Disk space kept for a full disk. */
export function reserveBytesOf({ reserveBytes, segmentBytes = STORE_DEFAULTS.segmentBytes }: StoreOptions): number {
  return reserveBytes ?? Math.min(RESERVE_BYTES_MAX, Math.floor(segmentBytes / RESERVE_SHARE))
}

/** A store whose folder was opened and recovered. */
export class Store implements MessageStore {
  readonly recovery: RecoveryReport
  readonly flushBeforeRelease: boolean
  readonly #parts: StoreParts
  readonly #reserve: DiskReserve
  readonly #log: CommitLog
  readonly #dispatcher: Dispatcher
  readonly #queries: MessageQueries
  readonly #checkpointer: Checkpointer
  readonly #retention: Retention
  readonly #repair: QueueRepair
  readonly #unitReads: UnitReads
  readonly #rolls = new Listeners<ReturnType<typeof commitLogOffset>>()
  readonly #failures = new Listeners<Error>()
  readonly #minMoves = new Listeners<void>()
  #lastTimestampMs: number
  /** Under way. */
  #replays = 0
  #closing: Promise<void> | undefined
  /** Nothing of another broker is left to be taken over. */
  #isOurs: boolean

  constructor(parts: StoreParts) {
    const { options, deps, logger, notes, segments, queues, queueFiles, paths } = parts
    const { scheduler, files } = deps
    this.#parts = parts
    const rebuilt = [...parts.recovery.rebuilt]
    this.recovery = { ...parts.recovery, rebuilt }
    this.#isOurs = parts.recovery.foreign === undefined
    this.flushBeforeRelease = options.flushMode === 'SYNC_FLUSH'
    this.#lastTimestampMs = parts.lastTimestampMs
    this.#reserve = createDiskReserve({
      files,
      scheduler,
      path: paths.reserve,
      bytes: reserveBytesOf(options),
      writeWaiting: () => notes.writeWaiting().then(() => this.#log.writeWaiting()),
      onFull: (cause) => logger.error({ event: 'store.disk-full', message: String(cause) }),
      onFreed: () => logger.info({ event: 'store.disk-freed' }),
    })
    const { observer } = deps
    this.#log = createCommitLog({
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
      writer: behindNotes(createDirectLogWriter(segments), notes),
      reserve: this.#reserve,
      copyBytesMax: Math.floor(reserveBytesOf(options) / COPY_SHARE),
      zeroWindow: this.flushBeforeRelease ? createZeroWindow(segments) : undefined,
      end: parts.recovery.end,
      bodyBytesMax: options.bodyBytesMax ?? STORE_DEFAULTS.bodyBytesMax,
      flushIntervalMs: options.flushIntervalMs ?? STORE_DEFAULTS.flushIntervalMs,
      hotBytes: options.hotBytes ?? STORE_DEFAULTS.hotBytes,
      coldReadBytes: options.coldReadBytes ?? STORE_DEFAULTS.coldReadBytes,
      onWritten: (end) => this.#written(end),
      onFlushed: (end) => {
        if (this.flushBeforeRelease) this.#dispatcher.confirmed(end)
      },
      onRoll: (base) => this.#rolls.tell(commitLogOffset(base)),
      onFailure: (error) => {
        logger.error({ event: 'store.failed', message: error.message })
        this.#failures.tell(error)
      },
    })
    if (notes.waitsFor !== undefined) this.#reserve.startFull(notes.waitsFor)
    this.#checkpointer = createCheckpointer({
      clock: deps.clock,
      files,
      scheduler,
      queues,
      queueFiles,
      index: parts.index,
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
      log: this.#log,
      source: sourceOf(segments, 'cold'),
      lastTimestampMs: () => this.#lastTimestampMs,
      logMin: () => this.#retention.logMin,
      onFailure: (error) => logger.error({ event: 'store.checkpoint-failed', message: error.message }),
    })
    this.#repair = createQueueRepair({
      ...parts,
      scheduler,
      reader: this,
      log: this.#log,
      logMin: () => this.#retention.logMin,
      hold: this.hold,
      topicsEndedBy: options.topicsEndedBy,
      onMended: (file, reason) => {
        // Owners replay at their start: it belongs to what that found.
        if (this.#replays > 0 && !rebuilt.includes(file)) rebuilt.push(file)
        logger.warn({ event: 'store.rebuilt', file, reason })
      },
    })
    queues.loader = this.#repair
    this.#unitReads = createUnitReads({ reader: this, queues, repair: this.#repair })
    this.#retention = createRetention({
      ...deps,
      ...parts,
      loader: { load: this.#repair.loadPatiently },
      isBorderRight: this.#unitReads.isBorderRight,
      folder: options.folder,
      log: this.#log,
      checkpoint: () => this.#checkpointer.run(),
      onMinMoved: () => this.#minMoves.tell(),
    })
    this.#queries = createMessageQueries({
      index: parts.index,
      scheduler,
      reader: this,
      sizeAt: (at) => this.#log.sizeAt(at),
      visibleEnd: () => (this.flushBeforeRelease ? this.#log.flushed : this.#log.written),
    })
    this.#dispatcher = createDispatcher((queue) => this.#checkpointer.unitAdded(queue))
  }

  get positions() {
    return {
      appended: commitLogOffset(this.#log.appended),
      written: commitLogOffset(this.#log.written),
      flushed: commitLogOffset(this.#log.flushed),
      confirmed: commitLogOffset(this.#log.flushed),
    }
  }

  get min() {
    return commitLogOffset(this.#log.min)
  }

  get segments() {
    return this.#parts.segments.count
  }

  get provenFlushed() {
    return commitLogOffset(this.#log.flushed)
  }

  get failure() {
    return this.#log.failure
  }

  get diskFull() {
    return this.#reserve.full
  }

  get diskOverMark() {
    return this.#retention.refusal !== undefined
  }

  get appended() {
    return this.#log.appended
  }

  append(record: NewRecord, options: AppendOptions = {}): Appended {
    if (this.#closing !== undefined) throw new MqError('closed', 'the store is closed')
    const size = this.#log.admit(record, options)
    if (options.journal !== true) this.#admitSend(options.copy === true)
    const { topic, queueId, tagsCode } = record
    const queue = hasUnit(record.sysFlag) ? this.#parts.queues.obtain(topic, queueId) : undefined
    const storeTimestampMs = this.#parts.deps.clock.nowMs()
    const offset = queueOffset(queue === undefined ? 0 : queue.assigned)
    const position = commitLogOffset(this.#log.append(record, size, offset, storeTimestampMs))
    if (queue !== undefined) queue.assigned += 1
    this.#parts.index.add(record, position, storeTimestampMs)
    this.#lastTimestampMs = storeTimestampMs
    const appended: Appended & Dispatched = {
      topic,
      queueId,
      queueOffset: offset,
      commitLogOffset: position,
      size,
      tagsCode,
      storeTimestampMs,
    }
    this.#dispatcher.appended(appended, queue)
    return appended
  }

  #admitSend(isCopy: boolean): void {
    if (this.#checkpointer.isBehind) {
      throw new MqError('busy', 'the consume queue files are behind the log; send again later')
    }
    const { refusal } = this.#retention
    if (refusal !== undefined && !isCopy) {
      throw new MqError('disk-full', `${refusal}; free some space, sending goes on by itself`)
    }
  }

  submit(): Promise<void> {
    return this.#log.submit()
  }

  whenFlushed(position: number): Promise<void> {
    return this.#log.whenFlushed(position)
  }

  bounds(topic: string, queueId: number) {
    return this.#parts.queues.bounds(topic, queueId)
  }

  scan: MessageStore['scan'] = (queue, from, accept, limits) => this.#parts.queues.scan(queue, from, accept, limits)

  queues() {
    return this.#parts.queues.queues()
  }

  read: MessageStore['read'] = (at, size) => this.#log.read(at, size, NO_GROUP)

  readInto: MessageStore['readInto'] = (unit, into, start, group = NO_GROUP) =>
    this.#log.readInto(unit, into, start, group)

  readUnit: MessageStore['readUnit'] = (queue, unit) => this.#unitReads.readUnit(queue, unit)

  readUnitInto: MessageStore['readUnitInto'] = (queue, unit, target) =>
    this.#unitReads.readUnitInto(queue, unit, target)

  storedMs: MessageStore['storedMs'] = (at) => this.#log.storedMs(at)

  queryKeys: MessageStore['queryKeys'] = (query) => this.#queries.queryKeys(query)

  recordAt: MessageStore['recordAt'] = (at) => this.#queries.recordAt(at)

  searchOffset: MessageStore['searchOffset'] = (queue, timestampMs, boundary) =>
    this.#queries.searchOffset(queue, timestampMs, boundary)

  earliestStoredMs: MessageStore['earliestStoredMs'] = (queue) => this.#queries.earliestStoredMs(queue)

  onVisible: MessageStore['onVisible'] = (listener) => this.#dispatcher.onVisible(listener)

  onRoll: MessageStore['onRoll'] = (listener) => this.#rolls.add(listener)

  onFailure: MessageStore['onFailure'] = (listener) => this.#failures.add(listener)

  onMinMoved: MessageStore['onMinMoved'] = (listener) => this.#minMoves.add(listener)

  hold: MessageStore['hold'] = (owner, position) => this.#retention.hold(owner, position)

  get holds() {
    return this.#retention.holds
  }

  startRetention: MessageStore['startRetention'] = (options) => this.#retention.start(options)

  endTopic(topic: string): void {
    for (const queue of this.#parts.queues.ofTopic(topic)) this.#parts.queues.remove(queue)
    this.#checkpointer.topicEnded(topic)
  }

  replay: MessageStore['replay'] = (isWanted, from, sink) => {
    const { queues, deps } = this.#parts
    const wanted = Array.from(queues.all()).filter((queue) => isWanted(queue.topic))
    const hold = this.hold('replay', commitLogOffset(Math.max(from, this.#retention.logMin)))
    this.#replays += 1
    return replayRecords({
      scheduler: deps.scheduler,
      repair: this.#repair,
      reader: this.#unitReads,
      queues: wanted,
      from,
      sink,
    }).finally(() => {
      this.#replays -= 1
      hold.release()
    })
  }

  checkpoint(): Promise<void> {
    return this.#checkpointer.run()
  }

  async claim(): Promise<void> {
    await this.#log.submit()
    await this.#note('ours', await this.#stampNow())
    this.#isOurs = true
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  #written(end: number): void {
    this.#retention.touch()
    this.#dispatcher.written(end)
    if (!this.flushBeforeRelease) this.#dispatcher.confirmed(end)
  }

  async #close(): Promise<void> {
    const { segments, queueFiles, index, lock, logger } = this.#parts
    await this.#retention.stop()
    try {
      // What fails here leaves the abort marker in place: the next start looks closely.
      if (this.failure === undefined) await this.#stopInOrder()
    } catch (error) {
      logger.error({ event: 'store.checkpoint-failed', message: String(error) })
    } finally {
      this.#log.stop()
      await this.#reserve.stop()
      await this.#checkpointer.stop()
      await queueFiles.close()
      await index.close()
      await segments.close()
      await lock.release()
      logger.info({ event: 'store.closed', end: this.#log.written })
    }
  }

  /** Who knows no stamp of its own keeps that of the owner. */
  async #stampNow(): Promise<string | undefined> {
    const { options, stamp } = this.#parts
    return options.ownerStamp === undefined ? stamp : options.ownerStamp()
  }

  /** What is written is flushed before the note counts. */
  async #note(state: 'ours' | 'stopped', stamp: string | undefined): Promise<void> {
    const { deps, paths, segments } = this.#parts
    const at = this.#log.written
    await noteOwn({
      files: deps.files,
      path: paths.lastWriter,
      segments,
      state,
      at,
      stamp,
      whenFlushed: (position) => this.#log.whenFlushed(position),
    })
  }

  async #stopInOrder(): Promise<void> {
    const { deps, paths, options, segments } = this.#parts
    await this.#log.writeWaiting()
    await this.#log.submit()
    await this.#log.whenFlushed(this.#log.written)
    this.#log.stop()
    await this.#checkpointer.settle()
    await this.#checkpointer.run()
    await this.#checkpointer.writeAll()
    await this.#parts.index.seal()
    if (this.#isOurs) await this.#note('stopped', await this.#stampNow())
    await segments.settled()
    await segments.removeFrom(Math.max(segments.min + segments.segmentBytes, endOfSegment(this.#log.written, segments)))
    await deps.files.remove(paths.abort)
    await deps.files.syncFolder(options.folder)
  }
}

/** End of the segment that holds the last byte before `position`. */
function endOfSegment(position: number, { segmentBytes }: Segments): number {
  return Math.ceil(position / segmentBytes) * segmentBytes
}
