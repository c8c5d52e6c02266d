// Puts the store together: appends, dispatches, checkpoints and closes. Its folder is opened in open-store.ts.
import { commitLogOffset, MqError, queueOffset } from '@rocketmq-ts/model'
import type { Checkpointer } from './checkpointer.ts'
import type { CommitLog } from './commit-log/commit-log.ts'
import type { DiskReserve } from './commit-log/disk-reserve.ts'
import type { Segments } from './commit-log/segment.ts'
import { createQueueRepair, type QueueRepair } from './consume-queue/queue-repair.ts'
import { createUnitReads, type UnitReads } from './consume-queue/unit-reads.ts'
import { createDispatcher, type Dispatcher } from './dispatch.ts'
import type {
  Appended,
  AppendOptions,
  Dispatched,
  MessageStore,
  NewRecord,
  QueueEnd,
  RecoveryReport,
} from './message-store.ts'
import { createOwnership, type Ownership } from './ownership.ts'
import { createMessageQueries, type MessageQueries } from './queries/message-queries.ts'
import { hasUnit } from './record-fields.ts'
import { scanLog } from './recovery.ts'
import { replayRecords } from './replay.ts'
import { sourceOf } from './restore.ts'
import { createRetention, type Retention } from './retention/retention.ts'
import { createStoreCheckpointer, createStoreLog, type StoreParts } from './store-parts.ts'

/** Readers that say no group take turns with the others as one. */
const NO_GROUP = ''

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
  readonly #ownership: Ownership
  readonly #rolls = new Listeners<ReturnType<typeof commitLogOffset>>()
  readonly #failures = new Listeners<Error>()
  readonly #minMoves = new Listeners<void>()
  #lastTimestampMs: number
  /** Under way. */
  #replays = 0
  #closing: Promise<void> | undefined

  constructor(parts: StoreParts) {
    const { options, deps, logger, queues } = parts
    const { scheduler } = deps
    this.#parts = parts
    const rebuilt = [...parts.recovery.rebuilt]
    this.recovery = { ...parts.recovery, rebuilt }
    this.flushBeforeRelease = options.flushMode === 'SYNC_FLUSH'
    this.#lastTimestampMs = parts.lastTimestampMs
    const { log, reserve } = createStoreLog(parts, {
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
    this.#log = log
    this.#reserve = reserve
    this.#ownership = createOwnership(parts, log)
    this.#checkpointer = createStoreCheckpointer(parts, {
      log,
      lastTimestampMs: () => this.#lastTimestampMs,
      logMin: () => this.#retention.logMin,
      storedMs: log.storedMs,
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
    parts.queueFiles.onDoubt = (queue, offset) =>
      this.#repair.mend(queue, offset).then(
        () => undefined,
        () => undefined,
      )
    this.#unitReads = createUnitReads({
      reader: this,
      queues,
      repair: this.#repair,
      openedAt: parts.recovery.end,
    })
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
      log: this.#log,
      isBorderRight: async ({ topic, queueId }, offset) => {
        const queue = parts.queues.find(topic, queueId)
        return queue === undefined || this.#repair.inTime(this.#unitReads.isBorderRight(queue, offset))
      },
      visibleEnd: () => (this.flushBeforeRelease ? this.#log.flushed : this.#log.written),
    })
    const checkpointer = this.#checkpointer
    this.#dispatcher = createDispatcher(
      (queue) => checkpointer.unitAdded(queue),
      () => checkpointer.unitsAdded(),
    )
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

  *queueEnds(): Iterable<QueueEnd> {
    for (const { topic, queueId, assigned } of this.#parts.queues.all()) {
      if (assigned > 0) yield { topic, queueId, end: assigned }
    }
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

  walk: MessageStore['walk'] = async (from, sink, paused) => {
    const { segments } = this.#parts
    const hold = this.hold('walk', commitLogOffset(Math.max(from, this.#retention.logMin)))
    const end = this.#log.written
    try {
      await scanLog({
        source: { ...sourceOf(segments, 'cold'), end },
        from: Math.max(from, this.#retention.logMin),
        provenFlushed: end,
        foreignFrom: this.recovery.foreign?.from,
        onRecord(record) {
          sink(record)
          return true
        },
        ...(paused && { onWindow: paused }),
      })
    } finally {
      hold.release()
    }
  }

  checkpoint(): Promise<void> {
    return this.#checkpointer.run()
  }

  claim(): Promise<void> {
    return this.#ownership.claim()
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
      await this.#repair.settled()
      await queueFiles.close()
      await index.close()
      await segments.close()
      await lock.release()
      logger.info({ event: 'store.closed', end: this.#log.written })
    }
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
    await this.#ownership.noteStop()
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
