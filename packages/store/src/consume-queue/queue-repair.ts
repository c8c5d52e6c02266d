// Decides when the units of a queue are doubted, has them mended, and remembers the outcome: the log is asked once about a
// range of a queue, so a bad record of the log never starts a second mend. Others are not disturbed: one mend at a time,
// readers of its queue wait for a while, appends go on.
import {
  type CommitLogOffset,
  commitLogOffset,
  createRecordPeek,
  MqError,
  peekRecord,
  queueOffset,
} from '@rocketmq-ts/model'
import type { Scheduler } from '@rocketmq-ts/runtime'
import type { Segments } from '../commit-log/segment.ts'
import type { LogHold, RecordReader, StoreOptions, Unit } from '../message-store.ts'
import type { ConsumeQueue } from './consume-queue.ts'
import type { QueueFiles } from './queue-files.ts'
import { mendQueue, type MendStart } from './queue-mend.ts'
import { decodeUnit, isFillerUnit } from './unit.ts'
import { firstDoubt, isRecordOf } from './unit-check.ts'

/** Ranges remembered of a queue; then all of it is mended once, and not again in this run. */
const PROVEN_RANGES_MAX = 64
/** Mends of a queue that may fail (its disk refuses) before it is left as it is until the next start. */
const FAILURES_MAX = 3
/** Records read in front of a doubt to find one that proves its unit, each twice as far away. */
const PROOFS_MAX = 16
/** Readers wait so long for a mend, then they are told to come again. */
const WAIT_MS_MAX = 2000
/** Looks of one load at units that change meanwhile, or that have more than one doubt. */
const LOOKS_MAX = 64

interface Range {
  readonly from: number
  readonly to: number
}

interface QueueHistory {
  /** Apart from one another. */
  proven: Range[]
  failures: number
  /** Mends that ended: units read before are read again. */
  ended: number
  running: { readonly doubt: number; readonly done: Promise<boolean> } | undefined
}

export interface QueueRepairOptions {
  readonly scheduler: Scheduler
  readonly segments: Segments
  readonly queueFiles: QueueFiles
  readonly reader: Pick<RecordReader, 'read'>
  readonly log: { readonly written: number }
  /** First byte that the log keeps. */
  readonly logMin: () => number
  readonly hold: (owner: string, position: CommitLogOffset) => LogHold
  readonly topicsEndedBy: StoreOptions['topicsEndedBy'] | undefined
  /** Units of the queue were not what the log says, and are now. */
  readonly onMended: (file: string, reason: string) => void
}

export interface QueueRepair {
  /** Brings units into memory that can be believed. Rejects with MqError 'busy' while a mend takes long. */
  load(queue: ConsumeQueue, at: number, group?: string): Promise<void>
  /** The same, however long a mend takes. */
  loadPatiently(queue: ConsumeQueue, at: number, group?: string): Promise<void>
  /** Passes on how work ends that may wait for a mend. Rejects with MqError 'busy' where that takes long. */
  inTime<Result>(work: Promise<Result>): Promise<Result>
  /** The log was asked about the offset. */
  isProven(queue: ConsumeQueue, offset: number): boolean
  /** Asks the log about an offset, once. True when units were mended. */
  mend(queue: ConsumeQueue, offset: number): Promise<boolean>
  /** Resolves when every mend that was begun is over: files may be closed. */
  settled(): Promise<void>
  /** For a unit about which the log can not be asked any more. */
  notBelieved(queue: ConsumeQueue, offset: number): MqError
}

/** Thrown inside: units of a file that nobody may get. */
class Doubt extends Error {
  readonly offset: number

  constructor(offset: number) {
    super(`the unit of queue offset ${offset} can not be believed`)
    this.offset = offset
  }
}

function merged(ranges: readonly Range[], { from, to }: Range): Range[] {
  const apart = ranges.filter((range) => range.to < from || range.from > to)
  const touching = ranges.filter((range) => range.to >= from && range.from <= to)
  return [
    ...apart,
    {
      from: Math.min(from, ...touching.map((range) => range.from)),
      to: Math.max(to, ...touching.map((range) => range.to)),
    },
  ]
}

/** Creates the repair of one store's queues. */
export function createQueueRepair(options: QueueRepairOptions): QueueRepair {
  const { scheduler, segments, queueFiles, reader, log } = options
  const histories = new WeakMap<ConsumeQueue, QueueHistory>()
  let last: Promise<unknown> = Promise.resolve()

  function historyOf(queue: ConsumeQueue): QueueHistory {
    let history = histories.get(queue)
    if (history === undefined) {
      history = { proven: [], failures: 0, ended: 0, running: undefined }
      histories.set(queue, history)
    }
    return history
  }

  function isProven(queue: ConsumeQueue, offset: number): boolean {
    const proven = histories.get(queue)?.proven
    return proven !== undefined && proven.some(({ from, to }) => offset >= from && offset < to)
  }

  async function unitInFile(queue: ConsumeQueue, offset: number): Promise<Unit | undefined> {
    try {
      return decodeUnit(await queueFiles.read(queue, offset, offset + 1), 0, queueOffset(offset))
    } catch {
      return undefined
    }
  }

  /** True when the record at the unit's place says that it is the one. */
  async function isRight(queue: ConsumeQueue, unit: Unit): Promise<boolean> {
    try {
      const bytes = await reader.read(unit.commitLogOffset, unit.size)
      const peek = createRecordPeek()
      const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      return peekRecord(bytes, 0, peek) === 'record' && isRecordOf(text, peek, { queue, unit, withTags: true })
    } catch {
      return false
    }
  }

  async function startOf(queue: ConsumeQueue, doubt: number): Promise<MendStart> {
    const whole = { offset: queue.min, position: options.logMin(), isProven: false }
    if (historyOf(queue).proven.length >= PROVEN_RANGES_MAX) return whole
    let distance = 1
    for (let proof = 0; proof < PROOFS_MAX && doubt - distance >= queue.min; proof += 1) {
      const unit = await unitInFile(queue, doubt - distance)
      if (unit !== undefined && !isFillerUnit(unit) && (await isRight(queue, unit))) {
        return { offset: unit.queueOffset + 1, position: unit.commitLogOffset + unit.size, isProven: true }
      }
      distance *= 2
    }
    return whole
  }

  async function run(queue: ConsumeQueue, doubt: number): Promise<boolean> {
    const history = historyOf(queue)
    if (queue.ended || isProven(queue, doubt) || history.failures >= FAILURES_MAX) return false
    const end = log.written
    const hold = options.hold('mend', commitLogOffset(options.logMin()))
    queue.barredBelow = queue.persisted
    try {
      const limit = queue.persisted
      // Units that are in no file of the queue get there one after the other.
      const start = await startOf(queue, Math.min(doubt, queue.filed))
      hold.moveTo(commitLogOffset(start.position))
      const mended = await mendQueue({
        queue,
        queueFiles,
        source: {
          segmentBytes: segments.segmentBytes,
          end,
          async read(position, into) {
            const segment = segments.at(position)
            return segment === undefined ? 0 : segment.file.read(position - segment.base, into, 'cold')
          },
        },
        start,
        doubt,
        limit,
        isWhole: history.proven.length >= PROVEN_RANGES_MAX,
        topicsEndedBy: options.topicsEndedBy,
        breathe: () => new Promise((resolve) => scheduler.soon(resolve)),
      })
      history.proven = merged(history.proven, mended)
      if (mended.pieces > 0) {
        options.onMended(
          `consumequeue/${queue.topic}/${queue.queueId}`,
          `units of ${mended.from} to ${mended.to} were not what the log says`,
        )
      }
      return mended.pieces > 0
    } catch (error) {
      history.failures += 1
      throw error
    } finally {
      queue.barredBelow = 0
      history.ended += 1
      hold.release()
    }
  }

  async function mend(queue: ConsumeQueue, doubt: number): Promise<boolean> {
    const history = historyOf(queue)
    const { running } = history
    if (running?.doubt === doubt) return running.done
    if (running !== undefined) {
      // What it finds out need not be about this offset.
      const isMended = await running.done.catch(() => false)
      return isMended || mend(queue, doubt)
    }
    const ran = last.then(() => run(queue, doubt))
    last = ran.catch(() => undefined)
    const done = ran.finally(() => {
      history.running = undefined
    })
    done.catch(() => undefined)
    history.running = { doubt, done }
    return done
  }

  /** Takes units into memory unless one of them is doubted: then its offset is the answer. */
  async function look(queue: ConsumeQueue, at: number, group: string | undefined): Promise<number | undefined> {
    const history = historyOf(queue)
    const { ended } = history
    let doubt: number | undefined
    try {
      await queueFiles.load(queue, at, group, (from, units) => {
        // Read while they were written again.
        if (history.running !== undefined || history.ended !== ended) throw new Doubt(at)
        doubt = firstDoubt(units, from, {
          topic: queue.topic,
          min: queue.min,
          logEnd: log.written,
          isProven: (offset) => isProven(queue, offset),
        })
        if (doubt !== undefined) throw new Doubt(doubt)
      })
      return undefined
    } catch (error) {
      if (error instanceof Doubt) return error.offset
      // What the disk does not give back is written again as well.
      const offset = Math.max(at, queue.min)
      if (queue.ended || isProven(queue, offset)) throw error
      return offset
    }
  }

  function notBelieved({ topic, queueId }: ConsumeQueue, offset: number): MqError {
    return new MqError(
      'unavailable',
      `consumequeue/${topic}/${queueId}: the unit of queue offset ${offset} can not be believed, nor written again`,
    )
  }

  async function loadWith(
    wait: (running: Promise<boolean>) => Promise<unknown>,
    { queue, at, group }: { readonly queue: ConsumeQueue; readonly at: number; readonly group: string | undefined },
  ): Promise<void> {
    const history = historyOf(queue)
    for (let looks = 0; looks < LOOKS_MAX; looks += 1) {
      if (history.running !== undefined) await wait(history.running.done)
      const doubt = await look(queue, at, group)
      if (doubt === undefined || queue.ended) return
      if (history.failures >= FAILURES_MAX) throw notBelieved(queue, doubt)
      if (!isProven(queue, doubt)) await wait(mend(queue, doubt))
    }
    throw new MqError('busy', `units of topic '${queue.topic}' are being written again; try again`)
  }

  function inTime<Result>(running: Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      const timer = scheduler.after(WAIT_MS_MAX, () => {
        reject(new MqError('busy', 'a consume queue is being built again from the log; try again in a while'))
      })
      running.then(resolve, reject).finally(() => timer.cancel())
    })
  }

  return {
    load: (queue, at, group) => loadWith(inTime, { queue, at, group }),
    loadPatiently: (queue, at, group) => loadWith((running) => running, { queue, at, group }),
    inTime,
    isProven,
    mend,
    async settled() {
      await last
    },
    notBelieved,
  }
}
