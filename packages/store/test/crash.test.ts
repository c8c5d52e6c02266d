// The power goes at every step that touches the disk. What was promised before must be there afterwards.
import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { type CommitLogOffset, decodeRecord } from '@rocketmq-ts/model'
import type { Effects } from '@rocketmq-ts/runtime'
import type { Appended, MessageStore, StoreOptions } from '../src/index.ts'
import { countSteps, type Moment } from './disk-steps.ts'
import {
  afterKill,
  afterPowerLoss,
  createManualEffects,
  newRecord,
  openStore,
  restarted,
  textsOf,
  unitsOf,
} from './store-fixture.ts'

/** What was promised to producers. */
interface Promised {
  readonly text: string
  readonly queueId: number
  readonly appended: Appended
}

const OPTIONS = { segmentBytes: 1024, unitsPerFile: 4, unitCacheBytes: 1 } satisfies Partial<StoreOptions>
/** Queues with fewer new units are not written for a checkpoint. */
const KEEPING = { ...OPTIONS, unitsPerWrite: 3 }
/** Units get into packs, and from there into the files of their queues. */
const PACKING = { ...OPTIONS, unitsPerFile: 40, unitsPerWrite: 6, keptUnitsMax: 1 }

/** Sends in several ways, with rolls, checkpoints, and a stop and start between. */
async function work(effects: Effects, options: Partial<StoreOptions>, promised: Promised[]): Promise<void> {
  let number = 0
  async function sendBatch(store: MessageStore, count: number, isAwaited: boolean): Promise<void> {
    const batch = Array.from({ length: count }, () => {
      number += 1
      const text = `message ${number} ${'x'.repeat(number % 5)}`
      const queueId = number % 2
      return { text, queueId, appended: store.append(newRecord({ text, queueId })) }
    })
    const position = store.appended
    await store.submit()
    if (!isAwaited) return
    await store.whenFlushed(position)
    promised.push(...batch)
  }

  let store = await openStore(effects, options)
  await sendBatch(store, 3, true)
  await sendBatch(store, 2, false)
  await store.checkpoint()
  await sendBatch(store, 6, true)
  await sendBatch(store, 1, false)
  await store.close()
  store = await openStore(effects, options)
  await sendBatch(store, 2, true)
  await Promise.all([store.checkpoint(), sendBatch(store, 3, true)])
  await sendBatch(store, 2, false)
}

/**
 * Every promise kept, offsets gapless, nothing invented; and the store goes on. What it found and made is safe when it
 * has stopped in order: the power is lost once more.
 */
async function check(
  effects: Effects,
  options: Partial<StoreOptions>,
  promised: readonly Promised[],
  losePower: () => Effects,
): Promise<void> {
  let store = await openStore(effects, options)
  expect(store.recovery.damaged).toEqual([])
  for (const { text, queueId, appended } of promised) {
    const record = decodeRecord(await store.read(appended.commitLogOffset, appended.size))
    expect(Buffer.from(record.body).toString()).toBe(text)
    expect(store.bounds('TopicTest', queueId).max).toBeGreaterThan(appended.queueOffset)
    const texts = await textsOf(store, 'TopicTest', queueId)
    expect(texts[appended.queueOffset]).toBe(text)
  }
  const ends = new Map<number, number>()
  for (const queueId of [0, 1]) {
    const units = await unitsOf(store, 'TopicTest', queueId)
    expect(units.map((unit) => unit.queueOffset)).toEqual(units.map((_, index) => index))
    for (const unit of units) expect(unit.commitLogOffset + unit.size).toBeLessThanOrEqual(store.recovery.end)
    ends.set(queueId, units.length)
  }
  const next = store.append(newRecord({ text: 'after the crash', queueId: 0 }))
  expect([next.commitLogOffset >= store.recovery.end, next.queueOffset]).toEqual([true, ends.get(0)])
  await store.submit()
  await store.whenFlushed(store.appended)
  await store.close()
  store = await openStore(losePower(), options)
  expect(store.recovery).toMatchObject({ cleanStop: true, cutBytes: 0, records: 0, rebuilt: [] })
  expect((await textsOf(store)).at(-1)).toBe('after the crash')
  await store.close()
}

/** Runs the work up to a step, then the loss; false when the work has fewer steps. */
async function crashAt(
  at: { step: number; moment: Moment },
  loss: 'power' | 'kill',
  flushMode: 'SYNC_FLUSH' | 'ASYNC_FLUSH',
  special: Partial<StoreOptions> = OPTIONS,
): Promise<boolean> {
  const effects = createManualEffects({ seed: at.step * 7 + (loss === 'power' ? 1 : 2) })
  const options = { ...special, flushMode }
  const promised: Promised[] = []
  const crashed = Promise.withResolvers<Effects>()
  const files = countSteps(effects.files, at, () => {
    crashed.resolve(loss === 'power' ? afterPowerLoss(effects) : afterKill(effects))
  })
  const done = work({ ...effects, files }, options, promised).then(() => undefined)
  done.catch(() => undefined)
  const next = await Promise.race([crashed.promise, done])
  if (next === undefined) return false
  await check(next, options, [...promised], () => afterPowerLoss(effects))
  return true
}

test('crash: power lost at any step → all that was flushed is there, in its place, once', async () => {
  let step = 1
  while (await crashAt({ step, moment: 'before' }, 'power', 'SYNC_FLUSH')) {
    await crashAt({ step, moment: 'after' }, 'power', 'SYNC_FLUSH')
    step += 1
  }
  expect(step).toBeGreaterThan(60)
}, 60_000)

test('crash: power lost at any step of asynchronous mode → what was flushed is there, and no hole in front of it', async () => {
  let step = 1
  while (await crashAt({ step, moment: 'after' }, 'power', 'ASYNC_FLUSH')) step += 1
  expect(step).toBeGreaterThan(60)
}, 60_000)

test.each([
  ['units in the checkpoint', KEEPING],
  ['units in packs', PACKING],
])(
  'crash: %s, power lost or killed at any step → all that was flushed is there',
  async (_, options) => {
    for (const loss of ['power', 'kill'] as const) {
      for (const moment of ['before', 'after'] as const) {
        let step = 1
        while (await crashAt({ step, moment }, loss, 'SYNC_FLUSH', options)) step += 1
        expect(step).toBeGreaterThan(50)
      }
    }
  },
  60_000,
)

test('crash: killed at any step → all that was flushed is there, in its place, once', async () => {
  let step = 1
  while (await crashAt({ step, moment: 'after' }, 'kill', 'SYNC_FLUSH')) step += 1
  expect(step).toBeGreaterThan(60)
}, 60_000)

test.each([
  ['every unit in its file', OPTIONS],
  ['units in the checkpoint', KEEPING],
  ['units in packs', PACKING],
])(
  'crash: %s, power lost again at any step of the recovery → the next one finds the same',
  async (_, options) => {
    for (let step = 1; ; step += 1) {
      const effects = createManualEffects({ seed: step })
      const promised: Promised[] = []
      await work(effects, options, promised)
      const again = afterPowerLoss(effects)
      const crashed = Promise.withResolvers<Effects>()
      const files = countSteps(again.files, { step, moment: step % 2 === 0 ? 'before' : 'after' }, () => {
        crashed.resolve(afterPowerLoss(effects))
      })
      const done = openStore({ ...again, files }, options).then(() => undefined)
      const next = await Promise.race([crashed.promise, done])
      if (next === undefined) break
      await check(next, options, promised, () => afterPowerLoss(effects))
    }
  },
  60_000,
)

test('crash: any number of sends, checkpoints and power losses in any order → promises hold over all of them', async () => {
  const action = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant('send' as const),
        count: fc.integer({ min: 1, max: 12 }),
        flush: fc.boolean(),
      }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('checkpoint' as const) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('power' as const, 'kill' as const, 'stop' as const) }) },
  )
  const kinds = fc.constantFrom(OPTIONS, KEEPING, PACKING)
  await fc.assert(
    fc.asyncProperty(
      fc.array(action, { maxLength: 15 }),
      kinds,
      fc.integer({ min: 1 }),
      async (actions, options, seed) => {
        const effects = createManualEffects({ seed })
        const promised = new Map<string, { at: CommitLogOffset; offset: number }>()
        let current: Effects = effects
        let store = await openStore(current, options)
        let number = 0
        for (const step of actions) {
          if (step.kind === 'checkpoint') await store.checkpoint()
          else if (step.kind === 'send') {
            const sent = Array.from({ length: step.count }, () => {
              number += 1
              return [`m${number}`, store.append(newRecord({ text: `m${number}` }))] as const
            })
            await store.submit()
            if (!step.flush) continue
            await store.whenFlushed(store.appended)
            for (const [text, { commitLogOffset, queueOffset }] of sent)
              promised.set(text, { at: commitLogOffset, offset: queueOffset })
          } else {
            if (step.kind === 'stop') await store.close()
            else current = step.kind === 'power' ? afterPowerLoss(effects) : afterKill(effects)
            store = await openStore(current, options)
          }
        }
        const units = await unitsOf(store)
        const texts = await textsOf(store)
        for (const [text, { at, offset }] of promised) {
          expect([texts[offset], units[offset]?.commitLogOffset]).toEqual([text, at])
        }
        expect(new Set(texts).size).toBe(texts.length)
        expect(store.recovery.damaged).toEqual([])
        await store.close()
        await (await openStore(restarted(effects), options)).close()
      },
    ),
    { numRuns: 200 },
  )
}, 60_000)
