// One index file. Entries are added in batches: slots first, page by page, then the entries, and last, when a sync has
// seen them, the header that makes them count. What a crash leaves beyond the header is undone by `rebuildSlots`.
import { readInt32, readInt64OrNaN, writeInt32 } from '@rocketmq-ts/bytes'
import type { File, Files } from '@rocketmq-ts/runtime'
import type { EntryBuffer, IndexBudget, Wanted } from './entry-buffer.ts'
import {
  encodeIndexHeader,
  ENTRY_BYTES,
  entryPosition,
  indexFileBytes,
  indexFileName,
  type IndexFileState,
  type IndexGeometry,
  type IndexHeader,
  secondsSince,
  SLOT_BYTES,
  slotPosition,
} from './layout.ts'

const HIGH_WORD = 0x1_0000_0000
/** Slots of a page, the unit in which slots are read and written. */
const PAGE_BITS = 10
const PAGE_SLOTS = 1 << PAGE_BITS
const PAGE_BYTES = PAGE_SLOTS * SLOT_BYTES
/** Pages of one read and write, at most, and untouched pages between two touched ones that are taken along. */
const RUN_PAGES_MAX = 64
const GAP_PAGES_MAX = 4
/** Entries that a search reads at once; those of a key that comes often lie near one another. */
const FOUND_ENTRIES = 64
/** Entries that are worked on between two pauses. */
const ENTRIES_PER_PAUSE = 8192

/** Lets other work run in between. */
export type Pause = () => Promise<void>

/** An entry as a query sees it. */
export interface IndexEntry {
  readonly hash: number
  readonly offset: number
  /** Store time of its record, of which the file knows the second. */
  readonly fromMs: number
  readonly toMs: number
  /** Number of the entry before it in the chain; 0 at its end. */
  readonly previous: number
}

/** Entries on their way into the file; what their slots held before is nowhere else until they are there. */
interface Incoming {
  readonly first: number
  readonly previous: Int32Array
  /** An attempt before this one failed. */
  readonly isAgain: boolean
}

export class IndexFile {
  readonly name: string
  readonly #files: Files
  readonly #path: string
  readonly #geometry: IndexGeometry
  #header: IndexHeader
  /** Of the file's own header; 0 where it is not known. */
  #committedCount: number
  #opened: Promise<File> | undefined
  #uses = 0
  #isRetired = false
  #incoming: Incoming | undefined

  constructor(options: {
    readonly files: Files
    readonly folder: string
    readonly geometry: IndexGeometry
    readonly state: IndexFileState
    /** The file's own header says the same. */
    readonly isCommitted: boolean
  }) {
    const { name, ...header } = options.state
    this.#committedCount = options.isCommitted ? header.count : 0
    this.name = name
    this.#files = options.files
    this.#path = `${options.folder}/${name}`
    this.#geometry = options.geometry
    this.#header = header
  }

  /** What was added so far, whether or not the file's own header says so yet. */
  get state(): IndexFileState {
    return { name: this.name, ...this.#header }
  }

  get header(): IndexHeader {
    return this.#header
  }

  get room(): number {
    return this.#geometry.entries - this.#header.count
  }

  /** Opens the file for the time of `work`, unless it is open. */
  async use<Result>(work: (file: File) => Result): Promise<Awaited<Result>> {
    this.#uses += 1
    try {
      this.#opened ??= this.#files.open(this.#path, 'must-exist')
      const opened = this.#opened
      const file = await opened.catch((error: unknown) => {
        if (this.#opened === opened) this.#opened = undefined
        throw error
      })
      return await work(file)
    } finally {
      this.#uses -= 1
      if (this.#isRetired) await this.closeUnused()
    }
  }

  /** The file is about to be removed: whoever works with it is the last one. */
  async retire(): Promise<void> {
    this.#isRetired = true
    await this.closeUnused()
  }

  /** Gives the descriptor back, unless somebody works with it; it is opened again when it is needed. */
  async closeUnused(): Promise<void> {
    if (this.#uses > 0) return
    const opened = this.#opened
    this.#opened = undefined
    await (await opened)?.close()
  }

  /** Makes a header the file's own, when a sync has seen the entries below its count. False when it was already. */
  async commit(header: IndexHeader): Promise<boolean> {
    if (this.#committedCount === header.count) return false
    await this.use((file) => file.writeSync(0, [encodeIndexHeader(header)]))
    this.#committedCount = header.count
    return true
  }

  sync(): Promise<void> {
    return this.use((file) => file.sync())
  }

  /** Adds the entries [from, to) of the buffer, for which there is room. After a rejection, the same again goes on. */
  append(buffer: EntryBuffer, from: number, to: number, pause: Pause): Promise<void> {
    return this.use((file) => this.#append(file, buffer, from, to, pause))
  }

  async #append(file: File, buffer: EntryBuffer, from: number, to: number, pause: Pause): Promise<void> {
    const first = this.#header.count
    const isAgain = this.#incoming !== undefined
    this.#incoming = { first, previous: this.#incoming?.previous ?? new Int32Array(to - from), isAgain }
    const { previous } = this.#incoming
    const newlyUsed = await this.#fillSlots(file, buffer.hashes.subarray(from, to), pause)
    await this.#writeEntries(file, buffer, from, to, pause)
    const { beginTimestampMs, beginOffset, usedSlots } = this.#header
    this.#header = {
      beginTimestampMs: first === 1 ? buffer.timestampsMs[from]! : beginTimestampMs,
      beginOffset: first === 1 ? buffer.offsets[from]! : beginOffset,
      endTimestampMs: buffer.timestampsMs[to - 1]!,
      endOffset: buffer.offsets[to - 1]!,
      usedSlots: usedSlots + newlyUsed,
      count: first + previous.length,
    }
    this.#incoming = undefined
  }

  /** Puts the entries into their chains; returns how many slots were empty. */
  async #fillSlots(file: File, hashes: Int32Array, pause: Pause): Promise<number> {
    const { slots } = this.#geometry
    const slotOf = await slotsOf(hashes, slots, pause)
    const { starts, indexes } = await orderByPage(slotOf, slots, pause)
    const pages = starts.length - 1
    const buffer = Buffer.allocUnsafe(Math.min(pages, RUN_PAGES_MAX) * PAGE_BYTES)
    let newlyUsed = 0
    for (let page = nextPage(starts, 0, pages); page < pages;) {
      const end = runEnd(starts, page, pages)
      const position = slotPosition(page * PAGE_SLOTS)
      const bytes = buffer.subarray(0, Math.min((end - page) * PAGE_BYTES, (slots - page * PAGE_SLOTS) * SLOT_BYTES))
      const count = await file.read(position, bytes)
      bytes.fill(0, count)
      newlyUsed += this.#chain(slotOf, indexes.subarray(starts[page], starts[end]), { bytes, first: page * PAGE_SLOTS })
      file.writeSync(position, [bytes])
      page = nextPage(starts, end, pages)
    }
    return newlyUsed
  }

  #chain(slotOf: Int32Array, indexes: Int32Array, run: { readonly bytes: Uint8Array; readonly first: number }): number {
    const { first, previous, isAgain } = this.#incoming!
    const { bytes } = run
    // What slots held before an attempt that failed.
    for (let at = isAgain ? 0 : indexes.length; at < indexes.length; at += 1) {
      const slotAt = (slotOf[indexes[at]!]! - run.first) * SLOT_BYTES
      let number = readInt32(bytes, slotAt)
      if (number < first && number >= 0) continue
      while (number >= first) number = previous[number - first] ?? 0
      writeInt32(bytes, slotAt, Math.max(0, number))
    }
    let newlyUsed = 0
    for (let at = 0; at < indexes.length; at += 1) {
      const index = indexes[at]!
      const slotAt = (slotOf[index]! - run.first) * SLOT_BYTES
      const found = readInt32(bytes, slotAt)
      const before = found > 0 && found < first + index ? found : 0
      if (before === 0) newlyUsed += 1
      previous[index] = before
      writeInt32(bytes, slotAt, first + index)
    }
    return newlyUsed
  }

  async #writeEntries(file: File, buffer: EntryBuffer, from: number, to: number, pause: Pause): Promise<void> {
    const { first, previous } = this.#incoming!
    const fileBegin = this.#header.beginTimestampMs
    const begin = first === 1 ? buffer.timestampsMs[from]! : fileBegin
    const bytes = Buffer.allocUnsafe(Math.min(ENTRIES_PER_PAUSE, to - from) * ENTRY_BYTES)
    for (let start = from; start < to; start += ENTRIES_PER_PAUSE) {
      const end = Math.min(to, start + ENTRIES_PER_PAUSE)
      const before = previous.subarray(start - from, end - from)
      encodeEntries(buffer, start, before, begin, bytes)
      // The very first entry counts from where the file before ended. Java: IndexFile.putKey.
      if (first === 1 && start === from) writeInt32(bytes, 12, secondsSince(fileBegin, begin))
      const encoded = bytes.subarray(0, before.length * ENTRY_BYTES)
      file.writeSync(entryPosition(this.#geometry, first + start - from), [encoded])
      await pause()
    }
  }

  /** Offsets of what is wanted, the newest first. */
  async *find({ hash, fromMs, toMs }: Wanted, budget: IndexBudget): AsyncGenerator<number> {
    let blockFrom = 0
    let block: Uint8Array = new Uint8Array(0)
    for (let number = await this.newest(hash); number > 0 && budget.entries > 0;) {
      budget.entries -= 1
      if (number < blockFrom || blockFrom === 0) {
        blockFrom = Math.max(1, number + 1 - FOUND_ENTRIES)
        block = await this.entries(blockFrom, number + 1)
      }
      const entry = this.decode(block, (number - blockFrom) * ENTRY_BYTES, number)
      if (entry === undefined) return
      if (entry.hash === hash && entry.toMs >= fromMs && entry.fromMs <= toMs) yield entry.offset
      if (entry.toMs < fromMs) return
      number = entry.previous
    }
  }

  /** Number of the newest entry of the chain of `hash` that is in the file; 0 without one. */
  async newest(hash: number): Promise<number> {
    const bytes = new Uint8Array(SLOT_BYTES)
    await this.use((file) => file.read(slotPosition(hash % this.#geometry.slots), bytes, 'cold'))
    let number = readInt32(bytes, 0)
    const incoming = this.#incoming
    while (incoming !== undefined && number >= incoming.first) number = incoming.previous[number - incoming.first] ?? 0
    return this.#has(number) ? number : 0
  }

  /** Entry numbers [from, to) of the file, as they are. Fewer where the file is cut short. */
  async entries(
    from: number,
    to: number,
    into: Buffer = Buffer.allocUnsafe((to - from) * ENTRY_BYTES),
  ): Promise<Uint8Array> {
    const bytes = into.subarray(0, (to - from) * ENTRY_BYTES)
    const count = await this.use((file) => file.read(entryPosition(this.#geometry, from), bytes, 'cold'))
    return bytes.subarray(0, count - (count % ENTRY_BYTES))
  }

  /** Reads the entry `number` out of `entries`; undefined where it is none that was ever written. */
  decode(bytes: Uint8Array, at: number, number: number): IndexEntry | undefined {
    if (at < 0 || at + ENTRY_BYTES > bytes.length) return undefined
    const hash = readInt32(bytes, at)
    const offset = readInt64OrNaN(bytes, at + 4)
    const seconds = readInt32(bytes, at + 12)
    const previous = readInt32(bytes, at + 16)
    if (hash < 0 || !(offset >= 0) || seconds < 0) return undefined
    const next = previous < number && previous > 0 ? previous : 0
    const beginMs = this.#header.beginTimestampMs
    if (number === 1) return { hash, offset, fromMs: beginMs, toMs: beginMs, previous: next }
    // A clock that was set back stores times before the begin as 0.
    const fromMs = seconds === 0 ? 0 : beginMs + seconds * 1000
    return { hash, offset, fromMs, toMs: beginMs + seconds * 1000 + 999, previous: next }
  }

  #has(number: number): boolean {
    return number > 0 && number < this.#header.count
  }
}

/** A new file of full size that takes no disk yet. It begins where the one before ends. Java: IndexFile's constructor. */
export async function createIndexFile(
  {
    files,
    folder,
    geometry,
    nowMs,
  }: { readonly files: Files; readonly folder: string; readonly geometry: IndexGeometry; readonly nowMs: number },
  last: IndexFile | undefined,
): Promise<IndexFile> {
  const name = indexFileName(nowMs, last?.name)
  await files.makeFolder(folder, { durable: true })
  const raw = await files.open(`${folder}/${name}`, 'create')
  try {
    await raw.truncate(indexFileBytes(geometry))
  } finally {
    await raw.close()
  }
  const { endTimestampMs, endOffset } = last?.header ?? { endTimestampMs: 0, endOffset: 0 }
  const times = { beginTimestampMs: endTimestampMs, endTimestampMs, beginOffset: endOffset, endOffset }
  const state = { name, ...times, usedSlots: 0, count: 1 }
  return new IndexFile({ files, folder, geometry, state, isCommitted: false })
}

interface PageOrder {
  /** Of each page, where its entries start in `indexes`; one more at the end. */
  readonly starts: Int32Array
  readonly indexes: Int32Array
}

async function slotsOf(hashes: Int32Array, slots: number, pause: Pause): Promise<Int32Array> {
  const slotOf = new Int32Array(hashes.length)
  for (let from = 0; from < hashes.length; from += ENTRIES_PER_PAUSE) {
    fillSlotOf(slotOf, hashes, slots, from)
    await pause()
  }
  return slotOf
}

/** Entries by the page of their slot, in their order within it. */
async function orderByPage(slotOf: Int32Array, slots: number, pause: Pause): Promise<PageOrder> {
  const pages = Math.ceil(slots / PAGE_SLOTS)
  const starts = new Int32Array(pages + 1)
  for (let from = 0; from < slotOf.length; from += ENTRIES_PER_PAUSE) {
    countPages(slotOf.subarray(from, from + ENTRIES_PER_PAUSE), starts)
    await pause()
  }
  for (let page = 0; page < pages; page += 1) starts[page + 1]! += starts[page]!
  const next = starts.slice()
  const indexes = new Int32Array(slotOf.length)
  for (let from = 0; from < slotOf.length; from += ENTRIES_PER_PAUSE) {
    placeByPage(slotOf, from, next, indexes)
    await pause()
  }
  return { starts, indexes }
}

// What runs for thousands of entries between two pauses is a function of its own: an async one goes on as it was compiled
// before its first pause, which is not at all, and costs ten times as much.

function fillSlotOf(slotOf: Int32Array, hashes: Int32Array, slots: number, from: number): void {
  const to = Math.min(hashes.length, from + ENTRIES_PER_PAUSE)
  for (let index = from; index < to; index += 1) slotOf[index] = hashes[index]! % slots
}

/** Counts for each page in the place behind it. */
function countPages(slotOf: Int32Array, counts: Int32Array): void {
  for (let index = 0; index < slotOf.length; index += 1) counts[(slotOf[index]! >>> PAGE_BITS) + 1]! += 1
}

function placeByPage(slotOf: Int32Array, from: number, next: Int32Array, indexes: Int32Array): void {
  const to = Math.min(slotOf.length, from + ENTRIES_PER_PAUSE)
  for (let index = from; index < to; index += 1) {
    const page = slotOf[index]! >>> PAGE_BITS
    indexes[next[page]!] = index
    next[page]! += 1
  }
}

/** The entries from `start` on, as many as `previous` has; their seconds count from `begin`. */
function encodeEntries(
  { hashes, offsets, timestampsMs }: EntryBuffer,
  start: number,
  previous: Int32Array,
  begin: number,
  into: Uint8Array,
): void {
  for (let index = 0; index < previous.length; index += 1) {
    const at = index * ENTRY_BYTES
    const offset = offsets[start + index]!
    writeInt32(into, at, hashes[start + index]!)
    writeInt32(into, at + 4, Math.floor(offset / HIGH_WORD))
    writeInt32(into, at + 8, offset % HIGH_WORD)
    writeInt32(into, at + 12, secondsSince(begin, timestampsMs[start + index]!))
    writeInt32(into, at + 16, previous[index]!)
  }
}

/** The first page from `page` on that has entries. */
function nextPage(starts: Int32Array, page: number, pages: number): number {
  let next = page
  while (next < pages && starts[next] === starts[next + 1]) next += 1
  return next
}

/** One past the last page of the run that begins with `page`: touched pages with small gaps between them. */
function runEnd(starts: Int32Array, page: number, pages: number): number {
  let end = page + 1
  for (;;) {
    const next = nextPage(starts, end, Math.min(pages, end + GAP_PAGES_MAX + 1))
    if (next >= Math.min(pages, end + GAP_PAGES_MAX + 1) || next - page >= RUN_PAGES_MAX) return end
    end = next + 1
  }
}
