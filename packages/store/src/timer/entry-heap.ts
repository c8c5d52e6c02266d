// Pending entries that no file has yet: a binary heap in typed arrays, the one that is due first on top.
import { compareKeys, type TimerEntry, type TimerKey } from './timer-entry.ts'

/** Entries of a new heap, and of one that was emptied. */
const CAPACITY_MIN = 1024

export class EntryHeap {
  #due = new Float64Array(CAPACITY_MIN)
  #position = new Float64Array(CAPACITY_MIN)
  /** Size and key hash of each. */
  #rest = new Uint32Array(2 * CAPACITY_MIN)
  #length = 0

  get length(): number {
    return this.#length
  }

  /** The first entry, without taking it. */
  peek(): TimerEntry | undefined {
    return this.#length === 0 ? undefined : this.#at(0)
  }

  push(entry: TimerEntry): void {
    if (this.#length === this.#due.length) this.#resize(2 * this.#length)
    let at = this.#length
    this.#length += 1
    while (at > 0) {
      const parent = (at - 1) >>> 1
      if (!this.#isBehind(parent, entry)) break
      this.#copy(parent, at)
      at = parent
    }
    this.#set(at, entry)
  }

  pop(): TimerEntry | undefined {
    if (this.#length === 0) return undefined
    const first = this.#at(0)
    this.#length -= 1
    if (this.#length > 0) this.#sink(this.#at(this.#length))
    if (this.#length === 0 && this.#due.length > CAPACITY_MIN) this.#resize(CAPACITY_MIN)
    return first
  }

  /** All entries, in no order. */
  *entries(): Generator<TimerEntry> {
    for (let at = 0; at < this.#length; at += 1) yield this.#at(at)
  }

  /** Puts the entry where the top was, and down to its place. */
  #sink(entry: TimerEntry): void {
    let at = 0
    for (let child = 1; child < this.#length; child = 2 * at + 1) {
      const other = child + 1
      if (other < this.#length && this.#isBehind(child, this.#keyAt(other))) child = other
      if (compareKeys(entry, this.#keyAt(child)) <= 0) break
      this.#copy(child, at)
      at = child
    }
    this.#set(at, entry)
  }

  #keyAt(at: number): TimerKey {
    return { dueMs: this.#due[at]!, position: this.#position[at]! }
  }

  #at(at: number): TimerEntry {
    return { ...this.#keyAt(at), size: this.#rest[2 * at]!, keyHash: this.#rest[2 * at + 1]! }
  }

  #isBehind(at: number, key: TimerKey): boolean {
    const due = this.#due[at]!
    return due > key.dueMs || (due === key.dueMs && this.#position[at]! > key.position)
  }

  #copy(from: number, to: number): void {
    this.#due[to] = this.#due[from]!
    this.#position[to] = this.#position[from]!
    this.#rest[2 * to] = this.#rest[2 * from]!
    this.#rest[2 * to + 1] = this.#rest[2 * from + 1]!
  }

  #set(at: number, entry: TimerEntry): void {
    this.#due[at] = entry.dueMs
    this.#position[at] = entry.position
    this.#rest[2 * at] = entry.size
    this.#rest[2 * at + 1] = entry.keyHash
  }

  #resize(capacity: number): void {
    const due = new Float64Array(capacity)
    const position = new Float64Array(capacity)
    const rest = new Uint32Array(2 * capacity)
    due.set(this.#due.subarray(0, this.#length))
    position.set(this.#position.subarray(0, this.#length))
    rest.set(this.#rest.subarray(0, 2 * this.#length))
    this.#due = due
    this.#position = position
    this.#rest = rest
  }
}
