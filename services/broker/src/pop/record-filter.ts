// Filters that ask for the properties of a message, while a queue is scanned: a record in memory is judged at once. One on
// disk ends the scan in front of it; it is judged when it has been read, and the scan goes on in a later Turn.
import type { MessageFilter, PropertyLookup } from '@rocketmq-ts/filter'
import { createRecordPeek, MqError, peekRecord } from '@rocketmq-ts/model'
import type { Unit, UnitReader } from '@rocketmq-ts/store'
import type { QueueState } from '../inflight/inflight.ts'
import { POP_BYTES_JUDGED_MAX, POP_RECORDS_JUDGED_MAX } from '../limits.ts'
import { findProperty } from '../send/property-text.ts'
import { isDamage } from './damage.ts'

/** Records are read into it one after the other; larger ones get a buffer of their own. */
const SCRATCH_BYTES = 64 * 1024

/** What was found out for a request while it waited: by commit log offset, whether the record matches. */
export type Verdicts = Map<number, boolean>

/** 'unknown': not to be passed, nor taken; see `load` and `isExhausted`. */
export type Judgement = 'match' | 'other' | 'unknown'

export interface RecordFilter {
  judge(queue: QueueState, unit: Unit): Judgement
  /** Brings into `verdicts` what was not in memory; undefined where everything was. */
  readonly load: (() => Promise<void>) | undefined
  /** As much was looked at as one pop may. */
  readonly isExhausted: boolean
}

/** The judge of one scan, which may go over several queues. */
export function createRecordFilter(reader: UnitReader, filter: MessageFilter, verdicts: Verdicts): RecordFilter {
  const matches = createRecordMatcher(filter)
  let scratch: Buffer | undefined
  let recordsLeft = POP_RECORDS_JUDGED_MAX
  let bytesLeft = POP_BYTES_JUDGED_MAX
  let load: (() => Promise<void>) | undefined
  let isExhausted = false

  async function judgeLater(at: number, into: Buffer, pending: Promise<void>): Promise<void> {
    try {
      await pending
      verdicts.set(at, matches(into, 0))
    } catch (error) {
      if (!isDamage(error)) throw error
      // Nobody knows whether it matches: it is claimed, and settles as damaged.
      verdicts.set(at, true)
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
    judge(queue, unit) {
      const verdict = verdicts.get(unit.commitLogOffset)
      if (verdict !== undefined) return verdict ? 'match' : 'other'
      // Claimed, and judged before it leaves: what is so large is rare, or damaged.
      if (unit.size > POP_BYTES_JUDGED_MAX) return 'match'
      if (recordsLeft <= 0 || bytesLeft <= 0) {
        isExhausted = true
        return 'unknown'
      }
      recordsLeft -= 1
      bytesLeft -= unit.size
      const into = unit.size > SCRATCH_BYTES ? Buffer.allocUnsafe(unit.size) : (scratch ??= Buffer.alloc(SCRATCH_BYTES))
      const pending = read(queue, unit, into)
      if (pending === undefined) return matches(into, 0) ? 'match' : 'other'
      if (into === scratch) scratch = undefined
      const judged = judgeLater(unit.commitLogOffset, into, pending)
      judged.catch(() => undefined)
      load ??= () => judged
      return 'unknown'
    },
    get load() {
      return load
    },
    get isExhausted() {
      return isExhausted
    },
  }
}

/** Whether the record at `at` of `bytes` matches. Throws MqError 'damaged' where none is. */
export function createRecordMatcher(filter: MessageFilter): (bytes: Buffer, at: number) => boolean {
  const peek = createRecordPeek()
  let properties = ''
  const lookup: PropertyLookup = (name) => findProperty(properties, name)
  return (bytes, at) => {
    if (peekRecord(bytes, at, peek) !== 'record') throw new MqError('damaged', `no record to filter: ${peek.problem}`)
    properties = bytes.toString('utf8', peek.propertiesAt, peek.propertiesAt + peek.propertiesLength)
    return filter.matches(lookup)
  }
}
