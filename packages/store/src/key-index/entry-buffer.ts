// Entries that are not in a file yet, off the heap, in the order of the log.

/** Entries of a new buffer: an idle store keeps no more. */
const ENTRIES_MIN = 1024
/** A buffer that had to grow beyond is not kept for the next batch. */
const ENTRIES_KEPT_MAX = 524_288

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
