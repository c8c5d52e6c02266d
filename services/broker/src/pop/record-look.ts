// What a scan of a queue must know of records beyond what their units say: a record in memory is looked at at once. One on
// disk ends the scan in front of it; it is looked at when it has been read, and the scan goes on in a later Turn.
import { MqError } from '@rocketmq-ts/model'
import type { Unit, UnitReader } from '@rocketmq-ts/store'
import type { QueueState } from '../inflight/inflight.ts'
import { POP_BYTES_JUDGED_MAX, POP_RECORDS_JUDGED_MAX } from '../limits.ts'
import { isDamage } from './damage.ts'

/** Records are read into it one after the other; larger ones get a buffer of their own. */
const SCRATCH_BYTES = 64 * 1024

export interface RecordLook<Value> {
  /** What the record says; undefined where it is not known now, see `load` and `isExhausted`. */
  at(queue: QueueState, unit: Unit): Value | undefined
  /** Finds out what was not in memory; undefined where everything was. */
  readonly load: (() => Promise<void>) | undefined
  /** As much was looked at as one pop may. */
  readonly isExhausted: boolean
}

export interface Looking<Value> {
  /** What was found out while the request waited, by commit log offset. */
  readonly known: Map<number, Value>
  /** Throws MqError 'damaged' where there is no record. */
  of(bytes: Buffer, at: number): Value
  /** Nobody knows what it says: it is claimed, and settles as damaged. */
  readonly damaged: Value
}

/** A look at the records of one scan, which may go over several queues. */
export function createRecordLook<Value>(reader: UnitReader, { known, of, damaged }: Looking<Value>): RecordLook<Value> {
  let scratch: Buffer | undefined
  let recordsLeft = POP_RECORDS_JUDGED_MAX
  let bytesLeft = POP_BYTES_JUDGED_MAX
  let load: (() => Promise<void>) | undefined
  let isExhausted = false

  async function lookLater(at: number, into: Buffer, pending: Promise<void>): Promise<void> {
    try {
      await pending
      known.set(at, of(into, 0))
    } catch (error) {
      if (!isDamage(error)) throw error
      known.set(at, damaged)
    }
  }

  function read(queue: QueueState, unit: Unit, into: Buffer): undefined | Promise<void> {
    try {
      return reader.readUnitInto(queue, unit, { into, start: 0, group: queue.group })
    } catch (error) {
      return Promise.reject(error instanceof Error ? error : new MqError('internal', String(error), error))
    }
  }

  return {
    at(queue, unit) {
      const value = known.get(unit.commitLogOffset)
      if (value !== undefined) return value
      if (recordsLeft <= 0 || bytesLeft <= 0) {
        isExhausted = true
        return undefined
      }
      recordsLeft -= 1
      bytesLeft -= unit.size
      const into = unit.size > SCRATCH_BYTES ? Buffer.allocUnsafe(unit.size) : (scratch ??= Buffer.alloc(SCRATCH_BYTES))
      const pending = read(queue, unit, into)
      if (pending === undefined) return of(into, 0)
      if (into === scratch) scratch = undefined
      const looked = lookLater(unit.commitLogOffset, into, pending)
      looked.catch(() => undefined)
      load ??= () => looked
      return undefined
    },
    get load() {
      return load
    },
    get isExhausted() {
      return isExhausted
    },
  }
}
