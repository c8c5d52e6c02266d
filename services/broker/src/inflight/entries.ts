// The entry table of the broker: one row per popped batch in parallel typed arrays. A batch lives within one block (32
// neighbouring offsets) and is split only when its messages diverge. Invariant: the masks of a block's entries are
// disjoint, a row's mask is never 0, rows of a queue are linked ascending by block.
import assert from 'node:assert'
import { BlockIndex } from './block-index.ts'
import { DeadlineHeap } from './deadline-heap.ts'
import { lowestBit, popCount } from './digest.ts'
import type { LiveQueue } from './queue-state.ts'

/** What an entry waits for. */
export const EntryKind = {
  /** An acknowledgement, until its deadline. */
  inFlight: 0,
  /** The next pop. */
  ready: 1,
  /** Its copy in the dead-letter topic. In memory only: after a restart it is in flight and due. */
  deadPending: 2,
} as const

/** Offsets per block. */
export const BLOCK = 32
/** Attempts are counted up to here. */
export const ATTEMPTS_MAX = 65_535
const CAPACITY_MIN = 256

export function blockOf(offset: number): number {
  return Math.floor(offset / BLOCK)
}

export function bitOf(offset: number): number {
  return 1 << (offset - Math.floor(offset / BLOCK) * BLOCK)
}

/** Bits of the block that stand for offsets below `bound`. */
export function bitsBelow(block: number, bound: number): number {
  const bits = bound - block * BLOCK
  if (bits >= BLOCK) return -1
  return bits <= 0 ? 0 : (1 << bits) - 1
}

export interface EntryFields {
  readonly block: number
  readonly mask: number
  readonly attempts: number
  readonly popTime: number
  readonly deadline: number
}

export class EntryTable {
  /** Rows in use. */
  count = 0

  /** Index of the queue. */
  owner = new Int32Array(CAPACITY_MIN)
  block = new Float64Array(CAPACITY_MIN)
  /** Bit i stands for offset block · 32 + i. */
  mask = new Int32Array(CAPACITY_MIN)
  popTime = new Float64Array(CAPACITY_MIN)
  deadline = new Float64Array(CAPACITY_MIN)
  /** Deliveries made. */
  attempts = new Uint16Array(CAPACITY_MIN)
  kind = new Uint8Array(CAPACITY_MIN)
  /** 1: popped or changed since the last journal record, so its record is not in the log yet. */
  fresh = new Uint8Array(CAPACITY_MIN)
  heapAt = new Int32Array(CAPACITY_MIN)
  prev = new Int32Array(CAPACITY_MIN)
  next = new Int32Array(CAPACITY_MIN)
  readyPrev = new Int32Array(CAPACITY_MIN)
  readyNext = new Int32Array(CAPACITY_MIN)

  readonly deadlines = new DeadlineHeap(this)
  readonly #index = new BlockIndex(this)
  /** Rows that were in use and are free, linked by `next`. */
  #free = -1
  #used = 0
  readonly #freshSlots: number[] = []

  #grow(): void {
    const capacity = this.owner.length * 2
    const longer = <A extends Int32Array | Float64Array | Uint16Array | Uint8Array>(old: A, grown: A): A => {
      grown.set(old)
      return grown
    }
    this.owner = longer(this.owner, new Int32Array(capacity))
    this.block = longer(this.block, new Float64Array(capacity))
    this.mask = longer(this.mask, new Int32Array(capacity))
    this.popTime = longer(this.popTime, new Float64Array(capacity))
    this.deadline = longer(this.deadline, new Float64Array(capacity))
    this.attempts = longer(this.attempts, new Uint16Array(capacity))
    this.kind = longer(this.kind, new Uint8Array(capacity))
    this.fresh = longer(this.fresh, new Uint8Array(capacity))
    this.heapAt = longer(this.heapAt, new Int32Array(capacity))
    this.prev = longer(this.prev, new Int32Array(capacity))
    this.next = longer(this.next, new Int32Array(capacity))
    this.readyPrev = longer(this.readyPrev, new Int32Array(capacity))
    this.readyNext = longer(this.readyNext, new Int32Array(capacity))
  }

  #take(queue: LiveQueue): number {
    let slot = this.#free
    if (slot >= 0) this.#free = this.next[slot]!
    else {
      if (this.#used === this.owner.length) this.#grow()
      slot = this.#used
      this.#used += 1
    }
    this.count += 1
    queue.entries += 1
    this.owner[slot] = queue.index
    this.kind[slot] = EntryKind.inFlight
    this.heapAt[slot] = -1
    return slot
  }

  /** The entry that holds the offset, −1 when it has none (settled, or never delivered). */
  find(queue: LiveQueue, offset: number): number {
    const block = blockOf(offset)
    const bit = bitOf(offset)
    let slot = this.#index.get(queue.index, block)
    while (slot >= 0 && this.block[slot] === block) {
      if ((this.mask[slot]! & bit) !== 0) return slot
      slot = this.next[slot]!
    }
    return -1
  }

  /** The lowest offset with an entry, or the cursor. */
  lowMark(queue: LiveQueue): number {
    let slot = queue.head
    if (slot < 0) return queue.cursor
    const block = this.block[slot]!
    let mask = 0
    while (slot >= 0 && this.block[slot] === block) {
      mask |= this.mask[slot]!
      slot = this.next[slot]!
    }
    return block * BLOCK + lowestBit(mask)
  }

  /** A new row in flight at the end of the queue: its block is not below any other. Counts and ledger are the caller's. */
  append(queue: LiveQueue, fields: EntryFields): number {
    const slot = this.#take(queue)
    const last = queue.tail
    assert(last < 0 || this.block[last]! <= fields.block, 'entries are appended ascending by block')
    this.#fill(slot, fields)
    this.prev[slot] = last
    this.next[slot] = -1
    queue.tail = slot
    if (last < 0) queue.head = slot
    else this.next[last] = slot
    if (last < 0 || this.block[last] !== fields.block) this.#index.set(slot)
    return slot
  }

  /** Adds the bits to the queue's last row when that is in flight and equal but for them. */
  widen(queue: LiveQueue, { block, mask, attempts, popTime, deadline }: EntryFields): boolean {
    const slot = queue.tail
    if (slot < 0 || this.block[slot] !== block || this.kind[slot] !== EntryKind.inFlight) return false
    if (this.popTime[slot] !== popTime || this.deadline[slot] !== deadline) return false
    if (this.attempts[slot] !== attempts) return false
    this.mask[slot] = this.mask[slot]! | mask
    return true
  }

  /** Moves the bits `mask`, some but not all of the row's, to a new row with the same fields that is in no other list. */
  split(queue: LiveQueue, from: number, mask: number): number {
    const slot = this.#take(queue)
    this.block[slot] = this.block[from]!
    this.mask[slot] = mask
    this.popTime[slot] = this.popTime[from]!
    this.deadline[slot] = this.deadline[from]!
    this.attempts[slot] = this.attempts[from]!
    this.kind[slot] = this.kind[from]!
    this.fresh[slot] = 0
    if (this.fresh[from] === 1) this.markFresh(slot)
    this.mask[from] = this.mask[from]! & ~mask
    const after = this.next[from]!
    this.prev[slot] = from
    this.next[slot] = after
    this.next[from] = slot
    if (after < 0) queue.tail = slot
    else this.prev[after] = slot
    return slot
  }

  #fill(slot: number, fields: EntryFields): void {
    this.block[slot] = fields.block
    this.mask[slot] = fields.mask
    this.popTime[slot] = fields.popTime
    this.deadline[slot] = fields.deadline
    this.attempts[slot] = Math.min(fields.attempts, ATTEMPTS_MAX)
    this.fresh[slot] = 0
  }

  /** Takes bits out of a row; the row goes when none is left. True when it went. */
  drop(queue: LiveQueue, slot: number, mask: number): boolean {
    const rest = this.mask[slot]! & ~mask
    this.mask[slot] = rest
    if (rest !== 0) return false
    if (this.kind[slot] === EntryKind.ready) this.unlinkReady(queue, slot)
    this.deadlines.remove(slot)
    this.#unlink(queue, slot)
    this.next[slot] = this.#free
    this.#free = slot
    this.count -= 1
    queue.entries -= 1
    return true
  }

  #unlink(queue: LiveQueue, slot: number): void {
    const before = this.prev[slot]!
    const after = this.next[slot]!
    const block = this.block[slot]!
    if (before < 0 || this.block[before] !== block) {
      if (after >= 0 && this.block[after] === block) this.#index.set(after)
      else this.#index.delete(queue.index, block)
    }
    if (before < 0) queue.head = after
    else this.next[before] = after
    if (after < 0) queue.tail = before
    else this.prev[after] = before
  }

  /** Puts a row at the end of the queue's ready list. */
  linkReady(queue: LiveQueue, slot: number): void {
    const last = queue.readyTail
    this.readyPrev[slot] = last
    this.readyNext[slot] = -1
    queue.readyTail = slot
    if (last < 0) queue.readyHead = slot
    else this.readyNext[last] = slot
  }

  unlinkReady(queue: LiveQueue, slot: number): void {
    const before = this.readyPrev[slot]!
    const after = this.readyNext[slot]!
    if (before < 0) queue.readyHead = after
    else this.readyNext[before] = after
    if (after < 0) queue.readyTail = before
    else this.readyPrev[after] = before
  }

  /** Messages of a row. */
  size(slot: number): number {
    return popCount(this.mask[slot]!)
  }

  markFresh(slot: number): void {
    this.fresh[slot] = 1
    this.#freshSlots.push(slot)
  }

  /** The changes so far are in a journal record. */
  clearFresh(): void {
    for (const slot of this.#freshSlots) this.fresh[slot] = 0
    this.#freshSlots.length = 0
  }
}
