import { expect, test } from '@jest/globals'
import { type QueueState, createInflight } from '../../src/inflight/inflight.ts'
import { NOW, OPTIONS, createWorld, pop, snapshotOf, started, watchSnapshot } from './world.ts'
import type { World } from './world.ts'

const GROUP_DELETED = { kind: 'group-deleted', name: 'G', incarnation: 0, payload: '' } as const

function hide(world: World, queue: QueueState, invisibleMs: number): void {
  world.core.changeInvisible(queue, 0, NOW, { nowMs: NOW, invisibleMs })
}

test('snapshot: restored → what was in flight is due at its deadline, earliest first', () => {
  const world = createWorld()
  const queue = started(world)
  for (const invisible of [500, 100, 300]) pop(world, queue, 1, { invisible })
  world.seal()
  const core = createInflight(OPTIONS)
  core.restoreSnapshot(snapshotOf(world.core))
  for (const [deadline, offset] of [
    [NOW + 100, 1],
    [NOW + 300, 2],
    [NOW + 500, 0],
  ] as const) {
    expect(core.nextDeadline()).toBe(deadline)
    expect(core.expire(deadline, 10).released).toBe(1)
    const popTime = core.nextPopTime(deadline)
    const again = core.popReady(core.queue('T', 'G', 0)!, { popTime, invisibleMs: 10_000, max: 10 })
    expect(again).toEqual({ offsets: [offset], attempts: [2] })
  }
})

test.each([
  ['a pop', (world: World, queue: QueueState) => void pop(world, queue, 3)],
  ['an acknowledgement', (world: World, queue: QueueState) => void world.core.ack(queue, 0, NOW)],
  ['a change of the invisible time', (world: World, queue: QueueState) => hide(world, queue, 10)],
  ['a release', (world: World, queue: QueueState) => hide(world, queue, 0)],
  ['an expiry', (world: World) => void world.core.expire(NOW + 60_000, 10)],
  ['a delivery that is given up', (world: World, queue: QueueState) => void world.core.giveUp(queue, 1, NOW)],
  ['a name of an attempt', (world: World, queue: QueueState) => world.core.noteAttempt(queue, 'again')],
  ['retention', (world: World, queue: QueueState) => void world.core.retain(queue, 2)],
  ['retention beyond the cursor', (world: World) => void world.core.retain(world.core.queue('T', 'G', 1)!, 3)],
  ['a cut of the log', (world: World, queue: QueueState) => void world.core.clamp(queue, 2)],
  ['a reset', (world: World, queue: QueueState) => world.core.reset(queue, 0)],
  [
    'a claim',
    (world: World, queue: QueueState) => void world.core.claim(queue, 5, { popTime: NOW, deadlineMs: NOW + 9 }),
  ],
  ['another queue', (world: World) => void started(world, 0, 7)],
  ['the end of the group', (world: World) => world.core.recordSetting({ ...GROUP_DELETED })],
])('snapshot: %s while it is taken → is not in it, and the next one has it', (_name, change) => {
  const world = createWorld()
  const queue = started(world)
  started(world, 0, 1)
  pop(world, queue, 4)
  world.seal()
  const before = snapshotOf(world.core)
  const taking = watchSnapshot(world.core)
  change(world, queue)
  taking.finish()
  expect(snapshotOf(world.core)).not.toStrictEqual(before)
})

test('snapshot: another one begins, or nobody wants it → the state of a queue is taken for the last one alone', () => {
  const world = createWorld()
  const queue = started(world)
  const first = world.core.beginSnapshot()
  pop(world, queue, 1)
  const second = watchSnapshot(world.core)
  expect(() => first.encode()).toThrow('not complete')
  pop(world, queue, 1)
  second.finish()
  const third = world.core.beginSnapshot()
  third.end()
  pop(world, queue, 1)
  expect(() => third.encode()).toThrow('not complete')
})
