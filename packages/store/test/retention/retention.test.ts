// Files of the log go by age and by the state of the disk; what is left is whole, now and after a restart.
import { expect, test } from '@jest/globals'
import { commitLogOffset } from '@rocketmq-ts/model'
import {
  createManualEffects,
  namesIn,
  newRecord,
  openStore,
  restarted,
  SEGMENT_BYTES,
  send,
  textsOf,
  unitsOf,
} from '../store-fixture.ts'
import { fillTo, HOUR_MS, openForgetting } from './retention-fixture.ts'

const RESERVED_MS = 72 * HOUR_MS

test('age: the last message of a file is older than fileReservedTime → the file goes, min offsets follow, the last file stays', async () => {
  const effects = createManualEffects()
  const store = await openForgetting(effects)
  await send(store, newRecord({ queueId: 1, text: 'only one of its queue' }))
  await fillTo(store, 3)
  const { max } = store.bounds('TopicTest', 0)
  const first = (await unitsOf(store)).find((unit) => unit.commitLogOffset >= 2 * SEGMENT_BYTES)!
  await effects.advance(RESERVED_MS + HOUR_MS)
  expect(await namesIn(effects, '/commitlog')).toEqual(['00000000000000008192'])
  expect([store.min, store.segments]).toEqual([2 * SEGMENT_BYTES, 1])
  expect(store.bounds('TopicTest', 0)).toEqual({ min: first.queueOffset, max })
  expect(store.bounds('TopicTest', 1)).toEqual({ min: 1, max: 1 })
  expect((await unitsOf(store))[0]).toEqual(first)
  expect(() => store.read(commitLogOffset(0), 100)).toThrow('is not in the log any more')
  await effects.advance(1000 * HOUR_MS)
  expect(store.segments).toBe(1)
})

test('age: after a restart → mins are where they were, the queue without messages goes on at its offset', async () => {
  const effects = createManualEffects()
  let store = await openForgetting(effects)
  await send(store, newRecord({ queueId: 1 }))
  await fillTo(store, 3)
  await effects.advance(RESERVED_MS + HOUR_MS)
  const bounds = store.bounds('TopicTest', 0)
  const texts = await textsOf(store)
  await store.close()
  store = await openStore(restarted(effects))
  expect(store.recovery).toMatchObject({ cleanStop: true, damaged: [], rebuilt: [] })
  expect([store.min, store.bounds('TopicTest', 0)]).toEqual([2 * SEGMENT_BYTES, bounds])
  expect(await textsOf(store)).toEqual(texts)
  const [next] = await send(store, newRecord({ queueId: 1 }))
  expect(next!.queueOffset).toBe(1)
  expect(store.bounds('TopicTest', 1)).toEqual({ min: 1, max: 2 })
})
