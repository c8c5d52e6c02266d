// Units in memory, in chunks of equal size. What is not yet in a file stays; what could be read again is given up
// when the cache is full, the least recently used first (second chance).
import { UNIT_BYTES } from './unit.ts'

/** Units of a chunk. */
export const CHUNK_UNITS = 256
const CHUNK_BYTES = CHUNK_UNITS * UNIT_BYTES

/** Holds the units [from, to) of the CHUNK_UNITS that start at index × CHUNK_UNITS. */
export class Chunk {
  readonly owner: ChunkOwner
  readonly index: number
  readonly bytes: Buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES)
  from: number
  to: number
  /** Looked at since the cache last passed by. */
  used = true

  constructor(owner: ChunkOwner, index: number, from: number) {
    this.owner = owner
    this.index = index
    this.from = from
    this.to = from
  }

  /** Index in `bytes` of a unit. */
  at(offset: number): number {
    return (offset - this.index * CHUNK_UNITS) * UNIT_BYTES
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
  readonly #chunksMax: number
  readonly #chunks = new Set<Chunk>()

  constructor(bytesMax: number) {
    this.#chunksMax = Math.max(1, Math.floor(bytesMax / CHUNK_BYTES))
  }

  /** Chunks in memory. */
  get size(): number {
    return this.#chunks.size
  }

  /** Takes a chunk in, holding its units already; others may go. */
  add(chunk: Chunk): void {
    if (this.#chunks.size >= this.#chunksMax) this.#evict()
    this.#chunks.add(chunk)
  }

  #evict(): void {
    // Two passes at most: the first takes the second chance from each.
    let looks = 2 * this.#chunks.size
    for (const chunk of this.#chunks) {
      if (this.#chunks.size < this.#chunksMax || looks === 0) return
      looks -= 1
      this.#chunks.delete(chunk)
      if (chunk.used || chunk.to > chunk.owner.persisted) {
        chunk.used = false
        this.#chunks.add(chunk)
      } else chunk.owner.drop(chunk)
    }
  }
}
