// Marks of how full a disk may be: beyond the last one sends are refused soon, and never before.
import type { Disk } from '../sim/index.ts'

/** As the settings have it when nobody changes them. */
const WARNING_SHARE = 0.9
/** A look that is under way when a send comes may take so long. */
const UNDER_WAY_MS = 5000

export class DiskLevel {
  readonly #disk: Pick<Disk, 'usedBytes' | 'capacityBytes'>
  readonly #lateMs: number
  /** Since the first send that was stored beyond the mark. */
  #sinceMs: number | undefined
  #overMs = -Infinity
  #isHeldUp = false

  /** Looks come `intervalMs` after a send, at most. */
  constructor(disk: Pick<Disk, 'usedBytes' | 'capacityBytes'>, intervalMs: number) {
    this.#disk = disk
    this.#lateMs = intervalMs + UNDER_WAY_MS
  }

  get #isOver(): boolean {
    return this.#disk.usedBytes / this.#disk.capacityBytes > WARNING_SHARE
  }

  /** A broker starts: it has looked at nothing. */
  starts(): void {
    this.#sinceMs = undefined
    this.#isHeldUp = false
  }

  /** Called now and then, before the disk gets more room, and after whatever frees some. */
  look(nowMs: number): void {
    if (this.#isOver) this.#overMs = nowMs
    else this.#sinceMs = undefined
  }

  /** A full disk holds looks up: nothing is known about when they come. */
  wasFull(): void {
    this.#isHeldUp = true
  }

  /** What was sent then is stored; what is wrong with that. */
  stored(nowMs: number, sentMs: number): string | undefined {
    this.look(nowMs)
    if (!this.#isOver || this.#isHeldUp) return undefined
    this.#sinceMs ??= nowMs
    return sentMs > this.#sinceMs + this.#lateMs ? `the disk is over its last mark since ${this.#sinceMs}` : undefined
  }

  /** A send was refused for that; what is wrong with that. */
  refused(nowMs: number): string | undefined {
    this.look(nowMs)
    return nowMs > this.#overMs + this.#lateMs ? 'the disk is below its last mark' : undefined
  }
}
