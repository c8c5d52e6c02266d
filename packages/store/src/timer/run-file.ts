// A file of entries in the order of delivery, written once and never changed; and a reader that goes through it with two
// blocks in memory. Invariant: no entry is handed out whose block was not checked.
//
//   block: 1024 entries of 24 bytes (the last one has fewer) | CRC-32 u32, of another run or place another one
import { crc32 } from 'node:zlib'
import { MqError } from '@rocketmq-ts/model'
import type { File, Files } from '@rocketmq-ts/runtime'
import {
  compareEntryAt,
  compareKeys,
  copyEntry,
  entriesIn,
  readTimerEntry,
  TIMER_ENTRY_BYTES,
  type TimerEntry,
  type TimerKey,
  viewOf,
} from './timer-entry.ts'

/** Entries of one block. */
export const ENTRIES_PER_BLOCK = 1024
const CRC_BYTES = 4
const BLOCK_BYTES = ENTRIES_PER_BLOCK * TIMER_ENTRY_BYTES + CRC_BYTES

/** Where the sum of a block begins: files that change their names, and blocks that change their places, are noticed. */
function seedOf(run: number, block: number): number {
  const place = Buffer.alloc(16)
  place.writeDoubleLE(run, 0)
  place.writeDoubleLE(block, 8)
  return crc32(place)
}

/** What names a run. */
export interface RunName {
  readonly number: number
  readonly entries: number
  readonly last: TimerKey
}

/** Path of a run's file. */
export function runPath(folder: string, number: number): string {
  return `${folder}/run-${number}`
}

function bytesOf(entries: number): number {
  return entries * TIMER_ENTRY_BYTES + Math.ceil(entries / ENTRIES_PER_BLOCK) * CRC_BYTES
}

/** Writes a run, entry by entry, in order. */
export class RunWriter {
  readonly #file: File
  readonly #number: number
  readonly #block = new Uint8Array(BLOCK_BYTES)
  readonly #view = viewOf(this.#block)
  #count = 0
  #written = 0

  private constructor(file: File, number: number) {
    this.#file = file
    this.#number = number
  }

  static async create(files: Files, folder: string, number: number): Promise<RunWriter> {
    const file = await files.open(runPath(folder, number), 'create')
    await file.truncate(0)
    return new RunWriter(file, number)
  }

  /** Copies the entry that lies there. */
  add(from: DataView, at: number): void {
    const into = (this.#count % ENTRIES_PER_BLOCK) * TIMER_ENTRY_BYTES
    copyEntry(this.#view, into, from, at)
    this.#count += 1
    if (this.#count % ENTRIES_PER_BLOCK === 0) this.#writeBlock(ENTRIES_PER_BLOCK)
  }

  /** Syncs; undefined where nothing was added. */
  async finish(): Promise<RunName | undefined> {
    const rest = this.#count % ENTRIES_PER_BLOCK
    if (rest > 0) this.#writeBlock(rest)
    await this.#file.sync()
    if (this.#count === 0) return undefined
    const { dueMs, position } = readTimerEntry(this.#view, ((this.#count - 1) % ENTRIES_PER_BLOCK) * TIMER_ENTRY_BYTES)
    return { number: this.#number, entries: this.#count, last: { dueMs, position } }
  }

  close(): Promise<void> {
    return this.#file.close()
  }

  #writeBlock(entries: number): void {
    const bytes = entries * TIMER_ENTRY_BYTES
    // The last entry is read once more at the end: the sum goes behind it.
    const block = this.#written / BLOCK_BYTES
    this.#view.setUint32(bytes, crc32(this.#block.subarray(0, bytes), seedOf(this.#number, block)))
    this.#file.writeSync(this.#written, [this.#block.subarray(0, bytes + CRC_BYTES)])
    this.#written += bytes + CRC_BYTES
  }
}

/** One run, open, with the place up to which it was delivered. */
export class TimerRun implements RunName {
  readonly number: number
  readonly entries: number
  readonly last: TimerKey
  readonly #file: File
  /** Index of the next entry. */
  #next = 0
  #block: DataView | undefined
  #following: DataView | undefined
  #loading: Promise<void> | undefined
  #head: TimerEntry | undefined

  private constructor(file: File, name: RunName) {
    this.number = name.number
    this.entries = name.entries
    this.last = name.last
    this.#file = file
  }

  /** Rejects with MqError 'damaged' for a file of another length, and FileError where there is none. */
  static async open(files: Files, folder: string, name: RunName): Promise<TimerRun> {
    const file = await files.open(runPath(folder, name.number), 'read')
    const size = await file.size()
    if (size === bytesOf(name.entries)) return new TimerRun(file, name)
    await file.close()
    throw new MqError('damaged', `${file.path}: ${size} bytes long instead of ${bytesOf(name.entries)}`)
  }

  /** Entries that were not taken yet. */
  get remaining(): number {
    return this.entries - this.#next
  }

  /** Blocks of the file. */
  get blocks(): number {
    return Math.ceil(this.entries / ENTRIES_PER_BLOCK)
  }

  /** The next entry; undefined at the end. 'cold': await `load` first. */
  peek(): TimerEntry | undefined | 'cold' {
    if (this.#head !== undefined) return this.#head
    if (this.#next === this.entries) return undefined
    if (this.#block === undefined) return 'cold'
    const at = this.#next % ENTRIES_PER_BLOCK
    this.#head = readTimerEntry(this.#block, at * TIMER_ENTRY_BYTES)
    return this.#head
  }

  /** Steps over the entry that `peek` gave. */
  advance(): void {
    this.#head = undefined
    this.#next += 1
    const at = this.#next % ENTRIES_PER_BLOCK
    if (at === 0) {
      this.#block = this.#following
      this.#following = undefined
    } else if (at === ENTRIES_PER_BLOCK / 2) {
      // What fails here fails again for who waits for it.
      this.#loadFollowing().catch(() => undefined)
    }
  }

  /** Resolves when `peek` knows. Rejects with MqError 'damaged' or FileError. */
  async load(): Promise<void> {
    await this.#loading
    if (this.#block !== undefined || this.#next === this.entries) return
    this.#block = await this.readBlock(Math.floor(this.#next / ENTRIES_PER_BLOCK))
  }

  /** Goes to the first entry behind `key`. */
  async seek(key: TimerKey): Promise<void> {
    this.#next = await this.firstBehind(key)
    this.#head = undefined
    this.#block = undefined
    this.#following = undefined
    await this.load()
  }

  /** Index of the first entry behind `key`. */
  async firstBehind(key: TimerKey): Promise<number> {
    if (compareKeys(this.last, key) <= 0) return this.entries
    let low = 0
    let high = this.blocks
    // The last block that begins at `key` or in front of it.
    while (high - low > 1) {
      const middle = (low + high) >>> 1
      if (compareEntryAt(await this.readBlock(middle), 0, key) <= 0) low = middle
      else high = middle
    }
    const block = await this.readBlock(low)
    const count = entriesIn(block)
    let index = 0
    while (index < count && compareEntryAt(block, index * TIMER_ENTRY_BYTES, key) <= 0) index += 1
    return low * ENTRIES_PER_BLOCK + index
  }

  /** The entries of one block. Rejects with MqError 'damaged' or FileError. */
  async readBlock(number: number): Promise<DataView> {
    const at = number * BLOCK_BYTES
    const bytes = new Uint8Array(Math.min(BLOCK_BYTES, bytesOf(this.entries) - at))
    const count = await this.#file.read(at, bytes)
    const view = viewOf(bytes)
    const content = bytes.subarray(0, -CRC_BYTES)
    if (count < bytes.length || crc32(content, seedOf(this.number, number)) !== view.getUint32(content.length)) {
      throw new MqError('damaged', `${this.#file.path}: block ${number} is not what was written`)
    }
    return viewOf(content)
  }

  close(): Promise<void> {
    return this.#file.close()
  }

  #loadFollowing(): Promise<void> {
    const number = Math.floor(this.#next / ENTRIES_PER_BLOCK) + 1
    if (number >= this.blocks) return Promise.resolve()
    const loading = this.readBlock(number).then((block) => {
      if (Math.floor(this.#next / ENTRIES_PER_BLOCK) + 1 === number) this.#following = block
    })
    this.#loading = loading.catch(() => undefined)
    return loading
  }
}
