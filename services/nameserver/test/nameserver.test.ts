import { afterEach, describe, expect, test } from '@jest/globals'
import { crc32Of31Bits, utf8Decode, utf8Encode } from '@rocketmq-ts/bytes'
import { parseConfig, readFlags } from '@rocketmq-ts/config'
import {
  decodeClusterInfo,
  decodeTopicList,
  decodeTopicRouteData,
  encodeRegisterBrokerBody,
  parseJavaJson,
  topicConfig,
  type TopicRouteData,
} from '@rocketmq-ts/model'
import { createMetricsRegistry } from '@rocketmq-ts/metrics'
import {
  type Answer,
  type Authorize,
  BrokerHeartbeat,
  connectPeer,
  formatAddress,
  GetAllTopicList,
  GetBrokerClusterInfo,
  GetRouteInfoByTopic,
  type Peer,
  QueryDataVersion,
  RegisterBroker,
  SendMessage,
  UnregisterBroker,
} from '@rocketmq-ts/remoting'
import { silentLogger } from '@rocketmq-ts/runtime'
import { createManualEffects } from '@rocketmq-ts/testkit'
import { createNameServer, type NameServer, nameServerConfig } from '../src/index.ts'
import { registrationOf, type RegistrationChanges } from './registrations-of.ts'

const TIMEOUT = { timeoutMs: 3000 }
const stops: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
})

async function started(flags: Readonly<Record<string, string>> = {}, authorize?: Authorize) {
  const argv = Object.entries({ 'listen-port': '0', ...flags }).map(([name, text]) => `--${name}=${text}`)
  const parsed = parseConfig(nameServerConfig, { flags: readFlags(nameServerConfig, argv) })
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults))
  const effects = createManualEffects()
  const metrics = createMetricsRegistry()
  const nameServer = createNameServer(parsed.config, {
    ...effects,
    logger: silentLogger,
    metrics,
    ...(authorize === undefined ? {} : { authorize }),
  })
  await nameServer.start()
  stops.push(() => nameServer.stop())
  return { nameServer, effects, metrics }
}
type Started = Awaited<ReturnType<typeof started>>

function register(peer: Peer, changes: RegistrationChanges & { timeoutMs?: number; crc?: number } = {}) {
  const { body, ...identity } = registrationOf(changes)
  const bytes = encodeRegisterBrokerBody(body)
  const header = { ...identity, heartbeatTimeoutMs: changes.timeoutMs, bodyCrc32: changes.crc ?? crc32Of31Bits(bytes) }
  return peer.request(RegisterBroker, header, { ...TIMEOUT, body: bytes })
}

const routeAnswer = (peer: Peer, topic: string): Promise<Answer<object>> =>
  peer.request(GetRouteInfoByTopic, { topic }, TIMEOUT)

async function route(peer: Peer, topic: string): Promise<TopicRouteData | undefined> {
  const answer = await routeAnswer(peer, topic)
  return answer.code === 17 ? undefined : decodeTopicRouteData(parseJavaJson(answer.body!))
}

const identity = { clusterName: 'C', brokerName: 'broker-a', brokerAddr: 'host-a:10911', brokerId: 0 }

const connectors = {
  'over the network': ({ nameServer, effects }: Started) =>
    connectPeer(effects.network, formatAddress(nameServer.addresses[0]!), effects),
  'in the same process': ({ nameServer }: { nameServer: NameServer }) => Promise.resolve(nameServer.connectLocal()),
}

describe.each(Object.entries(connectors))('%s', (_name, connect) => {
  test('routes: broker registers, then a client asks → the route', async () => {
    const running = await started()
    const broker = await connect(running)
    const client = await connect(running)
    expect((await register(broker, { topics: [topicConfig('A', { readQueueNums: 4 }), 'B'] })).code).toBe(0)
    expect(await route(client, 'A')).toMatchObject({
      queueDatas: [{ brokerName: 'broker-a', readQueueNums: 4, writeQueueNums: 16, perm: 6 }],
      brokerDatas: [{ cluster: 'C', brokerName: 'broker-a', brokerAddrs: new Map([[0, 'host-a:10911']]) }],
    })
  })

  test('routes: nobody has the topic → 17, and the remark names it', async () => {
    const client = await connect(await started())
    const answer = await routeAnswer(client, 'Unknown')
    expect(answer.code).toBe(17)
    expect(answer.remark).toContain('Unknown')
  })

  test('slave: registers beside its master → is told of the master', async () => {
    const broker = await connect(await started())
    await register(broker, { addr: 'm:1', ha: 'm:2' })
    expect((await register(broker, { id: 1, addr: 's:1' })).header).toEqual({ masterAddr: 'm:1', haServerAddr: 'm:2' })
  })

  test('leaving: broker unregisters → its topics are gone', async () => {
    const broker = await connect(await started())
    await register(broker)
    expect((await broker.request(UnregisterBroker, identity, TIMEOUT)).code).toBe(0)
    expect(await route(broker, 'A')).toBeUndefined()
  })

  test('leaving: connection of the broker closes → dropped at once', async () => {
    const running = await started()
    const broker = await connect(running)
    const client = await connect(running)
    await register(broker)
    broker.close()
    await running.effects.settle()
    expect(await route(client, 'A')).toBeUndefined()
  })

  test('leaving: the old connection closes after the broker registered on a new one → it stays', async () => {
    const running = await started()
    const old = await connect(running)
    const next = await connect(running)
    await register(old)
    await register(next)
    old.close()
    await running.effects.settle()
    expect(await route(next, 'A')).toBeDefined()
    next.close()
    await running.effects.settle()
    expect(await route(await connect(running), 'A')).toBeUndefined()
  })

  test('cluster info and topic list: two brokers → both of them, and all topics', async () => {
    const broker = await connect(await started())
    await register(broker)
    await register(broker, { name: 'broker-b', addr: 'b:1', topics: ['B', 'D'] })
    const info = await broker.request(GetBrokerClusterInfo, {}, TIMEOUT)
    expect(decodeClusterInfo(parseJavaJson(info.body!)).clusterAddrTable).toEqual(
      new Map([['C', ['broker-a', 'broker-b']]]),
    )
    const list = await broker.request(GetAllTopicList, {}, TIMEOUT)
    expect(decodeTopicList(parseJavaJson(list.body!)).topicList).toEqual(['A', 'B', 'D'])
  })

  test('requests: a code of brokers → not supported, and the remark names the code', async () => {
    const client = await connect(await started())
    const header = {
      producerGroup: 'g',
      topic: 'T',
      defaultTopic: 'TBW102',
      defaultTopicQueueNums: 4,
      queueId: 0,
      sysFlag: 0,
      bornTimestampMs: 0,
      flag: 0,
      properties: '',
      reconsumeTimes: 0,
      unitMode: false,
      batch: false,
    }
    const answer = await client.request(SendMessage, header as never, TIMEOUT)
    expect(answer.code).toBe(3)
    expect(answer.remark).toContain('10')
  })
})

test('liveness: silent for 120 s → dropped; heartbeats and version queries keep it', async () => {
  const { nameServer, effects } = await started()
  const broker = nameServer.connectLocal()
  await register(broker)
  await effects.advance(119_000)
  expect((await broker.request(BrokerHeartbeat, identity, TIMEOUT)).code).toBe(0)
  await effects.advance(119_000)
  await broker.request(QueryDataVersion, identity, { ...TIMEOUT, body: utf8Encode('{"counter":1}') })
  await effects.advance(119_000)
  expect(await route(broker, 'A')).toBeDefined()
  await effects.advance(1_000)
  expect(await route(broker, 'A')).toBeUndefined()
})

test('liveness: a time-out of its own → dropped after that', async () => {
  const { nameServer, effects } = await started()
  const broker = nameServer.connectLocal()
  await register(broker, { timeoutMs: 5000 })
  await effects.advance(4999)
  expect(await route(broker, 'A')).toBeDefined()
  await effects.advance(1)
  expect(await route(broker, 'A')).toBeUndefined()
  expect((await register(broker, { timeoutMs: -1 })).code).toBe(29)
})

test('heartbeat: of a broker that is not registered → success, and no route appears', async () => {
  const { nameServer } = await started()
  const broker = nameServer.connectLocal()
  expect((await broker.request(BrokerHeartbeat, identity, TIMEOUT)).code).toBe(0)
  expect(await route(broker, 'A')).toBeUndefined()
})

test('data version: known, other and unknown → changed or not, with what is known', async () => {
  const { nameServer } = await started()
  const broker = nameServer.connectLocal()
  const query = (version: string) =>
    broker.request(QueryDataVersion, identity, { ...TIMEOUT, body: utf8Encode(version) })
  const known = '{"counter":1,"stateVersion":0,"timestamp":1}'
  const unknown = await query(known)
  expect([unknown.header, unknown.body?.length ?? 0]).toEqual([{ changed: true }, 0])
  await register(broker)
  expect((await query(known)).header).toEqual({ changed: false })
  const changed = await query('{"counter":2,"stateVersion":0,"timestamp":1}')
  expect(changed.header).toEqual({ changed: true })
  expect(utf8Decode(changed.body!)).toBe(known)
  expect((await query('no version')).code).toBe(29)
})

test('registration: body does not match its CRC → refused, nothing registered', async () => {
  const { nameServer } = await started()
  const broker = nameServer.connectLocal()
  const answer = await register(broker, { crc: 1 })
  expect(answer.code).toBe(1)
  expect(answer.remark).toContain('crc32 not match')
  expect(await route(broker, 'A')).toBeUndefined()
})

test('registration: a single topic as the first → code 1, as Apache answers', async () => {
  const { nameServer } = await started()
  const answer = await register(nameServer.connectLocal(), { topics: ['A'] })
  expect(answer.code).toBe(1)
  expect(answer.remark).toContain('register broker failed')
})

test('registration: outdated → an empty success, as Apache answers', async () => {
  const { nameServer } = await started()
  const broker = nameServer.connectLocal()
  await register(broker, { addr: 'new:1', version: { stateVersion: 2 } })
  const answer = await register(broker, { addr: 'old:1', version: { stateVersion: 1 } })
  expect([answer.code, answer.header]).toEqual([0, {}])
})

test('registration: more brokers than allowed → busy, and the remark names the setting', async () => {
  const { nameServer } = await started({ 'brokers-max': '1' })
  const broker = nameServer.connectLocal()
  await register(broker)
  const answer = await register(broker, { name: 'broker-b', addr: 'b:1' })
  expect(answer.code).toBe(2)
  expect(answer.remark).toContain('brokersMax')
})

test.each([
  [{ name: 'broker a' }, 'brokerName'],
  [{ name: '' }, 'brokerName'],
  [{ cluster: 'a,b' }, 'clusterName'],
  [{ addr: 'no-port' }, 'address'],
  [{ addr: '"h":1' }, 'brokerAddr'],
  [{ id: -1 }, 'brokerId'],
])('registration: %j → invalid parameter, and the remark names %s', async (changes, field) => {
  const { nameServer } = await started()
  const answer = await register(nameServer.connectLocal(), changes)
  expect(answer.code).toBe(29)
  expect(answer.remark).toContain(field)
})

test('replaced: another address takes the id → the old one neither expires nor closes anything', async () => {
  const { nameServer, effects } = await started()
  const old = nameServer.connectLocal()
  const next = nameServer.connectLocal()
  await register(old, { addr: 'old:1' })
  await register(next, { addr: 'new:1' })
  old.close()
  await effects.settle()
  expect((await route(next, 'A'))?.brokerDatas[0]?.brokerAddrs).toEqual(new Map([[0, 'new:1']]))
})

test('topic list: switched off → code 1', async () => {
  const { nameServer } = await started({ 'enable-all-topic-list': 'false' })
  expect((await nameServer.connectLocal().request(GetAllTopicList, {}, TIMEOUT)).code).toBe(1)
})

test('gate: refuses a topic → no permission, and other topics are answered', async () => {
  const { nameServer } = await started({}, (_principal, resource) => resource.name !== 'Secret')
  const client = nameServer.connectLocal()
  expect((await routeAnswer(client, 'Secret')).code).toBe(16)
  expect((await routeAnswer(client, 'Open')).code).toBe(17)
})

test('metrics: brokers and route requests → counted', async () => {
  const { nameServer, metrics } = await started()
  const broker = nameServer.connectLocal()
  await register(broker)
  await route(broker, 'A')
  await route(broker, 'N')
  const text = await metrics.expose()
  expect(text).toContain('rocketmq_ts_brokers_registered 1')
  expect(text).toContain('rocketmq_ts_route_requests_total{result="found"} 1')
  expect(text).toContain('rocketmq_ts_route_requests_total{result="not-found"} 1')
  expect(text).toContain('rocketmq_ts_registrations_total{result="registered"} 1')
  expect(text).toContain('rocketmq_ts_route_topics ')
  expect(text).toContain('request_code="get_routeinfo_by_topic",response_code="topic_not_exist"')
  expect(text).toContain('rocketmq_ts_ready 1')
  broker.close()
  await expect(routeAnswer(broker, 'A')).rejects.toMatchObject({ code: 'closed' })
})

test('readiness: before the start, while running, after the stop → told apart; addresses only while running', async () => {
  const { nameServer } = await started()
  expect(nameServer.readiness()).toMatchObject({ ready: true })
  expect(nameServer.addresses).toHaveLength(1)
  const local = nameServer.connectLocal()
  await nameServer.stop()
  await nameServer.stop()
  expect(nameServer.readiness()).toMatchObject({ ready: false, reason: 'the nameserver is stopping' })
  expect(nameServer.addresses).toEqual([])
  await expect(routeAnswer(local, 'A')).rejects.toMatchObject({ code: 'closed' })
})
