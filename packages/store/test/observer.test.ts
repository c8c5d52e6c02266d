import { expect, test } from '@jest/globals'
import { commitLogOffset } from '@rocketmq-ts/model'
import { openMessageStore, type StoreEvent } from '../src/index.ts'
import {
  createEventLog,
  createManualEffects,
  FOLDER,
  newRecord,
  openStore,
  restarted,
  SEGMENT_BYTES,
  send,
} from './store-fixture.ts'

const SLOW_MS = 1500

test('observer: writes and flushes → each told with its time and bytes; a slow flush is logged with its limit', async () => {
  const effects = createManualEffects()
  const { events, logger } = createEventLog()
  const wrote: number[] = []
  const writeTimes: number[] = []
  const flushed: [number, number][] = []
  const store = await openMessageStore(
    { folder: FOLDER, flushMode: 'SYNC_FLUSH', segmentBytes: SEGMENT_BYTES, reserveBytes: 0 },
    {
      ...effects,
      logger,
      observer: {
        wrote(tookMs, bytes) {
          wrote.push(bytes)
          writeTimes.push(tookMs)
        },
        flushed: (tookMs, bytes) => flushed.push([tookMs, bytes]),
        segmentRemoved: () => undefined,
      },
    },
  )
  const [first] = await send(store, newRecord())
  expect(wrote).toEqual([first!.size])
  expect(writeTimes).toEqual([0])
  expect(flushed).toEqual([[expect.any(Number), first!.size]])
  effects.machine.disk.fail({ on: 'sync', path: 'commitlog', delayMs: SLOW_MS })
  const sent = send(store, newRecord(), newRecord())
  await effects.advance(2 * SLOW_MS)
  await sent
  expect(flushed[1]).toEqual([expect.any(Number), 2 * first!.size])
  expect(flushed[1]![0]).toBeGreaterThanOrEqual(SLOW_MS)
  const slow = events.filter((event): event is StoreEvent & { tookMs: number } => event.event === 'store.flush-slow')
  expect(slow).toEqual([
    { event: 'store.flush-slow', tookMs: expect.any(Number), bytes: 2 * first!.size, limitMs: 1000 },
  ])
})

test('record times: of this life and of one before → the store time of the record, nothing of another place', async () => {
  const effects = createManualEffects()
  let store = await openStore(effects)
  const [first, second] = await send(store, newRecord(), newRecord())
  const at = second!.commitLogOffset
  expect(store.storedMs(at)).toBe(second!.storeTimestampMs)
  expect(store.storedMs(commitLogOffset(at + 1))).toBeUndefined()
  expect(store.storedMs(commitLogOffset(store.appended))).toBeUndefined()
  // A record within the body of another one is none of the log.
  const inner = await store.read(first!.commitLogOffset, first!.size)
  const [outer] = await send(store, newRecord({ body: Buffer.from(inner) }))
  const bytes = Buffer.from(await store.read(outer!.commitLogOffset, outer!.size))
  const bodyAt = outer!.commitLogOffset + bytes.indexOf(inner)
  expect(bodyAt).toBeGreaterThan(outer!.commitLogOffset)
  expect(store.storedMs(commitLogOffset(bodyAt))).toBeUndefined()
  expect([store.min, store.segments]).toEqual([0, 1])
  await store.close()
  store = await openStore(restarted(effects))
  expect(await store.storedMs(first!.commitLogOffset)).toBe(first!.storeTimestampMs)
})
