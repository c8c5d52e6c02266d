// Random histories of one queue against the reference, with crashes, rolls and snapshots at any point.
import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { BUCKETS, createInflight } from '../../src/inflight/inflight.ts'
import type { Bucket, Inflight, QueueState } from '../../src/inflight/inflight.ts'
import { bucketCounts, copyOf, createModel, lowMark, nextDeadline, offsetsIn } from './model.ts'
import type { Model, ModelMessage } from './model.ts'
import { NOW, createWorld, expectSame, rebuilt, replayInto, snapshotOf, started, watchSnapshot } from './world.ts'
import type { LogRecord, World } from './world.ts'

const MAX_ATTEMPTS = 3
const OPTIONS = { maxAttempts: () => MAX_ATTEMPTS }

type Step =
  | { kind: 'send'; count: number }
  | { kind: 'popNext'; visit: number; skip: number; damage: number; invisibleMs: number }
  | { kind: 'popReady'; max: number; invisibleMs: number }
  | { kind: 'ack'; pick: number; skew: number }
  | { kind: 'change'; pick: number; skew: number; invisibleMs: number }
  | { kind: 'settle'; pick: number }
  | { kind: 'expire'; waitMs: number }
  | { kind: 'copy'; pick: number }
  | { kind: 'postpone'; pick: number; byMs: number }
  | { kind: 'clock'; byMs: number }
  | { kind: 'retain'; part: number }
  | { kind: 'clamp'; part: number }
  | { kind: 'reset'; part: number }
  | { kind: 'seal' }
  | { kind: 'crash' }
  | { kind: 'roll' }
  | { kind: 'snapshot' }

const invisibleMs = fc.constantFrom(0, 5, 20, 100)
const pick = fc.nat(10_000)
const skew = fc.constantFrom(0, 0, 0, 0, 1, -1)
const weighted = (weight: number, arbitrary: fc.Arbitrary<Step>) => ({ weight, arbitrary })
const step: fc.Arbitrary<Step> = fc.oneof(
  weighted(6, fc.record({ kind: fc.constant('send'), count: fc.integer({ min: 1, max: 80 }) })),
  weighted(
    6,
    fc.record({
      kind: fc.constant('popNext'),
      visit: fc.integer({ min: 0, max: 80 }),
      skip: fc.constantFrom(0, 0, 3, 7, 97),
      damage: fc.constantFrom(0, 0, 0, 11, 50),
      invisibleMs,
    }),
  ),
  weighted(6, fc.record({ kind: fc.constant('popReady'), max: fc.integer({ min: 1, max: 40 }), invisibleMs })),
  weighted(16, fc.record({ kind: fc.constant('ack'), pick, skew })),
  weighted(6, fc.record({ kind: fc.constant('change'), pick, skew, invisibleMs })),
  weighted(1, fc.record({ kind: fc.constant('settle'), pick })),
  weighted(6, fc.record({ kind: fc.constant('expire'), waitMs: fc.constantFrom(0, 1, 10, 50) })),
  weighted(4, fc.record({ kind: fc.constant('copy'), pick })),
  weighted(1, fc.record({ kind: fc.constant('postpone'), pick, byMs: fc.constantFrom(0, 30) })),
  weighted(2, fc.record({ kind: fc.constant('clock'), byMs: fc.constantFrom(-60, -1, 0, 1, 40) })),
  weighted(1, fc.record({ kind: fc.constant('retain'), part: fc.nat(100) })),
  weighted(1, fc.record({ kind: fc.constant('clamp'), part: fc.nat(100) })),
  weighted(1, fc.record({ kind: fc.constant('reset'), part: fc.nat(100) })),
  weighted(8, fc.record({ kind: fc.constant('seal') })),
  weighted(1, fc.record({ kind: fc.constant('crash') })),
  weighted(1, fc.record({ kind: fc.constant('roll') })),
  weighted(1, fc.record({ kind: fc.constant('snapshot') })),
)

/** The core and the reference, moved together. */
class Pair {
  readonly world: World = createWorld(OPTIONS)
  queue: QueueState = started(this.world, 7)
  model: Model = createModel(7)
  /** The reference as the log has it. */
  sealed: Model = copyOf(this.model)
  now = NOW
  /** Since a clamp, or a reset to what was settled, the buckets of settled messages are a guess. */
  clamped = false
  /** Where a replay may begin: at the start, or from a complete roll on. */
  from = 0
  snapshot: { readonly bytes: Uint8Array; readonly at: number } | undefined
  /** Is taken while the history goes on. */
  taking: ReturnType<typeof watchSnapshot> | undefined

  constructor() {
    this.seal()
  }

  get core(): Inflight {
    return this.world.core
  }

  seal(): void {
    this.world.seal()
    for (const message of this.model.messages) if (message.state === 'inFlight') message.fresh = false
    this.sealed = copyOf(this.model)
  }

  pickClaimed(pickNumber: number, pendingOnly = false): [number, ModelMessage & { state: 'inFlight' }] | undefined {
    const offsets = offsetsIn(this.model, 'inFlight').filter((offset) => {
      const message = this.model.messages[offset]!
      return !pendingOnly || (message.state === 'inFlight' && message.pending)
    })
    const offset = offsets[pickNumber % Math.max(1, offsets.length)]
    if (offset === undefined) return undefined
    const message = this.model.messages[offset]!
    return message.state === 'inFlight' ? [offset, message] : undefined
  }

  settleModel(offset: number, bucket: Bucket): void {
    this.model.messages[offset] = { state: 'settled', bucket }
  }

  check(): void {
    const { core, queue, model } = this
    expect(core.lowMark(queue)).toBe(lowMark(model))
    expect(queue.cursor).toBe(model.cursor)
    expect(queue.ready).toBe(offsetsIn(model, 'ready').length)
    expect(queue.inFlight).toBe(offsetsIn(model, 'inFlight').length)
    expect(core.nextDeadline()).toBe(nextDeadline(model))
    expect(core.readyQueueId('T', 'G', 0)).toBe(queue.ready > 0 ? 0 : undefined)
    const report = core.ledger(queue, { max: model.messages.length })
    expect(report.faults).toEqual([])
    if (this.clamped) return
    const counts = bucketCounts(model)
    for (const bucket of BUCKETS) expect([bucket, report.buckets[bucket]]).toEqual([bucket, counts[bucket] ?? 0])
  }

  checkLog(): void {
    const { log } = this.world
    this.taking?.finish()
    this.seal()
    expectSame(rebuilt(log.slice(this.from), OPTIONS), this.core)
    if (this.snapshot === undefined) return
    const restored = createInflight(OPTIONS)
    restored.restoreSnapshot(this.snapshot.bytes)
    expectSame(replayInto(restored, log.slice(this.snapshot.at)), this.core)
  }
}

const steps: { readonly [Kind in Step['kind']]: (pair: Pair, step: Extract<Step, { kind: Kind }>) => void } = {
  send({ model }, { count }) {
    for (let sent = 0; sent < count; sent += 1) model.messages.push({ state: 'waiting' })
  },
  popNext(pair, { visit, skip, damage, invisibleMs: invisible }) {
    const { core, queue, model } = pair
    const popTime = core.nextPopTime(pair.now)
    const to = Math.min(model.messages.length, model.cursor + visit)
    const taken: number[] = []
    const damaged: { from: number; to: number }[] = []
    for (let offset = model.cursor; offset < to; offset += 1) {
      if (damage > 0 && offset % damage < 2) {
        damaged.push({ from: offset, to: offset + 1 })
        pair.settleModel(offset, 'damaged')
      } else if (skip > 0 && offset % skip !== 0) pair.settleModel(offset, 'filtered')
      else {
        taken.push(offset)
        const deadline = popTime + invisible
        model.messages[offset] = { state: 'inFlight', attempts: 1, popTime, deadline, fresh: true, pending: false }
      }
    }
    model.cursor = to
    core.popNext(queue, { popTime, invisibleMs: invisible, to, taken, damaged })
  },
  popReady(pair, { max, invisibleMs: invisible }) {
    const { core, queue, model } = pair
    const popTime = core.nextPopTime(pair.now)
    const ready = offsetsIn(model, 'ready')
    const { offsets, attempts } = core.popReady(queue, { popTime, invisibleMs: invisible, max })
    expect(offsets).toHaveLength(Math.min(max, ready.length))
    expect(new Set(offsets).size).toBe(offsets.length)
    for (const [index, offset] of offsets.entries()) {
      const message = model.messages[offset]!
      if (message.state !== 'ready') throw new Error(`${offset} was delivered and is ${message.state}`)
      expect(attempts[index]).toBe(message.attempts + 1)
      expect(popTime).toBeGreaterThan(message.popTime)
      const deadline = popTime + invisible
      const count = message.attempts + 1
      model.messages[offset] = { state: 'inFlight', attempts: count, popTime, deadline, fresh: true, pending: false }
    }
  },
  ack(pair, { pick: number, skew: by }) {
    const found = pair.pickClaimed(number)
    if (found === undefined) return
    expect(pair.core.ack(pair.queue, found[0], found[1].popTime + by)).toBe(by === 0)
    if (by === 0) pair.settleModel(found[0], 'acked')
  },
  change(pair, { pick: number, skew: by, invisibleMs: invisible }) {
    const found = pair.pickClaimed(number)
    if (found === undefined) return
    const [offset, message] = found
    const changed = pair.core.changeInvisible(pair.queue, offset, message.popTime + by, {
      nowMs: pair.now,
      invisibleMs: invisible,
    })
    if (by !== 0) return expect(changed).toEqual({ kind: 'no-op' })
    const popTime = Math.max(pair.now, message.popTime + 1)
    const released = invisible === 0 && message.attempts < MAX_ATTEMPTS
    const deadline = popTime + invisible
    expect(changed).toEqual({ kind: 'changed', popTime, deadlineMs: deadline, released })
    const { attempts } = message
    pair.model.messages[offset] = released
      ? { state: 'ready', attempts, popTime }
      : { state: 'inFlight', attempts, popTime, deadline, fresh: true, pending: false }
  },
  settle(pair, { pick: number }) {
    const found = pair.pickClaimed(number)
    if (found === undefined) return
    expect(pair.core.settle(pair.queue, found[0], found[1].popTime, 'expired')).toBe(true)
    pair.settleModel(found[0], 'expired')
  },
  expire(pair, { waitMs }) {
    pair.now += waitMs
    const dead: number[] = []
    let released = 0
    for (const [offset, message] of pair.model.messages.entries()) {
      if (message.state !== 'inFlight' || message.pending || message.deadline > pair.now) continue
      if (message.attempts < MAX_ATTEMPTS) {
        pair.model.messages[offset] = { state: 'ready', attempts: message.attempts, popTime: message.popTime }
        released += 1
      } else if (!message.fresh) {
        message.pending = true
        dead.push(offset)
      }
    }
    const expired = pair.core.expire(pair.now, 1_000_000)
    expect(expired.released).toBe(released)
    expect(expired.dead.map(({ offset }) => offset).sort((a, b) => a - b)).toEqual(dead)
  },
  copy(pair, { pick: number }) {
    const found = pair.pickClaimed(number, true)
    if (found === undefined) return
    expect(pair.core.isDeadPending(pair.queue, found[0], found[1].popTime)).toBe(true)
    expect(pair.world.copy(pair.queue, found[0], found[1].popTime)).toBe(true)
    pair.settleModel(found[0], 'dead')
    // The copy is in the log at once, the record of its Turn is not: seal, so that a crash keeps both sides equal.
    pair.seal()
  },
  postpone(pair, { pick: number, byMs }) {
    const found = pair.pickClaimed(number, true)
    if (found === undefined) return
    const deadline = Math.max(pair.now + byMs, found[1].popTime)
    expect(pair.core.postpone(pair.queue, found[0], found[1].popTime, deadline)).toBe(true)
    found[1].deadline = deadline
    found[1].pending = false
  },
  clock(pair, { byMs }) {
    pair.now += byMs
  },
  retain(pair, { part }) {
    const min = Math.floor((pair.model.messages.length * part) / 100)
    pair.core.retain(pair.queue, min)
    for (let offset = 0; offset < min; offset += 1) {
      if (pair.model.messages[offset]!.state !== 'settled') pair.settleModel(offset, 'expired')
    }
    pair.model.cursor = Math.max(pair.model.cursor, min)
  },
  clamp(pair, { part }) {
    const max = Math.floor((pair.model.messages.length * (90 + part / 10)) / 100)
    pair.core.clamp(pair.queue, max)
    pair.clamped = true
    pair.model.messages.length = max
    pair.model.cursor = Math.min(pair.model.cursor, max)
  },
  reset(pair, { part }) {
    const { core, queue, model } = pair
    const to = Math.floor((model.messages.length * part) / 100)
    const given = model.messages.map((message) => ('popTime' in message ? message.popTime : 0))
    core.reset(queue, to)
    for (const [offset, message] of model.messages.entries()) {
      if (offset >= to) {
        if (message.state === 'settled') pair.clamped = true
        model.messages[offset] = { state: 'waiting' }
      } else if (message.state !== 'settled') pair.settleModel(offset, 'skipped')
    }
    model.cursor = to
    for (const [offset, popTime] of given.entries()) {
      expect(core.ack(queue, offset, popTime)).toBe(false)
      expect(core.settle(queue, offset, popTime, 'dead')).toBe(false)
    }
    expect(core.nextPopTime(pair.now)).toBeGreaterThan(Math.max(0, ...given))
  },
  seal(pair) {
    pair.seal()
  },
  crash(pair) {
    // What was sent since stays: it is in the log. A clamp that was not recorded is done again by the recovery.
    const { length } = pair.model.messages
    pair.taking = undefined
    pair.world.core = rebuilt(pair.world.log.slice(pair.from), OPTIONS)
    pair.queue = pair.core.queue('T', 'G', 0)!
    pair.model = copyOf(pair.sealed)
    while (pair.model.messages.length < length) pair.model.messages.push({ state: 'waiting' })
    if (pair.model.messages.length > length) {
      pair.core.clamp(pair.queue, length)
      pair.clamped = true
      pair.model.messages.length = length
      pair.model.cursor = Math.min(pair.model.cursor, length)
    }
  },
  roll(pair) {
    pair.seal()
    pair.from = pair.world.log.length
    pair.core.beginRoll(pair.world.end)
    expect(pair.core.rollStep(1)).toBe(true)
    pair.seal()
  },
  snapshot(pair) {
    pair.seal()
    pair.taking?.finish()
    pair.snapshot = { bytes: snapshotOf(pair.core), at: pair.world.log.length }
    pair.taking = watchSnapshot(pair.core)
  },
}

function run(pair: Pair, taken: Step): void {
  const act = steps[taken.kind] as (pair: Pair, step: Step) => void
  act(pair, taken)
}

test('in-flight: any history → the core agrees with the reference, the ledger adds up, the log gives an equal core', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 120, size: 'max' }), (history) => {
      const pair = new Pair()
      for (const taken of history) {
        run(pair, taken)
        pair.check()
      }
      pair.checkLog()
    }),
    { numRuns: 100 },
  )
})

/** Several queues, Turn by Turn; the roll is paced and states are written between other changes. */
const turn = fc.record({
  queue: fc.nat(3),
  count: fc.integer({ min: 0, max: 40 }),
  acks: fc.array(fc.nat(500), { maxLength: 20 }),
  again: fc.integer({ min: 0, max: 20 }),
  invisibleMs: fc.constantFrom(1, 30),
  roll: fc.constantFrom('none', 'none', 'none', 'begin'),
  snapshot: fc.constantFrom('none', 'none', 'none', 'none', 'begin'),
  remake: fc.constantFrom('none', 'none', 'none', 'none', 'topic', 'group'),
})

test('in-flight: rolls and snapshots among other changes → the log from the last complete roll on gives the states of the whole log, a snapshot those of its begin', () => {
  fc.assert(
    fc.property(fc.array(turn, { minLength: 4, maxLength: 40 }), (turns) => {
      const world = createWorld(OPTIONS)
      let incarnation = world.end
      let base = 0
      let complete = 0
      let now = NOW
      const popTimes = new Map<number, number>()
      let taking: ReturnType<typeof watchSnapshot> | undefined
      for (const taken of turns) {
        now += 10
        if (taken.snapshot === 'begin') {
          taking?.finish()
          taking = watchSnapshot(world.core)
        } else taking?.step()
        if (taken.remake === 'topic') {
          world.core.recordSetting({ kind: 'topic-created', name: 'T', incarnation: 0, payload: '' })
          incarnation = world.seal()!
        } else if (taken.remake === 'group') {
          world.core.recordSetting({ kind: 'group-deleted', name: 'G', incarnation: 0, payload: '' })
        }
        const ref = { topic: 'T', incarnation, group: 'G', queueId: taken.queue }
        const queue = world.core.queue('T', 'G', taken.queue) ?? world.core.start(ref, 3)
        if (taken.roll === 'begin') {
          base = world.log.length
          world.core.beginRoll(base)
        }
        const popTime = world.core.nextPopTime(now)
        const offsets = Array.from({ length: taken.count }, (_, index) => queue.cursor + index)
        for (const offset of offsets) popTimes.set(offset * 4 + taken.queue, popTime)
        const { invisibleMs: invisible } = taken
        world.core.popNext(queue, { popTime, invisibleMs: invisible, to: queue.cursor + taken.count, taken: offsets })
        const again = world.core.popReady(queue, { popTime, invisibleMs: invisible, max: taken.again })
        for (const offset of again.offsets) popTimes.set(offset * 4 + taken.queue, popTime)
        for (const offset of taken.acks) world.core.ack(queue, offset, popTimes.get(offset * 4 + taken.queue) ?? 0)
        if (world.core.rolling && world.core.rollStep(1)) complete = base
        world.core.expire(now, 50)
        world.seal()
      }
      taking?.finish()
      expectSame(rebuilt(world.log, OPTIONS), world.core)
      expectSame(rebuilt(world.log.slice(complete), OPTIONS), world.core)
      for (const queue of world.core.all()) expect(world.core.ledger(queue, { max: queue.cursor }).faults).toEqual([])
    }),
    { numRuns: 100 },
  )
})

test('in-flight: any prefix of the log → every entry is within the cursor, the ledger adds up', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 60, size: 'max' }), fc.nat(100), (history, part) => {
      const pair = new Pair()
      for (const taken of history) if (taken.kind !== 'crash') run(pair, taken)
      pair.seal()
      const { log } = pair.world
      const prefix: readonly LogRecord[] = log.slice(0, Math.max(1, Math.floor((log.length * part) / 100)))
      const core = rebuilt(prefix, OPTIONS)
      const queue = core.queue('T', 'G', 0)!
      expect(core.lowMark(queue)).toBeLessThanOrEqual(queue.cursor)
      expect(core.ledger(queue, { max: queue.cursor }).faults).toEqual([])
    }),
    { numRuns: 100 },
  )
})
