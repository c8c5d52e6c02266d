// Clients as the official SDKs behave, while services go and come back: consumption goes on within ten seconds of a
// service's return, and no answer ever blames the server's inside.
import { expect, test } from '@jest/globals'
import { GrpcStatus } from '@rocketmq-ts/grpc'
import { Code, ReceiveMessageResponse } from '@rocketmq-ts/grpc/v2'
import type { ProxyChannel } from '../../src/cluster/proxy-channel.ts'
import { type ClusterShape, SimCluster } from '../../src/cluster/sim-cluster.ts'
import { createWorld, Prng, type World } from '../../src/sim/index.ts'
import { prepare } from '../../src/workload/admin.ts'
import { startConsumer } from '../../src/workload/consumer.ts'
import { History } from '../../src/workload/history.ts'
import { startProducer } from '../../src/workload/producer.ts'
import type { ClientContext, Mood } from '../../src/workload/session.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
/** Consumption goes on so soon after the return of a service. */
const RESUME_MS_MAX = 10 * SECOND
/** From the creation of topics until every proxy knows all their brokers. */
const ROUTES_KNOWN_MS = 30 * SECOND
/** Mean pause between two sends, unless the fault is so long that fewer do. */
const SENDS_EVERY_MS = 100
const SENDS_WHILE_DOWN = 1200
const TOPIC = 'Orders'
const KINDS = ['simple', 'push'] as const
const INTERNAL_CODES: ReadonlySet<Code> = new Set([Code.INTERNAL_ERROR, Code.INTERNAL_SERVER_ERROR])

interface Scene {
  readonly world: World
  readonly cluster: SimCluster
  readonly history: History
  /** Answers that no client may ever get. */
  readonly internal: string[]
  /** Starts a producer that sends evenly. */
  produce(messages: number, spanMs: number): void
  /** For each group, the longest time without a delivery between two times; both ends count. */
  gaps(fromMs: number, toMs: number): Readonly<Record<string, number>>
  /** Each group has everything that was acknowledged. */
  missing(): string[]
}

async function createScene(shape: Partial<ClusterShape>, seed = 11): Promise<Scene> {
  const world = createWorld({ seed })
  const cluster = new SimCluster(world, {
    nameServers: 2,
    brokers: 1,
    proxies: 1,
    flushDiskType: 'ASYNC_FLUSH',
    segmentBytes: 1 << 20,
    ...shape,
  })
  await cluster.start()
  const groups = KINDS.map((kind) => ({ name: `readers-${kind}`, retryMaxTimes: 16 }))
  const brokerAddresses = cluster.brokers.map((_, index) => cluster.brokerAddress(index))
  const plan = { brokerAddresses, topics: [{ name: TOPIC, queues: 2 }], groups }
  const operator = cluster.clients.start('operator', (effects) => prepare(effects, plan))
  await world.run(() => operator.state !== 'starting', { forMsMax: MINUTE })
  await world.run(ROUTES_KNOWN_MS)

  const history = new History()
  const internal: string[] = []
  const mood: Mood = { careless: false, stopped: false }
  const { effects } = cluster.clients.start('clients', () => undefined)
  const channels = cluster.channels(effects).map((channel) => watched(channel, internal))
  const context = (): ClientContext => ({ world, effects, random: new Prng(seed), history, mood })
  for (const [index, kind] of KINDS.entries()) {
    const group = `readers-${kind}`
    const consumer = { name: group, kind, group, topic: TOPIC, tagExpression: '*', carelessShare: 0 }
    startConsumer(context(), channels, { ...consumer, preferredProxy: index })
  }
  let producers = 0
  return {
    world,
    cluster,
    history,
    internal,
    produce(messages, spanMs) {
      producers += 1
      startProducer(context(), channels, {
        name: `producer-${producers}`,
        topics: [TOPIC],
        messages,
        spanMs,
        bodyBytesMax: 100,
        tags: ['TagA'],
        poisonShare: 0,
        batchShare: 0,
        firstSeq: history.messages.length,
        preferredProxy: 0,
      })
    },
    gaps(fromMs, toMs) {
      return Object.fromEntries(
        groups.map(({ name }) => {
          const own = history.deliveries.filter(({ group }) => group === name).map(({ endMs }) => endMs)
          const times = [fromMs, ...own.filter((ms) => ms >= fromMs && ms <= toMs), toMs].sort((a, b) => a - b)
          return [name, Math.max(...times.slice(1).map((ms, index) => ms - (times[index] ?? 0)))]
        }),
      )
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

/** The same channel; answers that blame the inside of a server are written down. */
function watched(channel: ProxyChannel, internal: string[]): ProxyChannel {
  const note = (what: string, status: GrpcStatus, detail: string): void => {
    if (status === GrpcStatus.INTERNAL || status === GrpcStatus.UNKNOWN) internal.push(`${what}: ${status} ${detail}`)
  }
  return {
    ...channel,
    async unary(path, request, options) {
      const answer = await channel.unary(path, request, options)
      note(path, answer.status, answer.detail)
      return answer
    },
    serverStreaming(path, request, handler, options) {
      channel.serverStreaming(
        path,
        request,
        {
          message(bytes) {
            const code = ReceiveMessageResponse.decode(bytes).status?.code
            if (code !== undefined && INTERNAL_CODES.has(code)) internal.push(`${path}: code ${code}`)
            handler.message(bytes)
          },
          end(status, detail) {
            note(path, status, detail)
            handler.end(status, detail)
          },
        },
        options,
      )
    },
  }
}

const within = (gaps: Readonly<Record<string, number>>, ms: number): string[] =>
  Object.entries(gaps)
    .filter(([, gapMs]) => gapMs > ms)
    .map(([group, gapMs]) => `${group}: nothing for ${Math.round(gapMs)} ms`)

/** Runs a fault under load and returns what is wrong with the time after it. */
async function fault(
  scene: Scene,
  { downMs, begin, end }: { readonly downMs: number; begin(): void; end(): void },
): Promise<string[]> {
  const { world } = scene
  const startMs = world.nowMs
  const calmMs = 10 * SECOND
  const afterMs = 30 * SECOND
  // The producer's pauses are random: it may be ahead of its time, and must not run out of messages before the end.
  const spanMs = 1.2 * (calmMs + downMs + afterMs)
  const pauseMs = Math.max(SENDS_EVERY_MS, downMs / SENDS_WHILE_DOWN)
  scene.produce(Math.round(spanMs / pauseMs), spanMs)
  await world.run(calmMs)
  begin()
  await world.run(downMs)
  end()
  const backMs = world.nowMs
  await world.run(afterMs)
  const late = within(scene.gaps(backMs, world.nowMs), RESUME_MS_MAX)
  await world.run(spanMs + MINUTE - (world.nowMs - startMs))
  return [...late, ...scene.missing(), ...scene.internal]
}

test('clients: one of two proxies is killed → consumption goes on over the other one', async () => {
  const scene = await createScene({ proxies: 2 })
  const [proxy] = scene.cluster.proxies
  let diedMs = 0
  const wrong = await fault(scene, {
    downMs: 40 * SECOND,
    begin() {
      diedMs = scene.world.nowMs
      scene.cluster.crash(proxy!, false)
    },
    end: () => proxy!.start(),
  })
  expect(wrong).toEqual([])
  expect(within(scene.gaps(diedMs, diedMs + 40 * SECOND), RESUME_MS_MAX)).toEqual([])
})

test.each([1, 20, 300])(
  'clients: the only proxy is away for %i s → consumption goes on after its return',
  async (s) => {
    const scene = await createScene({})
    const [proxy] = scene.cluster.proxies
    const wrong = await fault(scene, {
      downMs: s * SECOND,
      begin: () => scene.cluster.crash(proxy!, false),
      end: () => proxy!.start(),
    })
    expect(wrong).toEqual([])
  },
)

test.each([
  ['killed', 1],
  ['killed', 20],
  ['killed', 300],
  ['without power', 20],
] as const)('clients: the only broker is %s for %i s → consumption goes on after its return', async (how, s) => {
  const scene = await createScene({})
  const [broker] = scene.cluster.brokers
  const wrong = await fault(scene, {
    downMs: s * SECOND,
    begin: () => scene.cluster.crash(broker!, how === 'without power'),
    end: () => broker!.start(),
  })
  const lostMs = how === 'without power' ? SECOND : 0
  const excused = wrong.filter((line) => !(lostMs > 0 && /: \d+$/.test(line)))
  expect(excused).toEqual([])
})

test('clients: one of two brokers is away → the other one serves meanwhile', async () => {
  const scene = await createScene({ brokers: 2 })
  const [broker] = scene.cluster.brokers
  let diedMs = 0
  const wrong = await fault(scene, {
    downMs: 3 * MINUTE,
    begin() {
      diedMs = scene.world.nowMs
      scene.cluster.crash(broker!, false)
    },
    end: () => broker!.start(),
  })
  expect(wrong).toEqual([])
  expect(within(scene.gaps(diedMs, diedMs + 3 * MINUTE), RESUME_MS_MAX)).toEqual([])
})

test.each([1, 2])('clients: %i of two nameservers are away for 10 minutes → nobody notices', async (away) => {
  const scene = await createScene({})
  const gone = scene.cluster.nameServers.slice(0, away)
  let diedMs = 0
  const wrong = await fault(scene, {
    downMs: 10 * MINUTE,
    begin() {
      diedMs = scene.world.nowMs
      for (const node of gone) scene.cluster.crash(node, false)
    },
    end() {
      for (const node of gone) node.start()
    },
  })
  expect(wrong).toEqual([])
  expect(within(scene.gaps(diedMs, diedMs + 10 * MINUTE), RESUME_MS_MAX)).toEqual([])
})

test('clients: an idle hour → the first message after it is delivered at once', async () => {
  const scene = await createScene({})
  await scene.world.run(HOUR)
  const fromMs = scene.world.nowMs
  scene.produce(1, SECOND)
  await scene.world.run(5 * SECOND)
  expect(scene.history.deliveries.map(({ group }) => group).sort()).toEqual(['readers-push', 'readers-simple'])
  expect(scene.history.deliveries.every(({ endMs }) => endMs - fromMs < 5 * SECOND)).toBe(true)
  expect(scene.internal).toEqual([])
})

test.each([
  ['both ways', false],
  ['one way', true],
] as const)(
  'clients: proxy and broker lose each other %s for a minute → consumption goes on after',
  async (_, oneWay) => {
    const scene = await createScene({})
    const { network } = scene.world
    const wrong = await fault(scene, {
      downMs: MINUTE,
      begin: () => network.partition('proxy-0', 'broker-0', { oneWay }),
      end: () => network.heal('proxy-0', 'broker-0'),
    })
    expect(wrong).toEqual([])
  },
)

test('clients: connections of proxy and broker fall silent for ever → consumption goes on over new ones', async () => {
  const scene = await createScene({})
  let lostMs = 0
  const wrong = await fault(scene, {
    downMs: 40 * SECOND,
    begin() {
      lostMs = scene.world.nowMs
      scene.world.network.loseConnections('proxy-0', 'broker-0')
    },
    end: () => undefined,
  })
  expect(wrong).toEqual([])
  expect(within(scene.gaps(lostMs, lostMs + 40 * SECOND), RESUME_MS_MAX)).toEqual([])
})

test('clients: a proxy that only holds polls loses its connections without a word → consumption goes on', async () => {
  const scene = await createScene({ proxies: 2 })
  let lostMs = 0
  const wrong = await fault(scene, {
    downMs: 40 * SECOND,
    begin() {
      lostMs = scene.world.nowMs
      // The push consumer is there, the producer is not.
      scene.world.network.loseConnections('proxy-1', 'broker-0')
    },
    end: () => undefined,
  })
  expect(wrong).toEqual([])
  expect(within(scene.gaps(lostMs, lostMs + 40 * SECOND), RESUME_MS_MAX)).toEqual([])
})

test('clients: half-open connections to a proxy that answers late → consumption goes on after', async () => {
  const scene = await createScene({ proxies: 2 })
  const [proxy] = scene.cluster.proxies
  const wrong = await fault(scene, {
    downMs: MINUTE,
    begin: () => scene.cluster.stallClients(proxy!, MINUTE),
    end: () => undefined,
  })
  expect(wrong).toEqual([])
})
