// A reset of one queue, in the core alone.
import { expect, test } from '@jest/globals'
import { expectBalanced, expectSame, NOW, pop, popAgain, rebuilt, createWorld, started } from './world.ts'

test('reset: the attempts of a queue in order → forgotten, and so is its block', () => {
  const world = createWorld()
  const queue = started(world)
  expect(world.core.isFree(queue)).toBe(true)
  pop(world, queue, 2)
  world.core.noteAttempt(queue, 'first')
  expect([world.core.isFree(queue), queue.attemptId]).toEqual([false, 'first'])
  world.core.reset(queue, 0)
  expect([world.core.isFree(queue), queue.attemptId, queue.epoch]).toEqual([true, '', 1])
  pop(world, queue, 1)
  const times = { popTime: world.core.nextPopTimeOfAll(NOW), invisibleMs: 1000 }
  expect(world.core.hasBatch(queue, 'first')).toBe(false)
  expect(world.core.popBatchAgain(queue, 'first', times).offsets).toEqual([])
  world.seal()
  expectSame(rebuilt(world.log), world.core)
})

test('reset: into the middle of a popped batch → what is below is skipped, what is above comes as a first delivery', () => {
  const world = createWorld()
  const queue = started(world)
  const popTime = pop(world, queue, 40)
  world.core.ack(queue, 35, popTime)
  world.core.ack(queue, 3, popTime)
  world.core.reset(queue, 33)
  expect([queue.cursor, queue.inFlight, queue.ready, queue.entries]).toEqual([33, 0, 0, 0])
  expectBalanced(world.core, queue, 40)
  expect(world.core.ledger(queue, { max: 40 }).buckets).toMatchObject({ waiting: 7, skipped: 32, acked: 1 })
  world.seal()
  expectSame(rebuilt(world.log), world.core)
})

test('reset: a queue with released messages → none is ready, and its deadline is gone', () => {
  const world = createWorld()
  const queue = started(world)
  pop(world, queue, 3, { invisible: 10 })
  world.core.expire(NOW + 20, 100)
  expect(queue.ready).toBe(3)
  world.core.reset(queue, 3)
  expect(world.core.readyQueueId('T', 'G', 0)).toBeUndefined()
  expect(world.core.nextDeadline()).toBeUndefined()
  expect(popAgain(world, queue).offsets).toEqual([])
  expectBalanced(world.core, queue, 3)
})

test('reset: a message whose attempts are used up waits for its copy → no copy of it can be made any more', () => {
  const world = createWorld({ maxAttempts: () => 1 })
  const queue = started(world)
  pop(world, queue, 1, { invisible: 10 })
  world.seal()
  const [dead] = world.core.expire(NOW + 20, 100).dead
  expect(world.core.isDeadPending(queue, 0, dead!.popTime)).toBe(true)
  world.core.reset(queue, 0)
  expect(world.core.isDeadPending(queue, 0, dead!.popTime)).toBe(false)
  expect(world.copy(queue, 0, dead!.popTime)).toBe(false)
  expect(world.core.postpone(queue, 0, dead!.popTime, NOW + 1000)).toBe(false)
  expect(world.core.ledger(queue, { max: 1 })).toMatchObject({ balanced: true, buckets: { waiting: 1 } })
})

test('reset: a queue that is gone → nothing happens', () => {
  const world = createWorld()
  const queue = started(world)
  world.core.recordSetting({ kind: 'group-deleted', name: 'G', incarnation: 0, payload: '' })
  world.core.reset(queue, 5)
  expect([queue.cursor, queue.epoch]).toEqual([0, 0])
})
