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

/** Entries taken from the front of a list before it is cut: a copy per so many costs nothing. */
const TAKEN_MAX = 65_536

/** A queue of entries without shifting: taken from the front, cut when enough were taken. */
class EntryFifo {
  #entries: Entry[] = []
  #head = 0

  push(entry: Entry): void {
    this.#entries.push(entry)
  }

  /** The first entry if its record ends at `end` or before, removed. */
  takeBelow(end: number): Entry | undefined {
    const entry = this.#entries[this.#head]
    if (entry === undefined || entry.record.commitLogOffset + entry.record.size > end) return undefined
    this.#head += 1
    if (this.#head === this.#entries.length || this.#head >= TAKEN_MAX) {
      this.#entries = this.#entries.slice(this.#head)
      this.#head = 0
    }
    return entry
  }
}

/** Creates the dispatch of one log. `onUnit` is told of each queue that got a unit. */
export function createDispatcher(onUnit: (queue: ConsumeQueue) => void): Dispatcher {
  const listeners: ((record: Dispatched) => void)[] = []
  const unwritten = new EntryFifo()
  const unconfirmed = new EntryFifo()

  return {
    appended(record, queue) {
      unwritten.push({ record, queue })
    },
    written(end) {
      for (let entry = unwritten.takeBelow(end); entry !== undefined; entry = unwritten.takeBelow(end)) {
        if (entry.queue === undefined || entry.queue.ended) continue
        entry.queue.push(entry.record)
        onUnit(entry.queue)
        unconfirmed.push(entry)
      }
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
