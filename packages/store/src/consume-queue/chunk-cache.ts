// Units in memory, in chunks that grow with what is in them: most queues hold a few. What is not yet in a file stays; what
// could be read again is given up when the cache is full, the least recently used first (second chance).
import { UNIT_BYTES } from './unit.ts'

/** Units of a chunk, at most. */
export const CHUNK_UNITS = 256
/** Units that a new chunk has room for, and by how much it grows when they are used up. */
const FIRST_UNITS = 8
const GROWTH = 4
/** Chunks looked at for one that is added: where units of most are in no file yet, the bound is reached again later. */
const LOOKS_MAX = 256

/** Holds the units [from, to) of the CHUNK_UNITS that start at index × CHUNK_UNITS. */
export class Chunk {
  readonly owner: ChunkOwner
  readonly index: number
  /** Those of [origin, …); room for what was reserved. */
  bytes: Buffer
  from: number
  to: number
  /** Looked at since the cache last passed by. */
  used = true
  #origin: number

  /** @param from where its first unit will be; `units` are expected there. */
  constructor(owner: ChunkOwner, index: number, from: number, units = FIRST_UNITS) {
    this.owner = owner
    this.index = index
    this.from = from
    this.to = from
    this.#origin = from
    this.bytes = Buffer.allocUnsafeSlow(Math.min(units, (index + 1) * CHUNK_UNITS - from) * UNIT_BYTES)
  }

  /** Index in `bytes` of a unit for which there is room. */
  at(offset: number): number {
    return (offset - this.#origin) * UNIT_BYTES
  }

  /** Makes room for the units [from, to) besides those it has. Returns the bytes that it grew by. */
  reserve(from: number, to: number): number {
    const before = this.bytes
    if (from >= this.#origin && this.at(to) <= before.length) return 0
    const start = this.index * CHUNK_UNITS
    const isAtFront = from < this.#origin
    const origin = isAtFront ? start : this.#origin
    const grown = isAtFront ? CHUNK_UNITS : (before.length / UNIT_BYTES) * GROWTH
    const units = Math.min(start + CHUNK_UNITS - origin, Math.max(grown, to - origin))
    const bytes = Buffer.allocUnsafeSlow(units * UNIT_BYTES)
    before.copy(bytes, (this.from - origin) * UNIT_BYTES, this.at(this.from), this.at(this.to))
    this.bytes = bytes
    this.#origin = origin
    return bytes.length - before.length
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
  readonly #chunks = new Set<Chunk>()
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** Chunks in memory. */
  get size(): number {
    return this.#chunks.size
  }

  /** Bytes of their units. */
  get bytes(): number {
    return this.#bytes
  }

  /** Takes a chunk in, holding its units already; others may go. */
  add(chunk: Chunk): void {
    this.#bytes += chunk.bytes.length
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
    if (this.#chunks.delete(chunk)) this.#bytes -= chunk.bytes.length
  }

  #evict(): void {
    // Two passes at most: the first takes the second chance from each.
    let looks = Math.min(LOOKS_MAX, 2 * this.#chunks.size)
    for (const chunk of this.#chunks) {
      if (this.#bytes <= this.#bytesMax || looks === 0) return
      looks -= 1
      this.#chunks.delete(chunk)
      if (chunk.used || chunk.to > chunk.owner.persisted) {
        chunk.used = false
        this.#chunks.add(chunk)
      } else {
        this.#bytes -= chunk.bytes.length
        chunk.owner.drop(chunk)
      }
    }
  }
}
