// Bytes of the log that are not what they were: lost below F, debris above it.
import { expect, test } from '@jest/globals'
import { SystemTopic } from '@rocketmq-ts/model'
import { checkStore } from '../src/check/index.ts'
import { isFillerUnit, openMessageStore } from '../src/index.ts'
import {
  afterKill,
  afterPowerLoss,
  bytesOf,
  createEventLog,
  createManualEffects,
  encodedRecord,
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

test('damage: above F → cut at the first invalid byte, kept in damaged/, and cleared in the log', async () => {
  const effects = createManualEffects()
  let store = await openStore(effects, { flushMode: 'ASYNC_FLUSH' })
  const sent = ['a', 'b', 'c', 'd'].map((text) => store.append(newRecord({ text })))
  await store.submit()
  const end = store.appended
  const again = afterKill(effects)
  const hit = sent[1]!
  effects.machine.disk.flipBit(FIRST, hit.commitLogOffset + 88, 0)
  const cut = (await bytesOf(again, FIRST)).subarray(hit.commitLogOffset, end)
  store = await openStore(again)
  expect(store.recovery).toMatchObject({ end: hit.commitLogOffset, cutBytes: end - hit.commitLogOffset, damaged: [] })
  const name = `commitlog-${String(hit.commitLogOffset).padStart(20, '0')}`
  expect((await bytesOf(again, `${FOLDER}/damaged/${name}`)).equals(cut)).toBe(true)
  expect((await bytesOf(again, FIRST)).subarray(hit.commitLogOffset).every((byte) => byte === 0)).toBe(true)
  // What was cut must not come back when the log grows again.
  await send(store, newRecord({ text: 'b' }))
  expect(await textsOf(store)).toEqual(['a', 'b'])
  store = await openStore(afterPowerLoss(effects))
  expect(await textsOf(store)).toEqual(['a', 'b'])
})

test.each([
  ['is kept', 0],
  ['can not be kept', Infinity],
])(
  'damage: what was cut %s, and can not be cleared for sure → the next start finds it again, and clears it',
  async (_name, times) => {
    const effects = createManualEffects()
    let store = await openStore(effects, { flushMode: 'ASYNC_FLUSH' })
    const [, hit] = ['a', 'b', 'c'].map((text) => store.append(newRecord({ text })))
    await store.submit()
    const cutBytes = store.appended - hit!.commitLogOffset
    const again = afterKill(effects)
    effects.machine.disk.flipBit(FIRST, hit!.commitLogOffset + 88, 0)
    const log = await again.files.open(FIRST, 'must-exist')
    await log.sync()
    await log.close()
    effects.machine.disk.fail({ on: 'write', path: '/damaged/', error: 'no-space', times })
    const fault = effects.machine.disk.fail({ on: 'sync', path: FIRST, error: 'io' })
    await expect(openStore(again)).rejects.toMatchObject({ code: 'io' })
    fault.clear()
    store = await openStore(afterKill(effects))
    expect(store.recovery).toMatchObject({ end: hit!.commitLogOffset, cutBytes })
    const bytes = await bytesOf(afterPowerLoss(effects), FIRST)
    expect(bytes.subarray(hit!.commitLogOffset).every((byte) => byte === 0)).toBe(true)
  },
)

test('damage: the log is empty, a queue has a unit of its first position → the queue begins at 0, as if it was new', async () => {
  const effects = createManualEffects()
  let store = await openStore(effects)
  await send(store, newRecord({ text: 'lost' }))
  await store.close()
  const again = restarted(effects)
  for (const name of await namesIn(again)) {
    if (name !== 'consumequeue') await again.files.remove(`${FOLDER}/${name}`)
  }
  store = await openStore(again)
  expect(store.recovery.rebuilt).toEqual(['consumequeue/TopicTest/0'])
  const [first] = await send(store, newRecord({ text: 'new' }))
  expect(first).toMatchObject({ queueOffset: 0, commitLogOffset: 0 })
  expect(await textsOf(store)).toEqual(['new'])
})

test('damage: above F over several segments → the segments behind are kept aside and removed', async () => {
  const effects = createManualEffects()
  let store = await openStore(effects, { flushMode: 'ASYNC_FLUSH' })
  const sent = Array.from({ length: 70 }, (_, index) => store.append(newRecord({ text: `m${index}` })))
  await store.submit()
  const again = afterKill(effects)
  effects.machine.disk.flipBit(FIRST, sent[5]!.commitLogOffset + 88, 0)
  store = await openStore(again)
  expect(store.recovery).toMatchObject({ end: sent[5]!.commitLogOffset, records: 5 })
  expect(await namesIn(again, '/commitlog')).toEqual(['00000000000000000000'])
  expect((await namesIn(again, '/damaged')).length).toBeGreaterThan(1)
})

test('damage: below F → the hole is reported, its offset stays with a filler unit, and what lies behind is served', async () => {
  const effects = createManualEffects()
  let store = await openStore(effects)
  const [, hit] = await send(store, ...['a', 'b', 'c', 'd'].map((text) => newRecord({ text })))
  await store.close()
  effects.machine.disk.flipBit(FIRST, hit!.commitLogOffset + 88, 0)
  await effects.files.remove(`${FOLDER}/consumequeue`)
  store = await openStore(restarted(effects))
  const to = hit!.commitLogOffset + hit!.size
  expect(store.recovery).toMatchObject({ damaged: [{ from: hit!.commitLogOffset, to }], cutBytes: 0 })
  expect((await unitsOf(store)).map(isFillerUnit)).toEqual([false, true, false, false])
  expect(await textsOf(store)).toEqual(['a', '<damaged>', 'c', 'd'])
  const [next] = await send(store, newRecord({ text: 'e' }))
  expect(next!.queueOffset).toBe(4)
})

test('damage: very many holes below F → the first 1,000 are told one by one, the others in one line', async () => {
  const effects = createManualEffects()
  const options = { segmentBytes: 1024 * 1024, indexEntries: 4000 }
  let store = await openStore(effects, options)
  const sent = await send(store, ...Array.from({ length: 2010 }, (_, index) => newRecord({ text: `m${index}` })))
  await store.close()
  const holes = sent.filter((_, index) => index % 2 === 0)
  for (const { commitLogOffset } of holes) effects.machine.disk.flipBit(FIRST, commitLogOffset + 88, 0)
  await effects.files.remove(`${FOLDER}/consumequeue`)
  const { events, logger } = createEventLog()
  const again = restarted(effects)
  store = await openMessageStore({ folder: FOLDER, flushMode: 'SYNC_FLUSH', ...options }, { ...again, logger })
  const told = events.filter(({ event }) => event === 'store.damaged')
  const [first, last] = [holes[1000]!, holes[1004]!]
  const rest = { from: first.commitLogOffset, to: last.commitLogOffset + last.size, ranges: 5 }
  expect([told.length, told.at(-1)]).toEqual([1001, { event: 'store.damaged', ...rest }])
  const damagedBytes = holes.reduce((sum, { size }) => sum + size, 0)
  expect(store.recovery).toMatchObject({ records: 1005, damagedBytes })
  expect(store.recovery.damaged).toHaveLength(1000)
  await store.close()
  const { counts } = await checkStore({ folder: FOLDER }, again)
  expect(counts).toEqual({ 'log-damaged': 1001 })
})

test('damage: the last records below F → their offsets are not given out again', async () => {
  const effects = createManualEffects()
  let store = await openStore(effects)
  const sent = await send(store, ...['a', 'b', 'c', 'd'].map((text) => newRecord({ text })))
  const end = store.appended
  await store.close()
  await overwrite(effects, FIRST, sent[2]!.commitLogOffset, Buffer.alloc(end - sent[2]!.commitLogOffset))
  await effects.files.remove(`${FOLDER}/consumequeue`)
  store = await openStore(restarted(effects))
  expect(await textsOf(store)).toEqual(['a', 'b', '<damaged>', '<damaged>'])
  const [next] = await send(store, newRecord({ text: 'e' }))
  expect(next).toMatchObject({ queueOffset: 4, commitLogOffset: end })
})

/** A stopped store of one queue per topic, with nothing left but the log. */
async function logAlone(...topics: string[]) {
  const effects = createManualEffects()
  const store = await openStore(effects)
  const sent = await send(store, ...topics.map((topic, index) => newRecord({ topic, text: `m${index}` })))
  await store.close()
  for (const name of await namesIn(effects))
    if (/checkpoint|consumequeue|index/.test(name)) await effects.files.remove(`${FOLDER}/${name}`)
  return { effects, sent }
}

test('damage: the bodies of the last records of a queue, and no file but the log is left → their offsets stay theirs', async () => {
  const { effects, sent } = await logAlone('A', 'B', 'A', 'C', 'A', 'B')
  for (const index of [2, 3, 4]) effects.machine.disk.flipBit(FIRST, sent[index]!.commitLogOffset + 88, 0)
  const store = await openStore(restarted(effects))
  expect(store.recovery.damaged).toHaveLength(1)
  expect(await textsOf(store, 'A')).toEqual(['m0', '<damaged>', '<damaged>'])
  expect(await textsOf(store, 'B')).toEqual(['m1', 'm5'])
  expect(await textsOf(store, 'C')).toEqual(['<damaged>'])
  const next = await send(store, ...['A', 'B', 'C'].map((topic) => newRecord({ topic })))
  expect(next.map(({ queueOffset }) => queueOffset)).toEqual([3, 2, 1])
  await store.close()
  const { findings } = await checkStore({ folder: FOLDER }, restarted(effects))
  expect(findings.filter(({ severity }) => severity !== 'note')).toMatchObject([{ kind: 'log-damaged' }])
})

test('damage: the last record of a queue names an offset that it can not have → the offset is not believed', async () => {
  const { effects, sent } = await logAlone('A', 'A', 'A')
  const offset = Buffer.alloc(8)
  offset.writeBigInt64BE(2n ** 40n)
  for (const index of [1, 2]) effects.machine.disk.flipBit(FIRST, sent[index]!.commitLogOffset + 88, 0)
  await overwrite(effects, FIRST, sent[2]!.commitLogOffset + 20, offset)
  const store = await openStore(restarted(effects))
  expect(store.bounds('A', 0)).toEqual({ min: 0, max: 2 })
})

test('damage: the first record kept of a queue is lost and names a wild offset → the records behind it decide', async () => {
  const { effects, sent } = await logAlone(...Array.from({ length: 60 }, () => 'A'))
  const first = sent.findIndex(({ commitLogOffset }) => commitLogOffset >= SEGMENT_BYTES)
  const second = `${FOLDER}/commitlog/${String(SEGMENT_BYTES).padStart(20, '0')}`
  await effects.files.remove(FIRST)
  const offset = Buffer.alloc(8)
  offset.writeBigInt64BE(2n ** 24n)
  effects.machine.disk.flipBit(second, 88, 0)
  await overwrite(effects, second, 20, offset)
  const store = await openStore(restarted(effects))
  expect(store.bounds('A', 0)).toEqual({ min: first + 1, max: 60 })
})

test('damage: the last record of a topic that ended behind it → the next topic of the name begins at 0', async () => {
  const { effects, sent } = await logAlone('A', 'A', SystemTopic.INFLIGHT_LOG, 'A')
  effects.machine.disk.flipBit(FIRST, sent[1]!.commitLogOffset + 88, 0)
  await overwrite(effects, FIRST, sent[3]!.commitLogOffset + 20, Buffer.alloc(8))
  const store = await openStore(restarted(effects), { topicsEndedBy: () => ['A'] })
  expect(await textsOf(store, 'A')).toEqual(['m3'])
})

test('damage: text of a message that looks like a record with a lost body → is text', async () => {
  const effects = createManualEffects()
  let store = await openStore(effects)
  const [first] = await send(store, newRecord({ topic: 'A', text: 'x'.repeat(300) }))
  const inside = first!.commitLogOffset + 100
  await store.close()
  const head = (await bytesOf(effects, FIRST)).subarray(first!.commitLogOffset, first!.commitLogOffset + first!.size)
  const fake = encodedRecord(newRecord({ topic: 'Fake', text: 'y' }), { offset: 0, position: inside })
  expect(100 + fake.length).toBeLessThan(head.length)
  fake[88]! ^= 1
  await overwrite(effects, FIRST, inside, fake)
  await overwrite(effects, FIRST, first!.commitLogOffset, Buffer.alloc(8))
  await effects.files.remove(`${FOLDER}/consumequeue`)
  store = await openStore(restarted(effects))
  expect(store.bounds('Fake', 0)).toEqual({ min: 0, max: 0 })
})

test('damage: the head of a record below F names another queue offset → it alone is lost', async () => {
  const effects = createManualEffects()
  let store = await openStore(effects)
  const sent = await send(store, ...['a', 'b', 'c', 'd'].map((text) => newRecord({ text })))
  await store.close()
  const offset = Buffer.alloc(8)
  offset.writeBigInt64BE(2n ** 50n)
  await overwrite(effects, FIRST, sent[1]!.commitLogOffset + 20, offset)
  await effects.files.remove(`${FOLDER}/consumequeue`)
  store = await openStore(restarted(effects))
  expect(await textsOf(store)).toEqual(['a', '<damaged>', 'c', 'd'])
})

test('damage: the whole commit log is gone → nothing is used again: positions go on at F, offsets where they were', async () => {
  const effects = createManualEffects()
  let store = await openStore(effects)
  await send(store, ...Array.from({ length: 40 }, () => newRecord()))
  const end = store.appended
  await store.close()
  await effects.files.remove(`${FOLDER}/commitlog`)
  store = await openStore(restarted(effects))
  const [next] = await send(store, newRecord({ text: 'next' }))
  expect(next).toMatchObject({ queueOffset: 40, commitLogOffset: end })
})

test('damage: a journal record proves that a hole was flushed → the hole is a loss, not the end of the log', async () => {
  const effects = createManualEffects()
  let store = await openStore(effects)
  const [, hit] = await send(store, newRecord({ text: 'a' }), newRecord({ text: 'b' }))
  const stamp = store.provenFlushed
  await send(store, newRecord({ text: 'c' }), newRecord({ topic: SystemTopic.INFLIGHT_LOG, text: String(stamp) }))
  const again = afterKill(effects)
  effects.machine.disk.flipBit(FIRST, hit!.commitLogOffset + 88, 0)
  const flushedStampOf = (record: { topic: string; bytes: Uint8Array }) => {
    expect(record.topic).toBe(SystemTopic.INFLIGHT_LOG)
    return stamp
  }
  store = await openStore(again, { flushedStampOf })
  expect(store.recovery).toMatchObject({ cutBytes: 0, provenFlushed: stamp })
  expect(store.recovery.damaged).toEqual([{ from: hit!.commitLogOffset, to: hit!.commitLogOffset + hit!.size }])
  expect(await textsOf(store)).toEqual(['a', '<damaged>', 'c'])
})

test('folder: a segment that is shorter than its size after a crash → extended, and its records are kept', async () => {
  const effects = createManualEffects()
  let store = await openStore(effects)
  await send(store, newRecord({ text: 'a' }))
  const end = store.appended
  const again = afterKill(effects)
  const file = await again.files.open(FIRST, 'must-exist')
  await file.truncate(end)
  await file.close()
  await (await again.files.open(`${FOLDER}/commitlog/${String(SEGMENT_BYTES).padStart(20, '0')}`, 'create')).close()
  store = await openStore(again)
  expect([(await bytesOf(again, FIRST)).length, await textsOf(store)]).toEqual([SEGMENT_BYTES, ['a']])
})
