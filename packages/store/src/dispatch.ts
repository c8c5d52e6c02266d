// What happens to a record after it was written: a unit in its queue, then, when consumers may see it, the listeners.
// In the order of the log, always. Java: ReputMessageService.
import type { Dispatched } from './message-store.ts'
import type { ConsumeQueue } from './consume-queue/consume-queue.ts'

export interface Dispatcher {
  /** A record entered the batch. */
  appended(record: Dispatched, queue: ConsumeQueue | undefined): void
  /** The log was written up to `end`: units for what lies below. */
  written(end: number): void
  /** Consumers may see what lies below `end`. */
  confirmed(end: number): void
  onVisible(listener: (record: Dispatched) => void): void
}

/** Slots of a new ring. */
const SLOTS_MIN = 1024
/** A ring that had to grow beyond is not kept once it is empty. */
const SLOTS_KEPT_MAX = 65_536

function emptySlots<Value>(size: number): (Value | undefined)[] {
  return Array.from({ length: size }, () => undefined)
}

/**
 * The records under way, in the order of the log: those with a unit that consumers may not see yet, then those that are not
 * written. What was taken is let go of at once: objects that lived on would be copied by every collection of young ones,
 * which stops all sends meanwhile. And no object is made for an entry.
 */
class RecordRing {
  #records = emptySlots<Dispatched>(SLOTS_MIN)
  /** Beside each record; undefined when it gets no unit (undecided or rolled back transactions). */
  #queues = emptySlots<ConsumeQueue>(SLOTS_MIN)
  #head = 0
  /** Those that are written. */
  #written = 0
  #length = 0

  push(record: Dispatched, queue: ConsumeQueue | undefined): void {
    if (this.#length === this.#records.length) this.#resize(2 * this.#length)
    const slot = this.#slot(this.#length)
    this.#records[slot] = record
    this.#queues[slot] = queue
    this.#length += 1
  }

  /** The slot of the first one that is not written, if its record ends at `end` or before: it counts as written now. */
  writeBelow(end: number): number {
    if (this.#written === this.#length) return NO_SLOT
    const slot = this.#slot(this.#written)
    if (!isBelow(this.#records[slot]!, end)) return NO_SLOT
    this.#written += 1
    return slot
  }

  /** The slot of the first one, if it is written and its record ends at `end` or before; `drop` it then. */
  firstBelow(end: number): number {
    return this.#written > 0 && isBelow(this.#records[this.#head]!, end) ? this.#head : NO_SLOT
  }

  /** Lets the first one go. */
  drop(): void {
    this.#records[this.#head] = undefined
    this.#queues[this.#head] = undefined
    this.#head = this.#slot(1)
    this.#written -= 1
    this.#length -= 1
    if (this.#length === 0 && this.#records.length > SLOTS_KEPT_MAX) this.#resize(SLOTS_MIN)
  }

  recordAt(slot: number): Dispatched {
    return this.#records[slot]!
  }

  /** Undefined also for one that has left its table. */
  queueAt(slot: number): ConsumeQueue | undefined {
    const queue = this.#queues[slot]
    return queue?.ended === true ? undefined : queue
  }

  #slot(index: number): number {
    return (this.#head + index) % this.#records.length
  }

  #resize(size: number): void {
    const records = emptySlots<Dispatched>(size)
    const queues = emptySlots<ConsumeQueue>(size)
    for (let at = 0; at < this.#length; at += 1) {
      records[at] = this.#records[this.#slot(at)]
      queues[at] = this.#queues[this.#slot(at)]
    }
    this.#records = records
    this.#queues = queues
    this.#head = 0
  }
}

const NO_SLOT = -1

function isBelow({ commitLogOffset, size }: Dispatched, end: number): boolean {
  return commitLogOffset + size <= end
}

/** Creates the dispatch of one log. `onUnit` is told of each queue that got a unit, `onUnits` when those of a batch are there. */
export function createDispatcher(onUnit: (queue: ConsumeQueue) => void, onUnits: () => void): Dispatcher {
  const listeners: ((record: Dispatched) => void)[] = []
  const ring = new RecordRing()

  return {
    appended(record, queue) {
      ring.push(record, queue)
    },
    written(end) {
      let units = 0
      for (let slot = ring.writeBelow(end); slot !== NO_SLOT; slot = ring.writeBelow(end)) {
        const queue = ring.queueAt(slot)
        if (queue === undefined) continue
        queue.push(ring.recordAt(slot))
        onUnit(queue)
        units += 1
      }
      if (units > 0) onUnits()
    },
    confirmed(end) {
      for (let slot = ring.firstBelow(end); slot !== NO_SLOT; slot = ring.firstBelow(end)) {
        const record = ring.recordAt(slot)
        const queue = ring.queueAt(slot)
        ring.drop()
        if (queue === undefined) continue
        queue.visible = record.queueOffset + 1
        for (const listener of listeners) listener(record)
      }
    },
    onVisible(listener) {
      listeners.push(listener)
    },
  }
}
