// Brokers that are added and taken away under load: new ones get their share within a minute, those that go are left out
// at once, and nothing that was acknowledged is missing.
import { expect, test } from '@jest/globals'
import { ClientType, Code, MessagingService, type QueryRouteResponse } from '@rocketmq-ts/grpc/v2'
import { type ClusterShape, SimCluster } from '../../src/cluster/sim-cluster.ts'
import { createWorld, Prng, type World } from '../../src/sim/index.ts'
import { prepare } from '../../src/workload/admin.ts'
import { startConsumer } from '../../src/workload/consumer.ts'
import { History } from '../../src/workload/history.ts'
import { startProducer } from '../../src/workload/producer.ts'
import { type ClientContext, codeOf, ENDPOINTS, type Mood, resource, Session } from '../../src/workload/session.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const TOPIC = 'Orders'
const QUEUES = 4
const KINDS = ['simple', 'push'] as const
const SENDS_EVERY_MS = 250
/** As `rmq broker drain` says. */
const PRODUCERS_NOTICE_MS = 30_000

interface Scene {
  readonly world: World
  readonly cluster: SimCluster
  readonly history: History
  /** A producer that sends evenly for so long. */
  produce(spanMs: number): void
  /** The route of a topic, as each proxy tells it: broker names, ascending. */
  routes(topic?: string): Promise<string[][]>
  /** What each group did not get of all that was acknowledged. */
  missing(): string[]
}

/** One broker of several runs, with a topic and two groups of consumers; the others wait to be started. */
async function createScene(shape: Partial<ClusterShape> = {}): Promise<Scene> {
  const world = createWorld({ seed: 5 })
  const cluster = new SimCluster(world, {
    nameServers: 2,
    brokers: 3,
    proxies: 2,
    flushDiskType: 'ASYNC_FLUSH',
    segmentBytes: 1 << 20,
    joinCluster: true,
    ...shape,
  })
  const [first] = cluster.brokers
  await cluster.start([...cluster.nameServers, first!, ...cluster.proxies])
  const groups = KINDS.map((kind) => ({ name: `readers-${kind}`, retryMaxTimes: 16 }))
  const plan = { brokerAddresses: [cluster.brokerAddress(0)], topics: [{ name: TOPIC, queues: QUEUES }], groups }
  const operator = cluster.clients.start('operator', (effects) => prepare(effects, plan))
  await world.run(() => operator.state !== 'starting', { forMsMax: MINUTE })

  const history = new History()
  const mood: Mood = { careless: false, stopped: false }
  const { effects } = cluster.clients.start('clients', () => undefined)
  const channels = cluster.channels(effects)
  const context = (): ClientContext => ({ world, effects, random: new Prng(5), history, mood })
  for (const [index, kind] of KINDS.entries()) {
    const group = `readers-${kind}`
    const consumer = { name: group, kind, group, topic: TOPIC, tagExpression: '*', carelessShare: 0 }
    startConsumer(context(), channels, { ...consumer, preferredProxy: index })
  }
  const asking = {
    clientId: 'operator',
    clientType: ClientType.PRODUCER,
    channels,
    preferred: 0,
    group: undefined,
    settings: {},
  }
  const session = new Session(context(), asking)
  return {
    world,
    cluster,
    history,
    produce(spanMs) {
      startProducer(context(), channels, {
        name: `producer-${history.messages.length}`,
        topics: [TOPIC],
        messages: Math.round(spanMs / SENDS_EVERY_MS),
        spanMs,
        bodyBytesMax: 100,
        tags: ['TagA'],
        poisonShare: 0,
        batchShare: 0,
        firstSeq: history.messages.length,
        preferredProxy: 0,
      })
    },
    async routes(topic = TOPIC) {
      let answers: (QueryRouteResponse | undefined)[] | undefined
      const request = { topic: resource(topic), endpoints: ENDPOINTS }
      const asked = channels.map((channel) => session.ask(MessagingService.QueryRoute, request, channel))
      void Promise.all(asked).then((all) => (answers = all))
      await world.run(() => answers !== undefined, { forMsMax: 10 * SECOND })
      return (answers ?? []).map((answer) => {
        expect(codeOf(answer)).toBe(Code.OK)
        return [...new Set(answer?.messageQueues.map(({ broker }) => broker?.name ?? ''))].sort()
      })
    },
    missing() {
      const acknowledged = history.sends.filter(({ outcome }) => outcome === 'ok').map(({ seq }) => seq)
      return groups.flatMap(({ name }) => {
        const got = new Set(history.deliveries.filter(({ group }) => group === name).map(({ seq }) => seq))
        return acknowledged.filter((seq) => !got.has(seq)).map((seq) => `${name}: ${seq}`)
      })
    },
  }
}

/** Sends that did not end with a plain OK, and receives that failed, since a time. */
function failuresSince({ sends, receives }: History, fromMs: number): string[] {
  return [
    ...sends.filter(({ outcome, endMs }) => outcome !== 'ok' && endMs > fromMs).map(({ seq }) => `send ${seq}`),
    ...receives.filter(({ outcome, endMs }) => outcome === 'failed' && endMs > fromMs).map(() => 'receive'),
  ]
}

test('scaling: 1 → 3 brokers under load → within 60 s each new one has the queues, gets messages, and is consumed', async () => {
  const { world, cluster, history, produce, routes, missing } = await createScene()
  const [, ...added] = cluster.brokers
  produce(3 * MINUTE)
  await world.run(20 * SECOND)
  const scaledMs = world.nowMs
  await cluster.start(added)
  await world.run(MINUTE - (world.nowMs - scaledMs))
  expect(await routes()).toEqual([
    ['broker-0', 'broker-1', 'broker-2'],
    ['broker-0', 'broker-1', 'broker-2'],
  ])
  for (const { name } of added) {
    for (const kind of KINDS) {
      const first = history.deliveries.find(({ brokerName, group }) => brokerName === name && group.endsWith(kind))
      expect([name, kind, (first?.endMs ?? Infinity) - scaledMs < MINUTE]).toEqual([name, kind, true])
    }
    const queues = new Set(
      history.deliveries.filter(({ brokerName }) => brokerName === name).map(({ queueId }) => queueId),
    )
    expect([...queues].sort()).toEqual(Array.from({ length: QUEUES }, (_, id) => id))
  }
  await world.run(3 * MINUTE)
  expect(missing()).toEqual([])
  expect(failuresSince(history, scaledMs)).toEqual([])
  expect(cluster.eventCounts.get('cluster.joined')).toBe(3)
})

test('scaling: a topic gets twice its queues under load → the new ones are used within a minute, nothing is missing', async () => {
  const { world, cluster, history, produce, missing } = await createScene()
  produce(2 * MINUTE)
  await world.run(20 * SECOND)
  const changedMs = world.nowMs
  const plan = {
    brokerAddresses: [cluster.brokerAddress(0)],
    topics: [{ name: TOPIC, queues: 2 * QUEUES }],
    groups: [],
  }
  cluster.clients.start('second operator', (effects) => prepare(effects, plan))
  await world.run(3 * MINUTE)
  const soon = history.deliveries.filter(({ endMs }) => endMs < changedMs + MINUTE)
  expect([...new Set(soon.map(({ queueId }) => queueId))].sort()).toEqual(
    Array.from({ length: 2 * QUEUES }, (_, id) => id),
  )
  expect(missing()).toEqual([])
  expect(failuresSince(history, changedMs)).toEqual([])
})

test('scaling: 3 → 1 brokers by SIGTERM under load → no send fails or is late, no receive fails; 3 again → all is there', async () => {
  const { world, cluster, history, produce, routes, missing } = await createScene()
  const [, ...others] = cluster.brokers
  await cluster.start(others)
  await world.run(30 * SECOND)
  produce(2 * MINUTE)
  await world.run(MINUTE)
  const stoppedMs = world.nowMs
  for (const node of others) await cluster.stop(node)
  await world.run(SECOND)
  expect(await routes()).toEqual([['broker-0'], ['broker-0']])
  await world.run(2 * MINUTE)
  expect(failuresSince(history, stoppedMs)).toEqual([])
  const slowest = Math.max(
    ...history.sends.filter(({ endMs }) => endMs > stoppedMs).map(({ startMs, endMs }) => endMs - startMs),
  )
  expect(slowest).toBeLessThan(SECOND)
  await cluster.start(others)
  await world.run(MINUTE)
  expect(missing()).toEqual([])
})

test('scaling: two of three brokers are killed under load → the other one takes every send', async () => {
  const { world, cluster, history, produce, missing } = await createScene()
  const [, ...others] = cluster.brokers
  await cluster.start(others)
  await world.run(30 * SECOND)
  produce(2 * MINUTE)
  await world.run(MINUTE)
  const killedMs = world.nowMs
  for (const node of others) cluster.crash(node, false)
  await world.run(80 * SECOND)
  expect(failuresSince(history, killedMs)).toEqual([])
  for (const node of others) node.start()
  await world.run(MINUTE)
  expect(missing()).toEqual([])
})

test('scaling: a topic that a first question creates → its route names all brokers at once', async () => {
  const { cluster, routes } = await createScene()
  await cluster.start()
  expect(await routes('Fresh')).toEqual([
    ['broker-0', 'broker-1', 'broker-2'],
    ['broker-0', 'broker-1', 'broker-2'],
  ])
})

test('scaling: one nameserver hangs → the other one hears of a new broker and of new topics; clients do not wait', async () => {
  const { world, cluster, routes } = await createScene({ brokers: 2 })
  for (const { machine } of [...cluster.brokers, ...cluster.proxies]) {
    world.network.partition('nameserver-0', machine.name)
  }
  const brokers = ['broker-0', 'broker-1']
  await cluster.start([cluster.brokers[1]!])
  await world.run(20 * SECOND)
  expect(await routes()).toEqual([brokers, brokers])
  const beforeMs = world.nowMs
  expect(await routes('Fresh')).toEqual([brokers, brokers])
  expect(world.nowMs - beforeMs).toBeLessThan(3 * SECOND)
})

test('scaling: a broker is drained, killed and started → no message is sent to it, what it has is consumed', async () => {
  const { world, cluster, history, produce, routes, missing } = await createScene({ brokers: 2 })
  const [, drained] = cluster.brokers
  await cluster.start([drained!])
  await world.run(30 * SECOND)
  produce(3 * MINUTE)
  await world.run(30 * SECOND)
  await cluster.operate((nameServers) => nameServers.wipeWritePerm('broker-1'))
  await world.run(PRODUCERS_NOTICE_MS)
  const noticedMs = world.nowMs
  const sentTo = (name: string): number => {
    const late = new Set(history.sends.filter(({ startMs }) => startMs > noticedMs).map(({ seq }) => seq))
    return history.deliveries.filter(({ brokerName, seq }) => brokerName === name && late.has(seq ?? -1)).length
  }
  await world.run(30 * SECOND)
  cluster.crash(drained!, false)
  await world.run(SECOND)
  await cluster.start([drained!])
  expect(await routes('Fresh')).toEqual([
    ['broker-0', 'broker-1'],
    ['broker-0', 'broker-1'],
  ])
  await world.run(30 * SECOND)
  expect(sentTo('broker-1')).toBe(0)
  await cluster.operate((nameServers) => nameServers.addWritePerm('broker-1'))
  await world.run(MINUTE)
  expect(sentTo('broker-1')).toBeGreaterThan(0)
  expect(missing()).toEqual([])
})

test('scaling: the only nameserver is started anew → within three seconds it knows all brokers again', async () => {
  const { world, cluster, routes } = await createScene({ nameServers: 1 })
  const [nameServer] = cluster.nameServers
  await cluster.start()
  await world.run(11 * SECOND)
  cluster.crash(nameServer!, false)
  await world.run(SECOND)
  await cluster.start([nameServer!])
  await world.run(3 * SECOND)
  expect(await routes('Fresh')).toEqual([
    ['broker-0', 'broker-1', 'broker-2'],
    ['broker-0', 'broker-1', 'broker-2'],
  ])
})
