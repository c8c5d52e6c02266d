// Clients over all proxies, as operators see and command them through any broker, and settings that reach each of them: real
// services on simulated machines.
import { afterEach, expect, test } from '@jest/globals'
import { type BrokerClient, createBrokerClient, createPeerSource } from '@rocketmq-ts/cluster-client'
import {
  ClientType,
  Code,
  FilterType,
  Language,
  MessageType,
  MessagingService,
  type MessageInit,
  type SettingsInit,
  type StatusInit,
  TelemetryCommand,
  type TelemetryCommandInit,
} from '@rocketmq-ts/grpc/v2'
import { offsetMessageId, subscriptionGroupConfig, topicConfig } from '@rocketmq-ts/model'
import { connectPeer } from '@rocketmq-ts/remoting'
import type { ProxyChannel } from '../../src/cluster/proxy-channel.ts'
import { SimCluster } from '../../src/cluster/sim-cluster.ts'
import { createWorld, type World } from '../../src/sim/index.ts'
import { prepare } from '../../src/workload/admin.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const TOPIC = 'Orders'
const GROUP = 'billing'

interface TestClient {
  readonly clientId: string
  /** All that it was told over its stream. */
  readonly told: TelemetryCommand[]
  readonly isOpen: boolean
  say(command: TelemetryCommandInit): void
}

interface Scene {
  readonly world: World
  readonly cluster: SimCluster
  readonly brokers: BrokerClient
  address(index: number): string
  /** A client with a stream to one proxy; `answer` is what it does with a command. */
  client(proxy: number, settings: SettingsInit, answer?: Answering): TestClient
  /** Lets the world run until the promise settles. */
  settled<Value>(promise: Promise<Value>): Promise<Value>
  send(message: MessageInit): Promise<void>
}

type Answering = (command: TelemetryCommand) => TelemetryCommandInit | undefined

const scenes: { peers: { close(): void } }[] = []
afterEach(() => {
  for (const { peers } of scenes.splice(0)) peers.close()
})

async function createScene(shape: { readonly brokers?: number; readonly proxies?: number } = {}): Promise<Scene> {
  const world = createWorld({ seed: 3 })
  const cluster = new SimCluster(world, {
    nameServers: 1,
    brokers: 2,
    proxies: 2,
    flushDiskType: 'SYNC_FLUSH',
    segmentBytes: 1 << 20,
    ...shape,
  })
  await cluster.start()
  const brokerAddresses = cluster.brokers.map((_, index) => cluster.brokerAddress(index))
  const plan = { brokerAddresses, topics: [{ name: TOPIC, queues: 1 }], groups: [{ name: GROUP, retryMaxTimes: 16 }] }
  const operator = cluster.clients.start('operator', (effects) => prepare(effects, plan))
  await world.run(() => operator.state !== 'starting', { forMsMax: MINUTE })
  await world.run(30 * SECOND)
  const { effects } = cluster.clients.start('clients', () => undefined)
  const { network, clock, scheduler } = effects
  const channels = cluster.channels(effects)
  const peers = createPeerSource({ connect: (to) => connectPeer(network, to, { clock, scheduler }), clock })
  scenes.push({ peers })
  let clients = 0

  async function settled<Value>(promise: Promise<Value>): Promise<Value> {
    let isOver = false
    const watched = promise.finally(() => (isOver = true))
    watched.catch(() => {})
    await world.run(() => isOver, { forMsMax: MINUTE })
    return watched
  }

  return {
    world,
    cluster,
    brokers: createBrokerClient({ peers }),
    address: (index) => brokerAddresses[index] ?? '',
    client: (proxy, settings, answer) => {
      clients += 1
      return startClient(channels[proxy]!, `client-${clients}`, settings, answer)
    },
    settled,
    async send(message) {
      const { path, request } = MessagingService.SendMessage
      const metadata = new Map([['x-mq-client-id', 'sender']])
      await settled(channels[0]!.unary(path, request.encode({ messages: [message] }), { metadata, timeoutMs: 3000 }))
    },
  }
}

function startClient(channel: ProxyChannel, clientId: string, settings: SettingsInit, answer?: Answering): TestClient {
  const told: TelemetryCommand[] = []
  const state = { isOpen: true }
  const metadata = new Map([
    ['x-mq-client-id', clientId],
    ['x-mq-client-version', '5.1.4'],
  ])
  const handler = {
    headers() {},
    message(bytes: Uint8Array) {
      const command = TelemetryCommand.decode(bytes)
      told.push(command)
      const reply = answer?.(command)
      if (reply !== undefined) say(reply)
    },
    end: () => void (state.isOpen = false),
  }
  const stream = channel.bidirectional(MessagingService.Telemetry.path, handler, { metadata })
  const say = (command: TelemetryCommandInit): void => stream?.write(TelemetryCommand.encode(command))
  say({ settings })
  return {
    clientId,
    told,
    get isOpen() {
      return state.isOpen
    },
    say,
  }
}

function consumer(expression = '*'): SettingsInit {
  return {
    clientType: ClientType.PUSH_CONSUMER,
    userAgent: { language: Language.GOLANG, version: '5.1.4' },
    subscription: {
      group: { name: GROUP },
      subscriptions: [{ topic: { name: TOPIC }, expression: { type: FilterType.TAG, expression } }],
    },
  }
}

const producer: SettingsInit = {
  clientType: ClientType.PRODUCER,
  userAgent: { language: Language.JAVA, version: '5.2.0' },
  publishing: { topics: [{ name: TOPIC }], maxBodySize: 0 },
}

test('clients: on two proxies → each broker lists all of them; one that left, or whose proxy died, is gone', async () => {
  const { world, cluster, brokers, address, client, settled } = await createScene()
  const first = client(0, consumer('a || b'))
  client(1, producer)
  await world.run(SECOND)
  const list = (index: number) => settled(brokers.clients(address(index), {}))
  for (const index of [0, 1]) {
    const { clients, total, isFull } = await list(index)
    expect([total, isFull]).toEqual([2, false])
    expect(clients.toSorted((a, b) => (a.clientId < b.clientId ? -1 : 1))).toMatchObject([
      {
        clientId: 'client-1',
        kind: 'PUSH_CONSUMER',
        group: GROUP,
        language: 'GOLANG',
        version: '5.1.4',
        isReachable: true,
        subscriptions: [{ topic: TOPIC, type: 'TAG', expression: 'a || b' }],
        proxy: expect.stringMatching(/^[\d.]+:8081$/),
      },
      { clientId: 'client-2', kind: 'PRODUCER', group: '', language: 'JAVA', topics: [TOPIC] },
    ])
  }
  expect(first.isOpen).toBe(true)
  cluster.crash(cluster.proxies[0]!, false)
  await world.run(SECOND)
  expect((await list(0)).clients.map(({ clientId }) => clientId)).toEqual(['client-2'])
  await world.run(3 * MINUTE)
  expect((await list(1)).total).toBe(0)
})

test('clients: a broker starts anew → it knows the clients within a period', async () => {
  const { world, cluster, brokers, address, client, settled } = await createScene()
  client(0, consumer())
  await world.run(SECOND)
  cluster.crash(cluster.brokers[1]!, false)
  await world.run(5 * SECOND)
  cluster.brokers[1]!.start()
  await world.run(20 * SECOND)
  expect((await settled(brokers.clients(address(1), { group: GROUP }))).total).toBe(1)
})

test('settings: a group is changed → its clients at every proxy are told within a second, others are not', async () => {
  const { world, brokers, address, client, settled } = await createScene()
  const clients = [client(0, consumer()), client(1, consumer()), client(1, producer)]
  await world.run(SECOND)
  expect(clients.map(({ told }) => told.length)).toEqual([1, 1, 1])
  const changed = subscriptionGroupConfig(GROUP, { retryMaxTimes: 3, consumeMessageOrderly: true })
  for (const index of [0, 1]) await settled(brokers.createSubscriptionGroup(address(index), changed))
  await world.run(SECOND)
  for (const { told } of clients.slice(0, 2)) {
    expect(told.at(-1)?.settings).toMatchObject({
      clientType: ClientType.PUSH_CONSUMER,
      backoffPolicy: { maxAttempts: 4 },
      subscription: { fifo: true, receiveBatchSize: 32, longPollingTimeout: { seconds: 20 } },
    })
  }
  expect(clients.map(({ told }) => told.length)).toEqual([2, 2, 1])
})

test('settings: the broker loses its proxy for a while → the client is told when the settings are asked for again', async () => {
  const { world, cluster, brokers, address, client, settled } = await createScene({ brokers: 1, proxies: 1 })
  const one = client(0, consumer())
  await world.run(SECOND)
  cluster.world.network.partition('proxy-0', 'broker-0')
  const changed = subscriptionGroupConfig(GROUP, { retryMaxTimes: 3 })
  await settled(brokers.createSubscriptionGroup(address(0), changed))
  await world.run(5 * SECOND)
  expect(one.told).toHaveLength(1)
  cluster.world.network.heal('proxy-0', 'broker-0')
  await world.run(20 * SECOND)
  one.say({ settings: consumer() })
  await world.run(5 * SECOND)
  expect(one.told.at(-1)?.settings?.backoffPolicy?.maxAttempts).toBe(4)
})

const nonceOf = ({ printThreadStackTraceCommand, verifyMessageCommand }: TelemetryCommand): string =>
  (printThreadStackTraceCommand ?? verifyMessageCommand)?.nonce ?? ''

/** What the official clients do, as they are: Java and Go; C#; Node; Python and Rust. */
test.each<[string, Answering, object]>([
  [
    'gives its stacks',
    (command) => ({
      status: { code: Code.OK },
      threadStackTrace: { nonce: nonceOf(command), threadStackTrace: 'main: run' },
    }),
    { kind: 'done', value: 'main: run' },
  ],
  [
    'gives them without a status',
    (command) => ({ threadStackTrace: { nonce: nonceOf(command), threadStackTrace: 'mock stack' } }),
    { kind: 'done', value: 'mock stack' },
  ],
  [
    'says that it can not',
    (command) => ({ status: { code: Code.UNSUPPORTED }, threadStackTrace: { nonce: nonceOf(command) } }),
    { kind: 'unsupported', reason: expect.stringContaining("client 'client-1' (GOLANG 5.1.4) does not support it") },
  ],
  ['says nothing', () => undefined, { kind: 'silent', reason: expect.stringContaining('within 5000 ms') }],
  [
    'says something else',
    () => ({ threadStackTrace: { nonce: 'other', threadStackTrace: 'main: run' } }),
    { kind: 'silent', reason: expect.stringContaining("client 'client-1' (GOLANG 5.1.4)") },
  ],
])(
  'stack: the client %s → the operator hears it through a broker, in a bounded time',
  async (_name, answer, expected) => {
    const { world, brokers, address, client, settled } = await createScene()
    client(1, consumer(), (command) => (command.printThreadStackTraceCommand === null ? undefined : answer(command)))
    await world.run(SECOND)
    const startedMs = world.nowMs
    const asked = brokers.clientStack(address(0), { clientId: 'client-1', group: GROUP })
    expect(await settled(asked)).toEqual(expected)
    expect(world.nowMs - startedMs).toBeLessThan(6 * SECOND)
  },
)

test('stack: nobody of this name; its proxy just died; it left while it is waited for → gone, at once', async () => {
  const { world, cluster, brokers, address, client, settled } = await createScene()
  const stack = (clientId: string) => brokers.clientStack(address(0), { clientId, group: GROUP })
  expect(await settled(stack('nobody'))).toMatchObject({ kind: 'gone' })
  const one = client(0, consumer())
  const other = client(1, consumer())
  await world.run(SECOND)
  const startedMs = world.nowMs
  const lost = stack(one.clientId)
  await world.run(100)
  cluster.crash(cluster.proxies[0]!, false)
  expect(await settled(lost)).toMatchObject({ kind: 'gone', reason: expect.stringContaining(one.clientId) })
  expect(world.nowMs - startedMs).toBeLessThan(SECOND)
  expect(await settled(stack(other.clientId))).toMatchObject({ kind: 'silent' })
})

test('stack: another client answers with the same nonce → not taken for an answer', async () => {
  const { world, brokers, address, client, settled } = await createScene({ proxies: 1 })
  let nonce = ''
  client(0, consumer(), (command) => {
    nonce = nonceOf(command)
    return undefined
  })
  const liar = client(0, consumer())
  await world.run(SECOND)
  const asked = brokers.clientStack(address(0), { clientId: 'client-1', group: GROUP })
  await world.run(SECOND)
  liar.say({ threadStackTrace: { nonce, threadStackTrace: 'a lie' } })
  expect(await settled(asked)).toMatchObject({ kind: 'silent' })
})

const verdicts: [string, StatusInit, boolean, object][] = [
  ['consumes it', { code: Code.OK }, true, { kind: 'done', value: { consumeResult: 'CR_SUCCESS', remark: 'OK' } }],
  [
    'fails at it',
    { code: Code.FAILED_TO_CONSUME_MESSAGE, message: 'boom' },
    true,
    { kind: 'done', value: { consumeResult: 'CR_LATER', remark: 'FAILED_TO_CONSUME_MESSAGE: boom' } },
  ],
  ['can not, as Go', { code: Code.NOT_IMPLEMENTED }, true, { kind: 'unsupported' }],
  ['can not, as Node', { code: Code.NOT_IMPLEMENTED }, false, { kind: 'unsupported' }],
  ['can not in order', { code: Code.VERIFY_FIFO_MESSAGE_UNSUPPORTED }, true, { kind: 'unsupported' }],
]
test.each(verdicts)('verify: the client %s → the operator hears it', async (_name, status, isResult, expected) => {
  const { world, brokers, address, client, settled, send } = await createScene({ brokers: 1 })
  const one = client(1, consumer(), (command) => {
    if (command.verifyMessageCommand === null) return undefined
    const nonce = nonceOf(command)
    return { status, ...(isResult ? { verifyMessageResult: { nonce } } : { verifyMessageCommand: { nonce } }) }
  })
  await send({ topic: { name: TOPIC }, body: Buffer.from('hello'), systemProperties: { messageId: 'ID-1', tag: 'x' } })
  await world.run(SECOND)
  const question = { topic: TOPIC, key: 'ID-1', isUniqueKey: true, fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, max: 1 }
  const { records } = await settled(brokers.queryMessages(address(0), question))
  const { storeHost, commitLogOffset } = records[0]!
  const msgId = offsetMessageId(storeHost.host, storeHost.port, commitLogOffset)
  const verified = await settled(brokers.verifyMessage(address(0), { clientId: one.clientId, group: GROUP }, msgId))
  expect(verified).toMatchObject(expected)
  const given = one.told.find(({ verifyMessageCommand }) => verifyMessageCommand !== null)?.verifyMessageCommand
  expect(given?.message).toMatchObject({
    topic: { name: TOPIC },
    systemProperties: { messageId: 'ID-1', tag: 'x', bodyDigest: { checksum: '5D41402ABC4B2A76B9719D911017C592' } },
  })
  expect(Buffer.from(given?.message?.body ?? []).toString()).toBe('hello')
})

test('verify: no message is there → said so, and the client is not asked', async () => {
  const { world, brokers, address, client, settled } = await createScene({ brokers: 1 })
  const one = client(0, consumer())
  await world.run(SECOND)
  const msgId = '0A00000100002A9F00000000000003E8'
  const asked = brokers.verifyMessage(address(0), { clientId: one.clientId, group: GROUP }, msgId)
  expect(await settled(asked)).toMatchObject({ kind: 'no-message' })
  expect(one.told).toHaveLength(1)
})

test('transaction: sent over one proxy, its producers are at the other, which dies → asked there, then where one is left', async () => {
  const { world, cluster, brokers, address, client, settled, send } = await createScene({ brokers: 1 })
  const attributes = new Map([['message.type', 'TRANSACTION']])
  await settled(brokers.createTopic(address(0), topicConfig('Tx', { readQueueNums: 1, writeQueueNums: 1, attributes })))
  await world.run(30 * SECOND)
  const settings = { ...producer, publishing: { topics: [{ name: 'Tx' }] } }
  const asked = ({ told }: TestClient) =>
    told.filter(
      ({ recoverOrphanedTransactionCommand: command }) => command?.message?.systemProperties?.messageId === 'ID-1',
    )
  const elsewhere = client(1, settings)
  await world.run(SECOND)
  await send({
    topic: { name: 'Tx' },
    body: Buffer.from('half'),
    systemProperties: { messageId: 'ID-1', messageType: MessageType.TRANSACTION },
  })
  await world.run(MINUTE)
  expect(asked(elsewhere).length).toBeGreaterThan(0)
  const here = client(0, settings)
  cluster.crash(cluster.proxies[1]!, false)
  await world.run(MINUTE)
  expect(asked(here).length).toBeGreaterThan(0)
})

test('reconnect: an operator asks → the client is told, over whichever proxy; without a stream it is gone', async () => {
  const { world, brokers, address, client, settled } = await createScene()
  const one = client(1, consumer())
  await world.run(SECOND)
  expect(await settled(brokers.reconnectClient(address(0), one.clientId))).toEqual({ kind: 'done', value: undefined })
  await world.run(100)
  expect(one.told.at(-1)?.reconnectEndpointsCommand).not.toBeNull()
  expect(await settled(brokers.reconnectClient(address(0), 'nobody'))).toMatchObject({ kind: 'gone' })
})
