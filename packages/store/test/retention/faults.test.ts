// Disks that can not be read in places: what they do not tell keeps nothing else from going.
import { expect, test } from '@jest/globals'
import { createManualEffects, FOLDER, newRecord, openStore, restarted, SEGMENT_BYTES, send } from '../store-fixture.ts'
import { fillTo, HOUR_MS, openForgetting, RULES } from './retention-fixture.ts'

test('age: the last bytes of a file can not be read → the time of the next one counts, and all old files go', async () => {
  const effects = createManualEffects()
  const store = await openForgetting(effects)
  await fillTo(store, 4)
  const path = `${FOLDER}/commitlog/00000000000000000000`
  const fault = effects.machine.disk.fail({ on: 'read', path, error: 'io', times: Infinity })
  await effects.advance(73 * HOUR_MS)
  expect(fault.hits).toBeGreaterThan(0)
  expect(store.min).toBe(3 * SEGMENT_BYTES)
  await store.close()
})

test('topic rules: the queue of one topic can not be read → the others are judged, and old files go', async () => {
  const effects = createManualEffects()
  const topics = ['Broken', 'Whole']
  const options = { unitsPerFile: 5, unitCacheBytes: 1 }
  const before = await openStore(effects, options)
  for (const topic of topics) for (let index = 0; index < 20; index += 1) await send(before, newRecord({ topic }))
  await fillTo(before, 4)
  await before.close()
  const broken = { on: 'read', path: '/consumequeue/Broken/', error: 'io', times: Infinity } as const
  const store = await openForgetting(restarted(effects), options, {
    topics: () => topics.map((topic) => ({ topic, maxCount: 3 })),
    rules: { ...RULES, reservedMs: 120_000 },
  })
  const fault = effects.machine.disk.fail(broken)
  await effects.advance(60_000)
  expect(fault.hits).toBeGreaterThan(0)
  expect(store.bounds('Broken', 0)).toEqual({ min: 0, max: 20 })
  expect(store.bounds('Whole', 0)).toEqual({ min: 17, max: 20 })
  await effects.advance(120_000)
  expect(store.min).toBe(3 * SEGMENT_BYTES)
  await store.close()
})
