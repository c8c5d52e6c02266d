// Disks that fail under the key index, files that hold anything, and files that go with the log.
import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { FileError } from '@rocketmq-ts/runtime'
import {
  createEventLog,
  createManualEffects,
  FOLDER,
  newRecord,
  restarted,
  SEGMENT_BYTES,
  send,
} from '../store-fixture.ts'
import { HOUR_MS, RULES } from '../retention/retention-fixture.ts'
import { interceptFiles } from '../disk-steps.ts'
import { openMessageStore } from '../../src/index.ts'
import {
  answers,
  expectedAnswers,
  expectFilesOf,
  indexBytes,
  indexNames,
  keyed,
  numbered,
  openKeyStore,
  SMALL_FILES,
  textsWith,
} from './key-store.ts'

const COUNT = 8

async function stoppedStore(seed = 1) {
  const effects = createManualEffects({ seed })
  const store = await openKeyStore(effects)
  for (let index = 0; index < COUNT; index += 1) await send(store, numbered(index))
  await store.close()
  return effects
}

test.each(['write', 'sync'] as const)(
  'key index: a %s of its files fails → sends and checkpoints go on, queries say so, the next start builds it again',
  async (on) => {
    const effects = createManualEffects()
    const { events, logger } = createEventLog()
    const options = { folder: FOLDER, flushMode: 'SYNC_FLUSH' as const, segmentBytes: 2048, unitsPerFile: 8 }
    let store = await openMessageStore({ ...options, ...SMALL_FILES, reserveBytes: 0 }, { ...effects, logger })
    await send(store, numbered(0), numbered(1))
    await store.checkpoint()
    effects.machine.disk.fail({ on, path: '/index/', error: 'io', times: 1 })
    await send(store, numbered(2), numbered(3))
    await store.checkpoint()
    expect(events.map(({ event }) => event)).toContain('store.index-failed')
    await expect(textsWith(store, 'all')).rejects.toMatchObject({ code: 'unavailable' })
    await send(store, numbered(4))
    expect(store.failure).toBeUndefined()
    await store.close()
    store = await openKeyStore(restarted(effects))
    expect(store.recovery.cleanStop).toBe(true)
    expect(await answers(store, 5)).toEqual(expectedAnswers(5))
    await store.close()
  },
)

test('key index: any operation on its files fails, then a stop → the next start finds every message', async () => {
  for (let failing = 1; ; failing += 1) {
    const effects = createManualEffects()
    let step = 0
    const files = interceptFiles(effects.files, (path) => {
      if (!path.includes('/index')) return
      step += 1
      if (step === failing) throw new FileError('io', path, 'can not be used')
    })
    const store = await openKeyStore({ ...effects, files })
    for (let index = 0; index < COUNT; index += 1) {
      await send(store, numbered(index))
      if (index % 3 === 2) await store.checkpoint()
    }
    await store.close()
    if (step < failing) break
    const next = await openKeyStore(restarted(effects))
    expect([failing, await answers(next, COUNT)]).toEqual([failing, expectedAnswers(COUNT)])
    await send(next, numbered(COUNT))
    await next.checkpoint()
    expect([failing, await answers(next, COUNT + 1)]).toEqual([failing, expectedAnswers(COUNT + 1)])
    await next.close()
    const last = await openKeyStore(restarted(effects))
    expect([failing, last.recovery.rebuilt]).toEqual([failing, []])
    await last.close()
  }
})

test('key index: any operation fails while it is built again → the start goes on, and the next one builds it', async () => {
  for (let failing = 1; ; failing += 1) {
    const effects = await stoppedStore()
    const again = restarted(effects)
    for (const name of (await indexNames(again)).slice(1)) await again.files.remove(`${FOLDER}/index/${name}`)
    let step = 0
    const files = interceptFiles(again.files, (path) => {
      if (!path.includes('/index')) return
      step += 1
      if (step === failing) throw new FileError('io', path, 'can not be used')
    })
    const store = await openKeyStore({ ...again, files })
    if (step < failing) break
    await send(store, numbered(COUNT))
    await store.close()
    const next = await openKeyStore(restarted(effects))
    expect([failing, await answers(next, COUNT + 1)]).toEqual([failing, expectedAnswers(COUNT + 1)])
    await next.close()
  }
})

test('key index: no space for its files → entries wait in memory and are found there; with space they are written', async () => {
  const effects = createManualEffects()
  const store = await openKeyStore(effects)
  await send(store, numbered(0))
  await store.checkpoint()
  const fault = effects.machine.disk.fail({ on: 'write', path: '/index/', error: 'no-space', times: Infinity })
  for (let index = 1; index < 7; index += 1) {
    await send(store, numbered(index))
    await store.checkpoint()
    expect(await answers(store, index + 1)).toEqual(expectedAnswers(index + 1))
  }
  fault.clear()
  await store.checkpoint()
  expect(await answers(store, 7)).toEqual(expectedAnswers(7))
  await store.close()
  await expectFilesOf(effects, 7)
})

test('key index: no space for any one write → the same again goes on where it was, byte for byte', async () => {
  let wanted: string[] | undefined
  for (let failing = 0; ; failing += 1) {
    const effects = createManualEffects()
    let step = 0
    const files = interceptFiles(effects.files, (path, operation) => {
      if (!path.includes('/index/') || operation !== 'write') return
      step += 1
      if (step === failing) throw new FileError('no-space', path, 'can not write')
    })
    const store = await openKeyStore({ ...effects, files })
    for (const from of [0, 2, 4]) {
      await send(store, numbered(from), numbered(from + 1))
      await store.checkpoint()
      expect([failing, await answers(store, from + 2)]).toEqual([failing, expectedAnswers(from + 2)])
    }
    await store.close()
    const bytes = await indexBytes(restarted(effects))
    wanted ??= bytes
    if (step < failing) break
    const next = await openKeyStore(restarted(effects))
    expect([failing, await answers(next, 6)]).toEqual([failing, expectedAnswers(6)])
    await next.close()
    expect([failing, await indexBytes(restarted(effects))]).toEqual([failing, wanted])
  }
})

test('key index: any bytes in its files, after a stop and after a crash → no start fails, no answer is wrong', async () => {
  const content = fc.oneof(
    fc.uint8Array({ maxLength: 400 }),
    fc.constantFrom(0, 1, 0x7f, 0xff).map((byte) => new Uint8Array(40 + 8 * 4 + 10 * 20).fill(byte)),
  )
  const change = fc.record({
    file: fc.nat({ max: 2 }),
    at: fc.nat({ max: 271 }),
    bytes: fc.oneof(fc.uint8Array({ minLength: 1, maxLength: 8 }), content),
    isWhole: fc.boolean(),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), fc.boolean(), async (changes, isCrash) => {
      const effects = await stoppedStore()
      const again = restarted(effects)
      const names = await indexNames(again)
      for (const { file, at, bytes, isWhole } of changes) {
        const handle = await again.files.open(`${FOLDER}/index/${names[file]}`, 'must-exist')
        if (isWhole) await handle.truncate(0)
        handle.writeSync(isWhole ? 0 : at, [bytes])
        await handle.close()
      }
      if (isCrash) await (await again.files.open(`${FOLDER}/abort`, 'create')).close()
      const store = await openKeyStore(again)
      const wanted = expectedAnswers(COUNT)
      for (const [key, texts] of Object.entries(wanted)) {
        // A chain may end early, but what comes out is of the key, once, and in order.
        const found = await textsWith(store, key)
        expect(texts.filter((text) => found.includes(text))).toEqual(found)
      }
      await send(store, keyed('later', 'later'))
      await store.checkpoint()
      expect(await textsWith(store, 'later')).toEqual(['later'])
      await store.close()
    }),
    { numRuns: 150 },
  )
})

test('key index: the log forgets → files whose every record is gone go too, the last one stays, and nothing is built again', async () => {
  const effects = createManualEffects()
  const open = () => openKeyStore(effects, { segmentBytes: SEGMENT_BYTES })
  let store = await open()
  store.startRetention({ rules: RULES })
  for (let index = 0; store.appended < 2 * SEGMENT_BYTES; index += 1) await send(store, numbered(index))
  const { max } = store.bounds('TopicTest', 0)
  await store.checkpoint()
  const names = await indexNames(effects)
  await effects.advance(73 * HOUR_MS)
  expect(store.min).toBe(2 * SEGMENT_BYTES)
  const kept = await indexNames(effects)
  expect(kept.length).toBeLessThan(names.length)
  expect(names.slice(-kept.length)).toEqual(kept)
  const { min } = store.bounds('TopicTest', 0)
  const texts = Array.from({ length: max - min }, (_, index) => `m${min + index}`)
  expect(await textsWith(store, 'all')).toEqual(texts)
  await store.close()
  store = await open()
  expect(store.recovery.rebuilt).toEqual([])
  expect(await textsWith(store, 'all')).toEqual(texts)
  await store.close()
})

test('key index: entries in memory wait for a few checkpoints, but not for the next segment and not for a stop', async () => {
  const effects = createManualEffects()
  const store = await openKeyStore(effects, { segmentBytes: 64 * 1024, checkpointIntervalMs: 1000 })
  await send(store, numbered(0))
  await effects.advance(1000)
  const written = await indexBytes(effects)
  await send(store, numbered(1))
  await effects.advance(5000)
  expect(await indexBytes(effects)).toEqual(written)
  await effects.advance(2000)
  const later = await indexBytes(effects)
  expect(later).not.toEqual(written)
  await send(store, numbered(2))
  await send(store, newRecord({ body: Buffer.alloc(60 * 1024) }), newRecord({ body: Buffer.alloc(10 * 1024) }))
  await effects.advance(1000)
  expect(await indexBytes(effects)).not.toEqual(later)
  await send(store, numbered(3))
  await store.close()
  const again = restarted(effects)
  const next = await openKeyStore(again, { segmentBytes: 64 * 1024 })
  expect(next.recovery).toMatchObject({ scannedBytes: 0, rebuilt: [] })
  expect(await textsWith(next, 'all')).toEqual(['m0', 'm1', 'm2', 'm3'])
  await next.close()
})
