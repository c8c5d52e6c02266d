// The power goes at every step that touches the disk while keys are written, and while they are restored. Every message
// that the log has is found by its keys afterwards, and nothing else.
import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import type { Effects } from '@rocketmq-ts/runtime'
import type { MessageStore } from '../../src/index.ts'
import { countSteps, type Moment } from '../disk-steps.ts'
import { afterKill, afterPowerLoss, createManualEffects, restarted } from '../store-fixture.ts'
import { answers, expectedAnswers, numbered, openKeyStore, TINY_FILES } from './key-store.ts'

type Loss = 'power' | 'kill'

/** Sends the messages `from` … `to`, and may wait until they are safe. */
async function sendRange(store: MessageStore, from: number, to: number, isAwaited = true): Promise<void> {
  for (let index = from; index < to; index += 1) store.append(numbered(index))
  const position = store.appended
  await store.submit()
  if (isAwaited) await store.whenFlushed(position)
}

/** Sends, writes checkpoints, stops, and starts again; `safe` counts the messages that are promised. */
async function work(effects: Effects, safe: { count: number }): Promise<void> {
  let store = await openKeyStore(effects, TINY_FILES)
  await sendRange(store, 0, 2)
  safe.count = 2
  await Promise.all([store.checkpoint(), sendRange(store, 2, 4)])
  safe.count = 4
  await store.close()
  store = await openKeyStore(effects, TINY_FILES)
  await sendRange(store, 4, 5)
  safe.count = 5
  await store.checkpoint()
  await sendRange(store, 5, 7, false)
}

/** All messages of the log, found by their keys; then after one more and a stop. */
async function check(effects: Effects, safe: number): Promise<void> {
  let store = await openKeyStore(effects, TINY_FILES)
  const { max: count } = store.bounds('TopicTest', 0)
  expect(count).toBeGreaterThanOrEqual(safe)
  expect(await answers(store, count)).toEqual(expectedAnswers(count))
  await sendRange(store, count, count + 1)
  await store.close()
  store = await openKeyStore(effects, TINY_FILES)
  expect(store.recovery.rebuilt).toEqual([])
  expect(await answers(store, count + 1)).toEqual(expectedAnswers(count + 1))
  await store.close()
}

async function crashAt(at: { step: number; moment: Moment }, loss: Loss): Promise<boolean> {
  const effects = createManualEffects({ seed: at.step * 3 + (at.moment === 'before' ? 1 : 2) })
  const safe = { count: 0 }
  const crashed = Promise.withResolvers<{ next: Effects; count: number }>()
  const files = countSteps(effects.files, at, () => {
    crashed.resolve({ next: loss === 'power' ? afterPowerLoss(effects) : afterKill(effects), count: safe.count })
  })
  const done = work({ ...effects, files }, safe).then(() => undefined)
  done.catch(() => undefined)
  const outcome = await Promise.race([crashed.promise, done])
  if (outcome === undefined) return false
  await check(outcome.next, outcome.count)
  return true
}

test('key index: power lost at any step → every message of the log is found by its keys', async () => {
  let step = 1
  while (await crashAt({ step, moment: step % 2 === 0 ? 'before' : 'after' }, 'power')) step += 1
  expect(step).toBeGreaterThan(100)
}, 60_000)

test('key index: killed at any step → every message of the log is found by its keys', async () => {
  let step = 1
  while (await crashAt({ step, moment: 'after' }, 'kill')) step += 1
  expect(step).toBeGreaterThan(100)
}, 60_000)

test('key index: power lost again at any step of the recovery → the next one finds the same', async () => {
  for (let step = 1; ; step += 1) {
    const effects = createManualEffects({ seed: step })
    const safe = { count: 0 }
    await work(effects, safe)
    const again = afterPowerLoss(effects)
    const crashed = Promise.withResolvers<Effects>()
    const files = countSteps(again.files, { step, moment: step % 2 === 0 ? 'before' : 'after' }, () => {
      crashed.resolve(afterPowerLoss(effects))
    })
    const done = openKeyStore({ ...again, files }, TINY_FILES).then(() => undefined)
    const next = await Promise.race([crashed.promise, done])
    if (next === undefined) break
    await check(next, safe.count)
  }
}, 60_000)

test('key index: power lost at any step of building it again after a stop → the next start finds all', async () => {
  for (let step = 1; ; step += 1) {
    const effects = createManualEffects({ seed: step })
    const store = await openKeyStore(effects, TINY_FILES)
    await sendRange(store, 0, 8)
    await store.close()
    const again = restarted(effects)
    const entries = await again.files.list('/data/store/index')
    await again.files.remove(`/data/store/index/${entries[step % 3]!.name}`)
    await again.files.syncFolder('/data/store/index')
    const crashed = Promise.withResolvers<Effects>()
    const files = countSteps(again.files, { step, moment: step % 2 === 0 ? 'before' : 'after' }, () => {
      crashed.resolve(afterPowerLoss(effects))
    })
    const done = openKeyStore({ ...again, files }, TINY_FILES).then(() => undefined)
    const next = await Promise.race([crashed.promise, done])
    if (next === undefined) break
    await check(next, 8)
  }
}, 60_000)

test('key index: killed after a checkpoint, started, stopped, and the power lost → headers of all its files are safe', async () => {
  for (let seed = 0; seed < 16; seed += 1) {
    const effects = createManualEffects({ seed })
    const store = await openKeyStore(effects, TINY_FILES)
    await sendRange(store, 0, 2)
    await store.checkpoint()
    const again = await openKeyStore(afterKill(effects), TINY_FILES)
    await again.close()
    expect((await openKeyStore(afterPowerLoss(effects), TINY_FILES)).recovery.rebuilt).toEqual([])
  }
})

test('key index: one message, a checkpoint, and the power lost → no file is built again, and it is found', async () => {
  for (let seed = 0; seed < 16; seed += 1) {
    const effects = createManualEffects({ seed })
    const store = await openKeyStore(effects, TINY_FILES)
    await sendRange(store, 0, 1)
    await store.checkpoint()
    const next = await openKeyStore(afterPowerLoss(effects), TINY_FILES)
    expect(next.recovery.rebuilt).toEqual([])
    expect(await answers(next, 1)).toEqual(expectedAnswers(1))
  }
})

test('key index: sends, checkpoints, stops and losses in any order → the answers are those of the log', async () => {
  const action = fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant('send' as const), count: fc.integer({ min: 1, max: 6 }) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('checkpoint' as const), count: fc.constant(0) }) },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constantFrom('power' as const, 'kill' as const, 'stop' as const),
        count: fc.constant(0),
      }),
    },
  )
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 14 }), fc.integer({ min: 1 }), async (actions, seed) => {
      const effects = createManualEffects({ seed })
      let current: Effects = effects
      let store = await openKeyStore(current, TINY_FILES)
      for (const { kind, count } of actions) {
        const { max } = store.bounds('TopicTest', 0)
        if (kind === 'send') await sendRange(store, max, max + count)
        else if (kind === 'checkpoint') await store.checkpoint()
        else {
          // A stop in order leaves nothing to lose.
          if (kind === 'stop') await store.close()
          current = kind === 'kill' ? afterKill(effects) : afterPowerLoss(effects)
          store = await openKeyStore(current, TINY_FILES)
          expect(store.recovery.rebuilt).toEqual([])
        }
      }
      const { max } = store.bounds('TopicTest', 0)
      expect(await answers(store, max)).toEqual(expectedAnswers(max))
      await store.close()
    }),
    { numRuns: 40 },
  )
}, 60_000)
