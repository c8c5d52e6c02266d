// Files of the log go by age; what is left is whole, now and after a restart.
import { expect, test } from '@jest/globals'
import { commitLogOffset } from '@rocketmq-ts/model'
import { localHour, nextDeleteTime } from '../../src/retention/rules.ts'
import {
  afterPowerLoss,
  createManualEffects,
  FIRST,
  FOLDER,
  namesIn,
  newRecord,
  openStore,
  overwrite,
  restarted,
  SEGMENT_BYTES,
  send,
  textsOf,
  unitsOf,
} from '../store-fixture.ts'
import { countSteps } from '../disk-steps.ts'
import { fillTo, HOUR_MS, openForgetting, RULES, timeInHour, withSpace } from './retention-fixture.ts'

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

test('age: the hour is another one → old files stay until deleteWhen comes', async () => {
  const start = timeInHour(1_800_000_000_000, 4, false)
  const effects = createManualEffects({ nowMs: start })
  const store = await openForgetting(effects, {}, { rules: { ...RULES, deleteHours: [4], reservedMs: 0 } })
  await fillTo(store, 3)
  const wait = nextDeleteTime(start, [4], localHour) - start
  await effects.advance(wait - 60_000)
  expect(store.min).toBe(0)
  await effects.advance(3 * 60_000)
  expect(store.min).toBe(2 * SEGMENT_BYTES)
})

test('age: it is that of the last message, not of the file → one young message keeps its file', async () => {
  const effects = createManualEffects()
  const store = await openForgetting(effects)
  while (store.appended < SEGMENT_BYTES - 400) await send(store, newRecord())
  await effects.advance(RESERVED_MS - HOUR_MS)
  await fillTo(store, 3)
  await effects.advance(2 * HOUR_MS)
  expect(store.min).toBe(0)
  await effects.advance(RESERVED_MS)
  expect(store.min).toBe(2 * SEGMENT_BYTES)
})

test('age: after a restart → the last message of a file is found at its end, also behind debris', async () => {
  const effects = createManualEffects()
  let store = await openStore(effects)
  await fillTo(store, 3)
  await store.close()
  const again = restarted(effects)
  await overwrite(again, `${FOLDER}/commitlog/${'0'.repeat(20)}`, SEGMENT_BYTES - 100, Buffer.alloc(100, 7))
  store = await openForgetting(again)
  await effects.advance(RESERVED_MS - HOUR_MS)
  expect(store.min).toBe(0)
  await effects.advance(2 * HOUR_MS)
  expect(store.min).toBe(2 * SEGMENT_BYTES)
})

test('age: more old files than one look may take → at most that many at a time, with pauses', async () => {
  const effects = createManualEffects()
  const store = await openForgetting(effects, {}, { rules: { ...RULES, filesPerPassMax: 2 } })
  await fillTo(store, 6)
  const removed: number[] = []
  store.onMinMoved(() => removed.push(store.min / SEGMENT_BYTES))
  await effects.advance(RESERVED_MS + HOUR_MS)
  expect(removed).toEqual([2, 4, 5])
})

test('idle: no message comes → no timer but that of the day on which the oldest file is due', async () => {
  const effects = createManualEffects()
  let asked = 0
  const space = () => ((asked += 1), effects.files.space('/'))
  const store = await openForgetting(withSpace(effects, space))
  await fillTo(store, 2)
  await effects.advance(RESERVED_MS - HOUR_MS)
  expect(asked).toBeLessThanOrEqual(4)
  await effects.advance(2 * HOUR_MS)
  expect(store.min).toBe(SEGMENT_BYTES)
  const before = asked
  await effects.advance(10_000 * HOUR_MS)
  expect(asked - before).toBeLessThanOrEqual(3)
})

test('a failed sync: the log takes nothing more → its files stay, and nothing is tried', async () => {
  const effects = createManualEffects()
  let asked = 0
  const beforeRemoval = async (): Promise<void> => void (asked += 1)
  const store = await openForgetting(effects, {}, { rules: { ...RULES, reservedMs: 0 }, beforeRemoval })
  await fillTo(store, 3)
  effects.machine.disk.fail({ on: 'sync', path: 'commitlog', error: 'io' })
  await expect(send(store, newRecord())).rejects.toMatchObject({ code: 'store-refused' })
  await effects.advance(10 * RULES.intervalMs)
  expect([asked, store.min]).toEqual([0, 0])
})

test('read: its file goes meanwhile → a read under way gets its bytes, the next one is told', async () => {
  const effects = createManualEffects()
  const store = await openForgetting(effects, { hotBytes: 0 }, { rules: { ...RULES, reservedMs: 0 } })
  const [first] = await send(store, newRecord({ text: 'still here' }))
  await fillTo(store, 2)
  effects.machine.disk.fail({ on: 'read', path: 'commitlog', delayMs: RULES.intervalMs + 50 })
  const reading = store.read(first!.commitLogOffset, first!.size)
  await effects.advance(2 * RULES.intervalMs)
  expect(Buffer.from(await reading).includes('still here')).toBe(true)
  expect(() => store.read(first!.commitLogOffset, first!.size)).toThrow('is not in the log any more')
})

test('read: its file goes meanwhile and the read fails → it is told of a removed record, not of a broken disk', async () => {
  const effects = createManualEffects()
  const store = await openForgetting(effects, { hotBytes: 0 }, { rules: { ...RULES, reservedMs: 0 } })
  const [first] = await send(store, newRecord())
  await fillTo(store, 2)
  for (let reads = 0; reads < 2; reads += 1) {
    effects.machine.disk.fail({ on: 'read', path: 'commitlog', delayMs: RULES.intervalMs + 50, error: 'io' })
  }
  const reading = expect(store.read(first!.commitLogOffset, first!.size)).rejects.toMatchObject({
    code: 'damaged',
    message: expect.stringContaining('is not in the log any more'),
  })
  const time = store.storedMs(first!.commitLogOffset)
  await effects.advance(2 * RULES.intervalMs)
  await reading
  expect(await time).toBe(undefined)
})

test('restart: files of the log were removed by hand → queues begin with what is left', async () => {
  const effects = createManualEffects()
  let store = await openStore(effects)
  await send(store, newRecord({ queueId: 1 }))
  await fillTo(store, 3)
  const first = (await unitsOf(store)).find((unit) => unit.commitLogOffset >= 2 * SEGMENT_BYTES)!
  await store.close()
  const again = restarted(effects)
  for (const base of [0, SEGMENT_BYTES])
    await again.files.remove(`${FOLDER}/commitlog/${String(base).padStart(20, '0')}`)
  store = await openStore(again)
  expect([store.min, store.bounds('TopicTest', 0).min]).toEqual([2 * SEGMENT_BYTES, first.queueOffset])
  expect(store.bounds('TopicTest', 1)).toEqual({ min: 1, max: 1 })
  expect((await textsOf(store)).includes('<damaged>')).toBe(false)
})

test('power loss: behind the last removal, and no checkpoint is left → no file comes back, nothing is missing in between', async () => {
  for (let seed = 1; seed <= 10; seed += 1) {
    const effects = createManualEffects({ seed })
    let store = await openForgetting(effects, {}, { rules: { ...RULES, reservedMs: 0 } })
    await fillTo(store, 4)
    await effects.advance(RULES.intervalMs + 10 * RULES.filePauseMs)
    const again = afterPowerLoss(effects)
    for (const name of await namesIn(again))
      if (name.startsWith('queue-ch')) await again.files.remove(`${FOLDER}/${name}`)
    store = await openStore(again)
    expect([store.min, store.recovery.damaged]).toEqual([3 * SEGMENT_BYTES, []])
  }
})

test('queue files: all units of a file are below the min → it goes, never the last one; what is left is read', async () => {
  const effects = createManualEffects()
  const options = { unitsPerFile: 10, unitCacheBytes: 1 }
  let store = await openForgetting(effects, options, { rules: { ...RULES, reservedMs: 0 } })
  await send(store, ...Array.from({ length: 12 }, () => newRecord({ queueId: 1 })))
  await fillTo(store, 3)
  await effects.advance(2 * RULES.intervalMs)
  const { min, max } = store.bounds('TopicTest', 0)
  const names = await namesIn(effects, '/consumequeue/TopicTest/0')
  expect(Number(names[0]) / 20).toBe(min - (min % 10))
  expect(await namesIn(effects, '/consumequeue/TopicTest/1')).toEqual(['00000000000000000200'])
  expect(await unitsOf(store, 'TopicTest', 0, min)).toHaveLength(max - min)
  await store.close()
  store = await openStore(restarted(effects), options)
  expect(store.recovery.rebuilt).toEqual([])
  expect(store.bounds('TopicTest', 1)).toEqual({ min: 12, max: 12 })
  expect(await unitsOf(store, 'TopicTest', 0, min)).toHaveLength(max - min)
})

test('key index: all entries of a file are of removed records → it goes; a query finds what is left', async () => {
  const effects = createManualEffects()
  const options = { indexSlots: 8, indexEntries: 10 }
  const store = await openForgetting(effects, options, { rules: { ...RULES, reservedMs: 0 } })
  const properties = Buffer.from('KEYS\u0001order\u0002')
  while (store.appended <= 2 * SEGMENT_BYTES) await send(store, newRecord({ properties, tagsCode: 0 }))
  await store.checkpoint()
  const before = await namesIn(effects, '/index')
  await effects.advance(2 * RULES.intervalMs)
  const { min, max } = store.bounds('TopicTest', 0)
  const query = { topic: 'TopicTest', key: 'order', fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, max: 64 }
  expect((await store.queryKeys(query)).records).toHaveLength(max - min)
  const after = await namesIn(effects, '/index')
  expect(before.length - after.length).toBe(Math.floor(min / 9))
  expect(before.slice(-after.length)).toEqual(after)
})

test('stop: files are still to go → it waits for the one that goes, the next start goes on', async () => {
  const effects = createManualEffects()
  let store = await openForgetting(effects, {}, { rules: { ...RULES, reservedMs: 0 } })
  await fillTo(store, 5)
  await effects.advance(RULES.intervalMs + RULES.filePauseMs)
  expect(await namesIn(effects, '/commitlog')).toHaveLength(3)
  await store.close()
  const again = restarted(effects)
  store = await openForgetting(again, {}, { rules: { ...RULES, reservedMs: 0 } })
  expect([store.min, store.recovery.damaged]).toEqual([4 * SEGMENT_BYTES, []])
  await effects.advance(RULES.intervalMs + 10 * RULES.filePauseMs)
  expect(await namesIn(again, '/commitlog')).toEqual(['00000000000000016384'])
})

test('offsets: all records of a queue have expired and its files are gone → they go on, also after a crash of that start', async () => {
  for (let step = 0; ; step += 1) {
    const effects = createManualEffects()
    let store = await openForgetting(effects)
    await send(store, newRecord({ queueId: 1 }), newRecord({ queueId: 1 }))
    await fillTo(store, 3)
    await effects.advance(RESERVED_MS + HOUR_MS)
    expect(store.bounds('TopicTest', 1)).toEqual({ min: 2, max: 2 })
    const [left] = await send(store, newRecord({ queueId: 0, text: 'left' }))
    await store.close()
    await effects.files.remove(`${FOLDER}/consumequeue`)
    const again = restarted(effects)
    const crashed = Promise.withResolvers<ReturnType<typeof restarted>>()
    const files = countSteps(again.files, { step, moment: step % 2 === 0 ? 'before' : 'after' }, () => {
      crashed.resolve(afterPowerLoss(effects))
    })
    const next = await Promise.race([crashed.promise, openStore({ ...again, files }).then(() => undefined)])
    store = await openStore(next ?? afterPowerLoss(effects))
    const [first] = await send(store, newRecord({ queueId: 1 }))
    expect(first!.queueOffset).toBe(2)
    expect(store.bounds('TopicTest', 0).max).toBe(left!.queueOffset + 1)
    if (step > 0 && next === undefined) break
  }
}, 60_000)

test('offsets: what a checkpoint knows of a queue is gone from the log, and its files are lost → newer messages keep their places', async () => {
  const effects = createManualEffects()
  let store = await openStore(effects)
  await send(store, newRecord({ queueId: 1 }), newRecord({ queueId: 1 }))
  await fillTo(store, 3)
  await store.checkpoint()
  await send(store, newRecord({ queueId: 1, text: 'third' }), newRecord({ queueId: 1, text: 'fourth' }))
  await effects.files.remove(`${FOLDER}/consumequeue`)
  await effects.files.remove(FIRST)
  await effects.files.syncFolder(`${FOLDER}/commitlog`)
  store = await openStore(afterPowerLoss(effects))
  expect([store.recovery.damaged, store.bounds('TopicTest', 1).max]).toEqual([[], 4])
  expect((await textsOf(store, 'TopicTest', 1)).slice(-2)).toEqual(['third', 'fourth'])
  const [next] = await send(store, newRecord({ queueId: 1 }))
  expect(next!.queueOffset).toBe(4)
})

test('offsets: all records of a queue have expired, and the mark of what was flushed is gone → they go on, at a crash, too', async () => {
  for (const isCrash of [false, true]) {
    const effects = createManualEffects()
    let store = await openForgetting(effects)
    await send(store, newRecord({ queueId: 1 }), newRecord({ queueId: 1 }))
    await fillTo(store, 3)
    await effects.advance(RESERVED_MS + HOUR_MS)
    expect(store.bounds('TopicTest', 1)).toEqual({ min: 2, max: 2 })
    if (!isCrash) await store.close()
    const machine = isCrash ? afterPowerLoss(effects) : restarted(effects)
    for (const name of await namesIn(machine)) {
      if (name.startsWith('flushed')) await machine.files.remove(`${FOLDER}/${name}`)
    }
    store = await openStore(machine)
    expect(store.recovery.rebuilt).toEqual([])
    const [first] = await send(store, newRecord({ queueId: 1 }))
    expect(first!.queueOffset).toBe(2)
    await store.close()
    expect((await namesIn(machine)).some((name) => name.startsWith('flushed'))).toBe(true)
  }
})
