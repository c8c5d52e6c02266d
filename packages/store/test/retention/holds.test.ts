// Who may keep files from going: those that hold the log, and the owner while it prepares.
import { expect, test } from '@jest/globals'
import { commitLogOffset } from '@rocketmq-ts/model'
import { openMessageStore } from '../../src/index.ts'
import { HOLDS_MAX } from '../../src/retention/holds.ts'
import { createEventLog, createManualEffects, FOLDER, namesIn, SEGMENT_BYTES } from '../store-fixture.ts'
import { fillTo, HOUR_MS, openForgetting, RULES, withDisk } from './retention-fixture.ts'

const RESERVED_MS = 72 * HOUR_MS

test('hold: somebody needs the log from there on → that stays, its owner is told once, and goes on when it ends', async () => {
  const effects = createManualEffects()
  const { events, logger } = createEventLog()
  const store = await openMessageStore(
    { folder: FOLDER, flushMode: 'SYNC_FLUSH', segmentBytes: SEGMENT_BYTES, reserveBytes: 0 },
    { ...effects, logger },
  )
  store.startRetention({ rules: RULES })
  await fillTo(store, 4)
  const slave = store.hold('slave 10.0.0.9', commitLogOffset(SEGMENT_BYTES + 5))
  const other = store.hold('export', commitLogOffset(3 * SEGMENT_BYTES))
  await effects.advance(RESERVED_MS + HOUR_MS)
  expect(store.min).toBe(SEGMENT_BYTES)
  const told = () => events.filter(({ event }) => event === 'store.held')
  expect(told()).toEqual([{ event: 'store.held', owner: 'slave 10.0.0.9', position: SEGMENT_BYTES + 5 }])
  await effects.advance(24 * HOUR_MS)
  expect(told()).toHaveLength(1)
  slave.moveTo(commitLogOffset(2 * SEGMENT_BYTES))
  slave.moveTo(commitLogOffset(0))
  await effects.advance(RULES.intervalMs)
  expect(store.min).toBe(2 * SEGMENT_BYTES)
  slave.release()
  slave.release()
  other.release()
  await effects.advance(RULES.intervalMs)
  expect(store.min).toBe(3 * SEGMENT_BYTES)
  expect(() => store.hold('late', commitLogOffset(0))).toThrow(expect.objectContaining({ code: 'parameter-invalid' }))
})

test('hold: a full disk → nothing held goes, sends are refused instead', async () => {
  const effects = createManualEffects()
  const disk = { usedRatio: 0.5 }
  const store = await openForgetting(withDisk(effects, disk))
  await fillTo(store, 3)
  store.hold('slave', commitLogOffset(0))
  disk.usedRatio = 0.95
  await effects.advance(3 * RULES.intervalMs)
  expect([store.min, store.diskOverMark]).toEqual([0, true])
})

test('hold: too many → busy, naming who has to wait', async () => {
  const store = await openForgetting(createManualEffects())
  const holds = Array.from({ length: HOLDS_MAX }, (_, index) => store.hold(`reader ${index}`, commitLogOffset(0)))
  expect(() => store.hold('one more', commitLogOffset(0))).toThrow(
    expect.objectContaining({ code: 'busy', message: expect.stringContaining('one more') }),
  )
  holds[0]!.release()
  store.hold('one more', commitLogOffset(0))
})

test('before a file goes: the owner is asked, nothing goes while it refuses, and it is told when a try is over', async () => {
  const effects = createManualEffects()
  const asked: number[] = []
  const ends: number[] = []
  let isReady = false
  const store = await openForgetting(
    effects,
    {},
    {
      rules: { ...RULES, reservedMs: 0 },
      async beforeRemoval(limit) {
        asked.push(limit)
        expect([store.min, await namesIn(effects, '/commitlog')]).toEqual([0, expect.arrayContaining(['0'.repeat(20)])])
        if (!isReady) throw new Error('not yet')
      },
      afterMins: () => void ends.push(store.min),
    },
  )
  await fillTo(store, 3)
  await effects.advance(3 * RULES.intervalMs)
  expect([store.min, asked]).toEqual([0, [2 * SEGMENT_BYTES, 2 * SEGMENT_BYTES, 2 * SEGMENT_BYTES]])
  expect(ends).toEqual([0, 0, 0])
  isReady = true
  await effects.advance(RULES.intervalMs)
  expect(store.min).toBe(2 * SEGMENT_BYTES)
  expect(ends).toEqual([0, 0, 0, 2 * SEGMENT_BYTES])
})

test('a hold that is taken while the owner prepares → what it needs stays', async () => {
  const effects = createManualEffects()
  const store = await openForgetting(
    effects,
    {},
    {
      rules: { ...RULES, reservedMs: 0 },
      async beforeRemoval() {
        if (store.min === 0) store.hold('late reader', commitLogOffset(SEGMENT_BYTES))
      },
    },
  )
  await fillTo(store, 4)
  await effects.advance(RULES.intervalMs)
  expect(store.min).toBe(0)
  await effects.advance(RULES.intervalMs)
  expect(store.min).toBe(SEGMENT_BYTES)
})
