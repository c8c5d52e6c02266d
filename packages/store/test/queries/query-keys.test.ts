import { expect, test } from '@jest/globals'
import { commitLogOffset, decodeRecord, recordProperties } from '@rocketmq-ts/model'
import type { MessageStore, NewRecord, StoreOptions } from '../../src/index.ts'
import { interceptFiles } from '../disk-steps.ts'
import {
  afterPowerLoss,
  createManualEffects,
  namesIn,
  newRecord,
  openStore,
  restarted,
  send,
} from '../store-fixture.ts'

const SMALL = { indexSlots: 8, indexEntries: 10 } satisfies Partial<StoreOptions>

function keyed(text: string, keys: string, fields: Partial<NewRecord> = {}): NewRecord {
  const properties = Buffer.from(`KEYS\u0001${keys}\u0002UNIQ_KEY\u0001unique-${text}\u0002`)
  return newRecord({ text, properties, ...fields })
}

async function find(store: MessageStore, key: string, window: Partial<Parameters<MessageStore['queryKeys']>[0]> = {}) {
  const all = { topic: 'TopicTest', key, fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, max: 64, ...window }
  const { records, isCut } = await store.queryKeys(all)
  expect(isCut).toBe(false)
  return records.map(({ bytes }) => Buffer.from(decodeRecord(bytes).body).toString())
}

test('key query: a unique key and keys, in memory, in files, after a stop and after a power loss → the same', async () => {
  const effects = createManualEffects()
  let store = await openStore(effects, SMALL)
  for (let index = 0; index < 20; index += 1) await send(store, keyed(`m${index}`, `all k${index % 3} own${index}`))
  const all = Array.from({ length: 20 }, (_, index) => `m${index}`)
  async function check(): Promise<void> {
    expect(await find(store, 'all')).toEqual(all)
    expect(await find(store, 'k1')).toEqual(all.filter((_, index) => index % 3 === 1))
    expect(await find(store, 'own7')).toEqual(['m7'])
    expect(await find(store, 'unique-m7')).toEqual(['m7'])
    expect(await find(store, 'unique-m7', { topic: 'Other' })).toEqual([])
    expect(await find(store, 'all', { max: 3 })).toEqual(['m17', 'm18', 'm19'])
    expect(await find(store, 'none')).toEqual([])
  }
  await check()
  await store.checkpoint()
  expect((await namesIn(effects, '/index')).length).toBe(9)
  await check()
  await store.close()
  store = await openStore(restarted(effects), SMALL)
  expect(store.recovery.rebuilt).toEqual([])
  await check()
  await send(store, keyed('m20', 'all'))
  all.push('m20')
  const again = afterPowerLoss(effects)
  store = await openStore(again, SMALL)
  expect(store.recovery.rebuilt).toEqual([])
  expect(await find(store, 'all')).toEqual(all)
  await store.close()
})

test('key query: a window of time → what was stored in it, to the millisecond', async () => {
  const effects = createManualEffects({ nowMs: 1_700_000_000_500 })
  const store = await openStore(effects, SMALL)
  const times: number[] = []
  for (let index = 0; index < 6; index += 1) {
    const [sent] = await send(store, keyed(`m${index}`, 'k'))
    times.push(sent!.storeTimestampMs)
    await effects.advance(700)
  }
  for (const isInFile of [false, true]) {
    if (isInFile) await store.checkpoint()
    for (let from = 0; from < 6; from += 1) {
      for (let to = from; to < 6; to += 1) {
        const wanted = times.slice(from, to + 1).map((_, index) => `m${from + index}`)
        expect(await find(store, 'k', { fromMs: times[from]!, toMs: times[to]! })).toEqual(wanted)
      }
      expect(await find(store, 'k', { fromMs: times[from]! + 1, toMs: times[from]! + 699 })).toEqual([])
    }
  }
  await store.close()
})

test('key query: the first entry of a file, long after the file before → found in its own second', async () => {
  const effects = createManualEffects()
  const store = await openStore(effects, SMALL)
  await send(
    store,
    ...Array.from({ length: 4 }, (_, index) => keyed(`m${index}`, 'k')),
    newRecord({ properties: Buffer.from('KEYS\u0001k\u0002') }),
  )
  await effects.advance(3_600_000)
  const [sent] = await send(store, keyed('late', 'k'))
  await store.checkpoint()
  expect((await namesIn(effects, '/index')).length).toBe(2)
  const { storeTimestampMs } = sent!
  expect(await find(store, 'unique-late', { fromMs: storeTimestampMs, toMs: storeTimestampMs })).toEqual(['late'])
  await store.close()
})

test('key query: two keys of one hash → each answers its own message only', async () => {
  const effects = createManualEffects()
  const store = await openStore(effects, SMALL)
  await send(store, keyed('one', 'Aa'), keyed('two', 'BB'))
  expect(await find(store, 'Aa')).toEqual(['one'])
  expect(await find(store, 'BB')).toEqual(['two'])
  await store.close()
})

test('key query: of a transaction → decided and undecided messages are found, rolled back ones are not', async () => {
  const effects = createManualEffects()
  const store = await openStore(effects, SMALL)
  await send(store, keyed('half', 'k', { sysFlag: 0x4 }), keyed('done', 'k', { sysFlag: 0x8 }))
  await send(store, keyed('back', 'k', { sysFlag: 0xc }))
  expect(await find(store, 'k')).toEqual(['half', 'done'])
  await store.close()
})

test('key query: topic deleted and made again → messages of the older one are not found', async () => {
  const effects = createManualEffects()
  const store = await openStore(effects, SMALL)
  await send(store, keyed('old', 'k'))
  store.endTopic('TopicTest')
  expect(await find(store, 'k')).toEqual([])
  await send(store, keyed('new', 'k'))
  expect(await find(store, 'k')).toEqual(['new'])
  await store.close()
})

test('record at a place: of a message → the record; inside of one, behind the end, of a deleted topic → none', async () => {
  const effects = createManualEffects()
  const store = await openStore(effects, SMALL)
  const [first, second] = await send(store, keyed('one', 'k'), keyed('two', 'k'))
  const record = await store.recordAt(second!.commitLogOffset)
  expect([record?.queueOffset, recordProperties(decodeRecord(record!.bytes)).get('KEYS')]).toEqual([1, 'k'])
  for (const at of [1, first!.size - 1, store.positions.written, store.positions.written + 1, 1e12]) {
    expect(await store.recordAt(commitLogOffset(at))).toBeUndefined()
  }
  store.endTopic('TopicTest')
  expect(await store.recordAt(second!.commitLogOffset)).toBeUndefined()
  await store.close()
})

test('record at a place: bytes of a body that look like a record of that place → none', async () => {
  const effects = createManualEffects()
  const store = await openStore(effects, SMALL)
  const [first] = await send(store, newRecord({ text: 'one' }))
  const bytes = Buffer.from(await store.read(first!.commitLogOffset, first!.size))
  const bodyAt = first!.size + 88
  bytes.writeBigInt64BE(BigInt(bodyAt), 28)
  await send(store, newRecord({ body: bytes }))
  const raw = Buffer.alloc(bytes.length)
  const file = await effects.files.open('/data/store/commitlog/00000000000000000000', 'must-exist')
  await file.read(bodyAt, raw)
  expect(raw.equals(bytes)).toBe(true)
  expect(await store.recordAt(commitLogOffset(bodyAt))).toBeUndefined()
  await store.close()
})

test('record at a place: bytes of a body that look like a larger record than may be stored → none, and nothing is read', async () => {
  const effects = createManualEffects()
  const options = { ...SMALL, segmentBytes: 1024 * 1024, bodyBytesMax: 4000 }
  let store = await openStore(effects, options)
  const [first] = await send(store, newRecord({ text: 'one' }))
  const bodyAt = first!.size + 88
  const body = Buffer.from(await store.read(first!.commitLogOffset, first!.size))
  body.writeInt32BE(options.bodyBytesMax + 64 * 1024 + 1)
  body.writeBigInt64BE(BigInt(bodyAt), 28)
  await send(store, newRecord({ body }))
  await send(store, ...Array.from({ length: 30 }, () => newRecord({ body: Buffer.alloc(4000) })))
  await store.close()
  const again = restarted(effects)
  let largest = 0
  const files = interceptFiles(again.files, (path, operation, bytes) => {
    if (path.includes('commitlog') && operation === 'read') largest = Math.max(largest, bytes)
  })
  store = await openStore({ ...again, files }, { ...options, coldReadBytes: 0 })
  largest = 0
  expect(await store.recordAt(commitLogOffset(bodyAt))).toBeUndefined()
  expect(largest).toBeLessThan(1000)
  await store.close()
})

test('record at a place: stored when larger ones might be → found by its place and by its keys, also with the smaller setting', async () => {
  const effects = createManualEffects()
  const options = { ...SMALL, segmentBytes: 1024 * 1024 }
  let store = await openStore(effects, options)
  const [large] = await send(store, keyed('large', 'k', { body: Buffer.alloc(200_000, 1) }))
  await store.close()
  store = await openStore(restarted(effects), { ...options, bodyBytesMax: 4000 })
  expect(await store.recordAt(large!.commitLogOffset)).toMatchObject({ queueOffset: 0, topic: 'TopicTest' })
  const query = { topic: 'TopicTest', key: 'k', fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, max: 64 }
  expect((await store.queryKeys(query)).records).toHaveLength(1)
  await store.close()
})

test('key index: messages without keys and tags → no file', async () => {
  const effects = createManualEffects()
  const store = await openStore(effects, SMALL)
  await send(
    store,
    newRecord({ properties: new Uint8Array(0) }),
    newRecord({ properties: Buffer.from('a\u0001b\u0002') }),
  )
  await store.close()
  expect(await namesIn(effects)).not.toContain('index')
})

test('key query: more bytes than one answer takes → the newest ones, and told that it was cut short', async () => {
  const effects = createManualEffects()
  const store = await openStore(effects, { ...SMALL, segmentBytes: 64 * 1024 * 1024 })
  const body = Buffer.alloc(3 * 1024 * 1024)
  for (let index = 0; index < 4; index += 1) await send(store, keyed(`m${index}`, 'k', { body }))
  const query = { topic: 'TopicTest', key: 'k', fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, max: 64 }
  const { records, isCut } = await store.queryKeys(query)
  expect([records.map(({ queueOffset }) => queueOffset), isCut]).toEqual([[2, 3], true])
  expect(await store.queryKeys({ ...query, max: 2 })).toMatchObject({ isCut: false })
  await store.close()
})

test('key query: thousands of other keys of the same hash → cut short after so many, and told', async () => {
  const effects = createManualEffects()
  const store = await openStore(effects, { ...SMALL, indexEntries: 5000, segmentBytes: 1024 * 1024 })
  await send(store, keyed('first', 'Aa'))
  for (let batch = 0; batch < 11; batch += 1) {
    await send(store, ...Array.from({ length: 100 }, (_, index) => keyed(`${batch}-${index}`, 'BB')))
  }
  const query = { topic: 'TopicTest', key: 'Aa', fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, max: 64 }
  expect(await store.queryKeys(query)).toMatchObject({ records: [], isCut: true })
  expect((await store.queryKeys({ ...query, key: 'unique-first' })).records).toHaveLength(1)
  await store.close()
})

test('key query: not flushed yet in synchronous mode → not found before it is', async () => {
  const effects = createManualEffects()
  const store = await openStore(effects, SMALL)
  store.append(keyed('one', 'k'))
  expect(await find(store, 'k')).toEqual([])
  await store.submit()
  expect(await find(store, 'k')).toEqual([])
  await store.whenFlushed(store.appended)
  expect(await find(store, 'k')).toEqual(['one'])
  await store.close()
})
