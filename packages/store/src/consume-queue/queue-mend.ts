// Writes units of one queue again where they are, from the records of the log. Offsets stay what they are: where no record
// is found, a filler stands, or a unit that can have been right. In place, so a crash at any step leaves units that are right or still doubted, and no
// checkpoint is wrong about the files.
import { queueOffset, RECORD_BYTES_MIN } from '@rocketmq-ts/model'
import type { StoreOptions, Unit } from '../message-store.ts'
import { hasUnit, isJournal, storedTagsCode } from '../record-fields.ts'
import { type LogSource, type ScannedRecord, scanLog } from '../recovery.ts'
import { replayed } from '../restore.ts'
import type { ConsumeQueue } from './consume-queue.ts'
import type { QueueFiles } from './queue-files.ts'
import { decodeUnit, encodeUnit, fillerUnit, isFillerUnit, UNIT_BYTES } from './unit.ts'
import { isOfTopic } from './unit-check.ts'

/** Units compared and written at once. So many in a row that were right end a mend. */
const PIECE_UNITS = 256

/** Where a mend begins: at the queue's min and the log's first byte, unless a record in front proves more. */
export interface MendStart {
  readonly offset: number
  /** Position in the log of a record. */
  readonly position: number
  /** The record in front is that of its unit: what follows is of the same incarnation of the topic. */
  readonly isProven: boolean
}

export interface MendOptions {
  readonly queue: ConsumeQueue
  readonly queueFiles: Pick<QueueFiles, 'read' | 'rewrite'>
  readonly source: LogSource
  readonly start: MendStart
  /** The offset in doubt: a mend never ends in front of it. */
  readonly doubt: number
  /** Units from here on are in memory since they were dispatched. */
  readonly limit: number
  /** It ends at the limit alone, however right the units are. */
  readonly isWhole: boolean
  readonly topicsEndedBy: StoreOptions['topicsEndedBy'] | undefined
  /** Awaited now and then: other work runs. */
  readonly breathe: () => Promise<void>
}

export interface Mended {
  /** The log was asked about these offsets. */
  readonly from: number
  readonly to: number
  /** Pieces that were not right. */
  readonly pieces: number
}

interface Found {
  readonly offset: number
  readonly commitLogOffset: number
  readonly size: number
  readonly tagsCode: number
}

/** Retention has passed what no file of the queue has yet: fillers stand for it. */
async function fillTo({ queue, queueFiles }: MendOptions, offset: number): Promise<void> {
  const { filed } = queue
  if (filed >= offset) return
  const units = Buffer.allocUnsafe((offset - filed) * UNIT_BYTES)
  for (let at = 0; at < units.length; at += UNIT_BYTES) encodeUnit(units, at, fillerUnit(queueOffset(filed)))
  await queueFiles.rewrite(queue, filed, units)
  if (queue.filed === filed && !queue.ended) queue.noteFiled(offset)
}

/** Reads the log from `start` on until the units behind the doubt are right again, or to its end. */
export async function mendQueue(options: MendOptions): Promise<Mended> {
  const { queue, start, limit, doubt, topicsEndedBy } = options
  let found: Found[] = []
  /** Offsets below are as the log says. */
  let next = start.offset
  /** One past the last offset found. */
  let seen = start.offset
  /** One past the last record of the queue in front of `next`. */
  let recordsEnd = start.position
  let pieces = 0
  /** A piece behind the doubt was right. */
  let isInStep = false
  let isOver = start.offset >= limit

  function take({ bytes, peek, position }: ScannedRecord): void {
    const offset = peek.queueOffset
    if (!hasUnit(peek.sysFlag) || peek.queueId !== queue.queueId || offset < seen) return
    if (!isOfTopic(bytes, peek, queue.topic)) return
    if (offset >= limit) {
      // An older topic of the name may have had more messages.
      isOver ||= start.isProven
      return
    }
    found.push({ offset, commitLogOffset: position, size: peek.totalSize, tagsCode: storedTagsCode(bytes, peek) })
    seen = offset + 1
  }

  /** What was found before belongs to an older topic of the name. */
  function beginAnew(): void {
    found = []
    next = start.offset
    seen = start.offset
    recordsEnd = start.position
  }

  /** The log has no record for the offset: a unit that points to where one can have been stays as it is. */
  function unitOfLost(before: Buffer | undefined, offset: number, nextRecord: number): Unit {
    const place = queueOffset(offset)
    const unit = before && decodeUnit(before, (offset - next) * UNIT_BYTES, place)
    if (unit === undefined || unit.size < RECORD_BYTES_MIN) return fillerUnit(place)
    const fits = unit.commitLogOffset >= recordsEnd && unit.commitLogOffset + unit.size <= nextRecord
    return fits ? unit : fillerUnit(place)
  }

  async function write(to: number): Promise<void> {
    const before = await options.queueFiles.read(queue, next, to).catch(() => undefined)
    const units = Buffer.allocUnsafe((to - next) * UNIT_BYTES)
    let at = 0
    for (let offset = next; offset < to; offset += 1) {
      const record = found[at]?.offset === offset ? found[at++] : undefined
      const unit = record ?? unitOfLost(before, offset, found[at]?.commitLogOffset ?? options.source.end)
      encodeUnit(units, (offset - next) * UNIT_BYTES, unit)
      if (!isFillerUnit(unit)) recordsEnd = unit.commitLogOffset + unit.size
    }
    found.splice(0, at)
    const isRight = before?.equals(units) === true
    // What is in a pack gets into the queue's files, where they end.
    const isToBeFiled = next <= queue.filed && to > queue.filed
    if (!isRight || isToBeFiled) await options.queueFiles.rewrite(queue, next, units)
    if (!isRight) pieces += 1
    if (isToBeFiled && !queue.ended) queue.noteFiled(to)
    queue.correct(next, units)
    isInStep ||= isRight && !options.isWhole && next > doubt && to - next === PIECE_UNITS
    next = to
  }

  async function writeTo(end: number, unitsMin: number): Promise<void> {
    while (!isInStep && !queue.ended && end - next >= unitsMin) await write(Math.min(end, next + PIECE_UNITS))
    isOver ||= isInStep || queue.ended
  }

  await fillTo(options, start.offset)
  await scanLog({
    source: {
      segmentBytes: options.source.segmentBytes,
      get end() {
        return isOver ? 0 : options.source.end
      },
      read: (position, into) => options.source.read(position, into),
    },
    from: start.position,
    provenFlushed: options.source.end,
    cleanStop: true,
    onRecord(record) {
      if (isOver) return true
      take(record)
      if (topicsEndedBy !== undefined && !start.isProven && isJournal(record.bytes, record.peek)) {
        if (topicsEndedBy(replayed(record)).includes(queue.topic)) beginAnew()
      }
      return true
    },
    async onWindow() {
      await writeTo(seen, PIECE_UNITS)
      await options.breathe()
    },
  })
  await writeTo(limit, 1)
  return { from: start.offset, to: next, pieces }
}
