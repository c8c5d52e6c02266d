import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { createManualEffects, newRecord, openStore, send } from '../store-fixture.ts'

const QUEUE = { topic: 'TopicTest', queueId: 0 }

/** Sends a message after each of the pauses; returns the store and when each was stored. */
async function storeAfter(pausesMs: readonly number[]) {
  const effects = createManualEffects()
  const store = await openStore(effects, { unitCacheBytes: 1 })
  const times: number[] = []
  for (const pauseMs of pausesMs) {
    await effects.advance(pauseMs)
    const [sent] = await send(store, newRecord({ text: `m${times.length}` }))
    times.push(sent!.storeTimestampMs)
  }
  await store.checkpoint()
  return { effects, store, times }
}

test('search by time: equal stamps, before the first, behind the last, in between → LOWER and UPPER as Apache', async () => {
  const { store, times } = await storeAfter([0, 0, 0, 10, 0])
  const [t1, t3] = [times[0]!, times[4]!]
  const lower = (ms: number) => store.searchOffset(QUEUE, ms, 'LOWER')
  const upper = (ms: number) => store.searchOffset(QUEUE, ms, 'UPPER')
  expect([await lower(t1 + 5), await upper(t1 + 5)]).toEqual([3, 2])
  expect([await lower(t1), await upper(t1)]).toEqual([0, 2])
  expect([await lower(t3), await upper(t3)]).toEqual([3, 4])
  expect([await lower(t1 - 1), await upper(t1 - 1)]).toEqual([0, 0])
  expect([await lower(t3 + 1), await upper(t3 + 1)]).toEqual([5, 4])
  expect([await lower(0), await upper(-5)]).toEqual([0, 0])
  expect(await store.earliestStoredMs(QUEUE)).toBe(t1)
  await store.close()
})

test('search by time: a queue that was never written → 0, and no earliest time', async () => {
  const { store } = await storeAfter([])
  expect(await store.searchOffset(QUEUE, 5, 'LOWER')).toBe(0)
  expect(await store.searchOffset(QUEUE, 5, 'UPPER')).toBe(0)
  expect(await store.earliestStoredMs(QUEUE)).toBeUndefined()
  await store.close()
})

test('search by time: any pauses and any time → what a walk over all messages finds', async () => {
  const pauses = fc.array(fc.constantFrom(0, 0, 1, 2, 50), { minLength: 1, maxLength: 40 })
  await fc.assert(
    fc.asyncProperty(pauses, async (pausesMs) => {
      const { store, times } = await storeAfter(pausesMs)
      for (const time of new Set(times.flatMap((ms) => [ms - 1, ms, ms + 1]))) {
        const first = times.findIndex((ms) => ms >= time)
        const last = times.findLastIndex((ms) => ms <= time)
        expect(await store.searchOffset(QUEUE, time, 'LOWER')).toBe(first < 0 ? times.length : first)
        expect(await store.searchOffset(QUEUE, time, 'UPPER')).toBe(Math.max(0, last))
      }
      await store.close()
    }),
    { numRuns: 25 },
  )
})
