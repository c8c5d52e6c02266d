// The one log: takes records into the batch of the Turn, writes and syncs them, reads them back.
// appended ≥ written ≥ flushed. After a failed write or sync it refuses appends for good, but for want of space it waits.
import { commitLogOffset, MqError, queueOffset, recordSize, type QueueOffset } from '@rocketmq-ts/model'
import type { Clock, DirectLane, Scheduler } from '@rocketmq-ts/runtime'
import type { AppendOptions, NewRecord, StoreObserver } from '../message-store.ts'
import { BatchBuilder, type SealedBatch } from './batch.ts'
import { type DiskReserve, isNoSpace } from './disk-reserve.ts'
import { createGroupCommit } from './group-commit.ts'
import type { LogWriter } from './log-writer.ts'
import { createRecordReads, type RecordReads } from './record-reads.ts'
import { RECORD_BYTES_MAX } from './scan.ts'
import type { Segments } from './segment.ts'
import type { ZeroWindow } from './zero-window.ts'
import { withFastAccessors } from '../fast-accessors.ts'

const MiB = 1024 * 1024
/** Bytes of one batch, at most; beyond, sends are answered 'busy'. */
const BATCH_BYTES_MAX = 64 * MiB
/** Bytes written but not flushed, at most; beyond, sends are answered 'busy' until the disk catches up. */
const UNFLUSHED_BYTES_MAX = 128 * MiB
/** So many bytes wait for no interval: the disk gets them before they become too many. */
const UNFLUSHED_BYTES_SOFT = 32 * MiB
/** Room for journal records, which pass also while sends are answered 'busy'. */
const JOURNAL_SLACK_BYTES = 64 * MiB
/** No byte lies further behind what is flushed: recovery looks for debris of a crash up to here. */
export const BEHIND_FLUSHED_BYTES_MAX = UNFLUSHED_BYTES_MAX + BATCH_BYTES_MAX + JOURNAL_SLACK_BYTES
/** Kept free at the end of a segment for the filler's header. Java: END_FILE_MIN_BLANK_LENGTH. */
const SEGMENT_FREE_BYTES_MIN = 8

export interface CommitLogOptions {
  readonly clock: Pick<Clock, 'monotonicMs'>
  readonly observer: Omit<StoreObserver, 'segmentRemoved'>
  readonly scheduler: Scheduler
  readonly segments: Segments
  readonly writer: LogWriter
  readonly reserve: DiskReserve
  /** Of what the reserve gives back on a full disk, copies get so much: by them old files may go. The rest is the journal's. */
  readonly copyBytesMax: number
  /** End of the log after recovery; all of it is flushed. */
  readonly end: number
  readonly bodyBytesMax: number
  readonly flushIntervalMs: number
  readonly hotBytes: number
  /** For pieces of the log that are read ahead. */
  readonly coldReadBytes: number
  /** Keeps zeros in front of the log; only where syncs are waited for. */
  readonly zeroWindow?: ZeroWindow | undefined
  /** Of pieces that are read ahead: in parts where syncs are waited for. */
  readonly pieceLane: DirectLane
  /** A batch is in the page cache up to `end`, in order. */
  readonly onWritten: (end: number) => void
  readonly onFlushed: (end: number) => void
  readonly onRoll: (base: number) => void
  readonly onFailure: (error: Error) => void
}

export interface CommitLog extends RecordReads {
  readonly appended: number
  readonly written: number
  readonly flushed: number
  /** Syncs finished so far. */
  readonly syncs: number
  readonly min: number
  readonly failure: Error | undefined
  /** Bytes the record will take. Throws like `append`; nothing has changed yet. */
  admit(record: NewRecord, options: AppendOptions): number
  /** Adds an admitted record and returns its position. */
  append(record: NewRecord, size: number, offset: QueueOffset, storeTimestampMs: number): number
  submit(): Promise<void>
  /** Writes what found no space on the disk, and all behind it. Rejects while there still is none. */
  writeWaiting(): Promise<void>
  whenFlushed(position: number): Promise<void>
  /** No background sync after this. */
  stop(): void
}

const DONE = Promise.resolve()
/** Not Buffer's own, which also takes texts and costs more. */
const { includes } = Uint8Array.prototype

/** A batch on its way, and the segments that it enters first. */
interface Outgoing {
  readonly batch: SealedBatch
  readonly entered: readonly number[]
}

function noSpace(cause?: unknown): MqError {
  return new MqError(
    'disk-full',
    'no space is left on the disk of the store; free some, sending goes on by itself',
    cause,
  )
}

/** Creates the log on segments that recovery has judged. Java: CommitLog. */
export function createCommitLog(options: CommitLogOptions): CommitLog {
  const { scheduler, segments, writer, reserve, clock, observer } = options
  const { segmentBytes } = segments
  const builder = new BatchBuilder(options.end)
  /** Of the record that is encoded just now. */
  const place = { queueOffset: queueOffset(0), commitLogOffset: commitLogOffset(0), storeTimestampMs: 0 }
  let written = options.end
  let failure: Error | undefined
  /** Bytes of copies since the disk is full. */
  let copiedWhenFull = 0
  /** Bases of segments that the batch enters first. */
  let rolls: number[] = []
  /** Found no space. What comes behind stays in the builder until these are written: never out of order. */
  const waiting: Outgoing[] = []
  /** The writes that are not done yet, one after the other; undefined when there is none. */
  let writing: Promise<void> | undefined

  /** Refuses everything from now on; the first cause stays. */
  function refuse(cause: unknown): Error {
    if (failure !== undefined) return failure
    const reason = cause instanceof Error ? cause.message : String(cause)
    failure = new MqError(
      'store-refused',
      `the store takes nothing more after a failed write or sync (${reason}); check the disk, then restart the broker`,
      cause,
    )
    group.fail(failure)
    options.onFailure(failure)
    return failure
  }

  /** Every segment that holds bytes of [from, to), the oldest first: what is behind is never safer than what is before. */
  async function sync(from: number, to: number): Promise<void> {
    const startedMs = clock.monotonicMs()
    try {
      for (let base = from - (from % segmentBytes); base < to; base += segmentBytes)
        await segments.at(base)?.file.sync()
    } catch (error) {
      throw refuse(error)
    }
    observer.flushed(clock.monotonicMs() - startedMs, to - from)
  }

  const group = createGroupCommit({
    scheduler,
    flushed: options.end,
    intervalMs: options.flushIntervalMs,
    unflushedBytesSoft: UNFLUSHED_BYTES_SOFT,
    sync,
    // Within one file the later one writes the bytes of the earlier one, too.
    mayOverlap: (from, to) => segments.at(from) === segments.at(to - 1),
    onFlushed: options.onFlushed,
  })

  function admit(record: NewRecord, { journal = false, copy = false }: AppendOptions): number {
    if (failure !== undefined) throw failure
    const size = recordSize(record)
    if (!journal) admitSend(record, copy && copiedWhenFull + size <= options.copyBytesMax)
    else if (waiting.length > 0 && builder.bytes > JOURNAL_SLACK_BYTES) {
      throw refuse(noSpace(`${builder.bytes} bytes of the journal wait for it`))
    }
    if (includes.call(record.properties, 0)) {
      throw new MqError(
        'message-illegal',
        'properties: hold a zero byte, by which recovery knows text that was cut off',
      )
    }
    const sizeMax = Math.min(RECORD_BYTES_MAX, segmentBytes - SEGMENT_FREE_BYTES_MIN)
    if (size > sizeMax) {
      throw new MqError('message-too-large', `record: ${size} bytes with topic and properties, at most ${sizeMax} fit`)
    }
    if (!reserve.full) copiedWhenFull = 0
    else if (copy) copiedWhenFull += size
    return size
  }

  function admitSend(record: NewRecord, mayUseReserve: boolean): void {
    if (waiting.length > 0 || (reserve.full && !mayUseReserve)) throw noSpace()
    if (record.body.length > options.bodyBytesMax) {
      throw new MqError(
        'message-too-large',
        `body: ${record.body.length} bytes, maxMessageSize allows ${options.bodyBytesMax}`,
      )
    }
    if (builder.bytes > BATCH_BYTES_MAX || builder.end - group.flushed > UNFLUSHED_BYTES_MAX) {
      throw new MqError('busy', 'the disk of the store is behind; send again later')
    }
  }

  function append(record: NewRecord, size: number, offset: QueueOffset, storeTimestampMs: number): number {
    const used = builder.end % segmentBytes
    const remaining = segmentBytes - used
    if (size + SEGMENT_FREE_BYTES_MIN > remaining) {
      builder.addBlank(remaining)
      rolls.push(builder.end)
    } else if (used <= segmentBytes / 2 && used + size > segmentBytes / 2) {
      segments.prepare(builder.end - used + segmentBytes)
    }
    const position = builder.end
    place.queueOffset = offset
    place.commitLogOffset = commitLogOffset(position)
    place.storeTimestampMs = storeTimestampMs
    builder.addRecord(record, place, size)
    reserve.start()
    return position
  }

  function finish(batch: SealedBatch, entered: readonly number[]): void {
    batch.release()
    written = batch.end
    if (!reserve.full) options.zeroWindow?.advance(written)
    group.written(written)
    options.onWritten(written)
    for (const base of entered) options.onRoll(base)
  }

  async function writeAgain(batch: SealedBatch, error: unknown): Promise<void> {
    if (!isNoSpace(error) || !(await reserve.release(error))) throw error
    await writer.submit(batch)
  }

  /**
   * Waits for the write; one that found no room is repeated once with the space of the reserve. Without room even then it
   * waits, and is no failure for good: unlike those of a sync, its bytes are all still here.
   */
  async function settle(pending: Promise<void>, batch: SealedBatch, entered: readonly number[]): Promise<void> {
    try {
      await pending.catch((error: unknown) => writeAgain(batch, error))
    } catch (error) {
      if (!isNoSpace(error)) throw refuse(error)
      waiting.push({ batch, entered })
      throw noSpace(error)
    }
    finish(batch, entered)
  }

  /** The next of what waits, and then what was appended behind it. */
  function nextWaiting(): Outgoing | undefined {
    if (waiting.length > 0) return waiting[0]
    const batch = builder.take()
    if (batch === undefined) return undefined
    const next = { batch, entered: rolls }
    rolls = []
    waiting.push(next)
    return next
  }

  async function writeWaiting(): Promise<void> {
    if (failure !== undefined) throw failure
    if (waiting.length === 0) return
    for (let next = nextWaiting(); next !== undefined; next = nextWaiting()) {
      try {
        await writer.submit(next.batch)
      } catch (error) {
        throw isNoSpace(error) ? error : refuse(error)
      }
      waiting.shift()
      finish(next.batch, next.entered)
    }
  }

  async function writeLater(before: Promise<void>, batch: SealedBatch, entered: readonly number[]): Promise<void> {
    await before
    if (failure !== undefined) throw failure
    if (waiting.length > 0) {
      waiting.push({ batch, entered })
      throw noSpace()
    }
    await settle((async () => writer.submit(batch))(), batch, entered)
  }

  /** The way of nearly every batch: written when this returns. */
  function writeNow(batch: SealedBatch, entered: readonly number[]): Promise<void> {
    const startedMs = clock.monotonicMs()
    let pending: void | Promise<void>
    try {
      pending = writer.submit(batch)
    } catch (error) {
      return settle(Promise.reject(error), batch, entered)
    }
    if (pending !== undefined) return settle(pending, batch, entered)
    observer.wrote(clock.monotonicMs() - startedMs, batch.end - written)
    finish(batch, entered)
    return DONE
  }

  function submit(): Promise<void> {
    if (failure !== undefined) return Promise.reject(failure)
    if (waiting.length > 0) return Promise.reject(noSpace())
    const batch = builder.take()
    if (batch === undefined) return writing ?? DONE
    const entered = rolls
    rolls = []
    const run = writing === undefined ? writeNow(batch, entered) : writeLater(writing, batch, entered)
    if (run === DONE) return run
    const settled = run
      .catch(() => undefined)
      .then(() => {
        if (writing === settled) writing = undefined
      })
    writing = settled
    return run
  }

  const log = {
    get written() {
      return written
    },
  }
  const { bodyBytesMax, hotBytes, coldReadBytes, pieceLane } = options
  const reads = createRecordReads({ scheduler, segments, log, bodyBytesMax, hotBytes, coldReadBytes, pieceLane })

  return withFastAccessors({
    get appended() {
      return builder.end
    },
    get written() {
      return written
    },
    get flushed() {
      return group.flushed
    },
    get syncs() {
      return group.syncs
    },
    get min() {
      return segments.min
    },
    get failure() {
      return failure
    },
    admit,
    append,
    submit,
    writeWaiting,
    whenFlushed: group.whenFlushed,
    ...reads,
    stop: group.stop,
  })
}
