// Where the messages of handles went: a bounded table, whose bound must not cost every copy a look at all of it.
import { expect, test } from '@jest/globals'
import { SystemTopic } from '@rocketmq-ts/model'
import { createInflight } from '../../src/inflight/inflight.ts'
import { createMovedDeliveries, MOVED_DELIVERIES_MAX } from '../../src/pop/moved-deliveries.ts'

const place = (topic: string, offset: number) => ({ topic, group: 'G', queueId: 0, offset })

/** Copies at offsets of one retry topic, of which those are in flight that `isInFlight` names. */
function table(isInFlight: (offset: number) => boolean) {
  const inflight = createInflight({ maxAttempts: () => 16 })
  inflight.start({ topic: 'R', incarnation: 0, group: 'G', queueId: 0 }, 0)
  let looks = 0
  function look(_queue: unknown, offset: number): boolean {
    looks += 1
    return isInFlight(offset)
  }
  const store = { bounds: () => ({ min: 0, max: 0 }) } as unknown as Parameters<
    typeof createMovedDeliveries
  >[0]['store']
  const moved = createMovedDeliveries({ inflight: { ...inflight, isInFlight: look }, store })
  return { moved, looks: () => looks }
}

test('moved deliveries: more in flight than the table holds → those behind are forgotten, at little cost each', () => {
  const { moved, looks } = table(() => true)
  const more = 10_000
  for (let offset = 0; offset < MOVED_DELIVERIES_MAX + more; offset += 1)
    moved.note(place('T', offset), place('R', offset))
  expect([moved.has(place('T', 0)), moved.has(place('T', MOVED_DELIVERIES_MAX))]).toEqual([true, false])
  expect(looks() / more).toBeLessThan(32)
})

test('moved deliveries: a full table whose first ones are acknowledged → it takes new ones again', () => {
  let ackedBelow = 0
  const { moved } = table((offset) => offset >= ackedBelow)
  let offset = 0
  for (; offset < MOVED_DELIVERIES_MAX; offset += 1) moved.note(place('T', offset), place('R', offset))
  ackedBelow = 10_000
  for (let count = 0; count < 9000; count += 1, offset += 1) moved.note(place('T', offset), place('R', offset))
  expect([moved.has(place('T', 9999)), moved.has(place('T', offset - 1))]).toEqual([false, true])
})

test('moved deliveries: of half messages → the handle stays until its message is decided, also while its producer is to be asked', () => {
  const { HALF: topic } = SystemTopic
  const inflight = createInflight({ maxAttempts: () => 16 })
  const moved = createMovedDeliveries({ inflight, store: { bounds: () => ({ min: 0, max: 8 }) } as never })
  const queue = inflight.start({ topic, incarnation: 0, group: 'G', queueId: 0 }, 6)
  const handles = () => moved.all().map(([{ offset }]) => offset)
  moved.note(place(topic, 0), place(topic, 6))
  moved.note(place(topic, 1), place(topic, 7))
  expect(handles()).toEqual([0, 1])
  inflight.popNext(queue, { popTime: 1, invisibleMs: 10, to: 8, taken: [6, 7] } as never)
  inflight.expire(100, 8)
  expect([queue.ready, handles()]).toEqual([2, [0, 1]])
  inflight.settle(queue, 6, 1, 'rolledBack')
  expect(handles()).toEqual([1])
})
