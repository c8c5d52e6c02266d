// The index against a sorted list, with images, crashes and replays of what the log would say, in random order.
import { expect, test } from '@jest/globals'
import { type ManualEffects, Prng } from '@rocketmq-ts/testkit'
import type { TimerEntry } from '../../src/timer/timer-entry.ts'
import { TimerFiles } from '../../src/timer/timer-files.ts'
import type { TimerIndex } from '../../src/timer/timer-index.ts'
import { afterKill, createManualEffects, FOLDER } from '../store-fixture.ts'

const LIMITS = { freshInImage: 40, freshSoft: 400, fresh: 100_000, removed: 120, tierEntries: 300 }
const SEEDS = 30
const STEPS = 120

type Said = { readonly kind: 'add' | 'settled' | 'removed'; readonly entry: TimerEntry; readonly at: number }

class World {
  readonly effects: ManualEffects = createManualEffects()
  readonly prng
  files = this.newFiles()
  index!: TimerIndex
  /** What a log would hold. */
  said: Said[] = []
  end = 0
  nowMs = 1000
  pending = new Map<number, TimerEntry>()

  constructor(seed: number) {
    this.prng = new Prng(seed)
  }

  newFiles(): TimerFiles {
    return new TimerFiles({ files: this.effects.files, root: FOLDER, limits: LIMITS })
  }

  say(kind: Said['kind'], entry: TimerEntry): void {
    this.said.push({ kind, entry, at: this.end })
    this.end += 100
  }

  add(): void {
    const far = this.prng.integer(3) === 0 ? 100_000 : 500
    const entry = {
      dueMs: this.nowMs + 1 + this.prng.integer(far),
      position: this.end,
      size: 100,
      keyHash: this.prng.integer(5),
    }
    this.say('add', entry)
    this.index.add(entry)
    this.pending.set(entry.position, entry)
  }

  first(): TimerEntry | undefined {
    let first: TimerEntry | undefined
    for (const each of this.pending.values()) {
      if (first === undefined || each.dueMs < first.dueMs) first = each
    }
    return first
  }

  async drain(max: number): Promise<void> {
    for (let left = max; left > 0; left -= 1) {
      const due = this.index.due(this.nowMs, 1 + this.prng.integer(5))
      if (due === 'cold') {
        await this.index.load()
        continue
      }
      const entry = due[0]
      if (entry === undefined) break
      if (this.index.isPending(entry)) {
        expect(entry).toMatchObject(this.first()!)
        this.say('settled', entry)
        this.pending.delete(entry.position)
      }
      this.index.settleFirst('delivered')
    }
  }

  remove(): void {
    const entries = [...this.pending.values()]
    const entry = entries[this.prng.integer(Math.max(1, entries.length))]
    if (entry === undefined || this.index.isFullOfRemoved) return
    expect(this.index.remove(entry, 'recalled')).toBe(true)
    expect(this.index.remove(entry, 'recalled')).toBe(false)
    this.say('removed', entry)
    this.pending.delete(entry.position)
  }

  async write(): Promise<void> {
    await this.files.write(this.index, {
      inTurn: async (take) => {
        // Others go on until the image is taken.
        if (this.prng.integer(2) === 0) this.add()
        return take(this.end, { seed: 1 })
      },
      whenFlushed: async () => undefined,
    })
  }

  async open(): Promise<void> {
    this.files = this.newFiles()
    const { index, coversTo = 0 } = await this.files.open(0, this.end, false)
    this.index = index
    for (const { kind, entry, at } of this.said) {
      if (at < coversTo) continue
      if (kind === 'add') index.add(entry)
      else if (kind === 'settled') index.replaySettled(entry, 'delivered')
      else index.replayRemoved(entry, 'recalled')
      if (this.prng.integer(50) === 0) await index.replayPause()
    }
    await index.replayed()
  }

  check(): void {
    expect(this.index.pending).toBe(this.pending.size)
    const { scheduled, ...ends } = this.index.totals
    expect(scheduled).toBe(this.index.pending + Object.values(ends).reduce((sum, each) => sum + each, 0))
  }

  async checkFind(): Promise<void> {
    const entry = this.first()
    if (entry === undefined) return
    const found = await this.index.find(entry.dueMs, entry.keyHash)
    const wanted = [...this.pending.values()].filter(
      ({ dueMs, keyHash }) => dueMs === entry.dueMs && keyHash === entry.keyHash,
    )
    expect(found.map(({ position }) => position).sort((a, b) => a - b)).toEqual(wanted.map(({ position }) => position))
  }

  async checkBelow(): Promise<void> {
    const limit = this.prng.integer(this.end + 1)
    const found = new Set<number>()
    let part = await this.index.below(limit)
    for (;;) {
      for (const { position } of part.entries) found.add(position)
      if (part.next === undefined) break
      part = await this.index.below(limit, part.next)
    }
    const wanted = [...this.pending.keys()].filter((position) => position < limit)
    expect([...found].sort((a, b) => a - b)).toEqual(wanted)
  }
}

test.each(Array.from({ length: SEEDS }, (_, seed) => seed))(
  'timer index: anything in any order, with crashes (seed %i) → the pending ones, in the order in which they are due',
  async (seed) => {
    const world = new World(seed)
    await world.open()
    for (let step = 0; step < STEPS; step += 1) {
      const kind = world.prng.integer(12)
      if (kind < 4) for (let count = world.prng.integer(60); count > 0; count -= 1) world.add()
      else if (kind < 6) {
        world.nowMs += world.prng.integer(400)
        await world.drain(world.prng.integer(80))
      } else if (kind === 6) for (let count = world.prng.integer(20); count > 0; count -= 1) world.remove()
      else if (kind === 7) await world.write()
      else if (kind === 8) {
        await Promise.all([world.write(), world.drain(40), world.checkBelow()])
        world.remove()
      } else if (kind === 9) await world.checkFind()
      else if (kind === 10) await world.checkBelow()
      else {
        await world.index.close()
        await world.open()
      }
      world.check()
    }
    world.nowMs += 1_000_000
    await world.drain(100_000)
    expect(world.pending.size).toBe(0)
    world.check()
  },
)

test('timer index: a byte of a run that changed at rest → refused as damaged, and another start needs the log', async () => {
  const world = new World(1)
  await world.open()
  for (let count = 0; count < 3000; count += 1) world.add()
  await world.write()
  await world.index.close()
  const file = await world.effects.files.open(`${FOLDER}/timer/run-1`, 'must-exist')
  file.writeSync(50_000, [new Uint8Array([1, 2, 3])])
  await file.close()
  await expect(world.open()).resolves.toBeUndefined()
  world.nowMs += 1_000_000
  await expect(world.drain(10_000)).rejects.toMatchObject({ code: 'damaged' })
  await world.files.giveUp()
  const again = await new TimerFiles({ files: afterKill(world.effects).files, root: FOLDER }).open(0, world.end, false)
  expect(again).toMatchObject({ coversTo: undefined })
})
