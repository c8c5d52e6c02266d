// What was sent to a topic within its window: the place of each key's first message. Invariant: entries are in the order in
// which they were stored, so those that are too old are at the front.

import { type CommitLogOffset, commitLogOffset, type QueueOffset, queueOffset } from '@rocketmq-ts/model'

/** Bytes of a key: a digest, so that any key takes the same room, and two of them never meet. */
export const KEY_BYTES = 16
const WORDS = KEY_BYTES / 4
const ENTRIES_MIN = 64
/** Cells of the index for each entry; half of them used, it is built again. */
const SPARSE = 4
const FREE = -1

/** Where the first message of a key lies. */
export interface FirstPlace {
  readonly queueId: number
  readonly queueOffset: QueueOffset
  readonly commitLogOffset: CommitLogOffset
}

/** One topic's. Pure; times are the broker's wall milliseconds. */
export class DedupWindow {
  readonly #windowMs: number
  /** A ring, by number of the entry; the capacity is a power of two. */
  #capacity = ENTRIES_MIN
  #keys = new Uint32Array(ENTRIES_MIN * WORDS)
  #queueIds = new Uint32Array(ENTRIES_MIN)
  #queueOffsets = new Float64Array(ENTRIES_MIN)
  #logOffsets = new Float64Array(ENTRIES_MIN)
  #storedMs = new Float64Array(ENTRIES_MIN)
  /** Numbers of entries, found by key; one below the head is of an entry that is forgotten. */
  #index = new Float64Array(ENTRIES_MIN * SPARSE).fill(FREE)
  #cellsUsed = 0
  #head = 0
  #tail = 0

  constructor(windowMs: number) {
    this.#windowMs = windowMs
  }

  get size(): number {
    return this.#tail - this.#head
  }

  /** Where a message of this key lies that was stored within the window; undefined without one. */
  find(key: Buffer, nowMs: number): FirstPlace | undefined {
    const number = this.#numberOf(key)
    if (number < this.#head) return undefined
    const at = number & (this.#capacity - 1)
    if (this.#storedMs[at]! + this.#windowMs <= nowMs) return undefined
    return {
      queueId: this.#queueIds[at]!,
      queueOffset: queueOffset(this.#queueOffsets[at]!),
      commitLogOffset: commitLogOffset(this.#logOffsets[at]!),
    }
  }

  /** Remembers a message that was stored at this time, which does not go back. */
  add(key: Buffer, place: FirstPlace, storedMs: number): void {
    if (this.size === this.#capacity) this.#grow()
    if (this.#cellsUsed * 2 >= this.#index.length) this.#buildIndex()
    const number = this.#tail
    const at = number & (this.#capacity - 1)
    for (let word = 0; word < WORDS; word += 1) this.#keys[at * WORDS + word] = key.readUInt32LE(word * 4)
    this.#queueIds[at] = place.queueId
    this.#queueOffsets[at] = place.queueOffset
    this.#logOffsets[at] = place.commitLogOffset
    this.#storedMs[at] = storedMs
    this.#tail += 1
    this.#enter(number)
  }

  /** Forgets what is too old, some at most; returns how many. */
  forgetOld(nowMs: number, max: number): number {
    const from = this.#head
    const end = Math.min(this.#tail, from + max)
    while (this.#head < end && this.#storedMs[this.#head & (this.#capacity - 1)]! + this.#windowMs <= nowMs)
      this.#head += 1
    return this.#head - from
  }

  /** The newest entry of the key, or FREE. */
  #numberOf(key: Buffer): number {
    const mask = this.#index.length - 1
    let newest = FREE
    for (let cell = key.readUInt32LE(0) & mask; ; cell = (cell + 1) & mask) {
      const number = this.#index[cell]!
      if (number === FREE) return newest
      if (number > newest && number >= this.#head && this.#isOf(number, key)) newest = number
    }
  }

  #isOf(number: number, key: Buffer): boolean {
    const at = (number & (this.#capacity - 1)) * WORDS
    for (let word = 0; word < WORDS; word += 1) if (this.#keys[at + word] !== key.readUInt32LE(word * 4)) return false
    return true
  }

  #enter(number: number): void {
    const mask = this.#index.length - 1
    let cell = this.#keys[(number & (this.#capacity - 1)) * WORDS]! & mask
    while (this.#index[cell] !== FREE) cell = (cell + 1) & mask
    this.#index[cell] = number
    this.#cellsUsed += 1
  }

  #buildIndex(): void {
    this.#index.fill(FREE)
    this.#cellsUsed = 0
    for (let number = this.#head; number < this.#tail; number += 1) this.#enter(number)
  }

  #grow(): void {
    const before = this.#capacity
    const after = before * 2
    const keys = new Uint32Array(after * WORDS)
    const queueIds = new Uint32Array(after)
    const queueOffsets = new Float64Array(after)
    const logOffsets = new Float64Array(after)
    const storedMs = new Float64Array(after)
    for (let number = this.#head; number < this.#tail; number += 1) {
      const from = number & (before - 1)
      const to = number & (after - 1)
      keys.set(this.#keys.subarray(from * WORDS, (from + 1) * WORDS), to * WORDS)
      queueIds[to] = this.#queueIds[from]!
      queueOffsets[to] = this.#queueOffsets[from]!
      logOffsets[to] = this.#logOffsets[from]!
      storedMs[to] = this.#storedMs[from]!
    }
    this.#capacity = after
    this.#keys = keys
    this.#queueIds = queueIds
    this.#queueOffsets = queueOffsets
    this.#logOffsets = logOffsets
    this.#storedMs = storedMs
    this.#index = new Float64Array(after * SPARSE)
    this.#buildIndex()
  }
}
