// All deadlines of the broker: a binary heap of entry slots whose keys stay in the entry table.
// Invariant: no slot is due before its parent, and `heapAt` of the table says where each slot is (−1: not here).

/** Where the keys are: parallel arrays by slot, replaced when the entry table grows. */
export interface DeadlineKeys {
  readonly deadline: Float64Array
  readonly heapAt: Int32Array
}

export class DeadlineHeap {
  readonly #keys: DeadlineKeys
  #slots = new Int32Array(64)
  #size = 0

  constructor(keys: DeadlineKeys) {
    this.#keys = keys
  }

  /** The slot due first, −1 when there is none. */
  first(): number {
    return this.#size === 0 ? -1 : this.#slots[0]!
  }

  /** Adds a slot that is not in the heap; its deadline is already in the arrays. */
  push(slot: number): void {
    if (this.#size === this.#slots.length) {
      const slots = new Int32Array(this.#slots.length * 2)
      slots.set(this.#slots)
      this.#slots = slots
    }
    this.#size += 1
    this.#rise(this.#size - 1, slot)
  }

  /** Takes a slot out; one that is not in the heap is left alone. */
  remove(slot: number): void {
    const { heapAt, deadline } = this.#keys
    const at = heapAt[slot]!
    if (at < 0) return
    heapAt[slot] = -1
    this.#size -= 1
    if (at === this.#size) return
    const last = this.#slots[this.#size]!
    const parent = at > 0 ? this.#slots[(at - 1) >> 1]! : -1
    if (parent >= 0 && deadline[last]! < deadline[parent]!) this.#rise(at, last)
    else this.#sink(at, last)
  }

  #rise(from: number, slot: number): void {
    const { heapAt, deadline } = this.#keys
    const slots = this.#slots
    const key = deadline[slot]!
    let at = from
    while (at > 0) {
      const up = (at - 1) >> 1
      const parent = slots[up]!
      if (deadline[parent]! <= key) break
      slots[at] = parent
      heapAt[parent] = at
      at = up
    }
    slots[at] = slot
    heapAt[slot] = at
  }

  #sink(from: number, slot: number): void {
    const { heapAt, deadline } = this.#keys
    const slots = this.#slots
    const key = deadline[slot]!
    let at = from
    for (;;) {
      let down = 2 * at + 1
      if (down >= this.#size) break
      if (down + 1 < this.#size && deadline[slots[down + 1]!]! < deadline[slots[down]!]!) down += 1
      const child = slots[down]!
      if (deadline[child]! >= key) break
      slots[at] = child
      heapAt[child] = at
      at = down
    }
    slots[at] = slot
    heapAt[slot] = at
  }
}
