import { expect, test } from '@jest/globals'
import { INCARNATION, NOW, createWorld, expectBalanced, expectSame, pop, popAgain, rebuilt, started } from './world.ts'

const FULL = 1_000_000

test('bounds: the entries of a queue are used up → no room, with the reason; released messages are still delivered', () => {
  const limits = { entriesPerQueue: 3, entriesPerBroker: 100, splitReserve: 10 }
  const world = createWorld({ maxAttempts: () => 9, limits })
  const queue = started(world)
  for (let count = 0; count < 3; count += 1) pop(world, queue, 1, { invisible: 0 })
  expect(world.core.room(queue)).toBe(0)
  expect(world.core.fullReason(queue)).toBe('queue-entries')
  expect(() => pop(world, queue, 1)).toThrow('room')
  world.core.expire(NOW, FULL)
  expect([...popAgain(world, queue).offsets].sort()).toEqual([0, 1, 2])
})

test('bounds: the entries of the broker are used up → no room in any queue, with the reason', () => {
  const limits = { entriesPerQueue: 3, entriesPerBroker: 4, splitReserve: 10 }
  const world = createWorld({ maxAttempts: () => 9, limits })
  const [a, b] = [started(world, 0, 0), started(world, 0, 1)]
  for (let count = 0; count < 3; count += 1) pop(world, a, 1)
  expect(world.core.room(b)).toBe(1)
  pop(world, b, 1)
  expect(world.core.room(b)).toBe(0)
  expect(world.core.fullReason(b)).toBe('broker-entries')
})

test('bounds: batches may no longer be split → a change is answered full, single ones are still changed', () => {
  const limits = { entriesPerQueue: 10, entriesPerBroker: 5, splitReserve: 0 }
  const world = createWorld({ maxAttempts: () => 9, limits })
  const queue = started(world)
  for (const from of [0, 32, 64, 96]) {
    world.core.popNext(queue, { popTime: NOW, invisibleMs: 10, to: from + 2, taken: [from, from + 1] })
  }
  const change = (offset: number) => world.core.changeInvisible(queue, offset, NOW, { nowMs: NOW, invisibleMs: 5 })
  expect(change(64).kind).toBe('changed')
  expect(change(0)).toEqual({ kind: 'full' })
  expect(world.core.ack(queue, 0, NOW)).toBe(true)
  expect(change(1).kind).toBe('changed')
  expectBalanced(world.core, queue, 98)
})

test('bounds: one queue takes at most twice its entries by splits → then a change is answered full', () => {
  const world = createWorld({
    maxAttempts: () => 9,
    limits: { entriesPerQueue: 10, entriesPerBroker: 1000, splitReserve: 0 },
  })
  const queue = started(world)
  for (const count of [10, 9, 8]) pop(world, queue, count)
  const kinds = Array.from({ length: 27 }, (_, offset) => {
    return world.core.changeInvisible(queue, offset, NOW, { nowMs: NOW, invisibleMs: 5 }).kind
  })
  expect(kinds.indexOf('full')).toBeGreaterThanOrEqual(16)
  expect(world.core.room(queue)).toBe(0)
  expect(world.core.fullReason(queue)).toBe('queue-entries')
  expectBalanced(world.core, queue, 27)
})

test('bounds: a delivery of another queue, or what waits before it, has no room → it is not taken over, nothing changes', () => {
  const limits = { entriesPerQueue: 4, entriesPerBroker: 100, splitReserve: 10 }
  const world = createWorld({ maxAttempts: () => 9, limits })
  const queue = started(world)
  const delivery = { popTime: NOW, deadlineMs: NOW + 10 }
  expect(world.core.claim(queue, 96, delivery)).toBe(false)
  expect(world.core.claim(queue, 65_537, delivery)).toBe(false)
  expect(queue).toMatchObject({ cursor: 0, entries: 0 })
  expect(world.core.claim(queue, 64, delivery)).toBe(true)
  expect(queue).toMatchObject({ cursor: 65, entries: 3 })
  expect(world.core.claim(queue, 65, delivery)).toBe(false)
  expectBalanced(world.core, queue, 65)
})

test('retention: a copy whose time was over before it was given out (a clock that went back) → the journal can be read', () => {
  const world = createWorld()
  const queue = started(world)
  expect(world.core.claim(queue, 3, { popTime: NOW, deadlineMs: NOW - 103 })).toBe(true)
  world.seal()
  expectSame(rebuilt(world.log), world.core)
  expect(world.core.nextDeadline()).toBe(NOW)
})

test('retention: messages below the new min are gone → waiting and claimed ones count as expired', () => {
  const world = createWorld()
  const queue = started(world)
  const popTime = pop(world, queue, 50, { invisible: 100 })
  world.core.ack(queue, 3, popTime)
  expect(world.core.retain(queue, 0)).toBe(false)
  expect(world.core.retain(queue, 40)).toBe(true)
  expect(world.core.lowMark(queue)).toBe(40)
  expect(queue.inFlight).toBe(10)
  expect(world.core.ledger(queue, { max: 200 }).buckets).toMatchObject({ expired: 39, acked: 1, inFlight: 10 })
  world.core.expire(NOW + 100, FULL)
  expect(world.core.retain(queue, 120)).toBe(true)
  expect(queue).toMatchObject({ cursor: 120, ready: 0, inFlight: 0 })
  expect(world.core.readyQueueId('T', 'G', 0)).toBeUndefined()
  expectBalanced(world.core, queue, 200)
})

test('clamp: the log ends before the cursor → cursor, low mark and entries stay within it, the ledger adds up', () => {
  const world = createWorld()
  const queue = started(world)
  const popTime = pop(world, queue, 50)
  for (const offset of [5, 41, 45, 49]) world.core.ack(queue, offset, popTime)
  pop(world, queue, 10, { invisible: 0 })
  world.core.expire(NOW, FULL)
  expect(world.core.clamp(queue, 60)).toBe(false)
  expect(world.core.clamp(queue, 45)).toBe(true)
  expect(queue).toMatchObject({ cursor: 45, ready: 0, inFlight: 43 })
  expect(world.core.lowMark(queue)).toBe(0)
  expect(world.core.ledger(queue, { max: 45 }).buckets).toMatchObject({ inFlight: 43, acked: 2, waiting: 0 })
  expectBalanced(world.core, queue, 45)
  expect(world.core.clamp(queue, 0)).toBe(true)
  expect(world.core.lowMark(queue)).toBe(0)
  expectBalanced(world.core, queue, 0)
})

test('clamp: offsets that are given to new messages → handles of the vanished ones act on nothing', () => {
  const world = createWorld()
  const queue = started(world)
  const popTime = pop(world, queue, 10)
  world.core.clamp(queue, 4)
  expect(pop(world, queue, 6)).toBeGreaterThan(popTime)
  expect(world.core.ack(queue, 7, popTime)).toBe(false)
})

test('topics: deleted → its states are dropped, handles do nothing, live messages are counted as deleted', () => {
  const world = createWorld()
  const queue = started(world)
  const popTime = pop(world, queue, 5)
  world.core.recordSetting({ kind: 'topic-deleted', name: 'T', incarnation: INCARNATION, payload: '' })
  expect(world.core.queue('T', 'G', 0)).toBeUndefined()
  expect(queue.dropped).toBe(true)
  expect(world.core.deletedMessages).toBe(5)
  const other = world.core.start({ topic: 'T2', incarnation: INCARNATION, group: 'G', queueId: 0 }, 0)
  pop(world, other, 5)
  expect(world.core.ack(queue, 0, popTime)).toBe(false)
  expect(world.core.changeInvisible(queue, 0, popTime, { nowMs: NOW, invisibleMs: 0 })).toEqual({ kind: 'no-op' })
  expect(world.core.room(queue)).toBe(0)
  expect(other.inFlight).toBe(5)
})

test('topics: created anew → queues of the older incarnation are gone, the group starts again', () => {
  const world = createWorld()
  const old = started(world)
  pop(world, old, 5)
  world.core.recordSetting({ kind: 'topic-created', name: 'T', incarnation: 0, payload: '{}' })
  const incarnation = world.seal()!
  const queue = world.core.start({ topic: 'T', incarnation, group: 'G', queueId: 0 }, 0)
  expect(old.dropped).toBe(true)
  expect(world.core.queue('T', 'G', 0)).toBe(queue)
  expect(world.core.nextDeadline()).toBeUndefined()
})

test('groups: deleted → dropped in every topic, other groups keep theirs', () => {
  const world = createWorld()
  const ref = { topic: 'T', incarnation: INCARNATION, queueId: 0 }
  const mine = world.core.start({ ...ref, group: 'G' }, 0)
  const elsewhere = world.core.start({ ...ref, topic: 'T2', group: 'G' }, 0)
  const other = world.core.start({ ...ref, group: 'H' }, 0)
  world.core.recordSetting({ kind: 'group-deleted', name: 'G', incarnation: 0, payload: '' })
  expect([mine, elsewhere, other].map(({ dropped }) => dropped)).toEqual([true, true, false])
  expect([...world.core.all()]).toEqual([other])
})
