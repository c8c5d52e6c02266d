import { expect, test } from '@jest/globals'
import { commitLogOffset, queueOffset } from '@rocketmq-ts/model'
import * as fc from 'fast-check'
import { searchOffset } from '../../src/queries/search-offset.ts'
import { keyed, textsWith } from '../key-index/key-store.ts'
import {
  bytesOf,
  createManualEffects,
  FOLDER,
  newRecord,
  openStore,
  overwrite,
  restarted,
  send,
} from '../store-fixture.ts'

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

/** A stopped store of two queues, the second one younger, whose first files have changed places. */
async function swappedQueues() {
  const options = { unitsPerFile: 8, unitCacheBytes: 1 }
  const effects = createManualEffects()
  const store = await openStore(effects, options)
  const times: number[][] = [[], []]
  const places: number[][] = [[], []]
  for (const queueId of [0, 1]) {
    for (let index = 0; index < 20; index += 1) {
      const [sent] = await send(store, keyed(`${queueId}-${index}`, `all${queueId}`, { queueId }))
      times[queueId]!.push(sent!.storeTimestampMs)
      places[queueId]!.push(sent!.commitLogOffset)
      await effects.advance(10)
    }
  }
  await store.close()
  const [one, other] = [0, 1].map((queueId) => `${FOLDER}/consumequeue/TopicTest/${queueId}/${'0'.repeat(20)}`)
  const [a, b] = [await bytesOf(effects, one!), await bytesOf(effects, other!)]
  await overwrite(effects, one!, 0, b)
  await overwrite(effects, other!, 0, a)
  return { store: await openStore(restarted(effects), options), times, places }
}

test.each([0, 1])(
  'search by time: first units of two queues swapped → what the log of queue %i says',
  async (queueId) => {
    const { store, times } = await swappedQueues()
    const queue = { topic: 'TopicTest', queueId }
    const [first] = times[queueId]!
    expect(await store.earliestStoredMs(queue)).toBe(first)
    await store.close()
    for (const boundary of ['LOWER', 'UPPER'] as const) {
      for (const wanted of [0, 3, 7, 8, 12]) {
        const { store: other } = await swappedQueues()
        expect(await other.searchOffset(queue, times[queueId]![wanted]!, boundary)).toBe(wanted)
        await other.close()
      }
    }
  },
)

test('search by time: units are mended by somebody else before the border is compared → searched again', async () => {
  const times = [10, 20, 30, 40, 50, 60, 70, 80]
  // The unit in the middle leads to the first record.
  const places = [0, 1, 2, 3, 0, 5, 6, 7]
  const reader: Parameters<typeof searchOffset>[0]['reader'] = {
    bounds: () => ({ min: queueOffset(0), max: queueOffset(times.length) }),
    queues: () => [],
    scan(_queue, from, accept) {
      accept({ queueOffset: from, commitLogOffset: commitLogOffset(places[from]!), size: 1, tagsCode: 0 })
      return { kind: 'scanned', next: queueOffset(from + 1) }
    },
    storedMs: (at) => times[at],
  }
  const mendedMeanwhile = (): Promise<boolean> => {
    places[4] = 4
    return Promise.resolve(true)
  }
  const deps = { reader, pause: () => Promise.resolve(), isBorderRight: mendedMeanwhile }
  expect(await searchOffset(deps, QUEUE, 30, 'LOWER')).toBe(2)
})

test('record by its place, or its key: first units of two queues swapped → found', async () => {
  for (const queueId of [0, 1]) {
    const { store, places } = await swappedQueues()
    expect((await store.recordAt(commitLogOffset(places[queueId]![3]!)))?.queueOffset).toBe(3)
    await store.close()
    const { store: other } = await swappedQueues()
    const all = Array.from({ length: 20 }, (_, index) => `${queueId}-${index}`)
    expect(await textsWith(other, `all${queueId}`)).toEqual(all)
    await other.close()
  }
})
