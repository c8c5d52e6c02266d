// Units in memory, in chunks that grow with what is in them: most queues hold a few. What is not yet in a file stays; what
// could be read again is given up when the cache is full, the least recently used first (second chance).
import { UNIT_BYTES } from './unit.ts'
import { type Slab, UnitSlots } from './unit-slots.ts'

/** Units of a chunk, at most. */
export const CHUNK_UNITS = 256
/** Units that a new chunk has room for, and by how much it grows when they are used up. */
const FIRST_UNITS = 8
const GROWTH = 4
/** Chunks looked at at once: where units of most are in no file yet, the bound is reached again later. */
const LOOKS_MAX = 256
/** Where that found too few that may go, the cache grows by this share of its bound before they are looked at again. */
const REST_SHARE = 1 / 512

/** Given back. */
const NO_BYTES = Buffer.alloc(0)

/** Holds the units [from, to) of the CHUNK_UNITS that start at index × CHUNK_UNITS. */
export class Chunk {
  readonly owner: ChunkOwner
  readonly index: number
  /** Shared with others: only what `at` points to is of this chunk, and only until the cache has given it up. */
  bytes: Buffer = NO_BYTES
  from: number
  to: number
  /** Looked at since the cache last passed by. */
  used = true
  readonly #slots: UnitSlots
  #slab: Slab | undefined
  /** First of the units for which there is room, how many these are, and where in `bytes` they begin. */
  #origin: number
  #units = 0
  #start = 0

  /** @param from where its first unit will be; `units` are expected there. */
  constructor(slots: UnitSlots, owner: ChunkOwner, index: number, from: number, units = FIRST_UNITS) {
    this.#slots = slots
    this.owner = owner
    this.index = index
    this.from = from
    this.to = from
    this.#origin = from
    this.#allocate(Math.min(units, (index + 1) * CHUNK_UNITS - from))
  }

  /** Bytes of the units for which there is room. */
  get size(): number {
    return this.#units * UNIT_BYTES
  }

  /** Index in `bytes` of a unit for which there is room. */
  at(offset: number): number {
    return this.#start + (offset - this.#origin) * UNIT_BYTES
  }

  /** Makes room for the units [from, to) besides those it has. Returns the bytes that it grew by. */
  reserve(from: number, to: number): number {
    const origin = this.#origin
    if (from >= origin && to - origin <= this.#units) return 0
    const sizeBefore = this.size
    const start = this.index * CHUNK_UNITS
    const isAtFront = from < origin
    const grown = isAtFront ? CHUNK_UNITS : this.#units * GROWTH
    const newOrigin = isAtFront ? start : origin
    const units = Math.min(start + CHUNK_UNITS - newOrigin, Math.max(grown, to - newOrigin))
    const { bytes: bytesBefore, from: first, to: last } = this
    const slabBefore = this.#slab
    const startBefore = this.#start
    const [copyFrom, copyTo] = [this.at(first), this.at(last)]
    this.#origin = newOrigin
    this.#allocate(units)
    bytesBefore.copy(this.bytes, this.at(first), copyFrom, copyTo)
    if (slabBefore !== undefined) this.#slots.give(slabBefore, startBefore)
    return this.size - sizeBefore
  }

  /** Gives its memory back: nobody asks it for units any more. */
  release(): void {
    if (this.#slab !== undefined) this.#slots.give(this.#slab, this.#start)
    this.#slab = undefined
    this.bytes = NO_BYTES
    this.#units = 0
    this.to = this.from
  }

  #allocate(units: number): void {
    const slab = this.#slots.slabOf(units)
    this.#slab = slab
    this.#units = units
    this.#start = slab === undefined ? 0 : this.#slots.take(slab)
    this.bytes = slab === undefined ? Buffer.allocUnsafeSlow(units * UNIT_BYTES) : slab.bytes
  }
}

/** A queue, as the cache sees it. */
export interface ChunkOwner {
  /** Units below are in the file. */
  readonly persisted: number
  /** Removes the chunk from the queue. */
  drop(chunk: Chunk): void
}

/** Chunks of all queues, bounded by bytes. */
export class ChunkCache {
  readonly #bytesMax: number
  readonly #slots = new UnitSlots()
  readonly #chunks = new Set<Chunk>()
  #bytes = 0
  /** Below, no chunk has to go, or none of many could. */
  #restsBelow: number

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
    this.#restsBelow = bytesMax
  }

  /** Chunks in memory. */
  get size(): number {
    return this.#chunks.size
  }

  /** Bytes of their units. */
  get bytes(): number {
    return this.#bytes
  }

  /** Slabs that small chunks share. */
  get slabs(): number {
    return this.#slots.slabs
  }

  /** A chunk for `add`; see its constructor. */
  create(owner: ChunkOwner, index: number, from: number, units?: number): Chunk {
    return new Chunk(this.#slots, owner, index, from, units)
  }

  /** Takes a chunk in, holding its units already; others may go. */
  add(chunk: Chunk): void {
    this.#bytes += chunk.size
    this.#evict()
    this.#chunks.add(chunk)
  }

  /** A chunk that is in it has grown; others may go. */
  grew(chunk: Chunk, bytes: number): void {
    this.#bytes += bytes
    chunk.used = true
    this.#evict()
  }

  /** Its queue is gone. */
  remove(chunk: Chunk): void {
    if (!this.#chunks.delete(chunk)) return
    this.#letGo(chunk)
    this.#restsBelow = this.#bytesMax
  }

  #evict(): void {
    if (this.#bytes <= this.#restsBelow) return
    // Two passes at most: the first takes the second chance from each.
    let looks = Math.min(LOOKS_MAX, 2 * this.#chunks.size)
    this.#restsBelow = this.#bytesMax
    for (const chunk of this.#chunks) {
      if (this.#bytes <= this.#bytesMax) return
      if (looks === 0) break
      looks -= 1
      this.#chunks.delete(chunk)
      if (chunk.used || chunk.to > chunk.owner.persisted) {
        chunk.used = false
        this.#chunks.add(chunk)
      } else {
        chunk.owner.drop(chunk)
        this.#letGo(chunk)
      }
    }
    if (this.#bytes > this.#bytesMax) this.#restsBelow = this.#bytes + this.#bytesMax * REST_SHARE
  }

  #letGo(chunk: Chunk): void {
    this.#bytes -= chunk.size
    chunk.release()
  }
}
