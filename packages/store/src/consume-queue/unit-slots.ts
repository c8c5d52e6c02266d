// Room for the units of a chunk. Most queues hold a few units, and a buffer of its own takes several times the bytes of
// these: small chunks get slots of equal size in shared slabs. A slab goes when its last slot was given back.
import { UNIT_BYTES } from './unit.ts'

const SLAB_BYTES = 64 * 1024
/** Units of a slot; whoever needs another number gets a buffer of its own. */
const SLOT_UNITS: readonly number[] = [8, 32]

/** A buffer in slots of equal size. */
export class Slab {
  readonly bytes = Buffer.allocUnsafeSlow(SLAB_BYTES)
  readonly units: number
  /** First bytes of the slots; those of the free ones come first. */
  readonly #starts: Uint16Array
  #free: number

  constructor(units: number) {
    const slotBytes = units * UNIT_BYTES
    const slots = Math.floor(SLAB_BYTES / slotBytes)
    this.units = units
    this.#starts = Uint16Array.from({ length: slots }, (_, at) => (slots - 1 - at) * slotBytes)
    this.#free = slots
  }

  get isFull(): boolean {
    return this.#free === 0
  }

  get isEmpty(): boolean {
    return this.#free === this.#starts.length
  }

  /** First byte of a slot that was free. */
  take(): number {
    this.#free -= 1
    return this.#starts[this.#free]!
  }

  give(start: number): void {
    this.#starts[this.#free] = start
    this.#free += 1
  }
}

/** The slabs of one cache. What a slot holds when it is taken is undefined. */
export class UnitSlots {
  /** Slabs with a free slot, by the units of these. */
  readonly #open = new Map<number, Slab[]>(SLOT_UNITS.map((units) => [units, []]))
  #slabs = 0

  /** Slabs in memory. */
  get slabs(): number {
    return this.#slabs
  }

  /** A slab with a free slot of so many units; undefined for a number that gets a buffer of its own. */
  slabOf(units: number): Slab | undefined {
    const open = this.#open.get(units)
    if (open === undefined) return undefined
    let slab = open.at(-1)
    if (slab === undefined) {
      slab = new Slab(units)
      open.push(slab)
      this.#slabs += 1
    }
    return slab
  }

  /** Takes a slot of a slab that `slabOf` has just given. */
  take(slab: Slab): number {
    const start = slab.take()
    if (slab.isFull) this.#open.get(slab.units)?.pop()
    return start
  }

  /** Nobody uses the slot any more: it is the next one that is taken. */
  give(slab: Slab, start: number): void {
    const open = this.#open.get(slab.units) ?? []
    if (slab.isFull) open.push(slab)
    slab.give(start)
    if (!slab.isEmpty) return
    open.splice(open.indexOf(slab), 1)
    this.#slabs -= 1
  }
}
