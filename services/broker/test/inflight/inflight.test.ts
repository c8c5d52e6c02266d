import { expect, test } from '@jest/globals'
import { createInflight } from '../../src/inflight/inflight.ts'
import { NOW, createWorld, expectBalanced, pop, popAgain, started } from './world.ts'

const FULL = 1_000_000

test('start: a group begins at its offset → everything before counts as before-start, nothing is in flight', () => {
  const world = createWorld()
  const queue = started(world, 40)
  expect(world.core.lowMark(queue)).toBe(40)
  expect(world.core.lag(queue, 100)).toBe(60)
  expect(world.core.ledger(queue, { max: 100 }).buckets).toMatchObject({ beforeStart: 40, waiting: 60, acked: 0 })
  expectBalanced(world.core, queue, 100)
})

test('start: twice for the same queue → refused as a programmer error', () => {
  const world = createWorld()
  started(world)
  expect(() => started(world)).toThrow('has started already')
})

test('pop: taken offsets are claimed, the others visited are filtered or damaged, the cursor passes them all', () => {
  const world = createWorld()
  const queue = started(world)
  world.core.popNext(queue, {
    popTime: NOW,
    invisibleMs: 1000,
    to: 90,
    taken: [3, 31, 32, 70],
    damaged: [
      { from: 10, to: 20 },
      { from: 80, to: 82 },
    ],
  })
  expect(queue).toMatchObject({ cursor: 90, inFlight: 4, ready: 0 })
  expect(world.core.lowMark(queue)).toBe(3)
  expect(world.core.ledger(queue, { max: 100 }).buckets).toMatchObject({ inFlight: 4, damaged: 12, filtered: 74 })
  expectBalanced(world.core, queue, 100)
})

test('pop: nothing matched the filter → the low mark passes the visited offsets', () => {
  const world = createWorld()
  const queue = started(world)
  world.core.popNext(queue, { popTime: NOW, invisibleMs: 1000, to: 5000, taken: [] })
  expect(world.core.lowMark(queue)).toBe(5000)
  expect(queue.cursor).toBe(5000)
  expectBalanced(world.core, queue, 5000)
})

test('pop: offsets out of order or outside of what was visited → refused before anything changes', () => {
  const world = createWorld()
  const queue = started(world, 10)
  const next = { popTime: NOW, invisibleMs: 1000 }
  expect(() => world.core.popNext(queue, { ...next, to: 20, taken: [12, 11] })).toThrow('ascending')
  expect(() => world.core.popNext(queue, { ...next, to: 20, taken: [9] })).toThrow('ascending')
  expect(() => world.core.popNext(queue, { ...next, to: 20, taken: [20] })).toThrow('ascending')
  expect(() => world.core.popNext(queue, { ...next, to: 5, taken: [] })).toThrow('never moves the cursor back')
  expect(() => world.core.popNext(queue, { ...next, to: 20, taken: [], damaged: [{ from: 15, to: 21 }] })).toThrow(
    'damaged',
  )
  expect(queue.cursor).toBe(10)
})

test('ack: the low mark follows the first offset that is not settled, whatever the order of the acks', () => {
  const world = createWorld()
  const queue = started(world)
  const popTime = pop(world, queue, 70)
  const settled = new Set<number>()
  for (const offset of [1, 2, 40, 69, 0, 3, 5, 33, 4, 6]) {
    expect(world.core.ack(queue, offset, popTime)).toBe(true)
    settled.add(offset)
    let lowest = 0
    while (settled.has(lowest)) lowest += 1
    expect(world.core.lowMark(queue)).toBe(lowest)
  }
  expect(queue.inFlight).toBe(60)
  expectBalanced(world.core, queue, 70)
})

test('ack: a second time → a no-op that changes nothing and is not journaled', () => {
  const world = createWorld()
  const queue = started(world)
  const popTime = pop(world, queue, 2)
  expect(world.core.ack(queue, 1, popTime)).toBe(true)
  world.seal()
  expect(world.core.ack(queue, 1, popTime)).toBe(false)
  expect(world.seal()).toBeUndefined()
})

test('ack: a pop time that is not equal → a no-op, earlier and later ones alike', () => {
  const world = createWorld()
  const queue = started(world)
  const popTime = pop(world, queue, 2)
  expect(world.core.ack(queue, 1, popTime - 1)).toBe(false)
  expect(world.core.ack(queue, 1, popTime + 1)).toBe(false)
  expect(queue.inFlight).toBe(2)
  expect(world.core.lowMark(queue)).toBe(0)
})

test('ack: an offset that was never delivered, was filtered or lies beyond the cursor → a no-op', () => {
  const world = createWorld()
  const queue = started(world)
  world.core.popNext(queue, { popTime: NOW, invisibleMs: 1000, to: 10, taken: [4] })
  for (const offset of [0, 5, 10, 1e15]) expect(world.core.ack(queue, offset, NOW)).toBe(false)
  expectBalanced(world.core, queue, 10)
})

test('ack: the handle of an expired delivery → a no-op, the message is delivered again', () => {
  const world = createWorld()
  const queue = started(world)
  const popTime = pop(world, queue, 1, { invisible: 100 })
  world.core.expire(NOW + 100, FULL)
  expect(world.core.ack(queue, 0, popTime)).toBe(false)
  const again = popAgain(world, queue, 32, { now: NOW + 100 })
  expect(again).toMatchObject({ offsets: [0], attempts: [2] })
  expect(world.core.ack(queue, 0, popTime)).toBe(false)
  expect(world.core.ack(queue, 0, again.popTime)).toBe(true)
})

test('pop time: the clock stands still or goes back → a delivery of the same offset still gets a later one', () => {
  const world = createWorld()
  const queue = started(world)
  let last = pop(world, queue, 1)
  for (const now of [NOW, NOW, NOW - 3_600_000]) {
    expect(world.core.changeInvisible(queue, 0, last, { nowMs: now, invisibleMs: 0 }).kind).toBe('changed')
    const again = popAgain(world, queue, 1, { now })
    if (again.offsets.length === 0) break
    expect(again.popTime).toBeGreaterThan(last)
    last = again.popTime
  }
})

test('pop time: many pops of a queue in one millisecond → it does not run ahead of the clock', () => {
  const world = createWorld()
  const queue = started(world)
  for (let count = 0; count < 1000; count += 1) expect(pop(world, queue, 1)).toBe(NOW)
})

test('change of invisible time: a new pop time and deadline → the old handle is useless, the new one acts', () => {
  const world = createWorld()
  const queue = started(world)
  const popTime = pop(world, queue, 32, { invisible: 1000 })
  const changed = world.core.changeInvisible(queue, 7, popTime, { nowMs: NOW + 500, invisibleMs: 5000 })
  expect(changed).toEqual({ kind: 'changed', popTime: NOW + 500, deadlineMs: NOW + 5500, released: false })
  expect(world.core.ack(queue, 7, popTime)).toBe(false)
  expect(world.core.expire(NOW + 1000, FULL).released).toBe(31)
  expect(world.core.nextDeadline()).toBe(NOW + 5500)
  expect(world.core.ack(queue, 7, NOW + 500)).toBe(true)
  expectBalanced(world.core, queue, 32)
})

test('change of invisible time: unequal pop time, or acknowledged before → a no-op, nothing is resurrected', () => {
  const world = createWorld()
  const queue = started(world)
  const popTime = pop(world, queue, 2)
  const change = { nowMs: NOW + 10, invisibleMs: 1000 }
  expect(world.core.changeInvisible(queue, 0, popTime + 1, change)).toEqual({ kind: 'no-op' })
  world.core.ack(queue, 1, popTime)
  expect(world.core.changeInvisible(queue, 1, popTime, change)).toEqual({ kind: 'no-op' })
  expect(queue).toMatchObject({ inFlight: 1, ready: 0 })
})

test('change of invisible time: to 0 → ready at once, and the next delivery counts one more attempt', () => {
  const world = createWorld()
  const queue = started(world)
  const popTime = pop(world, queue, 3)
  const changed = world.core.changeInvisible(queue, 1, popTime, { nowMs: NOW + 1, invisibleMs: 0 })
  expect(changed).toMatchObject({ kind: 'changed', released: true })
  expect(queue).toMatchObject({ ready: 1, inFlight: 2 })
  expect(world.core.readyQueueId('T', 'G', 0)).toBe(0)
  expect(popAgain(world, queue, 32, { now: NOW + 1 })).toMatchObject({ offsets: [1], attempts: [2] })
})

test('change of invisible time: to 0 with the attempts used up → due at once for the dead-letter topic', () => {
  const world = createWorld({ maxAttempts: () => 1 })
  const queue = started(world)
  const popTime = pop(world, queue, 1)
  const changed = world.core.changeInvisible(queue, 0, popTime, { nowMs: NOW + 5, invisibleMs: 0 })
  expect(changed).toMatchObject({ kind: 'changed', released: false })
  expect(queue.ready).toBe(0)
  world.seal()
  expect(world.core.expire(NOW + 5, FULL).dead).toMatchObject([{ offset: 0, popTime: NOW + 5, attempts: 1 }])
})

test('change of invisible time: extended again and again → no attempt is counted for it', () => {
  const world = createWorld({ maxAttempts: () => 2 })
  const queue = started(world)
  let popTime = pop(world, queue, 1)
  for (let count = 1; count <= 5; count += 1) {
    const changed = world.core.changeInvisible(queue, 0, popTime, { nowMs: NOW + count, invisibleMs: 10 })
    if (changed.kind === 'changed') popTime = changed.popTime
  }
  expect(world.core.expire(popTime + 10, FULL).released).toBe(1)
  expect(popAgain(world, queue, 1, { now: popTime + 10 }).attempts).toEqual([2])
})

test('settle: a record that can not be read → its bucket says why, the low mark passes it', () => {
  const world = createWorld()
  const queue = started(world)
  const popTime = pop(world, queue, 2)
  expect(world.core.settle(queue, 0, popTime, 'damaged')).toBe(true)
  expect(world.core.settle(queue, 0, popTime, 'damaged')).toBe(false)
  expect(world.core.lowMark(queue)).toBe(1)
  expect(world.core.ledger(queue, { max: 2 }).buckets).toMatchObject({ damaged: 1, inFlight: 1 })
})

test('ready: a batch is larger than what is asked for → split, the lowest offsets first, the rest stays ready', () => {
  const world = createWorld()
  const queue = started(world)
  pop(world, queue, 10, { invisible: 10 })
  world.core.expire(NOW + 10, FULL)
  const first = popAgain(world, queue, 4, { now: NOW + 10 })
  expect(first.offsets).toEqual([0, 1, 2, 3])
  const second = popAgain(world, queue, 32, { now: NOW + 10 })
  expect(second.offsets).toEqual([4, 5, 6, 7, 8, 9])
  expect(queue).toMatchObject({ ready: 0, inFlight: 10 })
  expect(world.core.readyQueueId('T', 'G', 0)).toBeUndefined()
  expectBalanced(world.core, queue, 10)
})

test('ready queues: found from any queue id on, cyclically, without those that have nothing', () => {
  const world = createWorld()
  const queues = [2, 40, 100].map((id) => started(world, 0, id))
  expect(world.core.queuesOf('T', 'G').map(({ queueId }) => queueId)).toEqual([2, 40, 100])
  expect(world.core.readyQueueId('T', 'G', 0)).toBeUndefined()
  for (const queue of [queues[0]!, queues[2]!]) pop(world, queue, 1, { invisible: 0 })
  world.core.expire(NOW, FULL)
  expect([0, 2, 3, 100, 101, 5000].map((from) => world.core.readyQueueId('T', 'G', from))).toEqual([
    2, 2, 100, 100, 2, 2,
  ])
  popAgain(world, queues[0]!)
  expect(world.core.readyQueueId('T', 'G', 0)).toBe(100)
  expect(world.core.readyQueueId('T', 'other', 0)).toBeUndefined()
})

test('an empty core: nothing is due, nothing changed, nothing to seal', () => {
  const core = createInflight({ maxAttempts: () => 17 })
  expect(core.nextDeadline()).toBeUndefined()
  expect(core.changesBytes).toBe(0)
  expect(core.takeChanges({ provenFlushed: 1 })).toBeUndefined()
  expect(core.queuesOf('T', 'G')).toEqual([])
})
