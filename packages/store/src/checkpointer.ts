// Brings units into their files and, now and then, makes them count: files of queues with many new units written and
// synced, the other units in the checkpoint itself, log flushed up to the same position, and only then the checkpoint
// renamed into place. Works by deadline: an idle store has no timer.
import { MqError } from '@rocketmq-ts/model'
import type { Clock, Files, Scheduler, Timer } from '@rocketmq-ts/runtime'
import { type FolderShape, writeCheckpoint, writeStoreCheckpoint } from './checkpoint.ts'
import { isDamage } from './commit-log/scan.ts'
import type { ConsumeQueue } from './consume-queue/consume-queue.ts'
import { packsOf, unitsLeft } from './consume-queue/file-plan.ts'
import type { UseOptions } from './consume-queue/open-files.ts'
import type { QueueFiles } from './consume-queue/queue-files.ts'
import type { QueueTable } from './consume-queue/queue-table.ts'
import { encodeQueueStates } from './queue-states.ts'
import { writeFlushedMark } from './flushed-mark.ts'
import { createCatchUp } from './key-index/catch-up.ts'
import type { KeyIndex } from './key-index/key-index.ts'
import type { IndexState } from './key-index/key-index-options.ts'
import type { LogSource } from './recovery.ts'
import { withFastAccessors } from './fast-accessors.ts'
import { STORE_DEFAULTS } from './store-settings.ts'

/** New units after which queues with many are written to their files, not only at the next checkpoint. */
const PERSIST_UNITS = 65_536
/** Bytes of log behind the last checkpoint that ask for the next one: as much is read again after a crash. */
const CHECKPOINT_BYTES = 256 * 1024 * 1024
/** Units in memory only, at most: sends are answered 'busy' beyond. */
const UNPERSISTED_UNITS_MAX = 4_194_304
/** Units that a checkpoint takes in: those beyond came while files were written, which is tried again so many times. */
const CHECKPOINT_UNITS_MAX = 2 * STORE_DEFAULTS.keptUnitsMax
const PERSIST_ROUNDS_MAX = 3
/** Queues whose files are written at once at a stop … */
const WRITES_AT_ONCE = 16
/** … and written and synced at once beside sends: threads stay for the log, and are woken for four and not for each. */
const SYNCED_AT_ONCE = 4

/** A checkpoint of thousands of queues takes seconds: so many times as long nobody asks for the next one but bytes do. */
const REST_PER_WORK = 10
/** Longest such rest. */
const REST_MS_MAX = 120_000
/** Entries of the key index that every checkpoint writes; fewer wait for so many intervals. */
const INDEX_ENTRIES = 65_536
const INDEX_INTERVALS = 6

/** Has Apache's broker begin with the first file: what should say more can not be read. */
const READ_ALL_MS = 0

/** 'whole' leaves nothing out, not even what is hardly worth its writes. */
type Extent = 'lazy' | 'whole'

export interface CheckpointerOptions {
  readonly clock: Pick<Clock, 'monotonicMs'>
  readonly files: Files
  readonly scheduler: Scheduler
  readonly queues: QueueTable
  readonly queueFiles: QueueFiles
  readonly index: KeyIndex
  readonly checkpointPath: string
  readonly storeCheckpointPath: string
  readonly flushedMarkPath: string
  readonly shape: FolderShape
  readonly intervalMs: number
  /** The log as it is now. Every record below `written` has its unit. */
  readonly log: {
    readonly written: number
    readonly flushed: number
    readonly min: number
    readonly failure: Error | undefined
    whenFlushed(position: number): Promise<void>
  }
  /** Its bytes, for keys that the index lacks. */
  readonly source: Omit<LogSource, 'end'>
  /** Store time of the last record. */
  readonly lastTimestampMs: () => number
  /** Store time of the record at a position; undefined where none can be read. */
  readonly storedMs: (position: number) => number | undefined | Promise<number | undefined>
  /** First byte that the log keeps, as retention has decided it: its files go only behind a checkpoint that says so. */
  readonly logMin: () => number
  /** See `Checkpoint.commits`. */
  readonly openCommits: () => readonly number[]
  /** What Apache's checkpoint says of the key index so far. */
  readonly indexTimestampMs: number
  readonly onFailure: (error: Error) => void
}

export interface Checkpointer {
  /** True while the derived files are so far behind that sends must wait. */
  readonly isBehind: boolean
  /** The queue got a unit of the batch that was written. */
  unitAdded(queue: ConsumeQueue): void
  /** All of the batch have theirs: asks for work in the background, where it is time. */
  unitsAdded(): void
  /** The files of the topic go before anything else is written. */
  topicEnded(topic: string): void
  /** Writes a checkpoint that covers everything written before the call. */
  run(): Promise<void>
  /** What a checkpoint covers is not added to beside it any more: for the last one. */
  settle(): Promise<void>
  /**
   * Brings every unit into the page cache of its file, for another broker: a start of ours goes by the checkpoint. Nothing
   * is synced.
   */
  writeAll(): Promise<void>
  /** Ends work in the background. */
  stop(): Promise<void>
}

/** Creates the checkpointer of one store. */
export function createCheckpointer(options: CheckpointerOptions): Checkpointer {
  const { clock, files, scheduler, queues, queueFiles, index, log, onFailure } = options
  const catchUp = createCatchUp(options)
  const endedTopics = new Set<string>()
  /** Units in no file, and how many of these stay for a checkpoint to hold. */
  let unpersisted = queues.dirtyUnits()
  let kept = unpersisted
  /** What the last checkpoint covers, or the one being written. */
  let covered = log.written
  let timer: Timer | undefined
  /** For entries of the key index that a checkpoint left out. */
  let indexTimer: Timer | undefined
  let stopped = false
  let persisting: Promise<void> | undefined
  /** The checkpoint being written, and the one that starts after it. */
  let running: Promise<void> | undefined
  let following: Promise<void> | undefined
  /** A queue file could not be synced: what it holds is unknown, so nothing may count on it any more. */
  let unsyncable: Error | undefined
  /** Store time up to which the last checkpoint with a key index covers its files. */
  let indexedMs = options.indexTimestampMs
  /** The last checkpoint. */
  let tookMs = 0

  function arm(): void {
    if (stopped || timer !== undefined || running !== undefined) return
    const restMs = Math.min(REST_MS_MAX, REST_PER_WORK * tookMs)
    timer = scheduler.after(Math.max(options.intervalMs, restMs), () => {
      timer = undefined
      run('lazy').catch(report)
    })
  }

  function armIndex(): void {
    if (stopped || indexTimer !== undefined) return
    indexTimer = scheduler.after(INDEX_INTERVALS * options.intervalMs, () => {
      indexTimer = undefined
      run('whole').catch(report)
    })
  }

  /**
   * Few entries are not worth the pages that they touch: they wait. Not over the start of a segment, where a recovery of
   * Apache's broker begins to read.
   */
  function mayIndexWait(coversTo: number): boolean {
    const { saved, pending } = index
    if (saved === undefined || pending === 0 || pending >= INDEX_ENTRIES) return false
    return saved.coversTo >= coversTo - (coversTo % options.shape.segmentBytes)
  }

  async function saveIndex(coversTo: number, extent: Extent): Promise<IndexState | undefined> {
    if (extent === 'lazy' && mayIndexWait(coversTo)) {
      armIndex()
      return index.saved
    }
    indexTimer?.cancel()
    indexTimer = undefined
    return index.save(coversTo)
  }

  function report(error: unknown): void {
    onFailure(error instanceof Error ? error : new Error(String(error)))
    if (unsyncable === undefined && log.failure === undefined) arm()
  }

  async function removeEnded(): Promise<void> {
    for (const topic of endedTopics) {
      await queueFiles.removeTopic(topic)
      endedTopics.delete(topic)
    }
  }

  async function persistNow(which: 'many' | 'all'): Promise<void> {
    await removeEnded()
    const syncsOnClose = which === 'many'
    const { write, pack } = queues.takeDirty(which)
    kept = queues.dirtyUnits()
    unpersisted = kept
    // All of it is out of the list of those with units in no file: what is not written for a failure goes back.
    const results = await Promise.allSettled([
      writePack(pack),
      writeUnits(write, syncsOnClose ? SYNCED_AT_ONCE : WRITES_AT_ONCE, { syncsOnClose }),
    ])
    for (const result of results) if (result.status === 'rejected') throw result.reason
  }

  function putBack(left: readonly ConsumeQueue[]): void {
    for (const queue of left) {
      queues.markDirty(queue)
      unpersisted += unitsLeft(queue)
    }
  }

  async function writePack(dirty: readonly ConsumeQueue[]): Promise<void> {
    if (dirty.length === 0) return
    try {
      await queueFiles.packs.write(dirty)
    } catch (error) {
      putBack(dirty)
      throw error
    }
  }

  async function writeUnits(dirty: readonly ConsumeQueue[], atOnce: number, options: UseOptions): Promise<void> {
    for (let first = 0; first < dirty.length; first += atOnce) {
      const batch = dirty.slice(first, first + atOnce)
      const done = await Promise.allSettled(batch.map((queue) => queueFiles.persist(queue, options)))
      const failures = done.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []))
      const failure = failures.find((error) => !isDamage(error))
      if (failure === undefined) {
        // A pack did not give units back: they stay where they are, and a checkpoint says so.
        if (failures.length > 0) putBack(batch)
        continue
      }
      putBack(dirty.slice(first))
      throw failure
    }
  }

  /** One at a time; a second caller waits for the first and then for its own. */
  function persist(which: 'many' | 'all' = 'many'): Promise<void> {
    const before = persisting ?? Promise.resolve()
    const own = before.catch(() => undefined).then(() => persistNow(which))
    persisting = own.finally(() => {
      if (persisting === settled) persisting = undefined
    })
    const settled = persisting
    settled.catch(() => undefined)
    return own
  }

  async function syncQueueFiles(): Promise<void> {
    try {
      await queueFiles.sync()
    } catch (error) {
      unsyncable = new MqError(
        'unavailable',
        'a consume queue file could not be synced: no checkpoint is written any more, the next start reads the log',
        error,
      )
      throw unsyncable
    }
  }

  /** Position of the first record whose unit Apache's broker would not find; Infinity without any. */
  function firstUnfiled(): number {
    let first = Infinity
    for (const queue of queues.all()) first = Math.min(first, queue.unfiledFrom)
    return first === Infinity ? first : Math.max(first, options.logMin())
  }

  /** Store time up to which Apache's broker has all units in files: from there on a recovery of it reads the log. */
  async function filedToMs(unfiledFrom: number, lastMs: number): Promise<number> {
    if (unfiledFrom === Infinity) return lastMs
    try {
      return (await options.storedMs(unfiledFrom)) ?? READ_ALL_MS
    } catch {
      return READ_ALL_MS
    }
  }

  async function write(extent: Extent): Promise<void> {
    if (unsyncable !== undefined) throw unsyncable
    let rounds = 0
    do {
      await persist()
      rounds += 1
    } while (rounds < PERSIST_ROUNDS_MAX && (endedTopics.size > 0 || unpersisted > CHECKPOINT_UNITS_MAX))
    const coversTo = log.written
    covered = coversTo
    const states = encodeQueueStates(queues.states)
    const packs = packsOf(queues.all())
    const unfiledFrom = firstUnfiled()
    const min = options.logMin()
    const commits = options.openCommits()
    const timestampMs = options.lastTimestampMs()
    await syncQueueFiles()
    const indexed = await saveIndex(coversTo, extent)
    await log.whenFlushed(Math.max(coversTo, indexed?.coversTo ?? 0))
    await writeFlushedMark(files, options.flushedMarkPath, log.flushed)
    const content = { coversTo, min, queues: states, shape: options.shape, index: indexed, commits }
    await writeCheckpoint(files, options.checkpointPath, content, (position) => log.whenFlushed(position))
    if (indexed !== undefined) indexedMs = indexed.files.at(-1)?.endTimestampMs ?? indexedMs
    if (indexed !== undefined && indexed.coversTo >= coversTo) indexedMs = Math.max(indexedMs, timestampMs)
    await writeStoreCheckpoint(files, options.storeCheckpointPath, {
      physicMsgTimestamp: timestampMs,
      logicsMsgTimestamp: await filedToMs(unfiledFrom, timestampMs),
      indexMsgTimestamp: indexedMs,
      masterFlushedOffset: 0,
      confirmPhyOffset: coversTo,
    })
    // Last: Apache's broker deletes files whose own header is ahead of its checkpoint.
    if (indexed !== undefined) await index.commit(indexed)
    catchUp.begin()
    if (index.isIncomplete) armIndex()
    await queueFiles.packs.keep(packs)
  }

  function run(extent: Extent = 'whole'): Promise<void> {
    if (following !== undefined) return following
    if (running !== undefined) {
      following = running
        .catch(() => undefined)
        .then(() => {
          following = undefined
          return run()
        })
      return following
    }
    timer?.cancel()
    timer = undefined
    // Not before the dispatch that asked for it is over.
    const startedMs = clock.monotonicMs()
    running = Promise.resolve()
      .then(() => write(extent))
      .finally(() => {
        tookMs = clock.monotonicMs() - startedMs
        running = undefined
      })
      .then(() => {
        if (log.written > covered || endedTopics.size > 0) arm()
      })
    return running
  }

  return withFastAccessors({
    get isBehind() {
      return unpersisted > UNPERSISTED_UNITS_MAX || index.isBehind
    },
    unitAdded(queue) {
      queues.markDirty(queue)
      unpersisted += 1
    },
    unitsAdded() {
      if (unpersisted - kept >= PERSIST_UNITS && persisting === undefined && !stopped) persist().catch(report)
      if (index.isDue && !stopped) index.persist(log.written).catch(report)
      if (log.written - covered >= CHECKPOINT_BYTES && running === undefined && !stopped) run('lazy').catch(report)
      else arm()
    },
    topicEnded(topic) {
      endedTopics.add(topic)
      arm()
    },
    run: () => run('whole'),
    settle: () => catchUp.stop(),
    async writeAll() {
      await persist('all')
      // Once more, when the log has been asked for what a pack did not give back.
      await queueFiles.whenMended()
      if (queues.areUnfiled()) await persist('all')
      if (queues.areUnfiled())
        throw new MqError('damaged', 'not all units could be written to the files of their queues')
    },
    async stop() {
      stopped = true
      await catchUp.stop()
      indexTimer?.cancel()
      indexTimer = undefined
      timer?.cancel()
      timer = undefined
      await Promise.allSettled([following, running, persisting])
    },
  })
}
