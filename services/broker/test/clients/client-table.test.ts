// The clients of all proxies as brokers know them: told, listed, gone with their proxy.
import { expect, test } from '@jest/globals'
import { createMetricsRegistry } from '@rocketmq-ts/metrics'
import {
  type ClientEntry,
  CLIENT_TEXT_CHARS_MAX,
  CLIENT_TOPICS_TOLD_MAX,
  CLIENTS_PER_SYNC_MAX,
  decodeListedClients,
  encodeClientNews,
  ListClients,
  type Peer,
  ResponseCode,
  SyncClients,
} from '@rocketmq-ts/remoting'
import { createClientTable } from '../../src/clients/client-table.ts'
import { CLIENTS_LISTED_MAX, CLIENTS_MAX, PROXIES_MAX, PROXY_SILENT_MS_MAX } from '../../src/limits.ts'
import { startBroker } from '../broker-harness.ts'
import { entryOf, fakePeer } from './client-harness.ts'

const PROXY = { proxyId: 'p1', port: 8081, isFirst: false }

function createTable() {
  let nowMs = 0
  const table = createClientTable({ clock: { monotonicMs: () => nowMs } })
  const tell = (peer: Peer, clients: readonly ClientEntry[], changes: object = {}, gone: readonly string[] = []) =>
    table.told(peer, { ...PROXY, ...changes, news: { clients, gone } })
  const ids = () => [...table.all()].map(({ entry }) => entry.clientId)
  return { table, tell, ids, advance: (ms: number) => void (nowMs += ms) }
}

test('client table: told of, changed, gone → found as last told, by id and by group', () => {
  const { table, tell, ids } = createTable()
  const peer = fakePeer()
  expect(tell(peer, [entryOf('a', { group: 'G' }), entryOf('b', { group: 'G' })])).toEqual({ known: 2, isFull: false })
  expect(tell(peer, [entryOf('a', { group: 'H', version: '2' })])).toEqual({ known: 2, isFull: false })
  expect(table.find('a')).toMatchObject({ entry: { version: '2' }, proxy: { id: 'p1', name: '10.0.0.7:8081', peer } })
  expect([...table.ofGroup('G')].map(({ entry }) => entry.clientId)).toEqual(['b'])
  expect([...table.ofGroup('H')].map(({ entry }) => entry.clientId)).toEqual(['a'])
  expect(tell(peer, [], {}, ['b', 'unknown'])).toEqual({ known: 1, isFull: false })
  expect([ids(), table.size, [...table.ofGroup('G')]]).toEqual([['a'], 1, []])
})

test('client table: a proxy tells from the start → what it told before is void, others stay', () => {
  const { tell, ids } = createTable()
  const peer = fakePeer()
  tell(peer, [entryOf('a'), entryOf('b')])
  tell(fakePeer(), [entryOf('c')], { proxyId: 'p2' })
  expect(tell(peer, [entryOf('d')], { isFirst: true })).toEqual({ known: 1, isFull: false })
  expect(ids()).toEqual(['d', 'c'])
})

test('client table: a client on two proxies → found where it has a stream', () => {
  const { table, tell } = createTable()
  tell(fakePeer(), [entryOf('a', { isReachable: false })])
  tell(fakePeer(), [entryOf('a', { isReachable: true })], { proxyId: 'p2' })
  tell(fakePeer(), [entryOf('a', { isReachable: false })], { proxyId: 'p3' })
  expect(table.find('a')?.proxy.id).toBe('p2')
  expect(table.find('b')).toBeUndefined()
})

test('client table: the connection of a proxy ends → its clients are gone; one that it left before ends → they stay', () => {
  const { table, tell, ids } = createTable()
  const [first, second] = [fakePeer(), fakePeer()]
  tell(first, [entryOf('a', { group: 'G' })])
  tell(second, [entryOf('b')])
  expect(table.find('a')?.proxy.peer).toBe(second)
  first.end()
  expect(ids()).toEqual(['a', 'b'])
  second.end()
  expect([ids(), table.size, [...table.proxies()], [...table.ofGroup('G')]]).toEqual([[], 0, [], []])
})

test('client table: a proxy is silent → its clients are gone after the time, not before', () => {
  const { tell, ids, advance } = createTable()
  const peer = fakePeer()
  tell(peer, [entryOf('a')])
  advance(PROXY_SILENT_MS_MAX)
  expect(ids()).toEqual(['a'])
  tell(peer, [])
  advance(PROXY_SILENT_MS_MAX + 1)
  expect(ids()).toEqual([])
  expect(tell(peer, [entryOf('b')])).toEqual({ known: 1, isFull: false })
})

test('client table: at the bound → further clients are left out and it says so; known ones change, and room is used', () => {
  const { table, tell } = createTable()
  const peer = fakePeer()
  const many = (from: number, count: number) => Array.from({ length: count }, (_, index) => entryOf(`c${from + index}`))
  expect(tell(peer, many(0, CLIENTS_MAX - 1))).toEqual({ known: CLIENTS_MAX - 1, isFull: false })
  expect(tell(peer, many(CLIENTS_MAX - 1, 2))).toEqual({ known: CLIENTS_MAX, isFull: true })
  expect(table.find(`c${CLIENTS_MAX}`)).toBeUndefined()
  expect(tell(peer, [entryOf('c0', { version: '2' })]).known).toBe(CLIENTS_MAX)
  expect(table.find('c0')?.entry.version).toBe('2')
  expect(tell(peer, [entryOf('new')], {}, ['c1'])).toEqual({ known: CLIENTS_MAX, isFull: true })
  expect(table.find('new')).toBeDefined()
})

test('client table: bytes at the bound → further clients are left out, until others leave', () => {
  const { table, tell } = createTable()
  const expression = 'x'.repeat(CLIENT_TEXT_CHARS_MAX)
  const subscriptions = Array.from({ length: CLIENT_TOPICS_TOLD_MAX }, () => ({
    topic: 'T',
    type: 'SQL92',
    expression,
  }))
  for (let index = 0; index < 1000; index += 1) tell(fakePeer(), [entryOf(`c${index}`, { subscriptions })])
  expect([table.isFull, Math.round(table.size / 10)]).toEqual([true, 51])
  expect(tell(fakePeer(), [], {}, ['c0', 'c1', 'c2']).isFull).toBe(false)
})

test('client table: too many proxies → a further one is told that the table is full', () => {
  const { table, tell } = createTable()
  for (let index = 0; index < PROXIES_MAX; index += 1) tell(fakePeer(), [], { proxyId: `p${index}` })
  expect(tell(fakePeer(), [entryOf('a')], { proxyId: 'more' })).toEqual({ known: 0, isFull: true })
  expect([table.isFull, table.size]).toEqual([true, 0])
})

test('SYNC_CLIENTS, LIST_CLIENTS: what a proxy told → listed to whoever asks, as far as it fits', async () => {
  const broker = await startBroker()
  const a = entryOf('a', {
    kind: 'PUSH_CONSUMER',
    group: 'G',
    subscriptions: [{ topic: 'T', type: 'TAG', expression: 'x || y' }],
  })
  const b = entryOf('b', { kind: 'PRODUCER', topics: ['T', 'U'] })
  const told = await broker.ask(SyncClients, PROXY, encodeClientNews({ clients: [a, b], gone: [] }))
  expect(told).toMatchObject({ code: ResponseCode.SUCCESS, header: { known: 2, isFull: false } })
  const place = { proxyId: 'p1', proxy: 'local:8081' }
  for (const [header, expected] of [
    [{}, [a, b]],
    [{ clientId: 'b' }, [b]],
    [{ group: 'G' }, [a]],
    [{ group: 'none' }, []],
    [{ topic: 'T' }, [a, b]],
    [{ topic: 'U' }, [b]],
    [{ group: 'G', clientId: 'b' }, []],
  ] as const) {
    const { header: counts, body } = await broker.ask(ListClients, header)
    expect(counts).toEqual({ total: expected.length, isFull: false })
    expect(decodeListedClients(body!)).toEqual(expected.map((entry) => ({ ...entry, ...place })))
  }
})

test('clients as metrics: how many are known, and whether some are left out; those of a silent proxy count no more', async () => {
  const metrics = createMetricsRegistry()
  const broker = await startBroker({}, { metrics })
  const lines = async () => (await broker.settled(metrics.expose())).split('\n')
  await broker.ask(SyncClients, PROXY, encodeClientNews({ clients: [entryOf('a'), entryOf('b')], gone: [] }))
  const told = await lines()
  expect(told).toContain('rocketmq_ts_known_clients 2')
  expect(told).toContain('rocketmq_ts_known_clients_full 0')
  await broker.advance(PROXY_SILENT_MS_MAX + 1)
  expect(await lines()).toContain('rocketmq_ts_known_clients 0')
  for (let index = 0; index < PROXIES_MAX; index += 1) {
    await broker.ask(SyncClients, { ...PROXY, proxyId: `p${index}` }, encodeClientNews({ clients: [], gone: [] }))
  }
  expect(await lines()).toContain('rocketmq_ts_known_clients_full 1')
})

test('LIST_CLIENTS: more than one answer takes → as many as it takes, and how many there are', async () => {
  const broker = await startBroker()
  const count = CLIENTS_LISTED_MAX + 1
  for (let from = 0; from < count; from += CLIENTS_PER_SYNC_MAX) {
    const length = Math.min(CLIENTS_PER_SYNC_MAX, count - from)
    const clients = Array.from({ length }, (_, index) => entryOf(`c${from + index}`))
    await broker.ask(SyncClients, PROXY, encodeClientNews({ clients, gone: [] }))
  }
  const { header, body } = await broker.ask(ListClients, {})
  expect(header).toEqual({ total: count, isFull: false })
  expect(decodeListedClients(body!)).toHaveLength(CLIENTS_LISTED_MAX)
})

const long = 'x'.repeat(CLIENT_TEXT_CHARS_MAX)
const topics = Array.from({ length: CLIENT_TOPICS_TOLD_MAX }, (_, index) => `T${index}`)
const clients = Array.from({ length: CLIENTS_PER_SYNC_MAX }, (_, index) => entryOf(`c${index}`))
test.each<[string, object | string, number]>([
  ['no JSON', '{', ResponseCode.INVALID_PARAMETER],
  ['nothing', {}, ResponseCode.SUCCESS],
  ['a client without fields', { clients: [{}] }, ResponseCode.SUCCESS],
  ['a kind that nobody knows', { clients: [{ kind: 'NEW' }] }, ResponseCode.SUCCESS],
  ['a number for a group', { clients: [{ group: 7 }] }, ResponseCode.INVALID_PARAMETER],
  ['the longest id', { clients: [{ clientId: long }] }, ResponseCode.SUCCESS],
  ['a longer id', { clients: [{ clientId: `${long}x` }] }, ResponseCode.INVALID_PARAMETER],
  ['the most topics', { clients: [{ topics }] }, ResponseCode.SUCCESS],
  ['one topic more', { clients: [{ topics: [...topics, 'more'] }] }, ResponseCode.INVALID_PARAMETER],
  ['one subscription more', { clients: [{ subscriptions: [...topics, 'more'] }] }, ResponseCode.INVALID_PARAMETER],
  ['the most clients', { clients }, ResponseCode.SUCCESS],
  ['one client more', { clients, gone: ['more'] }, ResponseCode.INVALID_PARAMETER],
])('SYNC_CLIENTS: %s → answered by its code', async (_name, body, code) => {
  const broker = await startBroker()
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  expect((await broker.ask(SyncClients, PROXY, Buffer.from(text))).code).toBe(code)
})
