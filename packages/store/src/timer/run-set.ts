// The runs of a timer index: reads the one that is due first, writes new ones, and makes few of many. Files that no image
// names any more are left for the owner of the images to remove.
import type { Files } from '@rocketmq-ts/runtime'
import { ENTRIES_PER_BLOCK, type RunName, RunWriter, TimerRun } from './run-file.ts'
import {
  compareEntriesAt,
  compareEntryAt,
  compareKeys,
  entriesIn,
  positionAt,
  readTimerEntry,
  TIMER_ENTRY_BYTES,
  type TimerEntry,
  type TimerKey,
} from './timer-entry.ts'

/** Runs of a tier, at most: so many become one. */
const RUNS_PER_TIER = 4
/** Entries that are copied or put in order before others go on. */
export const ENTRIES_PER_PASS = 256

/** A place in entries that are in order. */
interface Source {
  block: DataView
  at: number
  /** The block behind; undefined at the end. */
  readonly next: () => Promise<DataView | undefined>
}

/** What the runs ask of their index. */
export interface RunOwner {
  readonly files: Files
  readonly folder: string
  /** Entries of a run of the first tier, at most; each further tier has four times as many. */
  readonly tierEntries: number
  /** Everything up to this key has ended. */
  readonly frontier: () => TimerKey
  /** Everything up to this key was handed out. */
  readonly taken: () => TimerKey
  readonly isRemoved: (position: number) => boolean
  /** Lets others go on, between passes. */
  readonly pause: () => Promise<void>
}

/** Where a walk through all blocks has come to. */
export interface WalkPlace {
  readonly run: number
  readonly block: number
}

export class RunSet {
  readonly #owner: RunOwner
  #runs: TimerRun[] = []
  #nextNumber = 1

  constructor(owner: RunOwner) {
    this.#owner = owner
  }

  get names(): RunName[] {
    return this.#runs.map(({ number, entries, last }) => ({ number, entries, last }))
  }

  get nextNumber(): number {
    return this.#nextNumber
  }

  /** Entries that were not handed out. */
  get remaining(): number {
    return this.#runs.reduce((sum, run) => sum + run.remaining, 0)
  }

  /** Opens what an image names. Rejects with MqError 'damaged' or FileError, and nothing is open. */
  async open(names: readonly RunName[], nextNumber: number): Promise<void> {
    const { files, folder } = this.#owner
    const runs: TimerRun[] = []
    try {
      for (const name of names) runs.push(await TimerRun.open(files, folder, name))
    } catch (error) {
      for (const run of runs) await run.close()
      throw error
    }
    this.#runs = runs
    this.#nextNumber = nextNumber
  }

  /** Goes to what was not handed out, in every run. */
  async seek(): Promise<void> {
    for (const run of this.#runs) await run.seek(this.#owner.taken())
  }

  /** The run whose next entry is due first. 'cold': await `load`, then ask again. */
  first(): { readonly run: TimerRun; readonly entry: TimerEntry } | undefined | 'cold' {
    return firstOf(this.#runs)
  }

  async load(): Promise<void> {
    for (const run of this.#runs) if (run.peek() === 'cold') await run.load()
  }

  /** Lets go of runs with nothing left. */
  async forgetEnded(): Promise<void> {
    const ended = this.#runs.filter(({ last }) => compareKeys(last, this.#owner.frontier()) <= 0)
    this.#runs = this.#runs.filter((run) => !ended.includes(run))
    for (const run of ended) await run.close()
  }

  /** Makes one of those of a tier that is full. Returns the removed entries that are in no run any more. */
  async mergeFull(): Promise<number[]> {
    const tiers = new Map<number, TimerRun[]>()
    for (const run of this.#runs) {
      const tier = Math.max(0, Math.ceil(Math.log2(run.entries / this.#owner.tierEntries) / 2))
      tiers.set(tier, [...(tiers.get(tier) ?? []), run])
    }
    const left: number[] = []
    for (const runs of tiers.values()) if (runs.length >= RUNS_PER_TIER) left.push(...(await this.#merge(runs)))
    return left
  }

  /** Makes one of all. Returns as `mergeFull` does. */
  mergeAll(): Promise<number[]> {
    return this.#merge(this.#runs)
  }

  /** Writes entries, which are in order, into a run of their own. Returns as `mergeFull` does. */
  write(entries: DataView): Promise<number[]> {
    return this.#replace([], [{ block: entries, at: 0, next: async () => undefined }])
  }

  /** Hands over entries behind `key`, in the order of each run, until `take` gives false for one. */
  async scan(key: TimerKey, take: (entry: TimerEntry) => boolean): Promise<void> {
    for (const run of this.#runs) {
      let index = await run.firstBehind(key)
      let isOver = false
      while (index < run.entries && !isOver) {
        const block = await run.readBlock(Math.floor(index / ENTRIES_PER_BLOCK))
        for (let at = index % ENTRIES_PER_BLOCK; at < entriesIn(block) && !isOver; at += 1) {
          isOver = !take(readTimerEntry(block, at * TIMER_ENTRY_BYTES))
          index += 1
        }
      }
    }
  }

  /** The entries of the next block of a walk through all of them, and where it goes on. */
  async walk(place: WalkPlace): Promise<{ readonly entries: TimerEntry[]; readonly next: WalkPlace | undefined }> {
    const at = this.#runs.findIndex(({ number }) => number === place.run)
    const run = this.#runs[at]
    // Runs were written anew meanwhile: from the beginning.
    if (run === undefined) return { entries: [], next: this.placeOf(0, 0) }
    const block = await run.readBlock(place.block)
    const entries = Array.from({ length: entriesIn(block) }, (_, index) =>
      readTimerEntry(block, index * TIMER_ENTRY_BYTES),
    )
    return { entries, next: this.placeOf(at, place.block + 1) }
  }

  /** A block of the run with this index, or the first one behind; undefined behind the last. */
  placeOf(at: number, block: number): WalkPlace | undefined {
    const run = this.#runs[at]
    if (run === undefined) return undefined
    return block < run.blocks ? { run: run.number, block } : this.placeOf(at + 1, 0)
  }

  async close(): Promise<void> {
    for (const run of this.#runs.splice(0)) await run.close()
  }

  /** Blocks are read apart from the places where the runs are. */
  async #merge(runs: readonly TimerRun[]): Promise<number[]> {
    const sources: Source[] = []
    for (const run of runs) {
      let number = 0
      const next = async () => {
        number += 1
        return number < run.blocks ? run.readBlock(number) : undefined
      }
      sources.push({ block: await run.readBlock(0), at: 0, next })
    }
    return this.#replace(runs, sources)
  }

  /** Writes a run that takes the place of others. What has ended is left out. */
  async #replace(replaced: readonly TimerRun[], sources: Source[]): Promise<number[]> {
    const { files, folder } = this.#owner
    const number = this.#nextNumber
    this.#nextNumber += 1
    const writer = await RunWriter.create(files, folder, number)
    let left: number[]
    let name: RunName | undefined
    try {
      left = await this.#copy(sources, writer)
      name = await writer.finish()
    } finally {
      await writer.close()
    }
    const run = name === undefined ? undefined : await this.#openAtTaken(name)
    this.#runs = this.#runs.filter((each) => !replaced.includes(each))
    if (run !== undefined) this.#runs.push(run)
    for (const each of replaced) await each.close()
    return left
  }

  /** In order, without what has ended. Returns the removed ones that were left out. */
  async #copy(sources: Source[], writer: RunWriter): Promise<number[]> {
    const frontier = this.#owner.frontier()
    const left: number[] = []
    let copied = 0
    let open = sources.filter(({ block }) => block.byteLength > 0)
    while (open.length > 0) {
      let first = open[0]!
      for (const source of open) {
        if (compareEntriesAt(source.block, source.at, first.block, first.at) < 0) first = source
      }
      const position = positionAt(first.block, first.at)
      if (compareEntryAt(first.block, first.at, frontier) > 0) {
        if (this.#owner.isRemoved(position)) left.push(position)
        else writer.add(first.block, first.at)
      }
      first.at += TIMER_ENTRY_BYTES
      copied += 1
      if (copied % ENTRIES_PER_PASS === 0) await this.#owner.pause()
      if (first.at < first.block.byteLength) continue
      const next = await first.next()
      first.at = 0
      if (next === undefined) open = open.filter((source) => source !== first)
      else first.block = next
    }
    return left
  }

  /** Open, at the first entry that was not handed out; looked for until nothing more was meanwhile. */
  async #openAtTaken(name: RunName): Promise<TimerRun> {
    const { files, folder, taken } = this.#owner
    const run = await TimerRun.open(files, folder, name)
    for (;;) {
      const from = taken()
      await run.seek(from)
      if (from === taken()) return run
    }
  }
}

function firstOf(runs: readonly TimerRun[]): { run: TimerRun; entry: TimerEntry } | undefined | 'cold' {
  let first: { run: TimerRun; entry: TimerEntry } | undefined
  for (const run of runs) {
    const entry = run.peek()
    if (entry === 'cold') return 'cold'
    if (entry !== undefined && (first === undefined || compareKeys(entry, first.entry) < 0)) first = { run, entry }
  }
  return first
}
