// Finds messages by their keys. Derived from the log: what it covers is part of the store's checkpoint, and never ahead
// of the flushed log. Entries are collected in memory and written in batches beside the Turns.
import { MqError } from '@rocketmq-ts/model'
import { FileError } from '@rocketmq-ts/runtime'
import { isNoSpace } from '../commit-log/disk-reserve.ts'
import { EntryBuffer, type IndexBudget, type Wanted } from './entry-buffer.ts'
import { createIndexFile, type IndexFile, type Pause } from './index-file.ts'
import { type IndexPlace, placeBehind } from './index-place.ts'
import { type IndexedRecord, KeyHashes } from './key-hashes.ts'
import type { IndexState, KeyIndexOptions } from './key-index-options.ts'
import { indexFileBytes } from './layout.ts'
import { isIndexed } from '../record-fields.ts'
import { bothFailed, type FailedSync, removeIndexFiles, UnsyncedFiles, withoutFrom } from './unsynced-files.ts'

/** Entries in memory, at most: sends are answered 'busy' beyond. On a full disk they are dropped and read again later. */
const UNPERSISTED_ENTRIES_MAX = 2_097_152
/** Share of them that is written at once, not at a checkpoint: so many touch every page of slots, and buffers stay small. */
const PERSIST_SHARE = 5

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
  readonly #unsynced: UnsyncedFiles
  /** A sync found no space: from this file on all goes, as soon as nobody works with it. */
  #doubt: FailedSync | undefined
  /** Space that what has gone needs, before it is built again. */
  #bytesNeeded = 0
  #saved: IndexState | undefined
  #failure: Error | undefined
  readonly #unpersistedMax: number
  /** The last write found no space. */
  #isFull = false
  /** Keys of records that start here or behind are neither in files nor in memory. */
  #lacksFrom: number | undefined
  /** Of the first of these records, keys that are in files. */
  #lacksSkip = 0
  /** The last record that was stored meanwhile. */
  #passed = -1
  /** Entries of records that are stored while those in front of them are read from the log. */
  #later: EntryBuffer | undefined

  constructor(options: KeyIndexOptions) {
    this.#options = options
    this.#unpersistedMax = options.unpersistedMax ?? UNPERSISTED_ENTRIES_MAX
    this.#unsynced = new UnsyncedFiles(options.files, options.folder)
  }

  /** Takes files that were found in order. Once, before anything is added: what is behind them is to be read. */
  restore(files: readonly IndexFile[], { from, skip }: IndexPlace): void {
    this.#files = [...files]
    this.#coversTo = from
    this.#lacksFrom = from
    this.#lacksSkip = skip
    // Pages and names may be those of a process, ours or another broker's, that was stopped before it synced them.
    for (const file of files) this.#unsynced.add(file)
    if (files.length > 0) this.#unsynced.addName()
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
    const pending = this.#pending.length + (this.#later?.length ?? 0)
    return this.#writing === undefined ? pending : pending + this.#writing.buffer.length - this.#writing.from
  }

  /** Keys are missing, which `beginCatchUp` and what follows bring, or entries wait for space. */
  get isIncomplete(): boolean {
    return this.#failure === undefined && (this.#isFull || this.#doubt !== undefined || this.#lacksFrom !== undefined)
  }

  /** True while so many entries wait that sends must too. */
  get isBehind(): boolean {
    // On a full disk they are dropped instead.
    return this.pending > this.#unpersistedMax && !(this.#isFull && this.#later === undefined)
  }

  /** True when entries should be written before the next checkpoint, which alone tries a full disk again. */
  get isDue(): boolean {
    return !this.#isFull && this.#hasBatch && this.#persistsAsked === 0
  }

  get #hasBatch(): boolean {
    return this.#pending.length >= this.#unpersistedMax / PERSIST_SHARE
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

  /** Adds the keys of a record that was stored just now. Nothing is written yet. */
  add(record: IndexedRecord, commitLogOffset: number, storeTimestampMs: number): void {
    if (this.#lacksFrom === undefined) {
      this.#addTo(this.#pending, record, commitLogOffset, storeTimestampMs, 0)
      if (this.#isFull && this.pending >= this.#unpersistedMax) this.#drop()
      return
    }
    this.#passed = commitLogOffset
    if (this.#later !== undefined) this.#addTo(this.#later, record, commitLogOffset, storeTimestampMs, 0)
  }

  /** The same of a record that was read from the log, all keys but the first `skip`; returns how many. */
  addRead(record: IndexedRecord, commitLogOffset: number, storeTimestampMs: number, skip: number): number {
    const added = this.#addTo(this.#pending, record, commitLogOffset, storeTimestampMs, skip)
    this.#lacksFrom = commitLogOffset + 1
    this.#lacksSkip = 0
    return added
  }

  /** Writes entries that were read, if they are many. Rejects for want of space when memory has no more room for them. */
  async persistRead(): Promise<void> {
    if (this.#doubt !== undefined) throw this.#doubt.error
    if (this.#lacksFrom === undefined || !this.#hasBatch) return
    try {
      await this.persist(this.#lacksFrom)
    } catch (error) {
      if (this.pending < this.#unpersistedMax) return
      this.#drop()
      throw error
    }
  }

  /**
   * From where on the keys of records have to be read, up to `written`, all of which is in the log; undefined when they
   * need not, or can not be now. Follow it by `addRead`, and at last by `endCatchUp` or `breakCatchUp`.
   */
  beginCatchUp(written: number): IndexPlace | undefined {
    if (this.#isFull || this.#passed >= written || this.#failure !== undefined) return undefined
    if (this.#lacksFrom === undefined || this.#doubt !== undefined) return undefined
    this.#later = new EntryBuffer()
    return { from: this.#lacksFrom, skip: this.#lacksSkip }
  }

  /** All was read: from now on nothing is missing. */
  endCatchUp(): void {
    this.#later?.moveTo(this.#pending, 0)
    this.#later = undefined
    this.#lacksFrom = undefined
    if (this.#doubt !== undefined) this.persist(0).catch(() => undefined)
  }

  /** It ended early. For want of space the next one goes on; a log or files that can not be read are a failure. */
  breakCatchUp(error: unknown): void {
    this.#later = undefined
    if (this.#doubt !== undefined) this.persist(0).catch(() => undefined)
    else if (isNoSpace(error)) this.#options.onFull(error)
    else if (error instanceof FileError) this.giveUp(error)
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
    let state: IndexState = { coversTo: this.#coversTo, files: this.#files.map((file) => file.state) }
    const failed = await this.#unsynced.sync(() => this.#files)
    if (failed !== undefined && !isNoSpace(failed.error)) this.giveUp(failed.error)
    else if (failed !== undefined) this.#doubt = bothFailed(this.#doubt, failed)
    if (this.#doubt !== undefined) {
      state = withoutFrom(this.#doubt.from, state)
      await this.persist(0).catch((error: Error) => this.#options.onFull(error))
    }
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
        else this.giveUp(error)
        return
      }
    }
  }

  /** Before a stop in order: the headers are as safe as the rest. */
  async seal(): Promise<void> {
    const failed = await this.#unsynced.sync(() => this.#files)
    if (failed !== undefined) this.giveUp(failed.error)
  }

  /**
   * Removes the files whose every record lies below `position`, never the last one. Call it when the log's own files are
   * gone for good: a file that is missing while its records are there is built again.
   */
  async removeBelow(position: number): Promise<void> {
    let removed = false
    while (this.#files.length > 1 && this.#files[0]!.header.endOffset < position) {
      const file = this.#files.shift()!
      await file.retire()
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
    if (this.#lacksFrom !== undefined) {
      const lacking = `the key index lacks messages from commit log offset ${this.#lacksFrom} on`
      throw new MqError('unavailable', `${lacking}: its disk had no space; free some, it is completed by itself`)
    }
    const files = this.#files.toReversed()
    const wanted = { hash, fromMs, toMs }
    const found = [
      ...this.#pending.find(wanted, budget, 0),
      ...(this.#writing === undefined ? [] : this.#writing.buffer.find(wanted, budget, this.#writing.from)),
    ]
    yield* found
    for (const file of files) {
      const { beginTimestampMs, endTimestampMs } = file.header
      if (beginTimestampMs <= toMs && endTimestampMs >= fromMs) yield* this.#inFile(file, wanted, budget)
      if (budget.entries <= 0) return
    }
  }

  /** Ends work in the background. Entries that no checkpoint covers are found in the log again. */
  async close(): Promise<void> {
    await this.#persisting.catch(() => undefined)
    await Promise.all(this.#files.map((file) => file.closeUnused().catch(() => undefined)))
  }

  /** A file that went while it was searched has no records any more. */
  async *#inFile(file: IndexFile, wanted: Wanted, budget: IndexBudget): AsyncGenerator<number> {
    try {
      if (this.#files.includes(file)) yield* file.find(wanted, budget)
    } catch (error) {
      if (!(error instanceof FileError) || this.#files.includes(file)) throw error
    }
  }

  #addTo(into: EntryBuffer, record: IndexedRecord, offset: number, storeTimestampMs: number, skip: number): number {
    const { properties } = record
    if (properties.length === 0 || !isIndexed(record.sysFlag) || this.#failure !== undefined) return 0
    const count = this.#keys.read(record.topic, properties)
    const { hashes } = this.#keys
    for (let index = skip; index < count; index += 1) into.push(hashes[index]!, offset, storeTimestampMs)
    return Math.max(0, count - skip)
  }

  /** Gives up entries behind a batch that waits for space: they are read from the log again. */
  #drop(): void {
    if (this.#pending.length === 0) return
    this.#lacksFrom = this.#pending.offsets[0]!
    this.#lacksSkip = 0
    this.#passed = Math.max(this.#passed, this.#pending.offsets[this.#pending.length - 1]!)
    this.#pending = new EntryBuffer()
  }

  async #persistBelow(asked: number): Promise<void> {
    if (this.#failure !== undefined) return
    let position = asked
    try {
      await this.#settleDoubt()
      if (this.#failure !== undefined) return
      await this.#writeOn()
      // Entries may have been dropped meanwhile.
      position = Math.min(asked, this.#lacksFrom ?? Infinity)
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
      this.#isFull = isNoSpace(error)
      if (this.#isFull) throw error
      this.giveUp(error)
      return
    }
    this.#isFull = false
    this.#coversTo = Math.max(this.#coversTo, position)
  }

  /** What a failed sync was for goes, and is read from the log again when there is room for all of it. */
  async #settleDoubt(): Promise<void> {
    const { files, folder, geometry } = this.#options
    const doubt = this.#doubt
    if (doubt !== undefined) {
      // Not under the hands of who reads the log just now: that ends soon.
      if (this.#later !== undefined) throw doubt.error
      this.#passed = Math.max(this.#passed, this.last.offset)
      const gone = this.#files.splice(this.#files.filter(({ name }) => name < doubt.from).length)
      const end = this.#files.at(-1)?.header.endOffset ?? 0
      this.#coversTo = Math.min(this.#coversTo, end)
      this.#lacksFrom = end
      this.#writing = undefined
      this.#pending = new EntryBuffer()
      this.#bytesNeeded = gone.length * indexFileBytes(geometry)
      try {
        await removeIndexFiles(files, folder, gone)
        this.#lacksSkip = (await placeBehind(this.#files, 0)).skip
      } catch (error) {
        return this.giveUp(error)
      }
      this.#doubt = undefined
      throw doubt.error
    }
    if (this.#bytesNeeded === 0) return
    const { freeBytes } = await files.space(folder)
    if (freeBytes < this.#bytesNeeded) {
      throw new FileError('no-space', folder, `${freeBytes} bytes are free, ${this.#bytesNeeded} are needed`)
    }
    this.#bytesNeeded = 0
  }

  /** Writes what is left of the batch. */
  async #writeOn(): Promise<void> {
    const writing = this.#writing
    if (writing === undefined) return
    const pause: Pause = () => new Promise((resolve) => this.#options.scheduler.soon(resolve))
    const { buffer } = writing
    while (writing.from < buffer.length) {
      const last = this.#files.at(-1)
      const file = last !== undefined && last.room > 0 ? last : await this.#addFile(last)
      const to = Math.min(buffer.length, writing.from + file.room)
      this.#unsynced.add(file)
      await file.append(buffer, writing.from, to, pause)
      writing.from = to
    }
    this.#writing = undefined
    buffer.length = 0
    if (buffer.isSmall) this.#spare = buffer
  }

  async #addFile(last: IndexFile | undefined): Promise<IndexFile> {
    const file = await createIndexFile({ ...this.#options, nowMs: this.#options.clock.nowMs() }, last)
    this.#files.push(file)
    this.#unsynced.addName()
    return file
  }

  /** The files can not be used: see `failure`. */
  giveUp(error: unknown): void {
    if (this.#failure !== undefined) return
    this.#failure = error instanceof Error ? error : new Error(String(error))
    this.#saved = undefined
    this.#writing = undefined
    this.#pending = new EntryBuffer()
    this.#later = undefined
    this.#options.onFailure(this.#failure)
  }
}
