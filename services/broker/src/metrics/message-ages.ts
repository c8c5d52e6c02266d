// How old the messages are that a group has not settled, or never got. One read of the log tells the store time of a
// message, and is good for as long as the message is the oldest; what one scrape reads is bounded.
import { queueOffset } from '@rocketmq-ts/model'
import { type QueueReader, type RecordTimes, type Unit, isFillerUnit } from '@rocketmq-ts/store'
import type { QueueState } from '../inflight/inflight.ts'

/** Records that one budget reads; other queues keep the age that was found last until it is their turn. */
export const AGE_READS_MAX = 1024
/** A record that is not in memory counts as so many: it waits for the disk. */
const COLD_READ_COST = 16

/** Limits what is read for one answer. */
export interface AgeBudget {
  left: number
}

/** Which message of a queue: the first that is not settled, or the first that was never delivered. */
export type AgeOf = 'unsettled' | 'undelivered'

export interface MessageAges {
  /** Whether the store time of the message at `offset` was looked for already. */
  isKnown(queue: QueueState, which: AgeOf, offset: number): boolean
  /**
   * Milliseconds since the message at `offset` was stored. While that is not known, the age of the one that was asked for
   * before it, as it was then; undefined where none can be read.
   */
  age(queue: QueueState, which: AgeOf, offset: number, nowMs: number): number | undefined
  /** Looks for the store time of the message, if the budget allows; a promise where it is not in memory. */
  find(queue: QueueState, which: AgeOf, offset: number, budget: AgeBudget): Promise<void> | undefined
  /** Queues have been dropped. */
  forgetDropped(): void
}

interface Mark {
  offset: number
  /** Undefined: there is no readable record. */
  storedMs: number | undefined
  /** Age of the offset when it was asked for last. */
  ageMs: number | undefined
}

export function createMessageAges(reader: Pick<QueueReader, 'scan'> & RecordTimes): MessageAges {
  const marks: Record<AgeOf, Map<QueueState, Mark>> = { unsettled: new Map(), undelivered: new Map() }

  function unitAt(queue: QueueState, offset: number): Unit | undefined | (() => Promise<void>) {
    let found: Unit | undefined
    const take = (unit: Unit) => {
      // A walk begins at the first unit that is left.
      if (unit.queueOffset === offset) found = unit
      return 'take' as const
    }
    const result = reader.scan(queue, queueOffset(offset), take, { unitsMax: 1 })
    return result.kind === 'cold' ? result.load : found
  }

  function timeOf(unit: Unit | undefined): number | undefined | Promise<number | undefined> {
    return unit === undefined || isFillerUnit(unit) ? undefined : reader.storedMs(unit.commitLogOffset)
  }

  async function loadTime(queue: QueueState, offset: number, load: () => Promise<void>): Promise<number | undefined> {
    await load()
    const unit = unitAt(queue, offset)
    return typeof unit === 'function' ? undefined : timeOf(unit)
  }

  return {
    isKnown: (queue, which, offset) => marks[which].get(queue)?.offset === offset,
    age(queue, which, offset, nowMs) {
      const mark = marks[which].get(queue)
      if (mark === undefined) return undefined
      const { storedMs } = mark
      if (mark.offset === offset) mark.ageMs = storedMs === undefined ? undefined : Math.max(0, nowMs - storedMs)
      return mark.ageMs
    },
    find(queue, which, offset, budget) {
      if (budget.left <= 0) return undefined
      const note = (storedMs: number | undefined) => {
        if (!queue.dropped) marks[which].set(queue, { offset, storedMs, ageMs: undefined })
      }
      // What can not be read is told to those who consume it.
      const forget = () => note(undefined)
      try {
        const unit = unitAt(queue, offset)
        const time = typeof unit === 'function' ? loadTime(queue, offset, unit) : timeOf(unit)
        if (time instanceof Promise) {
          budget.left -= COLD_READ_COST
          return time.then(note, forget)
        }
        budget.left -= 1
        note(time)
      } catch {
        forget()
      }
      return undefined
    },
    forgetDropped() {
      for (const each of Object.values(marks)) {
        for (const queue of each.keys()) if (queue.dropped) each.delete(queue)
      }
    },
  }
}
