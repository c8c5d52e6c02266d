import { expect, test } from '@jest/globals'
import { commitLogOffset, decodeRecord, MqError, queueOffset } from '@rocketmq-ts/model'
import { isFillerUnit } from '../src/index.ts'
import {
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
  textAt,
  textsOf,
  unitsOf,
} from './store-fixture.ts'

test('append: a record gets the end of the log and the next offset of its queue → both are gapless', async () => {
  const store = await openStore(createManualEffects())
  const [a, b, c] = await send(store, newRecord(), newRecord({ queueId: 1 }), newRecord())
  expect([a!.queueOffset, b!.queueOffset, c!.queueOffset]).toEqual([0, 0, 1])
  expect([a!.commitLogOffset, b!.commitLogOffset, c!.commitLogOffset]).toEqual([0, a!.size, 2 * a!.size])
  expect(store.positions).toEqual({
    appended: 3 * a!.size,
    written: 3 * a!.size,
    flushed: 3 * a!.size,
    confirmed: 3 * a!.size,
  })
})

test('append: a closed store → MqError closed', async () => {
  const store = await openStore(createManualEffects())
  await store.close()
  expect(() => store.append(newRecord())).toThrow(expect.objectContaining({ code: 'closed' }))
})

test('append: a body above the limit, or a record that fits no segment → message-too-large, and nothing changes', async () => {
  const store = await openStore(createManualEffects(), { bodyBytesMax: 100 })
  expect(() => store.append(newRecord({ body: Buffer.alloc(101) }))).toThrow(
    expect.objectContaining({ code: 'message-too-large', message: expect.stringContaining('maxMessageSize') }),
  )
  expect(() => store.append(newRecord({ body: Buffer.alloc(SEGMENT_BYTES) }), { journal: true })).toThrow(
    expect.objectContaining({ code: 'message-too-large' }),
  )
  expect(store.appended).toBe(0)
})

test('append: a record that can not be encoded → it throws and leaves no trace', async () => {
  const store = await openStore(createManualEffects())
  expect(() => store.append(newRecord({ bornHost: { host: 'a name', port: 1 } }))).toThrow(MqError)
  expect(() => store.append(newRecord({ topic: '../evil' }))).toThrow(
    expect.objectContaining({ code: 'topic-illegal' }),
  )
  const [first] = await send(store, newRecord({ text: 'fine' }))
  expect(first).toMatchObject({ commitLogOffset: 0, queueOffset: 0 })
  expect(await textsOf(store)).toEqual(['fine'])
})

test('read: a body of any size, copied or lent → the bytes that were appended', async () => {
  const store = await openStore(createManualEffects(), { segmentBytes: 64 * 1024 })
  for (const bytes of [0, 1, 2047, 2048, 2049, 30_000]) {
    const body = Buffer.alloc(bytes, bytes)
    const [appended] = await send(store, newRecord({ body }))
    const record = decodeRecord(await store.read(appended!.commitLogOffset, appended!.size))
    expect(Buffer.from(record.body).equals(body)).toBe(true)
    expect(record).toMatchObject({ queueOffset: appended!.queueOffset, commitLogOffset: appended!.commitLogOffset })
  }
})

test('read: a flipped bit of the body on the disk → MqError damaged, hot and cold', async () => {
  const effects = createManualEffects()
  let store = await openStore(effects)
  const [appended] = await send(store, newRecord({ text: 'precious' }))
  const { commitLogOffset: at, size } = appended!
  effects.machine.disk.flipBit(FIRST, 90, 3)
  expect(() => store.read(at, size)).toThrow(
    expect.objectContaining({ code: 'damaged', message: expect.stringContaining('bodyCrc') }),
  )
  await store.close()
  store = await openStore(restarted(effects))
  await expect(store.read(at, size)).rejects.toMatchObject({ code: 'damaged' })
})

test('read: a position that is no record, behind the end, or in no segment → MqError damaged', async () => {
  const store = await openStore(createManualEffects())
  const [{ size }] = (await send(store, newRecord())) as unknown as [{ size: number }]
  expect(() => store.read(commitLogOffset(1), size - 1)).toThrow(expect.objectContaining({ code: 'damaged' }))
  expect(() => store.read(commitLogOffset(size), size)).toThrow(expect.objectContaining({ code: 'damaged' }))
  expect(() => store.read(commitLogOffset(10 * SEGMENT_BYTES), size)).toThrow(
    expect.objectContaining({ code: 'damaged' }),
  )
  expect(() => store.read(commitLogOffset(0), size - 1)).toThrow(expect.objectContaining({ code: 'damaged' }))
})

test('visibility: synchronous mode → consumers see a record when it is flushed, not before', async () => {
  const effects = createManualEffects()
  const store = await openStore(effects)
  const seen: number[] = []
  store.onVisible((record) => seen.push(record.queueOffset))
  effects.machine.disk.fail({ on: 'sync', path: 'commitlog', delayMs: 100 })
  store.append(newRecord())
  await store.submit()
  const flushed = store.whenFlushed(store.appended)
  await effects.advance(99)
  expect([seen, store.bounds('TopicTest', 0).max, await unitsOf(store)]).toEqual([[], 0, []])
  await effects.advance(1)
  await flushed
  expect([seen, store.bounds('TopicTest', 0).max]).toEqual([[0], 1])
})

test('visibility: asynchronous mode → consumers see a record when it is written', async () => {
  const store = await openStore(createManualEffects(), { flushMode: 'ASYNC_FLUSH' })
  const seen: number[] = []
  store.onVisible((record) => seen.push(record.queueOffset))
  store.append(newRecord())
  expect(store.bounds('TopicTest', 0).max).toBe(0)
  await store.submit()
  expect([seen, store.bounds('TopicTest', 0).max, store.flushBeforeRelease]).toEqual([[0], 1, false])
})

test('flush: the sync takes its time → whenFlushed resolves only when it has returned', async () => {
  const effects = createManualEffects()
  const store = await openStore(effects)
  effects.machine.disk.fail({ on: 'sync', path: 'commitlog', delayMs: 50 })
  store.append(newRecord())
  await store.submit()
  let isDone = false
  const done = store.whenFlushed(store.appended).then(() => (isDone = true))
  await effects.advance(49)
  expect([isDone, store.positions.flushed, store.provenFlushed]).toEqual([false, 0, 0])
  await effects.advance(1)
  await done
  expect(store.provenFlushed).toBe(store.appended)
})

test('flush: asynchronous mode → a sync by itself after the interval, and none while nothing is written', async () => {
  const effects = createManualEffects()
  const store = await openStore(effects, { flushMode: 'ASYNC_FLUSH', flushIntervalMs: 500 })
  store.append(newRecord())
  await store.submit()
  await effects.advance(499)
  expect(store.positions.flushed).toBe(0)
  await effects.advance(1)
  await effects.settle()
  expect(store.positions.flushed).toBe(store.appended)
})

test('scan: accept says skip, take and stop → next is the first unit not visited', async () => {
  const store = await openStore(createManualEffects())
  await send(store, ...Array.from({ length: 5 }, () => newRecord()))
  const visited: number[] = []
  const queue = { topic: 'TopicTest', queueId: 0 }
  const accept = (unit: { queueOffset: number }) => {
    visited.push(unit.queueOffset)
    return unit.queueOffset === 3 ? ('stop' as const) : ('skip' as const)
  }
  expect(store.scan(queue, queueOffset(1), accept, { unitsMax: 10 })).toEqual({ kind: 'scanned', next: 3 })
  expect(visited).toEqual([1, 2, 3])
  expect(store.scan(queue, queueOffset(0), () => 'take', { unitsMax: 2 })).toEqual({ kind: 'scanned', next: 2 })
  expect(store.scan(queue, queueOffset(5), () => 'take', { unitsMax: 2 })).toEqual({ kind: 'scanned', next: 5 })
  expect(store.scan({ topic: 'Other', queueId: 0 }, queueOffset(0), () => 'take', { unitsMax: 2 })).toEqual({
    kind: 'scanned',
    next: 0,
  })
})

test('scan: units that are in files only → cold, and after the load the same units', async () => {
  const effects = createManualEffects()
  let store = await openStore(effects, { unitCacheBytes: 1 })
  for (let batch = 0; batch < 7; batch += 1) {
    await send(store, ...Array.from({ length: 100 }, (_, index) => newRecord({ text: `${batch * 100 + index}` })))
  }
  const before = await unitsOf(store)
  await store.close()
  store = await openStore(restarted(effects), { unitCacheBytes: 1 })
  const scan = () => store.scan({ topic: 'TopicTest', queueId: 0 }, queueOffset(0), () => 'take', { unitsMax: 1 })
  expect(scan().kind).toBe('cold')
  expect(await unitsOf(store)).toEqual(before)
  expect(before).toHaveLength(700)
  // The first append after a start goes to the chunk that is only partly in memory.
  await send(store, newRecord({ text: 'one more' }))
  expect((await unitsOf(store)).map((unit) => unit.queueOffset)).toEqual(Array.from({ length: 701 }, (_, at) => at))
  expect((await textsOf(store)).at(-1)).toBe('one more')
})

test('roll: a record that does not fit with eight bytes to spare → filler, and it starts the next segment', async () => {
  const effects = createManualEffects()
  const store = await openStore(effects)
  const rolls: number[] = []
  store.onRoll((base) => rolls.push(base))
  const [{ size: empty }] = (await send(store, newRecord({ body: Buffer.alloc(0) }))) as unknown as [{ size: number }]
  // Leaves exactly 8 + one record of the size of the first.
  await send(store, newRecord({ body: Buffer.alloc(SEGMENT_BYTES - 3 * empty - 8) }))
  const [fits] = await send(store, newRecord({ body: Buffer.alloc(0) }))
  expect(fits!.commitLogOffset + fits!.size + 8).toBe(SEGMENT_BYTES)
  const [next] = await send(store, newRecord({ text: 'next' }))
  expect(next!.commitLogOffset).toBe(SEGMENT_BYTES)
  expect(rolls).toEqual([SEGMENT_BYTES])
  const bytes = await bytesOf(effects, FIRST)
  expect(bytes.length).toBe(SEGMENT_BYTES)
  expect(bytes.subarray(-8).toString('hex')).toBe('00000008cbd43194')
  expect(await textAt(store, next!.commitLogOffset, next!.size)).toBe('next')
})

test('roll: one byte less than a record and eight → the record does not fit', async () => {
  const store = await openStore(createManualEffects())
  const [{ size: empty }] = (await send(store, newRecord({ body: Buffer.alloc(0) }))) as unknown as [{ size: number }]
  await send(store, newRecord({ body: Buffer.alloc(SEGMENT_BYTES - 3 * empty - 7) }))
  const [next] = await send(store, newRecord({ body: Buffer.alloc(0) }))
  expect(next!.commitLogOffset).toBe(SEGMENT_BYTES)
})

test('roll: several segments in one batch → every record is where it should be', async () => {
  const effects = createManualEffects()
  const store = await openStore(effects)
  const texts = Array.from({ length: 100 }, (_, index) => `message ${index} ${'x'.repeat(index)}`)
  await send(store, ...texts.map((text) => newRecord({ text })))
  expect(await textsOf(store)).toEqual(texts)
  expect((await namesIn(effects, '/commitlog')).length).toBeGreaterThan(3)
})

test('transactions: undecided and rolled back records → stored, without offset, unit and listener', async () => {
  const store = await openStore(createManualEffects())
  let seen = 0
  store.onVisible(() => (seen += 1))
  const [half, rolledBack, committed] = await send(
    store,
    newRecord({ sysFlag: 0x4 }),
    newRecord({ sysFlag: 0xc }),
    newRecord({ sysFlag: 0x8 }),
  )
  expect([half!.queueOffset, rolledBack!.queueOffset, committed!.queueOffset]).toEqual([0, 0, 0])
  expect([seen, store.bounds('TopicTest', 0).max]).toEqual([1, 1])
  expect(decodeRecord(await store.read(half!.commitLogOffset, half!.size)).sysFlag).toBe(0x4)
})

test('queues: several topics and queues → each once', async () => {
  const store = await openStore(createManualEffects())
  await send(store, newRecord(), newRecord({ queueId: 3 }), newRecord({ topic: 'Other' }), newRecord())
  expect([...store.queues()]).toEqual([
    { topic: 'TopicTest', queueId: 0 },
    { topic: 'TopicTest', queueId: 3 },
    { topic: 'Other', queueId: 0 },
  ])
})

test('close: everything was stopped in order → the next start finds all of it and scans nothing', async () => {
  const effects = createManualEffects()
  let store = await openStore(effects)
  await send(store, ...Array.from({ length: 50 }, (_, index) => newRecord({ text: `m${index}`, queueId: index % 3 })))
  store.append(newRecord({ text: 'not yet submitted' }))
  await store.close()
  await store.close()
  const names = await namesIn(effects)
  expect(names).not.toContain('abort')
  expect(names).toEqual(
    expect.arrayContaining(['checkpoint', 'commitlog', 'consumequeue', 'flushed.1', 'queue-checkpoint.1']),
  )
  store = await openStore(restarted(effects))
  expect(store.recovery).toMatchObject({
    cleanStop: true,
    scannedBytes: 0,
    records: 0,
    cutBytes: 0,
    damaged: [],
    rebuilt: [],
  })
  expect(await textsOf(store, 'TopicTest', 1)).toEqual(
    Array.from({ length: 50 }, (_, index) => index)
      .filter((index) => index % 3 === 1)
      .map((index) => `m${index}`),
  )
  expect((await textsOf(store)).at(-1)).toBe('not yet submitted')
})

test('lock: a second process on the folder → FileError locked that names the holder', async () => {
  const effects = createManualEffects()
  const store = await openStore(effects, { holder: 'broker-a on host 1' })
  const second = restarted(effects)
  await expect(openStore(second)).rejects.toMatchObject({
    code: 'locked',
    message: expect.stringContaining('broker-a on host 1'),
  })
  await store.close()
  await (await openStore(second)).close()
})

test('settings: another size of segments than the folder was made with → refused by name, and nothing is touched', async () => {
  const effects = createManualEffects()
  const store = await openStore(effects)
  await send(store, ...Array.from({ length: 40 }, () => newRecord()))
  await store.close()
  const again = restarted(effects)
  await expect(openStore(again, { segmentBytes: 1024 })).rejects.toMatchObject({
    code: 'parameter-invalid',
    message: expect.stringContaining('mappedFileSizeCommitLog'),
  })
  await expect(openStore(again, { segmentBytes: 10_000 })).rejects.toMatchObject({ code: 'parameter-invalid' })
  expect((await openStore(again)).bounds('TopicTest', 0).max).toBe(40)
})

test('endTopic: the topic begins anew → offsets start at 0, also after a restart, and old records are read by position', async () => {
  const effects = createManualEffects()
  let store = await openStore(effects)
  const [old] = await send(store, newRecord({ text: 'old 0' }), newRecord({ text: 'old 1' }))
  await store.checkpoint()
  store.endTopic('TopicTest')
  expect(store.bounds('TopicTest', 0)).toEqual({ min: 0, max: 0 })
  await send(store, newRecord({ text: 'new 0' }))
  expect(await textsOf(store)).toEqual(['new 0'])
  expect(await textAt(store, old!.commitLogOffset, old!.size)).toBe('old 0')
  await store.close()
  store = await openStore(restarted(effects))
  expect(await textsOf(store)).toEqual(['new 0'])
})

test('damaged unit: a queue file with a hole → the unit is written again from the log', async () => {
  const effects = createManualEffects()
  let store = await openStore(effects)
  await send(store, newRecord({ text: 'a' }), newRecord({ text: 'b' }), newRecord({ text: 'c' }))
  await store.close()
  await overwrite(effects, `${FOLDER}/consumequeue/TopicTest/0/00000000000000000000`, 20, Buffer.alloc(20))
  store = await openStore(restarted(effects))
  expect((await unitsOf(store)).map(isFillerUnit)).toEqual([false, false, false])
  expect(await textsOf(store)).toEqual(['a', 'b', 'c'])
})
