// A topic's own rules move the mins of its queues to where a count by hand puts them, and never back.
import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { MqError } from '@rocketmq-ts/model'
import type { Effects } from '@rocketmq-ts/runtime'
import type { MessageStore, QueueMin, TopicRule } from '../../src/index.ts'
import {
  afterPowerLoss,
  createManualEffects,
  FOLDER,
  newRecord,
  openStore,
  restarted,
  send,
  textsOf,
} from '../store-fixture.ts'
import { openForgetting, RULES } from './retention-fixture.ts'

const QUEUES = [0, 1, 2]

interface Sent {
  readonly queueId: number
  readonly offset: number
  readonly size: number
  readonly storedMs: number
}

/** What a rule leaves of messages in the order of the log: whichever of its bounds takes more. */
function keptBy(rule: TopicRule, sent: readonly Sent[], nowMs: number): readonly Sent[] {
  let first = sent.findIndex(({ storedMs }) => rule.maxAgeMs === undefined || storedMs + rule.maxAgeMs > nowMs)
  if (first < 0) first = sent.length
  const fits = (kept: readonly Sent[]) =>
    kept.length <= (rule.maxCount ?? Infinity) &&
    kept.reduce((sum, { size }) => sum + size, 0) <= (rule.maxBytes ?? Infinity)
  while (!fits(sent.slice(first))) first += 1
  return sent.slice(first)
}

function boundsOf(store: MessageStore) {
  return QUEUES.map((queueId) => store.bounds('TopicTest', queueId))
}

function expectedBounds(sent: readonly Sent[], kept: readonly Sent[]) {
  return QUEUES.map((queueId) => {
    const max = sent.filter((each) => each.queueId === queueId).length
    return { min: kept.find((each) => each.queueId === queueId)?.offset ?? max, max }
  })
}

test('topic rules: any messages in any queues, any rule → what a count by hand keeps, live and after a restart', async () => {
  const bound = (min: number, max: number) => fc.option(fc.integer({ min, max }), { nil: undefined })
  const step = fc.record({
    queueId: fc.constantFrom(...QUEUES),
    bytes: fc.constantFrom(0, 1, 500),
    count: fc.integer({ min: 1, max: 12 }),
    waitMs: fc.constantFrom(0, 5000, 60_000),
  })
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 1, maxLength: 12 }),
      fc.record({ maxAgeMs: bound(1, 300_000), maxBytes: bound(1, 12_000), maxCount: bound(1, 60) }),
      fc.integer({ min: 1 }),
      async (steps, bounds, seed) => {
        const effects = createManualEffects({ seed })
        const options = { segmentBytes: 64 * 1024, unitsPerFile: 5, unitCacheBytes: 1 }
        const rule: TopicRule = { topic: 'TopicTest', ...bounds }
        let store = await openForgetting(effects, options, { topics: () => [rule] })
        const sent: Sent[] = []
        for (const { queueId, bytes, count, waitMs } of steps) {
          const records = Array.from({ length: count }, () => newRecord({ queueId, body: Buffer.alloc(bytes) }))
          for (const { queueOffset, size, storeTimestampMs } of await send(store, ...records))
            sent.push({ queueId, offset: queueOffset, size, storedMs: storeTimestampMs })
          await send(store, newRecord({ topic: 'Other' }))
          await effects.advance(waitMs)
        }
        await effects.advance(2 * RULES.intervalMs)
        const expected = expectedBounds(sent, keptBy(rule, sent, effects.clock.nowMs()))
        const looked = boundsOf(store)
        // A look is up to an interval ago: age goes on in between.
        const early = expectedBounds(sent, keptBy(rule, sent, effects.clock.nowMs() - RULES.intervalMs))
        for (const [index, { min, max }] of looked.entries()) {
          expect(max).toBe(expected[index]!.max)
          expect(min).toBeGreaterThanOrEqual(early[index]!.min)
          expect(min).toBeLessThanOrEqual(expected[index]!.min)
        }
        expect(store.bounds('Other', 0).min).toBe(0)
        await store.close()
        store = await openStore(restarted(effects), options)
        expect(store.recovery.rebuilt).toEqual([])
        expect(boundsOf(store)).toEqual(looked)
        for (const [index, { min, max }] of looked.entries()) {
          expect(await textsOf(store, 'TopicTest', index)).toHaveLength(max - min)
        }
        await store.close()
      },
    ),
    { numRuns: 60 },
  )
}, 60_000)

test('topic rules: age on an idle store → one timer, for the message that is due next', async () => {
  const effects = createManualEffects()
  const rule = { topic: 'TopicTest', maxAgeMs: 3_600_000 }
  let asked = 0
  const store = await openForgetting(effects, {}, { topics: () => ((asked += 1), [rule]) })
  await send(store, newRecord())
  await effects.advance(3_000_000)
  expect(asked).toBeLessThanOrEqual(3)
  await effects.advance(650_000)
  expect(store.bounds('TopicTest', 0)).toEqual({ min: 1, max: 1 })
  await effects.advance(1000 * 3_600_000)
  expect(asked).toBeLessThanOrEqual(8)
})

test('topic rules: the power goes when a min is seen to move → it does not move back', async () => {
  for (let seed = 1; seed <= 5; seed += 1) {
    const effects = createManualEffects({ seed })
    let store = await openForgetting(effects, {}, { topics: () => [{ topic: 'TopicTest', maxCount: 3 }] })
    let again: Effects | undefined
    let seen = 0
    store.onMinMoved(() => {
      seen = store.bounds('TopicTest', 0).min
      again = afterPowerLoss(effects)
    })
    await send(store, ...Array.from({ length: 10 }, () => newRecord()))
    await effects.advance(RULES.intervalMs)
    store = await openStore(again!)
    expect([seen, store.bounds('TopicTest', 0)]).toEqual([7, { min: 7, max: 10 }])
  }
})

test('topic rules: the files of a queue are lost → its queue is built again, and begins where it did', async () => {
  const effects = createManualEffects()
  let store = await openForgetting(effects, {}, { topics: () => [{ topic: 'TopicTest', maxCount: 3 }] })
  await send(store, ...Array.from({ length: 10 }, () => newRecord()))
  await effects.advance(RULES.intervalMs)
  await store.close()
  const again = restarted(effects)
  await again.files.remove(`${FOLDER}/consumequeue/TopicTest/0`)
  store = await openStore(again)
  expect(store.recovery.rebuilt).toEqual(['consumequeue/TopicTest/0'])
  expect(store.bounds('TopicTest', 0)).toEqual({ min: 7, max: 10 })
})

test('topic rules: a topic that begins anew → its new messages count alone', async () => {
  const effects = createManualEffects()
  const store = await openForgetting(effects, {}, { topics: () => [{ topic: 'TopicTest', maxBytes: 1000 }] })
  await send(store, ...Array.from({ length: 10 }, () => newRecord()))
  await effects.advance(RULES.intervalMs)
  expect(store.bounds('TopicTest', 0).min).toBeGreaterThan(0)
  store.endTopic('TopicTest')
  await send(store, ...Array.from({ length: 3 }, () => newRecord()))
  await effects.advance(RULES.intervalMs)
  expect(store.bounds('TopicTest', 0)).toEqual({ min: 0, max: 3 })
})

test('topic rules: records that can not be read any more → age is judged by the next one', async () => {
  const effects = createManualEffects()
  const store = await openForgetting(
    effects,
    { hotBytes: 0 },
    { topics: () => [{ topic: 'TopicTest', maxAgeMs: 60_000 }] },
  )
  const [first] = await send(store, newRecord())
  await send(store, newRecord())
  const file = `${FOLDER}/commitlog/${'0'.repeat(20)}`
  for (let bit = 0; bit < 8; bit += 1) effects.machine.disk.flipBit(file, first!.commitLogOffset + 5, bit)
  await effects.advance(80_000)
  expect(store.bounds('TopicTest', 0)).toEqual({ min: 2, max: 2 })
})

test('topic rules: what must outlive the messages can not be written → they stay, in any checkpoint, until it can', async () => {
  const effects = createManualEffects()
  const rule: TopicRule = { topic: 'TopicTest', maxCount: 1 }
  const asked: (readonly QueueMin[])[] = []
  const mins: number[] = []
  let isRefused = true
  const retention = {
    topics: () => [rule],
    async beforeExpiry(going: readonly QueueMin[]) {
      asked.push(going)
      mins.push(store.bounds('TopicTest', 0).min)
      if (isRefused) throw new MqError('busy', 'not now')
    },
  }
  let store = await openForgetting(effects, {}, retention)
  await send(store, newRecord(), newRecord(), newRecord())
  await effects.advance(2.5 * RULES.intervalMs)
  expect(asked).toEqual([1, 2].map(() => [{ topic: 'TopicTest', queueId: 0, min: 2 }]))
  await store.checkpoint()
  store = await openForgetting(afterPowerLoss(effects), {}, retention)
  expect(store.bounds('TopicTest', 0)).toEqual({ min: 0, max: 3 })
  isRefused = false
  await effects.advance(2 * RULES.intervalMs)
  expect(store.bounds('TopicTest', 0)).toEqual({ min: 2, max: 3 })
  expect(mins).toEqual([0, 0, 0])
})
