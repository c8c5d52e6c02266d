// Offsets in ascending order, taken mostly from the front. Invariant: what was taken from the front costs nothing but its room,
// which is given back when it is as much as what is left.

export class OffsetLine {
  #offsets: number[] = []
  /** Where the first one lies: those in front of it were taken. */
  #first = 0

  get length(): number {
    return this.#offsets.length - this.#first
  }

  /** The lowest one; undefined when there is none. */
  get lowest(): number | undefined {
    return this.#offsets[this.#first]
  }

  /** Ascending. Nothing may be added or removed meanwhile. */
  *[Symbol.iterator](): Iterator<number> {
    for (let at = this.#first; at < this.#offsets.length; at += 1) yield this.#offsets[at]!
  }

  /** One that is not in it. */
  add(offset: number): void {
    const at = this.#positionOf(offset)
    if (at > this.#first || this.#first === 0) {
      this.#offsets.splice(at, 0, offset)
      return
    }
    this.#first -= 1
    this.#offsets[this.#first] = offset
  }

  /** Nothing happens when it is not in it. */
  remove(offset: number): void {
    const at = this.#positionOf(offset)
    if (this.#offsets[at] !== offset) return
    if (at > this.#first) {
      this.#offsets.splice(at, 1)
      return
    }
    this.#first += 1
    if (this.#first * 2 < this.#offsets.length) return
    this.#offsets.splice(0, this.#first)
    this.#first = 0
  }

  /** Position of the first one that is not below. */
  #positionOf(offset: number): number {
    let from = this.#first
    let to = this.#offsets.length
    if (from === to || this.#offsets[to - 1]! < offset) return to
    while (from < to) {
      const middle = (from + to) >>> 1
      if (this.#offsets[middle]! < offset) from = middle + 1
      else to = middle
    }
    return from
  }
}
