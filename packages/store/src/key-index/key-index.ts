// Finds messages by their keys. Derived from the log: what it covers is part of the store's checkpoint, and never ahead
// of the flushed log. Entries are collected in memory and written in batches beside the Turns.
import { MqError } from '@rocketmq-ts/model'
import type { Clock, Files, Scheduler } from '@rocketmq-ts/runtime'
import { isNoSpace } from '../commit-log/disk-reserve.ts'
import { EntryBuffer } from './entry-buffer.ts'
import { IndexFile, type Pause } from './index-file.ts'
import { KeyHashes } from './key-hashes.ts'
import { ENTRY_BYTES, indexFileBytes, type IndexFileState, indexFileName, type IndexGeometry } from './layout.ts'
import { isIndexed } from '../record-fields.ts'

/** Entries in memory that are written at once, not at the next checkpoint: as many touch every page of the slots. */
const PERSIST_ENTRIES = 262_144
/** Entries in memory, at most: sends are answered 'busy' beyond. */
const UNPERSISTED_ENTRIES_MAX = 2_097_152
/** Entries that are read at once; those of a key that comes often lie near one another. */
const READ_ENTRIES = 64

/** What the files hold that a sync has seen. */
export interface IndexState {
  /** Every key of a record that starts below is in the files. */
  readonly coversTo: number
  /** In their order. All but the last are full. */
  readonly files: readonly IndexFileState[]
}

/** What a query may still cost. */
export interface IndexBudget {
  /** Entries that may be looked at. */
  entries: number
}

export interface KeyIndexOptions {
  readonly files: Files
  readonly clock: Pick<Clock, 'nowMs'>
  readonly scheduler: Scheduler
  /** The folder `index`, made with the first file. */
  readonly folder: string
  readonly geometry: IndexGeometry
  /** Entries could not be written for want of space; they wait. */
  readonly onFull: (error: Error) => void
  /** A file could not be written: see `failure`. */
  readonly onFailure: (error: Error) => void
}

export class KeyIndex {
  readonly #options: KeyIndexOptions
  readonly #keys = new KeyHashes()
  #files: IndexFile[] = []
  #pending = new EntryBuffer()
  #spare: EntryBuffer | undefined = new EntryBuffer()
  /** A batch on its way into files: entries from `from` on are not in one. */
  #writing: { readonly buffer: EntryBuffer; from: number } | undefined
  #coversTo = 0
  #persisting: Promise<void> = Promise.resolve()
  #persistsAsked = 0
  #unsynced = new Set<IndexFile>()
  #hasNewFiles = false
  #saved: IndexState | undefined
  #failure: Error | undefined

  constructor(options: KeyIndexOptions) {
    this.#options = options
  }

  /** Takes files that were found in order. Once, before anything is added. */
  restore(files: readonly IndexFile[], coversTo: number): void {
    this.#files = [...files]
    this.#coversTo = coversTo
    const last = files.at(-1)
    if (last !== undefined) this.#unsynced.add(last)
  }

  /** A file could not be written: queries say so, and the next start builds it again from the log. */
  get failure(): Error | undefined {
    return this.#failure
  }

  /** What the last `save` resolved with. */
  get saved(): IndexState | undefined {
    return this.#saved
  }

  /** Entries in memory only. */
  get pending(): number {
    const { buffer, from } = this.#writing ?? { buffer: undefined, from: 0 }
    return this.#pending.length + (buffer === undefined ? 0 : buffer.length - from)
  }

  /** True while so many entries wait that sends must too. */
  get isBehind(): boolean {
    return this.pending > UNPERSISTED_ENTRIES_MAX
  }

  /** True when entries should be written before the next checkpoint. */
  get isDue(): boolean {
    return this.#pending.length >= PERSIST_ENTRIES && this.#persistsAsked === 0
  }

  /** The newest entry, in a file or not. */
  get last(): { readonly timestampMs: number; readonly offset: number } {
    for (const buffer of [this.#pending, this.#writing?.buffer]) {
      if (buffer === undefined || buffer.length === 0) continue
      return { timestampMs: buffer.timestampsMs[buffer.length - 1]!, offset: buffer.offsets[buffer.length - 1]! }
    }
    const header = this.#files.at(-1)?.header
    return { timestampMs: header?.endTimestampMs ?? 0, offset: header?.endOffset ?? 0 }
  }

  /** Adds the keys of a record, all but the first `skip`; returns how many. Nothing is written yet. */
  add(
    record: { readonly topic: string; readonly sysFlag: number; readonly properties: Uint8Array },
    commitLogOffset: number,
    storeTimestampMs: number,
    skip = 0,
  ): number {
    const { properties } = record
    if (properties.length === 0 || !isIndexed(record.sysFlag) || this.#failure !== undefined) return 0
    const count = this.#keys.read(record.topic, properties)
    const { hashes } = this.#keys
    for (let index = skip; index < count; index += 1) {
      this.#pending.push(hashes[index]!, commitLogOffset, storeTimestampMs)
    }
    return Math.max(0, count - skip)
  }

  /** Writes the entries of records that start below `position` into the page cache. Rejects for want of space only. */
  persist(position: number): Promise<void> {
    this.#persistsAsked += 1
    const own = this.#persisting
      .catch(() => undefined)
      .then(() => this.#persistBelow(position))
      .finally(() => {
        this.#persistsAsked -= 1
      })
    this.#persisting = own
    own.catch(() => undefined)
    return own
  }

  /**
   * Writes and syncs the entries of records below `position`. Resolves with what the files hold then, less than asked for
   * where the disk is full; undefined after a failure. Never rejects.
   */
  async save(position: number): Promise<IndexState | undefined> {
    try {
      await this.persist(position)
    } catch (error) {
      this.#options.onFull(error as Error)
    }
    const state = { coversTo: this.#coversTo, files: this.#files.map((file) => file.state) }
    await this.#sync()
    this.#saved = this.#failure === undefined ? state : undefined
    return this.#saved
  }

  /** Makes what a checkpoint covers count in the files' own headers. */
  async commit({ files }: IndexState): Promise<void> {
    for (const state of files) {
      const file = this.#files.find(({ name }) => name === state.name)
      try {
        if (await file?.commit(state)) this.#unsynced.add(file!)
      } catch (error) {
        // Without space the header stays behind until the next checkpoint.
        if (isNoSpace(error)) this.#options.onFull(error)
        else this.#fail(error)
        return
      }
    }
  }

  /** Before a stop in order: the headers are as safe as the rest. */
  async seal(): Promise<void> {
    await this.#sync()
  }

  /**
   * Removes the files whose every record lies below `position`, never the last one. Call it when the log's own files are
   * gone for good: a file that is missing while its records are there is built again.
   */
  async removeBelow(position: number): Promise<void> {
    let removed = false
    while (this.#files.length > 1 && this.#files[0]!.header.endOffset < position) {
      const file = this.#files.shift()!
      this.#unsynced.delete(file)
      await file.closeUnused()
      await this.#options.files.remove(`${this.#options.folder}/${file.name}`)
      removed = true
    }
    if (removed) await this.#options.files.syncFolder(this.#options.folder)
  }

  /**
   * Commit log offsets of records that may have a key of this hash and may be stored in [fromMs, toMs], the newest first;
   * one may come twice. Ends early when the budget is used up. Rejects with MqError 'unavailable' after a failure.
   */
  async *candidates(hash: number, fromMs: number, toMs: number, budget: IndexBudget): AsyncGenerator<number> {
    if (this.#failure !== undefined) {
      throw new MqError('unavailable', 'the key index failed; it is built again at the next start', this.#failure)
    }
    const files = this.#files.toReversed()
    const found = [
      ...this.#inMemory(this.#pending, 0, hash, fromMs, toMs, budget),
      ...(this.#writing === undefined
        ? []
        : this.#inMemory(this.#writing.buffer, this.#writing.from, hash, fromMs, toMs, budget)),
    ]
    yield* found
    for (const file of files) {
      const { beginTimestampMs, endTimestampMs } = file.header
      if (beginTimestampMs <= toMs && endTimestampMs >= fromMs) yield* this.#inFile(file, hash, fromMs, toMs, budget)
      if (beginTimestampMs < fromMs || budget.entries <= 0) return
    }
  }

  /** The files can not be used: see `failure`. */
  giveUp(error: Error): void {
    this.#fail(error)
  }

  /** Ends work in the background. Entries that no checkpoint covers are found in the log again. */
  async close(): Promise<void> {
    await this.#persisting.catch(() => undefined)
    await Promise.all(this.#files.map((file) => file.closeUnused().catch(() => undefined)))
  }

  *#inMemory(
    buffer: EntryBuffer,
    from: number,
    hash: number,
    fromMs: number,
    toMs: number,
    budget: IndexBudget,
  ): Generator<number> {
    const hashes = buffer.hashes.subarray(0, buffer.length)
    let index = hashes.length
    while (budget.entries > 0 && index > 0) {
      index = hashes.lastIndexOf(hash, index - 1)
      if (index < from) return
      budget.entries -= 1
      const timestampMs = buffer.timestampsMs[index]!
      if (timestampMs >= fromMs && timestampMs <= toMs) yield buffer.offsets[index]!
    }
  }

  async *#inFile(
    file: IndexFile,
    hash: number,
    fromMs: number,
    toMs: number,
    budget: IndexBudget,
  ): AsyncGenerator<number> {
    let blockFrom = 0
    let block: Uint8Array = new Uint8Array(0)
    for (let number = await file.newest(hash); number > 0 && budget.entries > 0;) {
      budget.entries -= 1
      if (number < blockFrom || blockFrom === 0) {
        blockFrom = Math.max(1, number + 1 - READ_ENTRIES)
        block = await file.entries(blockFrom, number + 1)
      }
      const entry = file.decode(block, (number - blockFrom) * ENTRY_BYTES, number)
      if (entry === undefined) return
      if (entry.hash === hash && entry.toMs >= fromMs && entry.fromMs <= toMs) yield entry.offset
      if (entry.toMs < fromMs) return
      number = entry.previous
    }
  }

  async #persistBelow(position: number): Promise<void> {
    if (this.#failure !== undefined) return
    try {
      await this.#writeOn()
      const count = this.#pending.countBelow(position)
      if (count > 0) {
        const taken = this.#pending
        this.#pending = this.#spare ?? new EntryBuffer()
        this.#spare = undefined
        taken.moveTo(this.#pending, count)
        this.#writing = { buffer: taken, from: 0 }
        await this.#writeOn()
      }
    } catch (error) {
      // What could not be written waits for space; of everything else nobody knows what the file holds.
      if (isNoSpace(error)) throw error
      this.#fail(error)
      return
    }
    this.#coversTo = Math.max(this.#coversTo, position)
  }

  /** Writes what is left of the batch. */
  async #writeOn(): Promise<void> {
    const writing = this.#writing
    if (writing === undefined) return
    const pause: Pause = () => new Promise((resolve) => this.#options.scheduler.soon(resolve))
    const { buffer } = writing
    while (writing.from < buffer.length) {
      const last = this.#files.at(-1)
      const file = last !== undefined && last.room > 0 ? last : await this.#createFile(last)
      const to = Math.min(buffer.length, writing.from + file.room)
      this.#unsynced.add(file)
      await file.append(buffer, writing.from, to, pause)
      writing.from = to
    }
    this.#writing = undefined
    buffer.length = 0
    if (buffer.isSmall) this.#spare = buffer
  }

  /** A file of full size that takes no disk yet. It begins where the one before ends. Java: IndexFile's constructor. */
  async #createFile(last: IndexFile | undefined): Promise<IndexFile> {
    const { files, folder, geometry, clock } = this.#options
    const name = indexFileName(clock.nowMs(), last?.name)
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
    const file = new IndexFile({ files, folder, geometry, state, isCommitted: false })
    this.#files.push(file)
    this.#hasNewFiles = true
    return file
  }

  async #sync(): Promise<void> {
    const unsynced = [...this.#unsynced]
    const hasNewFiles = this.#hasNewFiles
    this.#unsynced.clear()
    this.#hasNewFiles = false
    try {
      for (const file of unsynced) if (this.#files.includes(file)) await file.sync()
      if (hasNewFiles) await this.#options.files.syncFolder(this.#options.folder)
      for (const file of this.#files.slice(0, -1)) if (!this.#unsynced.has(file)) await file.closeUnused()
    } catch (error) {
      this.#fail(error)
    }
  }

  #fail(error: unknown): void {
    if (this.#failure !== undefined) return
    this.#failure = error instanceof Error ? error : new Error(String(error))
    this.#saved = undefined
    this.#writing = undefined
    this.#pending = new EntryBuffer()
    this.#options.onFailure(this.#failure)
  }
}
