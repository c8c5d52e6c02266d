// Entries on their way from memory into a run. Invariant: each is handed out in its order, also while they are put in order.
import type { EntryHeap } from './entry-heap.ts'
import { readTimerEntry, TIMER_ENTRY_BYTES, type TimerEntry, writeTimerEntry } from './timer-entry.ts'

/** Puts them in order some at a time, as it takes long for all of them. */
export class Spilling {
  /** In order, as far as they are filled in. */
  readonly entries: DataView
  next = 0
  readonly #heap: EntryHeap
  #filled = 0

  constructor(heap: EntryHeap) {
    this.#heap = heap
    this.entries = new DataView(new ArrayBuffer(heap.length * TIMER_ENTRY_BYTES))
  }

  /** Puts further ones in order; false when there are no more. */
  fill(count: number): boolean {
    for (const end = this.#filled + count; this.#filled < end; this.#filled += 1) {
      const entry = this.#heap.pop()
      if (entry === undefined) return false
      writeTimerEntry(this.entries, this.#filled * TIMER_ENTRY_BYTES, entry)
    }
    return true
  }

  peek(): TimerEntry | undefined {
    if (this.next === this.#filled && !this.fill(1)) return undefined
    return readTimerEntry(this.entries, this.next * TIMER_ENTRY_BYTES)
  }
}
