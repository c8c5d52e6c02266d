// Entries that are not in a file yet, off the heap, in the order of the log.

/** Entries of a new buffer: an idle store keeps no more. */
const ENTRIES_MIN = 1024
/** A buffer that had to grow beyond is not kept for the next batch. */
const ENTRIES_KEPT_MAX = 524_288

/** What a query may still cost. */
export interface IndexBudget {
  /** Entries that may be looked at. */
  entries: number
}

/** Entries looked for: of this hash, and of records that may be stored in [fromMs, toMs]. */
export interface Wanted {
  readonly hash: number
  readonly fromMs: number
  readonly toMs: number
}

/** Grows as needed; its owner bounds it. */
export class EntryBuffer {
  hashes = new Int32Array(ENTRIES_MIN)
  offsets = new Float64Array(ENTRIES_MIN)
  timestampsMs = new Float64Array(ENTRIES_MIN)
  length = 0

  /** True where keeping it for the next batch costs little. */
  get isSmall(): boolean {
    return this.hashes.length <= ENTRIES_KEPT_MAX
  }

  push(hash: number, offset: number, timestampMs: number): void {
    const at = this.length
    if (at === this.hashes.length) this.#grow()
    this.hashes[at] = hash
    this.offsets[at] = offset
    this.timestampsMs[at] = timestampMs
    this.length = at + 1
  }

  /** Entries at the front whose records start below `position`. */
  countBelow(position: number): number {
    let low = 0
    let high = this.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.offsets[middle]! < position) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Offsets of what is wanted from entry `from` on, the newest first. */
  *find({ hash, fromMs, toMs }: Wanted, budget: IndexBudget, from: number): Generator<number> {
    const hashes = this.hashes.subarray(0, this.length)
    let index = hashes.length
    while (budget.entries > 0 && index > 0) {
      index = hashes.lastIndexOf(hash, index - 1)
      if (index < from) return
      budget.entries -= 1
      const timestampMs = this.timestampsMs[index]!
      if (timestampMs >= fromMs && timestampMs <= toMs) yield this.offsets[index]!
    }
  }

  /** Moves the entries from `from` on to the end of another buffer. */
  moveTo(other: EntryBuffer, from: number): void {
    for (let index = from; index < this.length; index += 1) {
      other.push(this.hashes[index]!, this.offsets[index]!, this.timestampsMs[index]!)
    }
    this.length = from
  }

  #grow(): void {
    const size = 2 * this.hashes.length
    const { hashes, offsets, timestampsMs } = this
    this.hashes = new Int32Array(size)
    this.offsets = new Float64Array(size)
    this.timestampsMs = new Float64Array(size)
    this.hashes.set(hashes)
    this.offsets.set(offsets)
    this.timestampsMs.set(timestampsMs)
  }
}
