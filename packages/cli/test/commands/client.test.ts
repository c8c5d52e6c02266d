import { expect, test } from '@jest/globals'
import { createNameServerClient, createPeerSource } from '@rocketmq-ts/cluster-client'
import { decodeRecord, MASTER_ID } from '@rocketmq-ts/model'
import {
  type ArrivedRequest,
  type ClientEntry,
  connectPeer,
  ConsumeMessageDirectly,
  encodeClientNews,
  encodeConsumeResult,
  encodeConsumerRunningInfo,
  GetConsumerRunningInfo,
  ReconnectClient,
  ResponseCode,
  SettingsChanged,
  SyncClients,
} from '@rocketmq-ts/remoting'
import { startCluster, type TestCluster } from '../cli-harness.ts'

const SINCE_MS = Date.UTC(2026, 0, 1)

function entryOf(clientId: string, changes: Partial<ClientEntry> = {}): ClientEntry {
  return {
    clientId,
    kind: 'PUSH_CONSUMER',
    group: 'billing',
    language: 'JAVA',
    version: '5.2.0',
    address: '10.0.0.9:5000',
    sinceMs: SINCE_MS,
    isReachable: true,
    topics: [],
    subscriptions: [{ topic: 'orders', type: 'TAG', expression: 'a || b' }],
    ...changes,
  }
}

const producer = entryOf('maker', {
  kind: 'PRODUCER',
  group: '',
  language: 'GOLANG',
  topics: ['orders'],
  subscriptions: [],
})

/** Tells all brokers of a proxy's clients, and answers what they pass on. */
async function connectProxy(
  { effects, nameServers, settled }: TestCluster,
  clients: readonly ClientEntry[],
  options: { proxyId?: string; port?: number; answer?: (request: ArrivedRequest) => void } = {},
): Promise<void> {
  const { proxyId = 'p1', port = 8081, answer = () => {} } = options
  const { network, clock, scheduler } = effects
  const handler = (request: ArrivedRequest): void => {
    if (request.code !== SettingsChanged.code) answer(request)
  }
  const connect = (address: string) => connectPeer(network, address, { clock, scheduler, handler })
  const peers = createPeerSource({ connect, clock })
  const nameServer = createNameServerClient({ addresses: nameServers, peers, scheduler })
  const { brokerAddrTable } = await settled(nameServer.clusterInfo())
  for (const { brokerAddrs } of brokerAddrTable.values()) {
    const peer = await settled(peers.peer(brokerAddrs.get(MASTER_ID) ?? ''))
    const body = encodeClientNews({ clients, gone: [] })
    await settled(peer.request(SyncClients, { proxyId, port, isFirst: true }, { timeoutMs: 1000, body }))
  }
}

const plain = (out: string): string => out.replaceAll(/\d+\.\d+\.\d+\.\d+:808/g, 'HOST:808').replaceAll(/ {2,}/g, '  ')

test('client list: clients of several proxies and brokers → each once, with its proxies; chosen by group or topic', async () => {
  const cluster = await startCluster({ clusters: ['C', 'C'] })
  const { rmq } = cluster
  expect((await rmq('client list')).out).toBe('No clients.\n')
  await connectProxy(cluster, [entryOf('c2'), producer])
  await connectProxy(cluster, [entryOf('c1'), entryOf('c2', { isReachable: false })], { proxyId: 'p2', port: 8082 })
  expect(plain((await rmq('client list')).out)).toBe(
    [
      'CLIENT  KIND  GROUP  SDK  ADDRESS  PROXY  SUBSCRIPTIONS  SINCE',
      'maker  producer  -  GOLANG 5.2.0  10.0.0.9:5000  HOST:8081  orders  2026-01-01 00:00:00Z',
      'c1  push consumer  billing  JAVA 5.2.0  10.0.0.9:5000  HOST:8082  orders(a || b)  2026-01-01 00:00:00Z',
      'c2  push consumer  billing  JAVA 5.2.0  10.0.0.9:5000  HOST:8081,HOST:8082  orders(a || b)  2026-01-01 00:00:00Z',
      '',
    ].join('\n'),
  )
  const ids = async (options: string) =>
    (await rmq(`client list --json ${options}`)).json<{ clients: ClientEntry[] }>().clients.map((it) => it.clientId)
  expect(await ids('--group billing')).toEqual(['c1', 'c2'])
  expect(await ids('--topic orders')).toEqual(['maker', 'c1', 'c2'])
  expect(await ids('--topic others')).toEqual([])
})

test('client show: a client → all that is known; one that nobody knows → exit code 1, and what shows those that are', async () => {
  const cluster = await startCluster()
  await connectProxy(cluster, [entryOf('c1', { isReachable: false })])
  const { rmq } = cluster
  const { out } = await rmq('client show c1')
  expect(out).toContain('Telemetry  none: it takes no commands now')
  expect(out).toContain('TOPIC   TYPE  EXPRESSION\norders  TAG   a || b\n')
  expect((await rmq('client show c1 --json')).json()).toMatchObject({
    clientId: 'c1',
    kind: 'PUSH_CONSUMER',
    group: 'billing',
    since: '2026-01-01T00:00:00.000Z',
    reachable: false,
    subscriptions: [{ topic: 'orders', type: 'TAG', expression: 'a || b' }],
  })
  for (const command of ['show', 'stack', 'reconnect']) {
    const ended = await rmq(`client ${command} nobody`)
    expect(ended).toMatchObject({ code: 1, out: '', err: expect.stringContaining("no broker knows a client 'nobody'") })
    expect(ended.err).toContain('rmq client list')
  }
})

test('client stack: the client tells → printed; it is silent, or can not → exit code 1 with the reason', async () => {
  const cluster = await startCluster()
  const { rmq } = cluster
  await connectProxy(cluster, [entryOf('c1'), entryOf('c2'), entryOf('c3')], {
    answer(request) {
      const { clientId } = request.as(GetConsumerRunningInfo).header
      const info = { properties: new Map<string, string>(), jstack: 'main\u001b[31m\n\tat run\n' }
      if (clientId === 'c1')
        request.respond({ code: ResponseCode.SUCCESS, header: {}, body: encodeConsumerRunningInfo(info) })
      if (clientId === 'c2') request.respond({ code: ResponseCode.REQUEST_CODE_NOT_SUPPORTED, remark: 'c2 can not' })
    },
  })
  expect(await rmq('client stack c1')).toMatchObject({ code: 0, out: 'main\\x1b[31m\n\tat run\n' })
  expect(await rmq('client stack c2')).toMatchObject({ code: 1, out: '', err: expect.stringContaining('c2 can not') })
  expect(await rmq('client stack c3')).toMatchObject({ code: 1, out: '', err: expect.stringContaining("client 'c3'") })
})

test('client verify: a message by its id → consumed, or not; of another broker too; one that is not there → exit code 1', async () => {
  const cluster = await startCluster({ clusters: ['C', 'C'] })
  const { rmq } = cluster
  const bodies: string[] = []
  await connectProxy(cluster, [entryOf('c1'), entryOf('c2')], {
    answer(request) {
      const { clientId } = request.as(ConsumeMessageDirectly).header
      bodies.push(Buffer.from(decodeRecord(request.body).body).toString())
      const isConsumed = clientId === 'c1'
      const body = encodeConsumeResult({
        consumeResult: isConsumed ? 'CR_SUCCESS' : 'CR_LATER',
        remark: isConsumed ? 'OK' : 'FAILED_TO_CONSUME_MESSAGE: boom',
        spentTimeMs: 7,
      })
      request.respond({ code: ResponseCode.SUCCESS, header: {}, body })
    },
  })
  await rmq('topic create orders --queues 1')
  const sent = (await rmq('send orders hello --count 2 --json')).json<{ messages: { messageId: string }[] }>()
  const ids = sent.messages.map(({ messageId }) => messageId)
  for (const id of ids) {
    expect(await rmq(`client verify c1 ${id}`)).toMatchObject({
      code: 0,
      out: `Client c1 consumed message ${id} in 7 ms.\n`,
    })
  }
  const failed = await rmq(`client verify c2 ${ids[0]} --topic orders --json`)
  expect([failed.code, failed.json()]).toEqual([
    1,
    { clientId: 'c2', messageId: ids[0], consumed: false, result: 'FAILED_TO_CONSUME_MESSAGE: boom', spentTimeMs: 7 },
  ])
  expect(bodies).toEqual(['hello', 'hello', 'hello'])
  expect(await rmq('client verify c1 nothing')).toMatchObject({ code: 1, err: expect.stringContaining("id 'nothing'") })
})

test('client reconnect: one, those of a proxy or a group, all → told, and counted; none chosen, or two ways → usage', async () => {
  const cluster = await startCluster()
  const { rmq } = cluster
  const told: string[] = []
  const answer = (request: ArrivedRequest): void => {
    const { clientId } = request.as(ReconnectClient).header
    told.push(clientId)
    if (clientId === 'maker') request.respond({ code: ResponseCode.CONSUMER_NOT_ONLINE, remark: 'maker has no stream' })
    else request.respond({ code: ResponseCode.SUCCESS, header: {} })
  }
  await connectProxy(cluster, [entryOf('c1'), producer], { answer })
  await connectProxy(cluster, [entryOf('c2')], { proxyId: 'p2', port: 8082, answer })
  const toldBy = async (options: string) => {
    told.length = 0
    const { code } = await rmq(`client reconnect ${options}`)
    return [code, told.toSorted()]
  }
  const { proxies } = (await rmq('client show c2 --json')).json<{ proxies: string[] }>()
  expect(await toldBy('c1')).toEqual([0, ['c1']])
  expect(await toldBy('--group billing')).toEqual([0, ['c1', 'c2']])
  expect(await toldBy(`--proxy ${proxies[0]}`)).toEqual([0, ['c2']])
  expect(await toldBy('--all')).toEqual([1, ['c1', 'c2', 'maker']])
  const ended = await rmq('client reconnect --all')
  expect([ended.out, ended.err]).toEqual(['2 clients told to connect anew.\n', 'rmq: maker has no stream\n'])
  for (const options of ['', 'c1 --all', '--group a --proxy b']) expect((await toldBy(options))[0]).toBe(2)
})

test('client list: a broker is away → it is named, the others are asked all the same, exit code 1', async () => {
  const cluster = await startCluster({ clusters: ['C', 'C'] })
  await connectProxy(cluster, [entryOf('c1')])
  cluster.partition('broker-b')
  const ended = await cluster.rmq('client list')
  expect(ended).toMatchObject({ code: 1, out: expect.stringContaining('c1'), err: expect.stringContaining('broker-b') })
})
