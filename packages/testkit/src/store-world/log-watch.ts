// What the disk itself has seen of the log: how far it was written, and how far a finished sync has made it safe. Knows
// nothing of the store, so it can contradict it.
import type { DiskCall, DiskRange } from '../sim/index.ts'

interface SegmentEnds {
  /** End of the last write, in the log; 0 before the first one. */
  written: number
  durable: number
}

interface Syncing {
  readonly segment: SegmentEnds
  /** Of its file, when it began. */
  readonly written: number
  isDone: boolean
}

/** Follows the writes and syncs of the files in `folder`. */
export class LogWatch {
  readonly #folder: string
  readonly #segments = new Map<number, SegmentEnds>()
  /** Syncs that did not end well yet, by what is told of each: those that run, and failed ones. In the order of their beginnings. */
  readonly #syncing = new Map<DiskRange, Syncing>()
  #written = 0
  #flushed = 0
  /** From here on the start that runs has cut the log. */
  #cutFrom = Infinity
  #isStarting = false

  constructor(folder: string) {
    this.#folder = `${folder}/`
  }

  /** End of the last write. */
  get written(): number {
    return this.#written
  }

  /** Everything below survives a power loss. */
  get flushed(): number {
    return this.#flushed
  }

  /** Until the log's end is known, a start appends nothing: what it writes where it has cut is what it has cut. */
  starts(): void {
    this.#isStarting = true
    this.#cutFrom = Infinity
  }

  /** What was not safe may be gone. */
  powerLost(): void {
    this.endAt(this.#flushed)
  }

  /** After a recovery, or a power loss: the log ends here, and all of it is safe. */
  endAt(end: number): void {
    this.#segments.clear()
    this.#syncing.clear()
    this.#isStarting = false
    this.#cutFrom = Infinity
    this.#written = end
    this.#flushed = end
  }

  before(call: DiskCall, path: string, range: DiskRange | undefined): void {
    const segment = call === 'sync' ? this.#at(path) : undefined
    // One that has nothing to make safe can lose nothing.
    if (segment !== undefined && range !== undefined && segment.written > segment.durable)
      this.#syncing.set(range, { segment, written: segment.written, isDone: false })
  }

  after(call: DiskCall, path: string, range: DiskRange | undefined): void {
    const segment = this.#at(path)
    if (segment === undefined || range === undefined) return
    if (call === 'sync') {
      const sync = this.#syncing.get(range)
      if (sync !== undefined) sync.isDone = true
      this.#countDone(segment)
      this.#flushed = this.#flushedEnd()
      return
    }
    const position = Number(path.slice(this.#folder.length)) + range.position
    if (call === 'truncate' && this.#isStarting) this.#cutFrom = Math.min(this.#cutFrom, position)
    // Zeros in front of the log are not its content.
    if (call !== 'write' || range.isZero || position >= this.#cutFrom) return
    segment.written = Math.max(segment.written, position + range.length)
    this.#written = Math.max(this.#written, segment.written)
  }

  /** What an older sync has lost, none that ends well behind it makes safe again. */
  #countDone(segment: SegmentEnds): void {
    for (const [range, sync] of this.#syncing) {
      if (sync.segment !== segment) continue
      if (!sync.isDone) return
      this.#syncing.delete(range)
      segment.durable = Math.max(segment.durable, sync.written)
    }
  }

  #at(path: string): SegmentEnds | undefined {
    if (!path.startsWith(this.#folder)) return undefined
    const base = Number(path.slice(this.#folder.length))
    let segment = this.#segments.get(base)
    if (segment === undefined) {
      const known = base <= this.#flushed ? this.#flushed : 0
      this.#segments.set(base, (segment = { written: known, durable: known }))
    }
    return segment
  }

  #flushedEnd(): number {
    let end = this.#flushed
    for (const [, { written, durable }] of [...this.#segments].sort(([a], [b]) => a - b)) {
      end = Math.max(end, durable)
      if (durable < written) break
    }
    return end
  }
}
