import { expect, test } from '@jest/globals'
import { createInflight } from '../../../src/inflight/inflight.ts'
import {
  INCARNATION,
  NOW,
  OPTIONS,
  createWorld,
  expectBalanced,
  expectSame,
  pop,
  popAgain,
  rebuilt,
  replayInto,
  started,
  snapshotOf,
} from '../world.ts'

const FULL = 1_000_000

test('journal: a Turn with pops, acks, changes, expiry and retention → its record gives an equal state', () => {
  const world = createWorld()
  const queue = started(world, 10)
  const other = started(world, 0, 7)
  const popTime = pop(world, queue, 50, { invisible: 100 })
  pop(world, other, 3)
  for (const offset of [10, 11, 13, 40, 59]) world.core.ack(queue, offset, popTime)
  world.core.changeInvisible(queue, 20, popTime, { nowMs: NOW + 5, invisibleMs: 7000 })
  world.core.changeInvisible(queue, 21, popTime, { nowMs: NOW + 5, invisibleMs: 0 })
  world.core.settle(queue, 22, popTime, 'damaged')
  popAgain(world, queue, 1, { now: NOW + 6 })
  world.core.expire(NOW + 100, FULL)
  popAgain(world, queue, 7, { now: NOW + 101 })
  world.core.retain(queue, 15)
  world.core.clamp(queue, 55)
  world.seal()
  const copy = rebuilt(world.log)
  expectSame(copy, world.core, true)
  expectBalanced(copy, copy.queue('T', 'G', 0)!, 55)
})

test('journal: deliveries of another queue go on, with messages before them that nobody had → an equal state, each once', () => {
  const world = createWorld()
  const queue = started(world)
  const delivery = { popTime: NOW - 50, deadlineMs: NOW + 100 }
  for (const offset of [40, 41, 45]) expect(world.core.claim(queue, offset, delivery)).toBe(true)
  for (const offset of [0, 40, 44]) expect(world.core.claim(queue, offset, delivery)).toBe(false)
  expect(queue).toMatchObject({ cursor: 46, inFlight: 3, ready: 43, entries: 5 })
  expect(world.core.isInFlight(queue, 41)).toBe(true)
  expect(world.core.isInFlight(queue, 44)).toBe(false)
  expect(world.core.ack(queue, 41, NOW - 50)).toBe(true)
  expect(popAgain(world, queue, 1, { now: NOW + 1 }).attempts).toEqual([1])
  expect(world.core.expire(NOW + 99, FULL).released).toBe(0)
  world.seal()
  expect(world.core.expire(NOW + 100, FULL).released).toBe(2)
  world.seal()
  const copy = rebuilt(world.log)
  expectSame(copy, world.core, true)
  expectBalanced(copy, copy.queue('T', 'G', 0)!, 46)
})

test('journal: an ack → settled after a crash too, the message is not delivered again', () => {
  const world = createWorld()
  const queue = started(world)
  const popTime = pop(world, queue, 2)
  world.seal()
  world.core.ack(queue, 0, popTime)
  world.seal()
  const core = rebuilt(world.log)
  const found = core.queue('T', 'G', 0)!
  expect(core.lowMark(found)).toBe(1)
  expect(core.expire(NOW + 60_000, FULL).released).toBe(1)
  expect(core.popReady(found, { popTime: core.nextPopTime(NOW + 60_000), invisibleMs: 1, max: 32 }).offsets).toEqual([
    1,
  ])
})

test('journal: an expiry → the attempt is counted after a crash too', () => {
  const world = createWorld()
  const queue = started(world)
  pop(world, queue, 1, { invisible: 10 })
  world.seal()
  world.core.expire(NOW + 10, FULL)
  world.seal()
  const core = rebuilt(world.log)
  const found = core.queue('T', 'G', 0)!
  expect(core.popReady(found, { popTime: core.nextPopTime(NOW + 10), invisibleMs: 1, max: 1 }).attempts).toEqual([2])
})

test('journal: a crash before an expiry is recorded → due at once after the restart, nothing is forgotten', () => {
  const world = createWorld()
  const queue = started(world)
  pop(world, queue, 5, { invisible: 10 })
  world.seal()
  const core = rebuilt(world.log)
  expect(core.nextDeadline()).toBe(NOW + 10)
  expect(core.expire(NOW + 5000, FULL)).toMatchObject({ released: 5 })
})

test('journal: acks of one batch in one Turn → one operation of a few bytes', () => {
  const world = createWorld()
  const queue = started(world)
  const popTime = pop(world, queue, 32)
  world.seal()
  for (let offset = 0; offset < 32; offset += 1) world.core.ack(queue, offset, popTime)
  world.seal()
  const record = world.log.at(-1)!
  expect(record.kind === 'journal' && record.body.length).toBeLessThan(40)
  const core = rebuilt(world.log)
  expect(core.lowMark(core.queue('T', 'G', 0)!)).toBe(32)
})

test('journal: F of the seal and the settings come back with the record, an incarnation is its place', () => {
  const world = createWorld()
  world.core.recordSetting({ kind: 'topic-created', name: 'N', incarnation: 0, payload: '{"ä":1}' })
  world.core.recordSetting({ kind: 'group-changed', name: 'G', incarnation: 0, payload: '{}' })
  const body = world.core.takeChanges({ provenFlushed: 123_456_789_012 })!
  expect(createInflight(OPTIONS).replay(body, 777)).toEqual({
    provenFlushed: 123_456_789_012,
    settings: [
      { kind: 'topic-created', name: 'N', incarnation: 777, payload: '{"ä":1}' },
      { kind: 'group-changed', name: 'G', incarnation: 0, payload: '{}' },
    ],
    statesComplete: [],
    applied: 2,
    ignored: 0,
  })
})

test('journal: acks of equal offsets and pop times in two queues of one Turn → each in its own queue', () => {
  const world = createWorld()
  const queues = [started(world, 0, 0), started(world, 0, 1)]
  for (const queue of queues) pop(world, queue, 4)
  for (const offset of [0, 1, 2]) for (const queue of queues) world.core.ack(queue, offset + queue.queueId, NOW)
  world.seal()
  expectSame(rebuilt(world.log), world.core)
})

test('journal: operations and copies of an older incarnation → ignored, even where they would fit the new topic', () => {
  const old = createWorld()
  const before = started(old)
  pop(old, before, 2)
  old.seal()
  pop(old, before, 1)
  old.core.ack(before, 0, NOW)
  old.core.retain(before, 2)
  old.seal()
  const world = createWorld()
  world.core.start({ topic: 'T', incarnation: INCARNATION + 1, group: 'G', queueId: 0 }, 0)
  pop(world, world.core.queue('T', 'G', 0)!, 2)
  world.seal()
  const core = rebuilt(world.log)
  for (const record of old.log) {
    if (record.kind === 'journal') expect(core.replay(record.body, record.place).applied).toBe(0)
  }
  const origin = { topic: 'T', incarnation: INCARNATION, group: 'G', queueId: 0, offset: 0, popTime: NOW }
  expect(core.applyOrigin(origin, 'dead')).toBe(false)
  expectSame(core, world.core)
  expect(core.applyOrigin({ ...origin, incarnation: INCARNATION + 1 }, 'dead')).toBe(true)
})

test('journal: the state of an older incarnation at a roll → ignored, the new topic of the name is untouched', () => {
  const old = createWorld()
  pop(old, started(old), 3)
  old.seal()
  old.core.beginRoll(4096)
  old.core.rollStep(1)
  old.seal()
  const world = createWorld()
  world.core.start({ topic: 'T', incarnation: INCARNATION + 1, group: 'G', queueId: 0 }, 0)
  world.seal()
  const core = replayInto(rebuilt(world.log), old.log)
  expectSame(core, world.core)
})

test('journal: a newer incarnation whose create record was lost → takes the place of the older one', () => {
  const world = createWorld()
  started(world)
  world.seal()
  const core = rebuilt(world.log)
  const other = createWorld()
  other.core.start({ topic: 'T', incarnation: INCARNATION + 1, group: 'G', queueId: 3 }, 9)
  other.seal()
  replayInto(core, other.log)
  expectSame(core, other.core)
})

test('journal: deleted topics and groups → replay drops their states as the live core did', () => {
  const world = createWorld()
  const queue = started(world)
  pop(world, queue, 3)
  const elsewhere = world.core.start({ topic: 'T2', incarnation: INCARNATION, group: 'G', queueId: 0 }, 0)
  pop(world, elsewhere, 2)
  world.seal()
  world.core.recordSetting({ kind: 'topic-deleted', name: 'T', incarnation: INCARNATION, payload: '' })
  world.seal()
  expectSame(rebuilt(world.log), world.core, true)
  world.core.recordSetting({ kind: 'group-deleted', name: 'G', incarnation: 0, payload: '' })
  world.core.start({ topic: 'T2', incarnation: INCARNATION, group: 'G', queueId: 0 }, 2)
  world.seal()
  const core = rebuilt(world.log)
  expectSame(core, world.core, true)
  expect(core.deletedMessages).toBe(5)
})

test('copies: the copy is the settle → its origin is settled on replay, once', () => {
  const world = createWorld({ maxAttempts: () => 1 })
  const queue = started(world)
  const popTime = pop(world, queue, 2, { invisible: 10 })
  world.seal()
  world.core.expire(NOW + 10, FULL)
  world.copy(queue, 0, popTime)
  world.seal()
  const core = rebuilt(world.log)
  const found = core.queue('T', 'G', 0)!
  expect(core.lowMark(found)).toBe(1)
  expect(core.ledger(found, { max: 2 }).buckets.dead).toBe(1)
  const copy = world.log.find((record) => record.kind === 'copy')!
  expect(copy.kind === 'copy' && core.applyOrigin(copy.origin, 'dead')).toBe(false)
  expectBalanced(core, found, 2)
})

test('copies: a crash right behind the copy, before the record of its Turn → settled, not copied again', () => {
  const world = createWorld({ maxAttempts: () => 1 })
  const queue = started(world)
  const popTime = pop(world, queue, 1, { invisible: 10 })
  world.seal()
  world.core.expire(NOW + 10, FULL)
  world.copy(queue, 0, popTime)
  const core = rebuilt(world.log, { maxAttempts: () => 1 })
  expect(core.expire(NOW + 10_000, FULL)).toMatchObject({ dead: [], released: 0 })
  expect(core.lowMark(core.queue('T', 'G', 0)!)).toBe(1)
})

test('copies: a crash before the copy → pending ones are due again after the restart', () => {
  const world = createWorld({ maxAttempts: () => 1 })
  const queue = started(world)
  pop(world, queue, 3, { invisible: 10 })
  world.seal()
  expect(world.core.expire(NOW + 10, FULL).dead).toHaveLength(3)
  world.seal()
  const core = rebuilt(world.log, { maxAttempts: () => 1 })
  expect(core.expire(NOW + 10, FULL).dead).toHaveLength(3)
})

test('clamp: done after recovery → it is in the journal, so the next recovery comes to the same state', () => {
  const world = createWorld()
  const queue = started(world)
  pop(world, queue, 20)
  world.seal()
  world.core = rebuilt(world.log)
  const found = world.core.queue('T', 'G', 0)!
  world.core.clamp(found, 12)
  world.seal()
  pop(world, found, 5)
  world.seal()
  expectSame(rebuilt(world.log), world.core, true)
})

test('a hole in the journal: a pop was lost → its messages are released, none is lost', () => {
  const world = createWorld()
  const queue = started(world)
  pop(world, queue, 3)
  world.seal()
  pop(world, queue, 40)
  world.seal()
  pop(world, queue, 2)
  world.seal()
  const core = rebuilt([world.log[0]!, world.log[2]!])
  const found = core.queue('T', 'G', 0)!
  expect(found).toMatchObject({ cursor: 45, inFlight: 5, ready: 40 })
  expectBalanced(core, found, 45)
})

test('a hole in the journal: too large to close → the pop behind it is ignored, its messages come again', () => {
  const world = createWorld()
  const queue = started(world)
  world.seal()
  world.core.popNext(queue, { popTime: NOW, invisibleMs: 1, to: 1_000_000, taken: [] })
  world.seal()
  pop(world, queue, 2)
  world.seal()
  const core = rebuilt([world.log[0]!, world.log[2]!])
  expect(core.queue('T', 'G', 0)).toMatchObject({ cursor: 0, inFlight: 0 })
})

test('roll: states are rewritten, a few per Turn → the segments before are not needed any more', () => {
  const world = createWorld()
  const queues = [0, 1, 2, 3].map((id) => started(world, id, id))
  for (const queue of queues) pop(world, queue, 40, { invisible: 1000 * (queue.queueId + 1) })
  world.core.ack(queues[2]!, 3, NOW)
  world.seal()
  world.core.expire(NOW + 2000, FULL)
  world.seal()
  const from = world.log.length
  const base = world.end
  world.core.beginRoll(base)
  let steps = 0
  let complete = false
  while (!complete) {
    steps += 1
    const popTime = pop(world, queues[steps % 4]!, 5, { now: NOW + 2000 + steps })
    complete = world.core.rollStep(1)
    world.core.ack(queues[steps % 4]!, queues[steps % 4]!.cursor - 1, popTime)
    popAgain(world, queues[(steps + 1) % 4]!, 3, { now: NOW + 3000 })
    world.seal()
  }
  expect(steps).toBe(4)
  expect(world.core.rolling).toBe(false)
  const core = createInflight(OPTIONS)
  const markers = world.log.slice(from).map((record) => {
    return record.kind === 'journal' ? core.replay(record.body, record.place).statesComplete : []
  })
  expect(markers).toEqual([[], [], [], [base]])
  expectSame(core, world.core)
  for (const queue of core.all()) expectBalanced(core, queue, queue.cursor)
})

test('roll: a state stands behind the operations of its own record → none of them is applied twice', () => {
  const world = createWorld()
  const queue = started(world)
  pop(world, queue, 2, { invisible: 10 })
  world.seal()
  world.core.beginRoll(world.end)
  expect(world.core.rollStep(FULL)).toBe(true)
  world.core.expire(NOW + 10, FULL)
  popAgain(world, queue, 1, { now: NOW + 10 })
  pop(world, queue, 3)
  world.seal()
  const core = rebuilt(world.log.slice(1))
  expectSame(core, world.core)
  expect(core.queue('T', 'G', 0)).toMatchObject({ cursor: 5, ready: 1, inFlight: 4 })
  expectSame(rebuilt(world.log), world.core)
})

test('roll: queues that start or are deleted meanwhile → the log from the roll on still has exactly the live ones', () => {
  const world = createWorld()
  const queues = [0, 1, 2].map((id) => started(world, 0, id))
  const doomed = world.core.start({ topic: 'D', incarnation: INCARNATION, group: 'G', queueId: 0 }, 0)
  pop(world, doomed, 3)
  world.seal()
  const from = world.log.length
  world.core.beginRoll(world.end)
  world.core.rollStep(1)
  world.seal()
  pop(world, started(world, 5, 9), 2)
  world.core.recordSetting({ kind: 'topic-deleted', name: 'D', incarnation: INCARNATION, payload: '' })
  world.seal()
  while (!world.core.rollStep(1)) world.seal()
  pop(world, queues[0]!, 2)
  world.seal()
  const core = rebuilt(world.log.slice(from))
  expectSame(core, world.core)
  expect([...core.all()]).toHaveLength(4)
})

test('roll: nothing lives → complete at once, with its marker', () => {
  const world = createWorld()
  world.core.beginRoll(4096)
  expect(world.core.rollStep(1)).toBe(true)
  const body = world.core.takeChanges({ provenFlushed: 0 })!
  expect(createInflight(OPTIONS).replay(body, 5000).statesComplete).toEqual([4096])
  expect(world.core.rollStep(1)).toBe(true)
  expect(world.core.takeChanges({ provenFlushed: 0 })).toBeUndefined()
})

test('snapshot: restored and the log behind it replayed → the same as the whole log', () => {
  const world = createWorld()
  const queue = started(world)
  const popTime = pop(world, queue, 40, { invisible: 10 })
  world.core.ack(queue, 1, popTime)
  world.core.expire(NOW + 10, FULL)
  popAgain(world, queue, 5, { now: NOW + 10 })
  world.seal()
  const snapshot = snapshotOf(world.core)
  const from = world.log.length
  popAgain(world, queue, 5, { now: NOW + 20 })
  pop(world, queue, 2)
  world.seal()
  const core = createInflight(OPTIONS)
  core.restoreSnapshot(snapshot)
  replayInto(core, world.log.slice(from))
  expectSame(core, world.core, true)
  expect(core.nextPopTime(0)).toBe(world.core.nextPopTime(0))
})

test('snapshot: into a core that has something → refused as a programmer error', () => {
  const world = createWorld()
  started(world)
  expect(() => world.core.restoreSnapshot(snapshotOf(world.core))).toThrow('empty core')
})
