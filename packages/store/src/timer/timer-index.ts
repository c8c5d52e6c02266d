// Which delayed messages are pending, in the order in which they are due. Derived from the log: new entries are in memory,
// most are in files (runs), and of each run only two blocks are in memory. Nothing here reads a clock or the log.
// Invariant: pending are the entries behind the frontier that were not removed; an image says the same after a restart.
import type { Files } from '@rocketmq-ts/runtime'
import { EntryHeap } from './entry-heap.ts'
import { ENTRIES_PER_PASS, RunSet, type WalkPlace } from './run-set.ts'
import { Spilling } from './spilling.ts'
import { compareKeys, FIRST_KEY, type TimerEntry, type TimerKey } from './timer-entry.ts'
import { NO_TOTALS, type TimerImage, type TimerTotals } from './timer-image.ts'

/** Bounds of an index. */
export interface TimerIndexLimits {
  /** New entries that an image holds itself; with more of them they go into a run first. */
  readonly freshInImage: number
  /** New entries that are a reason for an image before its time. */
  readonly freshSoft: number
  /** New entries in memory, at most: the files are behind for long, and nothing more is taken. */
  readonly fresh: number
  /** Entries that ended out of their order and are still in runs; with half of them the runs are written anew. */
  readonly removed: number
  /** See `RunOwner`. */
  readonly tierEntries: number
}

export const TIMER_INDEX_LIMITS: TimerIndexLimits = {
  freshInImage: 1024,
  freshSoft: 16_384,
  fresh: 1_000_000,
  removed: 65_536,
  tierEntries: 16_384,
}

/** How an entry ends. */
export type TimerEnd = Exclude<keyof TimerTotals, 'scheduled'>

/** Where an entry that was handed out is beside: an image must hold what is in memory alone. 'gone': removed, and left out. */
interface Head extends TimerEntry {
  source: 'memory' | 'spilling' | 'run' | 'gone'
}

export interface TimerIndexOptions {
  readonly files: Files
  /** Absolute path of the folder of runs; it exists. */
  readonly folder: string
  readonly limits?: TimerIndexLimits
  /** While files are written: lets others go on. */
  readonly pause?: () => Promise<void>
}

export class TimerIndex {
  readonly #limits: TimerIndexLimits
  #fresh = new EntryHeap()
  readonly #runs: RunSet
  readonly #pause: () => Promise<void>
  #spilling: Spilling | undefined
  /** Taken out of their sources, in order, and not ended yet. */
  #heads: Head[] = []
  #taken: TimerKey = FIRST_KEY
  #frontier: TimerKey = FIRST_KEY
  /** Due times by position. */
  readonly #removed = new Map<number, number>()
  #totals: Record<keyof TimerTotals, number> = { ...NO_TOTALS }
  #pending = 0
  /** Work on the files, one after the other. */
  #working: Promise<unknown> = Promise.resolve()

  constructor({ files, folder, limits = TIMER_INDEX_LIMITS, pause = async () => undefined }: TimerIndexOptions) {
    this.#limits = limits
    this.#pause = pause
    this.#runs = new RunSet({
      files,
      folder,
      tierEntries: limits.tierEntries,
      frontier: () => this.#frontier,
      taken: () => this.#taken,
      isRemoved: (position) => this.#removed.has(position),
      pause,
    })
  }

  /** Entries that have not ended. */
  get pending(): number {
    return this.#pending
  }

  get totals(): TimerTotals {
    return { ...this.#totals }
  }

  /** Everything up to this key has ended. */
  get frontier(): TimerKey {
    return this.#frontier
  }

  /** Entries that no file has. */
  get fresh(): number {
    return this.#fresh.length
  }

  /** Nothing more is taken until the files have caught up. */
  get isFull(): boolean {
    return this.#fresh.length >= this.#limits.fresh
  }

  /** No entry can end out of its order until the files have caught up. */
  get isFullOfRemoved(): boolean {
    return this.#removed.size >= this.#limits.removed
  }

  /** An image is due before its time. */
  get wantsImage(): boolean {
    return this.#fresh.length >= this.#limits.freshSoft || this.#removed.size >= this.#limits.removed / 2
  }

  get runs(): number {
    return this.#runs.names.length
  }

  /** Adds an entry. It is never due before what was handed out. */
  add(entry: TimerEntry): void {
    const dueMs = Math.max(entry.dueMs, this.#taken.dueMs)
    this.#totals.scheduled += 1
    this.#pending += 1
    this.#fresh.push(dueMs === entry.dueMs ? entry : { ...entry, dueMs })
  }

  /** False when it has ended, in its order or out of it. */
  isPending(key: TimerKey): boolean {
    return compareKeys(key, this.#frontier) > 0 && !this.#removed.has(key.position)
  }

  /** Ends an entry out of its order; false when it has ended already. */
  remove(key: TimerKey, end: TimerEnd): boolean {
    if (!this.isPending(key)) return false
    this.#removed.set(key.position, key.dueMs)
    this.#totals[end] += 1
    this.#pending -= 1
    return true
  }

  /** When the next one is due; undefined when there is none. 'cold': await `load`, then ask again. */
  nextDueMs(): number | undefined | 'cold' {
    const head = this.#heads[0]
    if (head !== undefined) return head.dueMs
    const first = this.#first()
    return first === undefined || first === 'cold' ? first : first.dueMs
  }

  /**
   * The first entries that are due, at most `max`, in order: the same again until they are settled. Those that were
   * removed meanwhile are among them. 'cold': await `load`, then ask again.
   */
  due(nowMs: number, max: number): readonly TimerEntry[] | 'cold' {
    while (this.#heads.length < max) {
      const first = this.#first()
      if (first === 'cold') return this.#heads.length > 0 ? this.#heads : 'cold'
      if (first === undefined || first.dueMs > nowMs) break
      this.#take(first)
    }
    return this.#heads
  }

  /** The first of those that are due ends, unless it was removed. */
  settleFirst(end: TimerEnd): void {
    const head = this.#heads.shift()
    if (head === undefined) throw new Error('no timer entry is under way')
    this.#frontier = head
    if (this.#removed.delete(head.position)) return
    this.#totals[end] += 1
    this.#pending -= 1
  }

  /** Resolves when the next entries are in memory. Rejects with MqError 'damaged' or FileError. */
  load(): Promise<void> {
    return this.#runs.load()
  }

  /** Of a log that is read again: this one ended in its order, and with it all in front of it. */
  replaySettled(key: TimerKey, end: TimerEnd): void {
    if (compareKeys(key, this.#frontier) <= 0) return
    if (!this.#removed.has(key.position)) this.#totals[end] += 1
    this.#frontier = key
    this.#taken = key
  }

  /** Of a log that is read again: this one was written anew or recalled. */
  replayRemoved(key: TimerKey, end: TimerEnd): void {
    if (!this.isPending(key)) return
    this.#totals[end] += 1
    this.#removed.set(key.position, key.dueMs)
  }

  /** Between two parts of a log that is read again: memory stays within its bounds. */
  async replayPause(): Promise<void> {
    if (!this.wantsImage) return
    this.#dropEnded()
    if (this.#fresh.length >= this.#limits.freshSoft / 2) await this.#spill()
    this.#forget(
      this.#removed.size >= this.#limits.removed / 2 ? await this.#runs.mergeAll() : await this.#runs.mergeFull(),
    )
  }

  /** The log was read to its end: counts what is pending. What ended without a word in the log counts as dropped. */
  async replayed(): Promise<void> {
    this.#dropEnded()
    await this.#runs.seek()
    this.#purge()
    this.#pending = Math.max(0, this.#fresh.length + this.#runs.remaining - this.#removed.size)
    const { scheduled, delivered, recalled, moved, damaged } = this.#totals
    this.#totals.dropped = scheduled - delivered - recalled - moved - damaged - this.#pending
  }

  /** Takes an image's content into an empty index. Rejects with MqError 'damaged' or FileError where a run is not there. */
  async restore(image: TimerImage): Promise<void> {
    await this.#runs.open(image.runs, image.nextRun)
    this.#frontier = image.frontier
    this.#taken = image.frontier
    this.#totals = { ...image.totals }
    for (const { position, dueMs } of image.removed) this.#removed.set(position, dueMs)
    for (const entry of image.fresh) this.#fresh.push(entry)
  }

  /** What an image of this moment must hold. `note`: the owner's own words, as JSON. */
  image(note: unknown): TimerImage {
    this.#purge()
    const inMemory = this.#heads.filter(({ source }) => source === 'memory')
    const removed = new Map(this.#removed)
    for (const { source, position } of this.#heads) if (source === 'gone') removed.delete(position)
    return {
      nextRun: this.#runs.nextNumber,
      frontier: { dueMs: this.#frontier.dueMs, position: this.#frontier.position },
      totals: this.totals,
      removed: Array.from(removed, ([position, dueMs]) => ({ dueMs, position })),
      runs: this.#runs.names,
      fresh: [...inMemory, ...this.#fresh.entries()],
      note,
    }
  }

  /** Writes runs where there is reason to, then does `then` before anything else changes them. */
  tidy<Result>(then: () => Promise<Result>): Promise<Result> {
    return this.#alone(async () => {
      await this.#runs.forgetEnded()
      if (this.#fresh.length > this.#limits.freshInImage) await this.#spill()
      this.#forget(
        this.#removed.size >= this.#limits.removed / 2 ? await this.#runs.mergeAll() : await this.#runs.mergeFull(),
      )
      return then()
    })
  }

  /** Pending entries with this due time and hash. Rejects as `load` does. */
  find(dueMs: number, keyHash: number): Promise<TimerEntry[]> {
    return this.#alone(async () => {
      const found = new Map<number, TimerEntry>()
      const take = (entry: TimerEntry): void => {
        if (entry.dueMs === dueMs && entry.keyHash === keyHash) found.set(entry.position, entry)
      }
      await this.#runs.scan({ dueMs, position: -1 }, (entry) => {
        take(entry)
        return entry.dueMs === dueMs
      })
      for (const entry of this.#inMemory()) take(entry)
      return Array.from(found.values()).filter((entry) => this.isPending(entry))
    })
  }

  /**
   * Pending entries whose records lie below `limit`, in parts: first those in memory, then block after block. `next` is
   * where the walk goes on, undefined at its end; it may come by twice. Rejects as `load` does.
   */
  below(limit: number, place?: WalkPlace): Promise<{ entries: TimerEntry[]; next: WalkPlace | undefined }> {
    return this.#alone(async () => {
      const { entries, next } =
        place === undefined
          ? { entries: Array.from(this.#inMemory()), next: this.#runs.placeOf(0, 0) }
          : await this.#runs.walk(place)
      return { entries: entries.filter((entry) => entry.position < limit && this.isPending(entry)), next }
    })
  }

  /** Resolves when nobody works on the files. */
  async idle(): Promise<void> {
    await this.#working
  }

  /** Forgets everything, to be read from the log again. Nobody works on the files. */
  clear(): void {
    this.#working = this.#runs.close()
    this.#fresh = new EntryHeap()
    this.#heads = []
    this.#taken = FIRST_KEY
    this.#frontier = FIRST_KEY
    this.#removed.clear()
    this.#totals = { ...NO_TOTALS }
    this.#pending = 0
  }

  async close(): Promise<void> {
    await this.#working
    await this.#runs.close()
  }

  *#inMemory(): Generator<TimerEntry> {
    yield* this.#heads
    yield* this.#fresh.entries()
  }

  #alone<Result>(work: () => Promise<Result>): Promise<Result> {
    const done = this.#working.then(work)
    this.#working = done.catch(() => undefined)
    return done
  }

  /** The entry that is due first, in no source but its own. */
  #first(): Head | undefined | 'cold' {
    const inRun = this.#runs.first()
    if (inRun === 'cold') return 'cold'
    let first: Head | undefined = inRun === undefined ? undefined : { ...inRun.entry, source: 'run' }
    const fresh = this.#fresh.peek()
    if (fresh !== undefined && (first === undefined || compareKeys(fresh, first) < 0)) {
      first = { ...fresh, source: 'memory' }
    }
    const spilling = this.#spilling?.peek()
    if (spilling !== undefined && (first === undefined || compareKeys(spilling, first) < 0)) {
      first = { ...spilling, source: 'spilling' }
    }
    return first
  }

  /** @param head what `#first` gave last */
  #take(head: Head): void {
    if (head.source === 'memory') this.#fresh.pop()
    else if (head.source === 'spilling') this.#spilling!.next += 1
    else {
      const first = this.#runs.first()
      if (first !== undefined && first !== 'cold') first.run.advance()
    }
    this.#taken = head
    // Nobody else has it: nothing has to be remembered.
    if (head.source === 'memory' && this.#removed.delete(head.position)) return
    this.#heads.push(head)
  }

  #purge(): void {
    for (const [position, dueMs] of this.#removed) {
      if (compareKeys({ dueMs, position }, this.#frontier) <= 0) this.#removed.delete(position)
    }
  }

  /** These are in no run any more; what was handed out is asked for once more when it ends. */
  #forget(positions: readonly number[]): void {
    for (const position of positions) {
      const head = this.#heads.find((each) => each.position === position)
      if (head === undefined) this.#removed.delete(position)
      else head.source = 'gone'
    }
  }

  #dropEnded(): void {
    const fresh = this.#fresh
    this.#fresh = new EntryHeap()
    for (const entry of fresh.entries()) {
      if (compareKeys(entry, this.#frontier) > 0 && !this.#removed.delete(entry.position)) this.#fresh.push(entry)
    }
  }

  /** What is in memory alone goes into a run. */
  async #spill(): Promise<void> {
    const spilling = new Spilling(this.#fresh)
    this.#spilling = spilling
    this.#fresh = new EntryHeap()
    try {
      while (spilling.fill(ENTRIES_PER_PASS)) await this.#pause()
      this.#forget(await this.#runs.write(spilling.entries))
    } catch (error) {
      for (let entry = spilling.peek(); entry !== undefined; entry = spilling.peek()) {
        this.#fresh.push(entry)
        spilling.next += 1
      }
      for (const head of this.#heads) if (head.source === 'spilling') head.source = 'memory'
      throw error
    } finally {
      this.#spilling = undefined
    }
    for (const head of this.#heads) if (head.source === 'spilling') head.source = 'run'
  }
}
