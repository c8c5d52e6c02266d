// The timer of expiry: one for the earliest deadline, a bounded share per Turn, and nothing forgotten.
import { expect, test } from '@jest/globals'
import { createManualEffects } from '@rocketmq-ts/testkit'
import { createExpiry } from '../src/expiry.ts'
import { createInflight } from '../src/inflight/inflight.ts'
import { EXPIRED_PER_TURN_MAX } from '../src/limits.ts'
import { createLongPolling } from '../src/long-polling.ts'

function setUp(maxAttempts = 17) {
  const effects = createManualEffects()
  const inflight = createInflight({ maxAttempts: () => maxAttempts })
  const queue = inflight.start({ topic: 'T', incarnation: 0, group: 'G', queueId: 0 }, 0)
  const polling = createLongPolling(effects.scheduler)
  const turns = { isFull: false, entered: 0 }
  const dead: number[] = []
  const expiry = createExpiry({
    inflight,
    scheduler: effects.scheduler,
    clock: effects.clock,
    polling,
    deadLetters: {
      move: (candidates) => void dead.push(...candidates.map(({ offset }) => offset)),
      unreadable() {},
      exhausted() {},
      forward() {},
    },
    checkBack: { due() {} },
    turns: {
      enter(job) {
        if (turns.isFull) return false
        turns.entered += 1
        effects.scheduler.soon(() => {
          job()
          inflight.takeChanges({ provenFlushed: 0 })
          expiry.rearm()
        })
        return true
      },
    },
  })
  /** Pops messages one by one, each in a batch of its own, so that deadlines may differ. */
  function pop(count: number, invisibleMs: (index: number) => number): void {
    for (let index = 0; index < count; index += 1) {
      const offset = queue.cursor
      inflight.popNext(queue, {
        popTime: effects.clock.nowMs(),
        invisibleMs: invisibleMs(index),
        to: offset + 1,
        taken: [offset],
      })
    }
    inflight.takeChanges({ provenFlushed: 0 })
    expiry.rearm()
  }
  return { effects, inflight, queue, polling, turns, dead, expiry, pop }
}

test('expiry: a later deadline is armed, then an earlier one comes → fires for the earlier one', async () => {
  const { effects, queue, pop } = setUp()
  pop(1, () => 10_000)
  pop(1, () => 1000)
  await effects.advance(999)
  expect(queue.ready).toBe(0)
  await effects.advance(1)
  expect(queue.ready).toBe(1)
  await effects.advance(9000)
  expect(queue.ready).toBe(2)
})

test('expiry: a storm of messages due at once → bounded shares in as many Turns, all of them released', async () => {
  const { effects, queue, turns, pop } = setUp()
  const count = 3 * EXPIRED_PER_TURN_MAX
  pop(count, () => 1000)
  await effects.advance(1000)
  expect(queue.ready).toBe(count)
  expect(turns.entered).toBeGreaterThanOrEqual(3)
})

test('expiry: the Turns are full → tried again until they take it', async () => {
  const { effects, queue, turns, pop } = setUp()
  pop(1, () => 1000)
  turns.isFull = true
  await effects.advance(5000)
  expect(queue.ready).toBe(0)
  turns.isFull = false
  await effects.advance(200)
  expect(queue.ready).toBe(1)
})

test('expiry: a message becomes ready → a waiting pop of its group is woken', async () => {
  const { effects, polling, pop } = setUp()
  const woken: string[] = []
  const waiter = { topic: 'T', queueId: -1, pollMs: 60_000, matches: () => false, takes: true }
  polling.hold({ ...waiter, group: 'G', wake: (reason, queueId) => void woken.push(`G ${reason} ${queueId}`) })
  polling.hold({ ...waiter, group: 'H', wake: (reason) => void woken.push(`H ${reason}`) })
  pop(2, () => 1000)
  await effects.advance(1000)
  expect(woken).toStrictEqual(['G message 0'])
})

test('expiry: attempts used up → handed out as dead, once', async () => {
  const { effects, dead, pop } = setUp(1)
  pop(3, (index) => 1000 * (index + 1))
  await effects.advance(10_000)
  expect(dead).toStrictEqual([0, 1, 2])
})

test('expiry: nothing in flight, or stopped → no timer', async () => {
  const { effects, inflight, queue, turns, expiry, pop } = setUp()
  pop(1, () => 1000)
  inflight.ack(queue, 0, effects.clock.nowMs())
  await effects.advance(5000)
  expect(turns.entered).toBeLessThanOrEqual(1)
  const before = turns.entered
  pop(1, () => 1000)
  expiry.stop()
  await effects.advance(60_000)
  expect(turns.entered).toBe(before)
})
