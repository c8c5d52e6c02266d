// Walks the entries of all index files in order, and makes anew what slots, chains and headers must be.
import { type File, type Files } from '@rocketmq-ts/runtime'
import { readInt32, readInt64OrNaN } from '@rocketmq-ts/bytes'
import {
  encodeIndexHeader,
  ENTRY_BYTES,
  entryPosition,
  HEADER_BYTES,
  type IndexGeometry,
  secondsSince,
  SLOT_BYTES,
  slotPosition,
} from '../key-index/layout.ts'
import type { Findings } from './finding.ts'
import type { Folder } from './folder-shape.ts'
import type { IndexFileFound, IndexFilesFound } from './index-files.ts'
import { firstWritten } from './zeros.ts'

/** Entries read at once. */
const BLOCK_ENTRIES = 8192
/** Bytes of slots compared at once. */
const SLOTS_BYTES = 1024 * 1024
const SECONDS_AT = 12

export interface IndexCursorOptions {
  readonly files: Files
  readonly folder: Folder
  readonly findings: Findings
  readonly found: IndexFilesFound
  readonly logMin: number
}

export class IndexCursor {
  readonly #options: IndexCursorOptions
  readonly #geometry: IndexGeometry
  #at = 0
  #file: File | undefined
  #number = 1
  #block: Buffer = Buffer.alloc(0)
  #blockFrom = 0
  /** The file ends before the entries that it says it has. */
  #isShort = false
  /** What each slot must hold: the number of the newest entry of its chain. */
  #slots: Int32Array = new Int32Array(0)
  #usedSlots = 0
  #beginMs = 0
  #beginOffset = 0
  #endMs = 0
  #endOffset = 0
  /** The last entry is that of a record in the log. */
  #isEndKnown = true
  /** Entries of records that are gone have times that nobody knows. */
  #areTimesKnown = true
  readonly #wanted = Buffer.alloc(ENTRY_BYTES)
  lastOffset = -1

  constructor(options: IndexCursorOptions) {
    this.#options = options
    this.#geometry = options.found.geometry ?? { slots: 0, entries: 0 }
    this.#slots = new Int32Array(this.#geometry.slots)
    this.#areTimesKnown = options.logMin === 0
  }

  get #current(): IndexFileFound | undefined {
    return this.#options.found.usable[this.#at]
  }

  /** Entries that the current file says it has, one more than there are. */
  get #count(): number {
    return this.#current?.header?.count ?? this.#geometry.entries
  }

  /** The entry at the cursor, 'cold' until it was loaded; undefined behind the last one. Valid until the next call. */
  entry(): Buffer | 'cold' | undefined {
    if (this.#current === undefined) return undefined
    // The last file stays: what comes next in the log is missing in it.
    if (this.#number >= this.#count) return this.#at + 1 < this.#options.found.usable.length ? 'cold' : undefined
    const at = (this.#number - this.#blockFrom) * ENTRY_BYTES
    if (at >= 0 && at + ENTRY_BYTES <= this.#block.length) return this.#block.subarray(at, at + ENTRY_BYTES)
    return this.#isShort ? undefined : 'cold'
  }

  /** Brings the entry at the cursor into memory, out of the next file where this one is done. */
  async load(): Promise<void> {
    if (this.#number >= this.#count) {
      await this.#finishFile()
      this.#at += 1
    }
    const entries = Math.max(0, Math.min(BLOCK_ENTRIES, this.#count - this.#number))
    const bytes = Buffer.allocUnsafe(entries * ENTRY_BYTES)
    const count = await (await this.#open()).read(entryPosition(this.#geometry, this.#number), bytes)
    this.#block = bytes.subarray(0, count)
    this.#blockFrom = this.#number
    this.#isShort = count < bytes.length
  }

  /** Goes over the entry at the cursor if it is in memory and that of the key: the way of nearly every one. */
  takes(hash: number, offset: number, timeMs: number): boolean {
    const at = (this.#number - this.#blockFrom) * ENTRY_BYTES
    if (at < 0 || at + ENTRY_BYTES > this.#block.length || this.#number >= this.#count) return false
    const block = this.#block
    const isEqual =
      readInt32(block, at) === hash &&
      readInt64OrNaN(block, at + 4) === offset &&
      readInt32(block, at + SECONDS_AT) === secondsSince(this.#beginMs, timeMs) &&
      readInt32(block, at + 16) === this.#slots[hash % this.#geometry.slots]
    if (isEqual) this.advance(hash, offset, timeMs)
    return isEqual
  }

  /** The entry that a key must have here. Valid until the next call. */
  wanted(hash: number, offset: number, timeMs: number): Buffer {
    const bytes = this.#wanted
    bytes.writeInt32BE(hash, 0)
    bytes.writeBigInt64BE(BigInt(offset), 4)
    bytes.writeInt32BE(secondsSince(this.#beginMs, timeMs), SECONDS_AT)
    bytes.writeInt32BE(this.#slots[hash % this.#geometry.slots]!, 16)
    return bytes
  }

  offsetOf(entry: Buffer): number {
    return readInt64OrNaN(entry, 4)
  }

  /** The seconds of an entry count from a time that went with records and files that are gone. */
  acceptsSeconds(entry: Buffer, wanted: Buffer): boolean {
    if (this.#areTimesKnown) return false
    return entry.compare(wanted, 0, SECONDS_AT, 0, SECONDS_AT) === 0 && entry.compare(wanted, 16, 20, 16, 20) === 0
  }

  /** True when an entry names the one before it in the chain of its own hash. */
  isChained(entry: Buffer): boolean {
    const hash = entry.readInt32BE(0)
    return hash >= 0 && this.#slots[hash % this.#geometry.slots] === entry.readInt32BE(16)
  }

  /** Over the entry of a key of the log. */
  advance(hash: number, offset: number, timeMs: number): void {
    if (this.#number === 1) {
      this.#beginMs = timeMs
      this.#beginOffset = offset
      this.#areTimesKnown = true
    }
    this.#endMs = timeMs
    this.#endOffset = offset
    this.#isEndKnown = true
    this.lastOffset = offset
    this.#chain(hash)
  }

  /** Over an entry whose record is not in the log any more, or was indexed before: only its chain can be judged. */
  advanceOver(entry: Buffer): void {
    if (!this.isChained(entry)) {
      const at = entryPosition(this.#geometry, this.#number)
      this.#report('index-entry', at, `entry ${this.#number} does not fit its chain`)
    }
    if (this.#number === 1) {
      this.#beginMs = this.#current?.header?.beginTimestampMs ?? 0
      this.#beginOffset = this.offsetOf(entry)
    }
    this.#isEndKnown = false
    this.#chain(entry.readInt32BE(0))
  }

  /** Over one more entry of the record that was compared last. */
  advanceExtra(entry: Buffer): void {
    if (this.#number === 1) this.#beginOffset = this.#endOffset
    this.#chain(entry.readInt32BE(0))
  }

  reportDifference(entry: Buffer, wanted: Buffer): void {
    const [is, must] = [describe(entry), describe(wanted)]
    this.#report(
      'index-entry',
      entryPosition(this.#geometry, this.#number),
      `entry ${this.#number} is ${is}, not ${must}`,
    )
  }

  /** The log goes on with keys at `offset`, the index does not. */
  reportEnd(offset: number): void {
    const { folder, found } = this.#options
    const kind = folder.cleanStop ? 'index-entry' : 'index-behind'
    const name = found.usable.at(-1)?.name
    this.#options.findings.add(kind, { file: `index/${name ?? ''}` }, `ends before the keys of the record at ${offset}`)
  }

  /** Everything was compared. */
  async finish(isBehind: boolean, isTagEntry: (entry: Buffer) => boolean): Promise<void> {
    if (this.#current === undefined) return
    // What is left must be of records that are gone.
    for (let entry = this.entry(); entry !== undefined; entry = this.entry()) {
      if (entry === 'cold') {
        await this.load()
        continue
      }
      const at = this.offsetOf(entry)
      if (isTagEntry(entry)) {
        this.advanceExtra(entry)
        continue
      }
      if (this.#options.folder.cleanStop && !(at < this.#options.logMin) && at >= this.lastOffset) {
        this.#report('index-entry', entryPosition(this.#geometry, this.#number), `entry ${this.#number} has no record`)
      }
      this.advanceOver(entry)
    }
    if (!isBehind) await this.#finishFile()
    await this.#file?.close()
    this.#file = undefined
  }

  #chain(hash: number): void {
    const slot = Math.max(0, hash) % this.#geometry.slots
    if (this.#slots[slot] === 0) this.#usedSlots += 1
    this.#slots[slot] = this.#number
    this.#number += 1
  }

  #report(kind: 'index-entry' | 'index-file', at: number, problem: string): void {
    this.#options.findings.add(kind, { file: `index/${this.#current!.name}`, at }, problem)
  }

  async #open(): Promise<File> {
    const { files, folder } = this.#options
    this.#file ??= await files.open(`${folder.root}/index/${this.#current!.name}`, 'read')
    return this.#file
  }

  /** Slots, header and rest of the file that the cursor leaves. After a stop without notice they may be ahead of it. */
  async #finishFile(): Promise<void> {
    const file = await this.#open()
    if (this.#options.folder.cleanStop || this.#at + 1 < this.#options.found.usable.length) {
      await this.#compareHeader(file)
      await this.#compareSlots(file)
      const rest = entryPosition(this.#geometry, this.#number)
      // Nothing stands in entry 0.
      for (const [from, to] of [
        [entryPosition(this.#geometry, 0), entryPosition(this.#geometry, 1)],
        [rest, Infinity],
      ] as const) {
        const at = await firstWritten(file, from, Math.min(to, this.#current!.bytes))
        if (at >= 0) this.#report('index-entry', at, 'bytes that are not zero where no entry is')
      }
    }
    await file.close()
    this.#file = undefined
    this.#block = Buffer.alloc(0)
    this.#number = 1
    this.#slots.fill(0)
    this.#usedSlots = 0
    this.#beginMs = this.#endMs
  }

  async #compareHeader(file: File): Promise<void> {
    const head = Buffer.alloc(HEADER_BYTES)
    await file.read(0, head)
    const { header } = this.#current!
    if (header === undefined || !this.#areTimesKnown || this.#number === 1) return
    const isEndKnown = this.#isEndKnown
    const wanted = encodeIndexHeader({
      beginTimestampMs: this.#beginMs,
      beginOffset: this.#beginOffset,
      endTimestampMs: isEndKnown ? this.#endMs : header.endTimestampMs,
      endOffset: isEndKnown ? this.#endOffset : header.endOffset,
      usedSlots: this.#usedSlots,
      count: this.#number,
    })
    if (head.equals(wanted)) return
    this.#report('index-file', 0, 'its header is not that of its entries')
  }

  async #compareSlots(file: File): Promise<void> {
    const piece = Buffer.alloc(SLOTS_BYTES)
    for (let slot = 0; slot < this.#slots.length; slot += SLOTS_BYTES / SLOT_BYTES) {
      const count = Math.min(SLOTS_BYTES / SLOT_BYTES, this.#slots.length - slot)
      piece.fill(0)
      await file.read(slotPosition(slot), piece.subarray(0, count * SLOT_BYTES))
      for (let index = 0; index < count; index += 1) {
        const is = readInt32(piece, index * SLOT_BYTES)
        const must = this.#slots[slot + index]!
        if (is === must) continue
        this.#report('index-entry', slotPosition(slot + index), `slot ${slot + index} says entry ${is}, not ${must}`)
        if (this.#options.findings.more > 0) return
      }
    }
  }
}

function describe(entry: Buffer): string {
  return `hash ${entry.readInt32BE(0)} at ${entry.readBigInt64BE(4)}, second ${entry.readInt32BE(12)}, after entry ${entry.readInt32BE(16)}`
}
