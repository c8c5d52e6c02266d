import { expect, test } from '@jest/globals'
import { NOW, createWorld, expectBalanced, pop, popAgain, started } from './world.ts'

const FULL = 1_000_000

test('expiry: not before the deadline, and then the whole batch in its place', () => {
  const world = createWorld()
  const queue = started(world)
  const popTime = pop(world, queue, 40, { invisible: 100 })
  world.core.ack(queue, 0, popTime)
  expect(world.core.nextDeadline()).toBe(NOW + 100)
  expect(world.core.expire(NOW + 99, FULL)).toMatchObject({ released: 0, readied: [], more: false })
  const expired = world.core.expire(NOW + 100, FULL)
  expect(expired).toMatchObject({ released: 39, dead: [], more: false })
  expect(expired.readied).toEqual([queue])
  expect(world.core.nextDeadline()).toBeUndefined()
  expect(world.core.lowMark(queue)).toBe(1)
  expect(world.core.lag(queue, 40)).toBe(39)
  expectBalanced(world.core, queue, 40)
})

test('expiry: more is due than the bound lets through → the rest comes with the next call', () => {
  const world = createWorld()
  const queue = started(world)
  for (let count = 0; count < 10; count += 1) pop(world, queue, 32, { invisible: count })
  const first = world.core.expire(NOW + 1000, 64)
  expect(first).toMatchObject({ released: 64, more: true })
  expect(world.core.expire(NOW + 1000, FULL)).toMatchObject({ released: 256, more: false, readied: [] })
})

test('expiry: in the order of deadlines → what was due first is delivered first', () => {
  const world = createWorld()
  const queue = started(world)
  for (const invisible of [500, 100, 300]) pop(world, queue, 32, { invisible })
  world.core.expire(NOW + 1000, FULL)
  const again = popAgain(world, queue, 40, { now: NOW + 1000 })
  expect(again.offsets.slice(0, 32)).toEqual(Array.from({ length: 32 }, (_, index) => 32 + index))
  expect(again.offsets.slice(32)).toEqual(Array.from({ length: 8 }, (_, index) => 64 + index))
  expectBalanced(world.core, queue, 96)
})

test('attempts: each delivery after an expiry counts one more, up to the group’s maximum', () => {
  const world = createWorld({ maxAttempts: () => 4 })
  const queue = started(world)
  pop(world, queue, 1, { invisible: 10 })
  const attempts: number[] = []
  let now = NOW
  for (let round = 0; round < 5; round += 1) {
    now += 10
    world.seal()
    world.core.expire(now, FULL)
    attempts.push(...popAgain(world, queue, 1, { now, invisible: 10 }).attempts)
  }
  expect(attempts).toEqual([2, 3, 4])
})

test('dead letters: attempts used up → handed out once, claimed by nobody else, settled by the copy', () => {
  const world = createWorld({ maxAttempts: () => 1 })
  const queue = started(world)
  const popTime = pop(world, queue, 2, { invisible: 10 })
  world.seal()
  const { dead, released } = world.core.expire(NOW + 10, FULL)
  expect(released).toBe(0)
  expect(dead.map(({ offset }) => offset)).toEqual([0, 1])
  expect(dead[0]).toMatchObject({ queue, popTime, attempts: 1 })
  expect(world.core.expire(NOW + 10_000, FULL).dead).toEqual([])
  expect(popAgain(world, queue).offsets).toEqual([])
  expect(queue.inFlight).toBe(2)
  expect(world.core.isDeadPending(queue, 0, popTime)).toBe(true)
  expect(world.copy(queue, 0, popTime)).toBe(true)
  expect(world.core.lowMark(queue)).toBe(1)
  expect(world.core.ledger(queue, { max: 2 }).buckets).toMatchObject({ dead: 1, inFlight: 1 })
  expectBalanced(world.core, queue, 2)
})

test('dead letters: acknowledged while its copy was prepared → no longer pending, no copy', () => {
  const world = createWorld({ maxAttempts: () => 1 })
  const queue = started(world)
  const popTime = pop(world, queue, 1, { invisible: 10 })
  world.seal()
  world.core.expire(NOW + 10, FULL)
  expect(world.core.ack(queue, 0, popTime)).toBe(true)
  expect(world.core.isDeadPending(queue, 0, popTime)).toBe(false)
  expect(world.core.settleByCopy(queue, 0, popTime, 'dead')).toBe(false)
  expect(world.core.ledger(queue, { max: 1 }).buckets).toMatchObject({ acked: 1, dead: 0 })
})

test('dead letters: popped in this very Turn → due in the next one, so that its copy stands behind its pop', () => {
  const world = createWorld({ maxAttempts: () => 1 })
  const queue = started(world)
  pop(world, queue, 1, { invisible: 0 })
  expect(world.core.expire(NOW, FULL)).toMatchObject({ dead: [], more: true })
  world.seal()
  expect(world.core.expire(NOW, FULL).dead).toHaveLength(1)
})

test('dead letters: the copy can not be made now → due again at the given time, the others stay pending', () => {
  const world = createWorld({ maxAttempts: () => 1 })
  const queue = started(world)
  const popTime = pop(world, queue, 3, { invisible: 10 })
  world.seal()
  expect(world.core.expire(NOW + 10, FULL).dead).toHaveLength(3)
  expect(world.core.postpone(queue, 1, popTime, NOW + 500)).toBe(true)
  expect(world.core.nextDeadline()).toBe(NOW + 500)
  expect(world.core.expire(NOW + 500, FULL).dead.map(({ offset }) => offset)).toEqual([1])
  expect(world.core.isDeadPending(queue, 0, popTime)).toBe(true)
  expectBalanced(world.core, queue, 3)
})
