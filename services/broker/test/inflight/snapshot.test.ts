import { expect, test } from '@jest/globals'
import { createInflight } from '../../src/inflight/inflight.ts'
import { NOW, OPTIONS, createWorld, pop, started } from './world.ts'

test('snapshot: restored → what was in flight is due at its deadline, earliest first', () => {
  const world = createWorld()
  const queue = started(world)
  for (const invisible of [500, 100, 300]) pop(world, queue, 1, { invisible })
  world.seal()
  const core = createInflight(OPTIONS)
  core.restoreSnapshot(world.core.encodeSnapshot())
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
