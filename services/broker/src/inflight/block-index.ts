// Finds the first entry of a block (32 neighbouring offsets) of a queue: an open-addressing hash of entry slots whose
// keys stay in the entry table. Invariant: load ≤ 1/2, every live (queue, block) is found within its probe run.

/** Where the keys are: parallel arrays by slot, replaced when the entry table grows. */
export interface BlockKeys {
  readonly owner: Int32Array
  readonly block: Float64Array
}

const EMPTY = 0
const CAPACITY_MIN = 64
const PER_2_32 = 2 ** -32

export class BlockIndex {
  readonly #keys: BlockKeys
  /** Slot + 1, or `EMPTY`. */
  #cells = new Int32Array(CAPACITY_MIN)
  #bits = CAPACITY_MIN - 1
  #count = 0

  constructor(keys: BlockKeys) {
    this.#keys = keys
  }

  #home(owner: number, block: number): number {
    let hash = Math.imul(owner + 1, 0x9e37_79b1) ^ Math.imul(block | 0, 0x85eb_ca6b) ^ Math.floor(block * PER_2_32)
    hash ^= hash >>> 15
    hash = Math.imul(hash, 0xc2b2_ae35)
    return (hash ^ (hash >>> 13)) & this.#bits
  }

  /** Cell of the key, or the empty cell where it belongs. */
  #cell(owner: number, block: number): number {
    const keys = this.#keys
    let at = this.#home(owner, block)
    for (;;) {
      const slot = this.#cells[at]! - 1
      if (slot < 0 || (keys.block[slot] === block && keys.owner[slot] === owner)) return at
      at = (at + 1) & this.#bits
    }
  }

  /** First slot of the block, −1 without one. */
  get(owner: number, block: number): number {
    return this.#cells[this.#cell(owner, block)]! - 1
  }

  /** Makes `slot` the first of its block; its keys are already in the arrays. */
  set(slot: number): void {
    const { owner, block } = this.#keys
    let at = this.#cell(owner[slot]!, block[slot]!)
    if (this.#cells[at] === EMPTY) {
      this.#count += 1
      if (this.#count * 2 > this.#cells.length) {
        this.#grow()
        at = this.#cell(owner[slot]!, block[slot]!)
      }
    }
    this.#cells[at] = slot + 1
  }

  /** Forgets the block; cells behind it move up so that no run is torn. */
  delete(owner: number, block: number): void {
    const keys = this.#keys
    const cells = this.#cells
    let hole = this.#cell(owner, block)
    if (cells[hole] === EMPTY) return
    this.#count -= 1
    let at = hole
    for (;;) {
      at = (at + 1) & this.#bits
      const slot = cells[at]! - 1
      if (slot < 0) break
      const home = this.#home(keys.owner[slot]!, keys.block[slot]!)
      if (((at - home) & this.#bits) < ((at - hole) & this.#bits)) continue
      cells[hole] = slot + 1
      hole = at
    }
    cells[hole] = EMPTY
  }

  #grow(): void {
    const { owner, block } = this.#keys
    const old = this.#cells
    this.#cells = new Int32Array(old.length * 2)
    this.#bits = this.#cells.length - 1
    for (const cell of old) {
      if (cell !== EMPTY) this.#cells[this.#cell(owner[cell - 1]!, block[cell - 1]!)] = cell
    }
  }
}
