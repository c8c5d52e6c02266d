// What a disk that fills up asks for: old files in any hour, then the oldest, then no more sends.
import { expect, test } from '@jest/globals'
import { openMessageStore } from '../../src/index.ts'
import {
  createEventLog,
  createManualEffects,
  FOLDER,
  newRecord,
  SEGMENT_BYTES,
  send,
  textAt,
} from '../store-fixture.ts'
import { fillTo, HOUR_MS, openForgetting, RULES, timeInHour, withDisk, withSpace } from './retention-fixture.ts'

const RESERVED_MS = 72 * HOUR_MS

test('disk: 0.76 → old files go in any hour, young ones stay', async () => {
  const start = timeInHour(1_800_000_000_000, 4, false)
  const effects = createManualEffects({ nowMs: start })
  const disk = { usedRatio: 0.75 }
  const rules = { ...RULES, deleteHours: [4], reservedMs: 60_000 }
  const store = await openForgetting(withDisk(effects, disk), {}, { rules })
  await fillTo(store, 2)
  await effects.advance(80_000)
  expect(store.min).toBe(0)
  disk.usedRatio = 0.76
  await fillTo(store, 3)
  await effects.advance(30_000)
  expect(store.min).toBe(SEGMENT_BYTES)
  await effects.advance(60_000)
  expect(store.min).toBe(2 * SEGMENT_BYTES)
})

test('disk: 0.86 → the oldest go however young, the last file stays; not where cleanFileForciblyEnable is off', async () => {
  for (const cleanForcibly of [true, false]) {
    const effects = createManualEffects()
    const disk = { usedRatio: 0.86 }
    const store = await openForgetting(withDisk(effects, disk), {}, { rules: { ...RULES, cleanForcibly } })
    await fillTo(store, 4)
    await effects.advance(RULES.intervalMs)
    expect(store.min).toBe(cleanForcibly ? SEGMENT_BYTES : 0)
    await effects.advance(10 * RULES.intervalMs)
    expect(store.min).toBe(cleanForcibly ? 3 * SEGMENT_BYTES : 0)
    expect(store.diskOverMark).toBe(false)
  }
})

test('disk: 0.91 → sends are refused, journal records and reads pass; 0.5 → sending goes on', async () => {
  const effects = createManualEffects()
  const disk = { usedRatio: 0.5 }
  const { events, logger } = createEventLog()
  const store = await openMessageStore(
    { folder: FOLDER, flushMode: 'SYNC_FLUSH', segmentBytes: SEGMENT_BYTES, reserveBytes: 0 },
    { ...withDisk(effects, disk), logger },
  )
  store.startRetention({ rules: RULES })
  const [before] = await send(store, newRecord({ text: 'before' }))
  disk.usedRatio = 0.91
  await effects.advance(RULES.intervalMs)
  expect(() => store.append(newRecord())).toThrow(
    expect.objectContaining({ code: 'disk-full', message: expect.stringContaining('91 % full') }),
  )
  store.append(newRecord({ topic: 'Journal' }), { journal: true })
  await store.submit()
  expect(await textAt(store, before!.commitLogOffset, before!.size)).toBe('before')
  expect([store.diskOverMark, store.diskFull]).toEqual([true, false])
  await effects.advance(10 * RULES.intervalMs)
  disk.usedRatio = 0.5
  await effects.advance(1000)
  expect(store.diskOverMark).toBe(false)
  await send(store, newRecord())
  const told = events.map(({ event }) => event).filter((event) => event.startsWith('store.disk'))
  expect(told).toEqual(['store.disk-full', 'store.disk-freed'])
})

test('disk: it does not answer → age counts alone', async () => {
  const effects = createManualEffects()
  const store = await openForgetting(withSpace(effects, () => Promise.reject(new Error('no answer'))))
  await fillTo(store, 2)
  await effects.advance(RESERVED_MS + HOUR_MS)
  expect(store.min).toBe(SEGMENT_BYTES)
})
