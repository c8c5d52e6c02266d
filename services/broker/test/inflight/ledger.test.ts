import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { Ledger } from '../../src/inflight/inflight.ts'
import type { Inflight, QueueState } from '../../src/inflight/inflight.ts'
import { BucketId, tallyOfMask, tallyOfRange } from '../../src/inflight/ledger.ts'
import type { Tally } from '../../src/inflight/ledger.ts'
import { NOW, createWorld, pop, popAgain, started } from './world.ts'
import type { World } from './world.ts'

/** Forgets one transition: the n-th time something enters or leaves a bucket. */
class ForgetfulLedger extends Ledger {
  static forget = Number.POSITIVE_INFINITY
  static made = 0

  #keep(): boolean {
    ForgetfulLedger.made += 1
    return ForgetfulLedger.made !== ForgetfulLedger.forget
  }

  override add(bucket: number, tally: Tally): void {
    if (this.#keep()) super.add(bucket, tally)
  }

  override remove(bucket: number, tally: Tally): void {
    if (this.#keep()) super.remove(bucket, tally)
  }
}

/** One of everything that moves a message. */
function live(world: World): QueueState {
  const { core } = world
  const queue = started(world, 5)
  core.popNext(queue, {
    popTime: NOW,
    invisibleMs: 10,
    to: 60,
    taken: Array.from({ length: 50 }, (_, index) => 5 + index),
    damaged: [{ from: 57, to: 59 }],
  })
  core.ack(queue, 5, NOW)
  core.settle(queue, 6, NOW, 'damaged')
  core.changeInvisible(queue, 7, NOW, { nowMs: NOW + 1, invisibleMs: 0 })
  world.seal()
  core.expire(NOW + 10, 1000)
  const { popTime } = popAgain(world, queue, 3, { now: NOW + 10, invisible: 5 })
  core.settleByCopy(queue, 7, popTime, 'dead')
  core.retain(queue, 9)
  pop(world, queue, 4)
  return queue
}

function faultsWhenForgetting(transition: number): { faults: readonly string[]; made: number } {
  ForgetfulLedger.forget = transition
  ForgetfulLedger.made = 0
  const world = createWorld({ maxAttempts: () => 3, createLedger: () => new ForgetfulLedger() })
  const queue = live(world)
  return { faults: world.core.ledger(queue, { max: 100 }).faults, made: ForgetfulLedger.made }
}

test('ledger: every transition kept → balanced', () => {
  expect(faultsWhenForgetting(Number.POSITIVE_INFINITY).faults).toEqual([])
})

test('ledger: any one transition dropped → red', () => {
  const { made } = faultsWhenForgetting(Number.POSITIVE_INFINITY)
  expect(made).toBeGreaterThan(20)
  for (let transition = 1; transition <= made; transition += 1) {
    expect([transition, faultsWhenForgetting(transition).faults.length > 0]).toEqual([transition, true])
  }
})

test('ledger: a message in the books is exchanged for another one → the digest says so', () => {
  const world = createWorld()
  const queue = live(world) as QueueState & { ledger: Ledger }
  queue.ledger.remove(BucketId.acked, tallyOfRange(5, 6))
  queue.ledger.add(BucketId.acked, tallyOfRange(4, 5))
  expect(world.core.ledger(queue, { max: 100 }).faults).toEqual(['the counts agree but the digests do not'])
})

test('ledger: a move between buckets that the entries do not know → red', () => {
  const world = createWorld()
  const queue = live(world) as QueueState & { ledger: Ledger }
  queue.ledger.moveMask(BucketId.inFlight, BucketId.acked, 32, 1)
  const report = world.core.ledger(queue, { max: 100 })
  expect(report.balanced).toBe(false)
  expect(report.faults.join()).toContain('inFlight')
})

test('ledger: fewer messages written than the cursor passed → red, naming both', () => {
  const world = createWorld()
  const queue: QueueState = live(world)
  const core: Inflight = world.core
  expect(core.ledger(queue, { max: queue.cursor - 1 }).faults.join()).toContain('beyond max')
})

test('ledger: queues of any length and any offsets up to 2^53 → masks and ranges have equal tallies', () => {
  const base = fc
    .nat(2 ** 20)
    .chain((low) => fc.constantFrom(0, 2 ** 23, 2 ** 26, 2 ** 40, 2 ** 52).map((high) => high + low))
  fc.assert(
    fc.property(base, (from) => {
      const scratch: Tally = { count: 0, sum: 0, squares: 0 }
      expect(tallyOfMask(from, -1, scratch)).toEqual(tallyOfRange(from, from + 32))
      expect(tallyOfMask(from, 0xffff, scratch)).toEqual(tallyOfRange(from, from + 16))
    }),
  )
})
