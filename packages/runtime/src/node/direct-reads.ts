// Reads past the page cache, of one file: what is read once does not push out what others need, costs a tenth of the CPU,
// and a sync does not wait behind the megabytes that the system reads ahead. What the page cache holds is read from there.
// Invariant: bytes are the same either way, and whoever is refused the direct way is told so, never given less.
import fs from 'node:fs'
import { DIRECT_BLOCK_BYTES, type DirectLane } from '../files.ts'
import { errnoOf } from './file-errors.ts'
import type { Lane } from './lanes.ts'

/**
 * Reads at once, and bytes that each asks of the disk in one go. Four whole pieces keep a disk busy. Of parts there is one:
 * a sync waits for those under way, and with two of them it takes twice as long, for half as much again read.
 */
export const DIRECT_LIMITS: Readonly<Record<DirectLane, { readonly readsMax: number; readonly partBytes: number }>> = {
  direct: { readsMax: 4, partBytes: 1024 * 1024 },
  'direct-parts': { readsMax: 1, partBytes: 256 * 1024 },
}
/** Among so many reads one goes the other way: what the page cache holds changes. */
const READS_PER_TRY = 64
/** The page cache must be so many times as fast: it has the bytes then, and did not ask the disk for them. */
const CACHED_SPEED_MIN = 2
/** How fast a time of the direct way is forgotten that was better than the present ones. */
const FORGOTTEN_PER_READ = 1.25

export type ReadWay = 'direct' | 'cached'

/** Which way the next large read of a file goes, by how long those before it took. */
export class WayChoice {
  #reads = 0
  /** Milliseconds per byte; undefined before the first. */
  #cached: number | undefined
  #direct: number | undefined

  next(): ReadWay {
    const isCached =
      this.#cached !== undefined && this.#direct !== undefined && this.#cached * CACHED_SPEED_MIN < this.#direct
    const isTry = this.#reads % READS_PER_TRY === 0
    this.#reads += 1
    return isCached === isTry ? 'direct' : 'cached'
  }

  took(way: ReadWay, ms: number, bytes: number): void {
    if (bytes === 0) return
    if (way === 'cached') this.#cached = ms / bytes
    // Others make single reads slow, never fast.
    else this.#direct = Math.min(ms / bytes, (this.#direct ?? Infinity) * FORGOTTEN_PER_READ)
  }
}

/** True where the disk may fill the bytes itself. */
export function isWholeBlocks(position: number, bytes: number): boolean {
  return bytes > 0 && position % DIRECT_BLOCK_BYTES === 0 && bytes % DIRECT_BLOCK_BYTES === 0
}

/** What the reads of all files share. */
export interface ReadLanes {
  readonly cold: Lane
  /** Within the cold one. */
  readonly direct: Readonly<Record<DirectLane, Lane>>
}

export interface DirectRead {
  readonly position: number
  readonly into: Uint8Array
  readonly lane: DirectLane
  readonly group?: string | undefined
}

/** The bytes read; undefined where the system does not read this file or memory directly. */
type Done = (error: Error | null, count?: number) => void

/** The direct reads of one file, over a descriptor of their own, opened by the first of them. */
export class DirectReads {
  readonly ways = new WayChoice()
  readonly #path: string
  readonly #lanes: ReadLanes
  #opening: Promise<number | undefined> | undefined
  #isRefused = false

  constructor(path: string, lanes: ReadLanes) {
    this.#path = path
    this.#lanes = lanes
  }

  read(read: DirectRead, done: Done): void {
    if (this.#isRefused) {
      done(null)
      return
    }
    this.#opening ??= openDirect(this.#path)
    void this.#opening.then((descriptor) => {
      if (descriptor === undefined) {
        this.#isRefused = true
        done(null)
        return
      }
      this.#lanes.direct[read.lane].enter((leave) => {
        this.#readParts(descriptor, read, (error, count) => {
          leave()
          done(error, count)
        })
      }, read.group)
    })
  }

  /** Called when no read is under way. */
  async close(): Promise<void> {
    const descriptor = await this.#opening
    if (descriptor === undefined) return
    // Nothing was written to it: closing it can lose nothing.
    await new Promise<void>((resolve) => fs.close(descriptor, () => resolve()))
  }

  /** Each part has a place in the cold lane. What counts for the choice is the time of the disk alone. */
  #readParts(descriptor: number, { position, into, lane, group }: DirectRead, done: Done): void {
    const { partBytes } = DIRECT_LIMITS[lane]
    let filled = 0
    let tookMs = 0
    const readPart = (): void => {
      this.#lanes.cold.enter((leave) => {
        const wanted = Math.min(partBytes, into.length - filled)
        const startedMs = performance.now()
        fs.read(descriptor, into, filled, wanted, position + filled, (error, count) => {
          leave()
          tookMs += performance.now() - startedMs
          if (error !== null) {
            this.#isRefused ||= isRefusal(error)
            if (this.#isRefused) done(null)
            else done(error)
            return
          }
          filled += count
          // Fewer only at the end of the file.
          if (count === wanted && filled < into.length) {
            readPart()
            return
          }
          this.ways.took('direct', tookMs, filled)
          done(null, filled)
        })
      }, group)
    }
    readPart()
  }
}

/** Undefined where there is no such way. */
function openDirect(path: string): Promise<number | undefined> {
  const { O_RDONLY, O_DIRECT } = fs.constants as { readonly O_RDONLY: number; readonly O_DIRECT?: number }
  if (O_DIRECT === undefined) return Promise.resolve(undefined)
  return new Promise((resolve) => {
    fs.open(path, O_RDONLY | O_DIRECT, (error, descriptor) => resolve(error === null ? descriptor : undefined))
  })
}

/** True for what a system says of memory, places or files that it does not read directly. */
function isRefusal(error: unknown): boolean {
  const errno = errnoOf(error)
  return errno === 'EINVAL' || errno === 'EOPNOTSUPP'
}
