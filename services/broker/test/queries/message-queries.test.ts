import { expect, test } from '@jest/globals'
import { decodeRecord, decodeRecords, parseOffsetMessageId } from '@rocketmq-ts/model'
import {
  GetEarliestMessageStoreTime,
  QueryMessage,
  ResponseCode,
  SearchOffsetByTimestamp,
  ViewMessageById,
} from '@rocketmq-ts/remoting'
import { type BrokerHarness, startBroker } from '../broker-harness.ts'

const EVER = { beginTimestampMs: 0, endTimestampMs: Number.MAX_SAFE_INTEGER, maxNum: 32 }

async function texts(broker: BrokerHarness, key: string, options: Partial<Parameters<typeof query>[2]> = {}) {
  const { code, body } = await query(broker, key, options)
  return code === ResponseCode.SUCCESS ? decodeRecords(body!).map((each) => Buffer.from(each.body).toString()) : code
}

function query(
  broker: BrokerHarness,
  key: string,
  options: {
    topic?: string
    maxNum?: number
    isUniqueKey?: boolean
    indexType?: string
    beginTimestampMs?: number
    endTimestampMs?: number
  },
) {
  return broker.ask(QueryMessage, { topic: 'T', key, ...EVER, ...options })
}

test('query by key: messages with it → all of them in their order; none → code 22 and how far the index is', async () => {
  const broker = await startBroker()
  for (let index = 0; index < 5; index += 1) {
    const properties = `KEYS\u0001all odd${index % 2}\u0002UNIQ_KEY\u0001U${index}\u0002`
    await broker.send('T', `m${index}`, { queueId: index % 4, properties })
  }
  expect(await texts(broker, 'all')).toEqual(['m0', 'm1', 'm2', 'm3', 'm4'])
  expect(await texts(broker, 'odd1')).toEqual(['m1', 'm3'])
  expect(await texts(broker, 'U2', { isUniqueKey: true, maxNum: 1 })).toEqual(['m2'])
  expect(await texts(broker, 'all', { maxNum: 2 })).toEqual(['m3', 'm4'])
  expect(await texts(broker, 'all', { topic: 'N' })).toBe(ResponseCode.QUERY_NOT_FOUND)
  const { code, header } = await query(broker, 'no', {})
  expect(code).toBe(ResponseCode.QUERY_NOT_FOUND)
  const { header: found, body } = await query(broker, 'U4', {})
  expect(header).toEqual(found)
  const [last] = decodeRecords(body!)
  expect(found).toEqual({
    indexLastUpdateTimestampMs: last!.storeTimestampMs,
    indexLastUpdateOffset: last!.commitLogOffset,
  })
  expect(await texts(broker, 'all', { maxNum: 0 })).toBe(ResponseCode.INVALID_PARAMETER)
})

test('query by tag: index type T, as tools of Apache since 5.4 ask → messages of that tag; as a key → none', async () => {
  const broker = await startBroker()
  for (let index = 0; index < 4; index += 1) {
    await broker.send('T', `m${index}`, { properties: `TAGS\u0001odd${index % 2}\u0002KEYS\u0001k\u0002` })
  }
  expect(await texts(broker, 'odd1', { indexType: 'T' })).toEqual(['m1', 'm3'])
  expect(await texts(broker, 'k', { indexType: 'T' })).toBe(ResponseCode.QUERY_NOT_FOUND)
  expect(await texts(broker, 'odd1', { indexType: 'K' })).toBe(ResponseCode.QUERY_NOT_FOUND)
})

test('query by key: more than 64 messages → the newest 64; after a power loss → the same', async () => {
  const broker = await startBroker()
  for (let index = 0; index < 70; index += 1) await broker.send('T', `m${index}`, { properties: 'KEYS\u0001k\u0002' })
  const newest = Array.from({ length: 64 }, (_, index) => `m${index + 6}`)
  expect(await texts(broker, 'k', { maxNum: 1000 })).toEqual(newest)
  broker.crash({ powerLoss: true })
  await broker.restart()
  expect(await texts(broker, 'k', { maxNum: 1000 })).toEqual(newest)
})

test('query by key: topic deleted and made again → only the messages of the new one, also after a restart', async () => {
  const broker = await startBroker()
  await broker.send('T', 'old', { properties: 'KEYS\u0001k\u0002' })
  await broker.deleteTopic('T')
  await broker.send('T', 'new', { properties: 'KEYS\u0001k\u0002' })
  expect(await texts(broker, 'k')).toEqual(['new'])
  broker.crash({ powerLoss: true })
  await broker.restart()
  expect(await texts(broker, 'k')).toEqual(['new'])
})

test('view by id: of a sent message → its record; of another topic, of no place, negative → system error', async () => {
  const broker = await startBroker()
  await broker.send('T', 'zero')
  const { header } = await broker.send('T', 'one')
  const { commitLogOffset } = parseOffsetMessageId((header as { msgId: string }).msgId)
  const view = (offset: number, topic?: string) =>
    broker.ask(ViewMessageById, { commitLogOffset: offset, ...(topic !== undefined && { topic }) })
  for (const topic of [undefined, '', 'T']) {
    const { code, body } = await view(commitLogOffset, topic)
    expect([code, Buffer.from(decodeRecord(body!).body).toString()]).toEqual([ResponseCode.SUCCESS, 'one'])
  }
  expect((await view(commitLogOffset, 'U')).code).toBe(ResponseCode.SYSTEM_ERROR)
  for (const offset of [commitLogOffset + 1, -1, 2 ** 50]) {
    expect((await view(offset, 'T')).code).toBe(ResponseCode.SYSTEM_ERROR)
  }
})

test('search by time: LOWER unless UPPER is asked for in any case; earliest time → of the first message, −1 without', async () => {
  const broker = await startBroker()
  await broker.send('T', 'one')
  await broker.advance(1000)
  await broker.send('T', 'two')
  const [first, second] = (await broker.pop('T', 'g')).map(({ record }) => record.storeTimestampMs)
  const search = async (timestampMs: number, boundaryType?: string) => {
    const boundary = boundaryType === undefined ? {} : { boundaryType }
    return (await broker.ask(SearchOffsetByTimestamp, { topic: 'T', queueId: 0, timestampMs, ...boundary })).header
  }
  expect(await search(first! + 1)).toEqual({ queueOffset: 1 })
  expect(await search(first! + 1, 'lower')).toEqual({ queueOffset: 1 })
  expect(await search(first! + 1, 'Upper')).toEqual({ queueOffset: 0 })
  expect(await search(second! + 1)).toEqual({ queueOffset: 2 })
  const earliest = (queueId: number) => broker.ask(GetEarliestMessageStoreTime, { topic: 'T', queueId })
  expect((await earliest(0)).header).toEqual({ timestampMs: first })
  expect((await earliest(1)).header).toEqual({ timestampMs: -1 })
  expect((await earliest(9)).code).toBe(ResponseCode.INVALID_PARAMETER)
})

test('queries: more at a time than the broker works on → the rest wait, and all are answered', async () => {
  const broker = await startBroker()
  await broker.send('T', 'one', { properties: 'KEYS\u0001k\u0002' })
  await broker.advance(60_000)
  const header = { topic: 'T', key: 'k', ...EVER }
  const asked = Array.from({ length: 40 }, () => broker.peer.request(QueryMessage, header, { timeoutMs: 10_000 }))
  const codes = (await broker.settled(Promise.all(asked))).map(({ code }) => code)
  expect(new Set(codes)).toEqual(new Set([ResponseCode.SUCCESS]))
})
