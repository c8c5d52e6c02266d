import { expect, test } from '@jest/globals'
import { NOW, createWorld, expectBalanced, pop, started } from './world.ts'

test('low mark: the messages of a batch diverged → the lowest of all its parts', () => {
  const world = createWorld()
  const queue = started(world)
  const popTime = pop(world, queue, 8)
  const later = (offset: number) =>
    world.core.changeInvisible(queue, offset, popTime, { nowMs: NOW + 1, invisibleMs: 90_000 })
  later(5)
  later(2)
  expect(world.core.lowMark(queue)).toBe(0)
  for (const offset of [0, 1, 3]) world.core.ack(queue, offset, popTime)
  expect(world.core.lowMark(queue)).toBe(2)
  world.core.ack(queue, 2, NOW + 1)
  expect(world.core.lowMark(queue)).toBe(4)
  expectBalanced(world.core, queue, 8)
})
