// The units of one queue: the newest in memory, the others in files or a cache of them.
//   min ≤ max,  filed ≤ persisted ≤ max ≤ assigned,  visible ≤ max
import assert from 'node:assert'
import { queueOffset } from '@rocketmq-ts/model'
import type { Accept, Unit } from '../message-store.ts'
import { type Chunk, CHUNK_UNITS, type ChunkCache, type ChunkOwner } from './chunk-cache.ts'
import { decodeUnit, encodeUnit, fillerUnit, firstPosition, UNIT_BYTES } from './unit.ts'
import type { PackedUnits } from './unit-packs.ts'

/** A walk that ended, or the offset whose units must be loaded first. */
export type WalkResult =
  | { readonly kind: 'scanned'; readonly next: number }
  | { readonly kind: 'missing'; readonly at: number }

const NOT_PACKED: readonly PackedUnits[] = []

export class ConsumeQueue implements ChunkOwner {
  readonly topic: string
  readonly queueId: number
  /** First offset whose record may still be in the log. */
  min: number
  /** What `min` will be when a checkpoint says so durably: it never moves back, whatever happens in between. */
  nextMin: number
  /** The next append gets it: one past everything in the batch. */
  assigned: number
  /** One past the last dispatched unit. */
  max: number
  /** One past the last unit that consumers may see. */
  visible: number
  /** Units below are in the page cache of the queue's own files. */
  filed: number
  /** Units below are in the page cache of some file: those from `filed` on in packs. */
  persisted: number
  /** Waits in the list of queues with units to write. */
  dirty = false
  /** It left the table: nothing of it is written any more. */
  ended = false
  /** Units below are being mended: nobody is given any until that is done. */
  barredBelow = 0
  readonly #cache: ChunkCache
  /** Where the units [filed, persisted) are; most queues have none there. */
  #packed: readonly PackedUnits[] = NOT_PACKED
  /** Most queues have one chunk in memory: a map for each of thousands of them would take more than their units. */
  #chunk: Chunk | undefined
  #others: Map<number, Chunk> | undefined

  constructor(
    place: { readonly topic: string; readonly queueId: number },
    min: number,
    max: number,
    cache: ChunkCache,
  ) {
    this.topic = place.topic
    this.queueId = place.queueId
    this.min = min
    this.nextMin = min
    this.assigned = max
    this.max = max
    this.visible = max
    this.filed = max
    this.persisted = max
    this.#cache = cache
  }

  get packed(): readonly PackedUnits[] {
    return this.#packed
  }

  /** The units from `persisted` on are in a pack now. */
  notePacked(place: PackedUnits): void {
    this.#packed = [...this.#packed, place]
    this.persisted += place.units
    assert(this.persisted <= this.max, 'a pack has units that the queue has')
  }

  /** Takes the units behind `max` from packs: the queue has nothing else there. */
  addPacked(places: readonly PackedUnits[]): void {
    assert(this.persisted === this.max, 'packed units follow those in files')
    for (const { units } of places) this.max += units
    this.assigned = this.max
    this.visible = this.max
    for (const place of places) this.notePacked(place)
  }

  /** Position in the log of the first record whose unit may be in no file of the queue itself; Infinity without any. */
  get unfiledFrom(): number {
    if (this.filed === this.max) return Infinity
    const [packed] = this.#packed
    if (packed !== undefined) return packed.position
    const units = this.resident(this.persisted)
    return units === undefined ? Infinity : firstPosition(units.bytes)
  }

  /** Units below `to` are in the queue's own files as well. */
  noteFiled(to: number): void {
    // A mend and a checkpoint may have written the same units at once: what one has filed the other does not take back.
    if (to <= this.filed) return
    this.filed = to
    if (to < this.persisted) return
    this.persisted = to
    this.#packed = NOT_PACKED
  }

  /** Adds the unit at `max`. */
  push(unit: { readonly commitLogOffset: number; readonly size: number; readonly tagsCode: number }): void {
    const offset = this.max
    const index = Math.floor(offset / CHUNK_UNITS)
    const known = this.#chunkAt(index)
    const chunk = known ?? this.#cache.create(this, index, offset)
    assert(chunk.to === offset, 'units of a chunk follow one another')
    const grown = chunk.reserve(offset, offset + 1)
    encodeUnit(chunk.bytes, chunk.at(offset), unit)
    chunk.to = offset + 1
    chunk.used = true
    this.max = offset + 1
    if (known === undefined) this.#addChunk(chunk)
    else if (grown > 0) this.#cache.grew(chunk, grown)
    if (this.assigned < this.max) this.assigned = this.max
  }

  /** Keeps the offsets up to `offset` for records that were lost. */
  fillTo(offset: number): void {
    while (this.max < offset) this.push(fillerUnit(queueOffset(this.max)))
  }

  /** Walks the units in memory from `from` on; see QueueReader.scan. */
  walk(from: number, end: number, unitsMax: number, accept: (unit: Unit) => Accept): WalkResult {
    let offset = Math.max(from, this.min)
    const stop = Math.min(end, offset + unitsMax)
    if (offset < stop && offset < this.barredBelow) return { kind: 'missing', at: offset }
    while (offset < stop) {
      const chunk = this.#chunkAt(Math.floor(offset / CHUNK_UNITS))
      if (chunk === undefined || offset < chunk.from || offset >= chunk.to) return { kind: 'missing', at: offset }
      chunk.used = true
      const chunkStop = Math.min(stop, chunk.to)
      for (; offset < chunkStop; offset += 1) {
        const place = queueOffset(offset)
        // What the file does not give back counts as lost, and reading it says so.
        const unit = decodeUnit(chunk.bytes, chunk.at(offset), place) ?? fillerUnit(place)
        if (accept(unit) === 'stop') return { kind: 'scanned', next: offset }
      }
    }
    return { kind: 'scanned', next: offset }
  }

  /** Bytes of units in memory from `from` on, up to the end of their chunk; undefined where they are not in memory. */
  resident(from: number): { readonly bytes: Buffer; readonly to: number } | undefined {
    const chunk = this.#chunkAt(Math.floor(from / CHUNK_UNITS))
    if (chunk === undefined || from < chunk.from || from >= chunk.to) return undefined
    return { bytes: chunk.bytes.subarray(chunk.at(from), chunk.at(chunk.to)), to: chunk.to }
  }

  /** The units that are in no file, to be read at once: they may be those in memory. Undefined without any. */
  unpersisted(): Buffer | undefined {
    if (this.persisted === this.max) return undefined
    const first = this.resident(this.persisted)
    if (first?.to === this.max) return first.bytes
    const copy = Buffer.allocUnsafe((this.max - this.persisted) * UNIT_BYTES)
    for (let offset = this.persisted; offset < this.max;) {
      const units = this.resident(offset)
      assert(units !== undefined, 'units that are not in a file are in memory')
      copy.set(units.bytes, (offset - this.persisted) * UNIT_BYTES)
      offset = units.to
    }
    return copy
  }

  /** Takes units read from files, `from` being the first of a chunk. Units in memory already stay as they are. */
  fill(from: number, units: Buffer): void {
    if (this.ended) return
    const end = from + Math.floor(units.length / UNIT_BYTES)
    // Backwards: in a small cache the first chunk, which somebody waits for, is the one that stays.
    for (let start = end - 1 - ((end - 1) % CHUNK_UNITS); start >= from; start -= CHUNK_UNITS) {
      const stop = Math.min(end, start + CHUNK_UNITS)
      this.#fillChunk(start, stop, units.subarray((start - from) * UNIT_BYTES, (stop - from) * UNIT_BYTES))
    }
  }

  /** Puts units in the place of those in memory, where they are. */
  correct(from: number, units: Buffer): void {
    const end = from + units.length / UNIT_BYTES
    for (let index = Math.floor(from / CHUNK_UNITS); index * CHUNK_UNITS < end; index += 1) {
      const chunk = this.#chunkAt(index)
      if (chunk === undefined) continue
      const first = Math.max(from, chunk.from)
      const last = Math.min(end, chunk.to)
      if (first < last) {
        units.copy(chunk.bytes, chunk.at(first), (first - from) * UNIT_BYTES, (last - from) * UNIT_BYTES)
      }
    }
  }

  drop(chunk: Chunk): void {
    if (this.#chunk === chunk) this.#chunk = undefined
    else this.#others?.delete(chunk.index)
  }

  /** It left the table: nothing of it is written or read any more, and its units take no memory. */
  end(): void {
    this.ended = true
    if (this.#chunk !== undefined) this.#cache.remove(this.#chunk)
    for (const chunk of this.#others?.values() ?? []) this.#cache.remove(chunk)
    this.#chunk = undefined
    this.#others = undefined
  }

  #fillChunk(start: number, stop: number, units: Buffer): void {
    const known = this.#chunkAt(start / CHUNK_UNITS)
    if (known !== undefined) {
      if (stop < known.from || start >= known.from) return
      const grown = known.reserve(start, known.from)
      units.copy(known.bytes, known.at(start), 0, (known.from - start) * UNIT_BYTES)
      known.from = start
      if (grown > 0) this.#cache.grew(known, grown)
      return
    }
    // Units that came and went while the file was read are not among these.
    if (stop < Math.min(this.max, start + CHUNK_UNITS)) return
    const chunk = this.#cache.create(this, start / CHUNK_UNITS, start, stop - start)
    units.copy(chunk.bytes, chunk.at(start))
    chunk.to = stop
    this.#addChunk(chunk)
  }

  #addChunk(chunk: Chunk): void {
    if (this.#chunk !== undefined) {
      this.#others ??= new Map()
      this.#others.set(this.#chunk.index, this.#chunk)
    }
    this.#chunk = chunk
    this.#cache.add(chunk)
  }

  #chunkAt(index: number): Chunk | undefined {
    const chunk = this.#chunk
    return chunk?.index === index ? chunk : this.#others?.get(index)
  }
}
