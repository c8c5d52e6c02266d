// Filters that ask for the properties of a message, while a queue is scanned.
import type { MessageFilter, PropertyLookup } from '@rocketmq-ts/filter'
import { createRecordPeek, MqError, peekRecord } from '@rocketmq-ts/model'
import type { Unit, UnitReader } from '@rocketmq-ts/store'
import type { QueueState } from '../inflight/inflight.ts'
import { POP_BYTES_JUDGED_MAX } from '../limits.ts'
import { findProperty } from '../send/property-text.ts'
import { createRecordLook } from './record-look.ts'

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
  const look = createRecordLook(reader, { known: verdicts, of: createRecordMatcher(filter), damaged: true })
  return {
    judge(queue, unit) {
      // Claimed, and judged before it leaves: what is so large is rare, or damaged.
      const isLarge = unit.size > POP_BYTES_JUDGED_MAX
      const matches = isLarge ? (verdicts.get(unit.commitLogOffset) ?? true) : look.at(queue, unit)
      return matches === undefined ? 'unknown' : matches ? 'match' : 'other'
    },
    get load() {
      return look.load
    },
    get isExhausted() {
      return look.isExhausted
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
