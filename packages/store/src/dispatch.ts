// What happens to a record after it was written: a unit in its queue, then, when consumers may see it, the listeners.
// In the order of the log, always. Java: ReputMessageService.
import type { Dispatched } from './message-store.ts'
import type { ConsumeQueue } from './consume-queue/consume-queue.ts'

/** A record of the batch; without a queue when it gets no unit (undecided or rolled back transactions). */
interface Entry {
  readonly record: Dispatched
  readonly queue: ConsumeQueue | undefined
}

export interface Dispatcher {
  /** A record entered the batch. */
  appended(record: Dispatched, queue: ConsumeQueue | undefined): void
  /** The log was written up to `end`: units for what lies below. */
  written(end: number): void
  /** Consumers may see what lies below `end`. */
  confirmed(end: number): void
  onVisible(listener: (record: Dispatched) => void): void
}

/** Slots of a new list. */
const SLOTS_MIN = 1024
/** A list that had to grow beyond is not kept once it is empty. */
const SLOTS_KEPT_MAX = 65_536

function emptySlots(size: number): (Entry | undefined)[] {
  return Array.from({ length: size }, () => undefined)
}

/**
 * A queue of entries in a ring that grows to what is under way. What was taken is let go of at once: entries that lived on
 * until the list is cut would be copied by every collection of young objects, which stops all sends meanwhile.
 */
class EntryFifo {
  #slots = emptySlots(SLOTS_MIN)
  #head = 0
  #length = 0

  push(entry: Entry): void {
    if (this.#length === this.#slots.length) this.#resize(2 * this.#length)
    this.#slots[(this.#head + this.#length) % this.#slots.length] = entry
    this.#length += 1
  }

  /** The first entry if its record ends at `end` or before, removed. */
  takeBelow(end: number): Entry | undefined {
    const entry = this.#slots[this.#head]
    if (entry === undefined || entry.record.commitLogOffset + entry.record.size > end) return undefined
    this.#slots[this.#head] = undefined
    this.#head = (this.#head + 1) % this.#slots.length
    this.#length -= 1
    if (this.#length === 0 && this.#slots.length > SLOTS_KEPT_MAX) this.#resize(SLOTS_MIN)
    return entry
  }

  #resize(size: number): void {
    const slots = emptySlots(size)
    for (let at = 0; at < this.#length; at += 1) slots[at] = this.#slots[(this.#head + at) % this.#slots.length]
    this.#slots = slots
    this.#head = 0
  }
}

/** Creates the dispatch of one log. `onUnit` is told of each queue that got a unit, `onUnits` when those of a batch are there. */
export function createDispatcher(onUnit: (queue: ConsumeQueue) => void, onUnits: () => void): Dispatcher {
  const listeners: ((record: Dispatched) => void)[] = []
  const unwritten = new EntryFifo()
  const unconfirmed = new EntryFifo()

  return {
    appended(record, queue) {
      unwritten.push({ record, queue })
    },
    written(end) {
      let units = 0
      for (let entry = unwritten.takeBelow(end); entry !== undefined; entry = unwritten.takeBelow(end)) {
        if (entry.queue === undefined || entry.queue.ended) continue
        entry.queue.push(entry.record)
        onUnit(entry.queue)
        unconfirmed.push(entry)
        units += 1
      }
      if (units > 0) onUnits()
    },
    confirmed(end) {
      for (let entry = unconfirmed.takeBelow(end); entry !== undefined; entry = unconfirmed.takeBelow(end)) {
        if (entry.queue === undefined || entry.queue.ended) continue
        entry.queue.visible = entry.record.queueOffset + 1
        for (const listener of listeners) listener(entry.record)
      }
    },
    onVisible(listener) {
      listeners.push(listener)
    },
  }
}
