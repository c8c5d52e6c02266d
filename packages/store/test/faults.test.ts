// Disks that are full, fail, lie about their order, or hold what they should not.
import { expect, test } from '@jest/globals'
import { SystemTopic } from '@rocketmq-ts/model'
import { readFlushedMark, writeFlushedMark } from '../src/flushed-mark.ts'
import {
  afterKill,
  afterPowerLoss,
  bytesOf,
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
} from './store-fixture.ts'

const journal = newRecord({ topic: SystemTopic.INFLIGHT_LOG, text: 'journal' })

test('sync: the first one fails → no answer before, an error for all who wait, and appends are refused for good', async () => {
  const effects = createManualEffects()
  const store = await openStore(effects)
  const failures: Error[] = []
  store.onFailure((error) => failures.push(error))
  await send(store, newRecord({ text: 'safe' }))
  effects.machine.disk.fail({ on: 'sync', path: 'commitlog', error: 'io' })
  store.append(newRecord({ text: 'in danger' }))
  await store.submit()
  await expect(store.whenFlushed(store.appended)).rejects.toMatchObject({ code: 'store-refused' })
  // The disk works again, but what the failed sync dropped is unknown: the store must not believe a later one.
  expect(() => store.append(newRecord())).toThrow(expect.objectContaining({ code: 'store-refused' }))
  expect(() => store.append(journal, { journal: true })).toThrow(expect.objectContaining({ code: 'store-refused' }))
  await expect(store.submit()).rejects.toMatchObject({ code: 'store-refused' })
  await expect(store.whenFlushed(store.appended)).rejects.toMatchObject({ code: 'store-refused' })
  expect([failures.length, store.failure]).toEqual([1, failures[0]])
  expect(store.bounds('TopicTest', 0).max).toBe(1)
  expect(await textsOf(store)).toEqual(['safe'])
  await store.close()
  expect(await namesIn(effects)).toContain('abort')
})

test('sync: it fails in asynchronous mode with nobody waiting → appends are refused for good', async () => {
  const effects = createManualEffects()
  const store = await openStore(effects, { flushMode: 'ASYNC_FLUSH' })
  store.append(newRecord())
  await store.submit()
  effects.machine.disk.fail({ on: 'sync', path: 'commitlog', error: 'io' })
  await effects.advance(500)
  await effects.settle()
  expect(() => store.append(newRecord())).toThrow(expect.objectContaining({ code: 'store-refused' }))
})

test.each([
  ['nothing gone', []],
  ['the mark of what was flushed gone', ['flushed']],
])(
  'sync: it failed, the restart read what it should have written, %s → no power loss takes it away',
  async (_what, gone) => {
    const effects = createManualEffects()
    let store = await openStore(effects)
    await send(store, newRecord({ text: 'safe' }))
    effects.machine.disk.fail({ on: 'sync', path: 'commitlog', error: 'io' })
    // Long enough for sectors of its own, which no later write touches.
    store.append(newRecord({ text: 'in danger', body: Buffer.alloc(1500, 'x') }))
    await store.submit()
    await store.whenFlushed(store.appended).catch(() => undefined)
    const next = afterKill(effects)
    for (const name of await namesIn(next)) {
      if (gone.some((part) => name.startsWith(part))) await next.files.remove(`${FOLDER}/${name}`)
    }
    store = await openStore(next)
    await send(store, newRecord({ text: 'after' }))
    const served = await textsOf(store)
    expect(served).toHaveLength(3)
    store = await openStore(afterPowerLoss(effects))
    expect(await textsOf(store)).toEqual(served)
  },
)

test('recovery: records that only the page cache had → as safe as flushed ones once they are served', async () => {
  const effects = createManualEffects()
  let store = await openStore(effects)
  store.append(newRecord({ text: 'written', body: Buffer.alloc(3000, 'x') }))
  await store.submit()
  store = await openStore(afterKill(effects))
  const served = await textsOf(store)
  expect([served.length, store.positions.flushed]).toEqual([1, store.appended])
  store = await openStore(afterPowerLoss(effects))
  expect(await textsOf(store)).toEqual(served)
})

test('flushed mark: records written while the checkpoint waits for its sync → the mark stays below them', async () => {
  const effects = createManualEffects()
  const store = await openStore(effects, { flushMode: 'ASYNC_FLUSH' })
  store.append(newRecord())
  await store.submit()
  const covered = store.appended
  effects.machine.disk.fail({ on: 'sync', path: 'commitlog', delayMs: 1000 })
  const done = store.checkpoint()
  await effects.advance(500)
  store.append(newRecord())
  await store.submit()
  effects.machine.disk.fail({ on: 'sync', path: 'commitlog', delayMs: 1000 })
  await effects.advance(500)
  await done
  expect(await readFlushedMark(effects.files, `${FOLDER}/flushed`)).toBe(covered)
})

test('close: while the reserve is being made → it waits for no timer', async () => {
  const store = await openStore(createManualEffects(), { reserveBytes: 64 * 1024 * 1024 })
  await send(store, newRecord())
  await store.close()
})

test('full disk: several starts, one after the other → each gives up what was kept for it, and keeps it again', async () => {
  const effects = createManualEffects()
  const options = { reserveBytes: 262_144, segmentBytes: 65_536, flushMode: 'ASYNC_FLUSH' } as const
  let store = await openStore(effects, options)
  await send(store, newRecord({ text: 'kept' }))
  await effects.advance(1000)
  const { disk } = effects.machine
  disk.capacityBytes = disk.usedBytes
  // The journal takes what it may, and whoever else writes to this disk takes the rest.
  store.append(newRecord({ body: Buffer.alloc(5000, 'x') }))
  await store.submit()
  expect(store.diskFull).toBe(true)
  for (let start = 0; start < 3; start += 1) {
    disk.capacityBytes = disk.usedBytes
    const again = afterKill(effects)
    store = await openStore(again, options)
    expect([(await textsOf(store))[0], await namesIn(again)]).toEqual(['kept', expect.arrayContaining(['reserve'])])
  }
})

test('write: it fails → the batch is refused, nothing of it becomes visible, and appends are refused for good', async () => {
  const effects = createManualEffects()
  const store = await openStore(effects)
  await send(store, newRecord({ text: 'safe' }))
  effects.machine.disk.fail({ on: 'write', path: 'commitlog', error: 'io' })
  store.append(newRecord({ text: 'torn' }))
  await expect(store.submit()).rejects.toMatchObject({ code: 'store-refused' })
  expect(() => store.append(newRecord())).toThrow(expect.objectContaining({ code: 'store-refused' }))
  expect(await textsOf(store)).toEqual(['safe'])
})

test('full disk: with a reserve → the batch is still written, sends are refused, journal records pass, and it recovers', async () => {
  const effects = createManualEffects()
  const { disk } = effects.machine
  const store = await openStore(effects, { flushMode: 'ASYNC_FLUSH', reserveBytes: 16_384, segmentBytes: 65_536 })
  await send(store, newRecord({ text: 'first' }))
  await effects.advance(1000)
  expect(await namesIn(effects)).toContain('reserve')
  disk.capacityBytes = disk.usedBytes
  store.append(newRecord({ text: 'last', body: Buffer.alloc(5000) }))
  await store.submit()
  expect(store.diskFull).toBe(true)
  expect(() => store.append(newRecord())).toThrow(
    expect.objectContaining({ code: 'disk-full', message: expect.stringContaining('no space') }),
  )
  store.append(journal, { journal: true })
  await store.submit()
  await store.whenFlushed(store.appended)
  expect([await textsOf(store, SystemTopic.INFLIGHT_LOG), (await unitsOf(store)).length]).toEqual([['journal'], 2])
  await effects.advance(20_000)
  expect(store.diskFull).toBe(true)
  disk.capacityBytes = Infinity
  await effects.advance(20_000)
  expect(store.diskFull).toBe(false)
  await send(store, newRecord({ text: 'again' }))
  expect((await textsOf(store)).at(-1)).toBe('again')
})

test('full disk: messages that must outlive old files → their copies get half of the reserve, so the files can go', async () => {
  const effects = createManualEffects()
  const { disk } = effects.machine
  const store = await openStore(effects, { flushMode: 'ASYNC_FLUSH', reserveBytes: 16_384, segmentBytes: 65_536 })
  await send(store, newRecord({ text: 'first' }))
  await effects.advance(1000)
  disk.capacityBytes = disk.usedBytes
  store.append(newRecord({ body: Buffer.alloc(5000) }))
  await store.submit()
  expect(store.diskFull).toBe(true)
  for (let copies = 0; copies < 2; copies += 1) {
    store.append(newRecord({ text: `copy ${copies}`, body: Buffer.alloc(3000) }), { copy: true })
    await store.submit()
  }
  const more = () => store.append(newRecord({ body: Buffer.alloc(3000) }), { copy: true })
  expect(more).toThrow(expect.objectContaining({ code: 'disk-full' }))
  store.append(journal, { journal: true })
  await store.submit()
  disk.capacityBytes = Infinity
  await effects.advance(20_000)
  expect(store.diskFull).toBe(false)
  more()
  await store.submit()
  expect((await textsOf(store)).length).toBe(5)
})

test('full disk: without anything in reserve → the batch waits, sends are refused, and it recovers by itself', async () => {
  const effects = createManualEffects()
  const { disk } = effects.machine
  const store = await openStore(effects, { flushMode: 'ASYNC_FLUSH', segmentBytes: 65_536, reserveBytes: 4096 })
  await send(store, newRecord({ text: 'first' }))
  // Before the reserve is there, and with whatever it gives back taken by somebody else.
  disk.capacityBytes = disk.usedBytes
  store.append(newRecord({ text: 'waits', body: Buffer.alloc(20_000) }))
  await expect(store.submit()).rejects.toMatchObject({ code: 'disk-full' })
  expect([store.diskFull, store.failure]).toEqual([true, undefined])
  expect(() => store.append(newRecord())).toThrow(expect.objectContaining({ code: 'disk-full' }))
  store.append(journal, { journal: true })
  await expect(store.submit()).rejects.toMatchObject({ code: 'disk-full' })
  expect([await textsOf(store), await textsOf(store, SystemTopic.INFLIGHT_LOG)]).toEqual([['first'], []])
  disk.capacityBytes = Infinity
  await effects.advance(3000)
  expect(store.diskFull).toBe(false)
  await send(store, newRecord({ text: 'again' }))
  const texts = await textsOf(store)
  expect([texts.length, texts.at(-1), await textsOf(store, SystemTopic.INFLIGHT_LOG)]).toEqual([
    3,
    'again',
    ['journal'],
  ])
  await store.close()
  const reopened = await openStore(restarted(effects), { segmentBytes: 65_536, reserveBytes: 4096 })
  expect([await textsOf(reopened), reopened.recovery.cleanStop]).toEqual([texts, true])
})

test('full disk: closed while a batch waits → no clean stop is claimed, and what was written before is there', async () => {
  const effects = createManualEffects()
  const store = await openStore(effects, { flushMode: 'ASYNC_FLUSH', segmentBytes: 65_536 })
  await send(store, newRecord({ text: 'kept' }))
  effects.machine.disk.capacityBytes = effects.machine.disk.usedBytes
  store.append(newRecord({ body: Buffer.alloc(20_000) }))
  await expect(store.submit()).rejects.toMatchObject({ code: 'disk-full' })
  await store.close()
  effects.machine.disk.capacityBytes = Infinity
  const reopened = await openStore(restarted(effects), { segmentBytes: 65_536 })
  expect([await textsOf(reopened), reopened.recovery.cleanStop]).toEqual([['kept'], false])
})

test('full disk: journal records beyond all bounds while they wait → refused for good', async () => {
  const effects = createManualEffects()
  const store = await openStore(effects, { segmentBytes: 16_777_216 })
  effects.machine.disk.capacityBytes = effects.machine.disk.usedBytes
  const large = newRecord({ topic: SystemTopic.INFLIGHT_LOG, body: Buffer.alloc(4_000_000) })
  store.append(large, { journal: true })
  await expect(store.submit()).rejects.toMatchObject({ code: 'disk-full' })
  expect(() => {
    for (let count = 0; count < 20; count += 1) store.append(large, { journal: true })
  }).toThrow(expect.objectContaining({ code: 'store-refused' }))
})

test('checkpoint: the log is not flushed yet → the derived file is renamed into place only when it is', async () => {
  const effects = createManualEffects()
  const store = await openStore(effects, { flushMode: 'ASYNC_FLUSH' })
  store.append(newRecord())
  await store.submit()
  effects.machine.disk.fail({ on: 'sync', path: 'commitlog', delayMs: 1000 })
  const done = store.checkpoint()
  await effects.advance(999)
  expect((await namesIn(effects)).filter((name) => /^queue-checkpoint\.\d/u.test(name))).toEqual([])
  await effects.advance(1)
  await done
  expect(await namesIn(effects)).toContain('queue-checkpoint.1')
})

test('checkpoint: a queue file can not be synced → no checkpoint counts on it, and the next start reads the log', async () => {
  const effects = createManualEffects()
  let store = await openStore(effects)
  await send(store, newRecord({ text: 'a' }), newRecord({ text: 'b' }))
  effects.machine.disk.fail({ on: 'sync', path: 'consumequeue/TopicTest/0/0', error: 'io' })
  await expect(store.checkpoint()).rejects.toMatchObject({ code: 'unavailable' })
  await expect(store.checkpoint()).rejects.toMatchObject({ code: 'unavailable' })
  await send(store, newRecord({ text: 'c' }))
  await store.close()
  expect((await namesIn(effects)).filter((name) => name.startsWith('queue-checkpoint'))).toEqual([])
  store = await openStore(restarted(effects))
  expect(store.recovery).toMatchObject({ cleanStop: false, records: 3 })
  expect(await textsOf(store)).toEqual(['a', 'b', 'c'])
})

test('checkpoint: written by its interval while there is something to cover, and not while there is nothing', async () => {
  const effects = createManualEffects()
  const store = await openStore(effects, { checkpointIntervalMs: 10_000 })
  await send(store, newRecord())
  await effects.advance(10_000)
  await effects.settle()
  expect(await namesIn(effects)).toContain('queue-checkpoint.1')
  await effects.advance(100_000)
  expect(await namesIn(effects)).not.toContain('queue-checkpoint.2')
})

test('recovery: a checkpoint that covers more than was flushed → discarded and reported; the queues come from the log', async () => {
  const effects = createManualEffects()
  let store = await openStore(effects)
  await send(store, newRecord({ text: 'a' }), newRecord({ text: 'b' }))
  await store.checkpoint()
  const end = store.appended
  await send(store, newRecord({ text: 'lost' }), newRecord({ text: 'lost too' }))
  await store.checkpoint()
  // As if the second checkpoint and its queue file had run ahead of the log, whose end and newest mark were lost.
  const again = afterKill(effects)
  await overwrite(again, FIRST, end, Buffer.alloc(SEGMENT_BYTES - end))
  for (const name of await namesIn(again))
    if (name.startsWith('flushed.')) await again.files.remove(`${FOLDER}/${name}`)
  await writeFlushedMark(again.files, `${FOLDER}/flushed`, end)
  store = await openStore(again)
  expect(store.recovery.rebuilt).toEqual(
    expect.arrayContaining([`${FOLDER}/queue-checkpoint.2`, 'consumequeue/TopicTest/0']),
  )
  expect(store.bounds('TopicTest', 0)).toEqual({ min: 0, max: 2 })
  expect(await textsOf(store)).toEqual(['a', 'b'])
  const [next] = await send(store, newRecord({ text: 'c' }))
  expect(next).toMatchObject({ queueOffset: 2, commitLogOffset: end })
})

test('recovery: units in a queue file beyond the recovered end → clamped: not visible, and cleared on the disk', async () => {
  const effects = createManualEffects()
  let store = await openStore(effects, { flushMode: 'ASYNC_FLUSH' })
  store.append(newRecord({ text: 'kept' }))
  await store.submit()
  await store.checkpoint()
  const end = store.appended
  const again = afterKill(effects)
  const units = `${FOLDER}/consumequeue/TopicTest/0/00000000000000000000`
  const ahead = Buffer.alloc(40)
  for (const at of [0, 20]) {
    ahead.writeBigInt64BE(BigInt(end + at * 8), at)
    ahead.writeInt32BE(160, at + 8)
  }
  await overwrite(again, units, 20, ahead)
  store = await openStore(again)
  expect(store.bounds('TopicTest', 0).max).toBe(1)
  expect((await bytesOf(again, units)).subarray(20).every((byte) => byte === 0)).toBe(true)
  expect(store.recovery.rebuilt).toEqual(['consumequeue/TopicTest/0'])
})

test('recovery: the consumequeue folder is gone → rebuilt from the log byte for byte, and reported', async () => {
  const effects = createManualEffects()
  let store = await openStore(effects, { unitsPerFile: 7 })
  await send(store, ...Array.from({ length: 40 }, (_, index) => newRecord({ text: `m${index}`, queueId: index % 2 })))
  await store.close()
  const path = `${FOLDER}/consumequeue/TopicTest/1/00000000000000000140`
  const before = await bytesOf(effects, path)
  await effects.files.remove(`${FOLDER}/consumequeue`)
  store = await openStore(restarted(effects), { unitsPerFile: 7 })
  expect(store.recovery).toMatchObject({
    records: 40,
    rebuilt: ['consumequeue/TopicTest/0', 'consumequeue/TopicTest/1'],
  })
  expect((await textsOf(store, 'TopicTest', 1)).at(-1)).toBe('m39')
  await store.close()
  expect((await bytesOf(effects, path)).equals(before)).toBe(true)
})

test('recovery: one file in the middle of a queue is gone → that queue is rebuilt', async () => {
  const effects = createManualEffects()
  let store = await openStore(effects, { unitsPerFile: 7 })
  await send(store, ...Array.from({ length: 40 }, (_, index) => newRecord({ text: `m${index}`, queueId: index % 2 })))
  await store.close()
  await effects.files.remove(`${FOLDER}/consumequeue/TopicTest/1/00000000000000000140`)
  store = await openStore(restarted(effects), { unitsPerFile: 7 })
  expect(store.recovery.rebuilt).toEqual(['consumequeue/TopicTest/1'])
  expect(await textsOf(store, 'TopicTest', 1)).toHaveLength(20)
  expect(await textsOf(store)).toHaveLength(20)
})

test('recovery: a start fails after it rebuilt a queue → the next one does not take its files for synced ones', async () => {
  const effects = createManualEffects()
  // In several segments: a queue is persisted with each of them.
  const texts = Array.from({ length: 60 }, (_, index) => `m${index}`.padEnd(300))
  let store = await openStore(effects)
  for (const text of texts) {
    await send(store, newRecord({ text }))
    if (text === texts[30]) await store.checkpoint()
  }
  const again = afterPowerLoss(effects)
  // As if the power loss had taken it.
  await again.files.remove(`${FOLDER}/consumequeue/TopicTest`)
  effects.machine.disk.fail({ on: 'sync', path: 'commitlog/0', error: 'io' })
  await expect(openStore(again)).rejects.toThrow('can not sync')
  store = await openStore(afterKill(effects))
  expect(store.recovery.records).toBe(60)
  await store.checkpoint()
  store = await openStore(afterPowerLoss(effects))
  expect(await textsOf(store)).toEqual(texts)
})

test('recovery: every derived file is gone → all of it comes back from the log', async () => {
  const effects = createManualEffects()
  let store = await openStore(effects)
  await send(store, ...Array.from({ length: 30 }, (_, index) => newRecord({ text: `m${index}` })))
  const again = afterKill(effects)
  for (const name of await namesIn(again)) if (name !== 'commitlog') await again.files.remove(`${FOLDER}/${name}`)
  store = await openStore(again)
  expect(await textsOf(store)).toEqual(Array.from({ length: 30 }, (_, index) => `m${index}`))
})

test('recovery: a checkpoint can not be read → it is gone for later starts, which go by what this one gave out', async () => {
  const effects = createManualEffects()
  let store = await openStore(effects)
  await send(store, newRecord({ text: 'a' }))
  await store.checkpoint()
  const second = afterKill(effects)
  const unreadable = effects.machine.disk.fail({ on: 'read', path: 'queue-checkpoint', error: 'io', times: Infinity })
  store = await openStore(second)
  expect(store.recovery.rebuilt).toContain(`${FOLDER}/queue-checkpoint.1`)
  unreadable.clear()
  const third = afterPowerLoss(effects)
  expect(await namesIn(third)).not.toContain('queue-checkpoint.1')
  store = await openStore(third)
  expect(await textsOf(store)).toEqual(['a'])
})

test('recovery: a damaged checkpoint file → the one before it serves', async () => {
  const effects = createManualEffects()
  let store = await openStore(effects)
  await send(store, newRecord({ text: 'a' }))
  await store.checkpoint()
  await send(store, newRecord({ text: 'b' }))
  await store.checkpoint()
  const again = afterKill(effects)
  effects.machine.disk.flipBit(`${FOLDER}/queue-checkpoint.2`, 40, 1)
  store = await openStore(again)
  expect(store.recovery).toMatchObject({ records: 1, rebuilt: [`${FOLDER}/queue-checkpoint.2`] })
  expect(await textsOf(store)).toEqual(['a', 'b'])
})
