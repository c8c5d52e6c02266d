// Reads the record of a unit, and believes neither alone: a record that is not the one of its unit, or none at all, has the
// log asked which of the two is wrong. 'damaged' is answered only for a record that the log itself does not have.
import { createRecordPeek, MqError, peekRecord, type QueueId } from '@rocketmq-ts/model'
import { damaged, isDamage, RECORD_BYTES_MAX } from '../commit-log/scan.ts'
import type { RecordReader, Unit } from '../message-store.ts'
import type { ConsumeQueue } from './consume-queue.ts'
import type { QueueRepair } from './queue-repair.ts'
import type { QueueTable } from './queue-table.ts'
import { isRecordOf } from './unit-check.ts'
import { unitFrom } from './unit-search.ts'

/** Of a record that was read patiently: 'mended' says that units of its queue have changed, so it is looked up again. */
export type UnitRead =
  | { readonly kind: 'record'; readonly bytes: Uint8Array }
  | { readonly kind: 'lost' }
  | { readonly kind: 'mended' }

/** Reads by what a queue says. */
export interface UnitReader {
  /**
   * The record of a unit, which says so itself. Throws or rejects with MqError 'damaged' where the log does not have it,
   * 'busy' while that is being found out: then the unit is scanned again later.
   */
  readUnit(queue: QueueId, unit: Unit): Uint8Array | Promise<Uint8Array>
  /** The same straight into a reply; see RecordReader.readInto. */
  readUnitInto(queue: QueueId, unit: Unit, target: UnitTarget): undefined | Promise<void>
}

/** Where the bytes of a record go, and who takes turns for them. */
export interface UnitTarget {
  readonly into: Buffer
  readonly start: number
  readonly group?: string | undefined
}

export interface UnitReads extends UnitReader {
  /** Waits for a mend, if it takes one. Rejects with MqError 'unavailable' after too many of its queue have failed. */
  readPatiently(queue: ConsumeQueue, unit: Unit): Promise<UnitRead>
  /**
   * A search by halves counts on units that it only passes: false when the one at the offset that it found, or the one in
   * front, had to be mended. Then it is searched again.
   */
  isBorderRight(queue: ConsumeQueue, offset: number): Promise<boolean>
}

export interface UnitReadsOptions {
  readonly reader: RecordReader
  readonly queues: QueueTable
  readonly repair: QueueRepair
  /** The log ended here when it was opened: units of what lies in front come from files. */
  readonly openedAt: number
}

/** Creates the reads of one store. */
export function createUnitReads({ reader, queues, repair, openedAt }: UnitReadsOptions): UnitReads {
  const peek = createRecordPeek()

  function check(queue: QueueId, unit: Unit, { into, start }: UnitTarget, withTags: boolean): void {
    if (peekRecord(into, start, peek) === 'record' && isRecordOf(into, peek, { queue, unit, withTags })) return
    throw new MqError(
      'damaged',
      `the record at commit log offset ${unit.commitLogOffset} is not that of queue offset ${unit.queueOffset} of queue ` +
        `${queue.queueId} of '${queue.topic}'`,
    )
  }

  /** Rejects: with `cause` when the log has been asked about the unit, else 'busy'. */
  async function doubted({ topic, queueId }: QueueId, unit: Unit, cause: unknown): Promise<never> {
    const queue = queues.find(topic, queueId)
    // A unit that is in no file yet is ours, or was checked with the checkpoint that has it: the log is wrong.
    if (queue === undefined || unit.queueOffset < queue.min || unit.queueOffset >= queue.persisted) throw cause
    if (repair.isProven(queue, unit.queueOffset)) {
      const place = { queue, end: unit.queueOffset + 1 }
      const now = await unitFrom(repair, place, unit.queueOffset)
      if (now?.commitLogOffset === unit.commitLogOffset && now.size === unit.size) throw cause
    } else {
      repair.mend(queue, unit.queueOffset).catch(() => undefined)
    }
    throw new MqError('busy', `queue ${queueId} of '${topic}' is compared with the log; try again in a while`, cause)
  }

  function readUnitInto(queue: QueueId, unit: Unit, target: UnitTarget): undefined | Promise<void> {
    let pending: undefined | Promise<void>
    try {
      pending = reader.readInto(unit, target.into, target.start, target.group)
      if (pending === undefined) {
        check(queue, unit, target, unit.commitLogOffset < openedAt)
        return undefined
      }
    } catch (error) {
      if (!isDamage(error)) throw error
      return doubted(queue, unit, error)
    }
    return pending
      .then(() => check(queue, unit, target, true))
      .catch((error: unknown) => {
        if (!isDamage(error)) throw error
        return doubted(queue, unit, error)
      })
  }

  async function readPatiently(queue: ConsumeQueue, unit: Unit): Promise<UnitRead> {
    try {
      const bytes = await reader.read(unit.commitLogOffset, unit.size)
      const into = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      check(queue, unit, { into, start: 0 }, true)
      return { kind: 'record', bytes }
    } catch (error) {
      if (!isDamage(error)) throw error
      const offset = unit.queueOffset
      if (await repair.mend(queue, offset)) return { kind: 'mended' }
      const isInFile = !queue.ended && offset >= queue.min && offset < queue.persisted
      if (isInFile && !repair.isProven(queue, offset)) throw repair.notBelieved(queue, offset)
      return { kind: 'lost' }
    }
  }

  return {
    readPatiently,
    async isBorderRight(queue, offset) {
      for (const at of [offset - 1, offset]) {
        if (at < queue.min || at >= queue.max) continue
        const unit = await unitFrom({ load: repair.loadPatiently }, { queue, end: at + 1 }, at)
        if (unit !== undefined && (await readPatiently(queue, unit)).kind === 'mended') return false
      }
      return true
    },
    readUnitInto,
    readUnit(queue, unit) {
      if (unit.size > RECORD_BYTES_MAX) throw damaged(unit.commitLogOffset, 'was lost')
      const into = Buffer.allocUnsafe(unit.size)
      const pending = readUnitInto(queue, unit, { into, start: 0 })
      return pending === undefined ? into : pending.then(() => into)
    },
  }
}
