// `npm run e2e:compose`: the compose file of the committed tree, brought up, scaled and stopped in parts under running
// producers and consumers, taken down and brought up again. Nothing acknowledged may be lost. Needs a container engine
// with `docker compose`; ports are published on loopback only.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { roundTrip } from './addresses/node-sdk.ts'
import { queryRoute } from './addresses/routes.ts'
import { createChecks, someOf } from './checks.ts'
import type { Cluster, Running } from './compose/cluster.ts'
import { createLoad, type Load } from './compose/load.ts'
import { runProcess } from './processes.ts'
import { expectThat, runCheck } from './steps.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const HELLO = 'Hello, RocketMQ!'
const SPREAD_TOPIC = 'compose-spread'
const THREE_BROKERS = 'broker-0,broker-1,broker-2'
const CLONE_MS_MAX = 60_000
const MIB = 1024 * 1024
const OWN_BYTES_MAX = 20 * MIB
/** Messages that are acknowledged between two changes of the cluster. */
const STRIDE = 300
const STRIDE_MS_MAX = 60_000
/** How soon a proxy knows a route that changed, and some. */
const ROUTE_MS_MAX = 40_000
const DRAIN_MS_MAX = 60_000
/** More receives than a topic has queues, so that the broker with the message is asked. */
const ALL_QUEUES = { receives: 32, awaitMs: 1_000 }
/** Nothing arrives in this time: there is nothing left. */
const QUIET_MS = 3_000
const WATCH_MS = 100

const checks = createChecks((line) => console.log(line))
const scratch = mkdtempSync(join(tmpdir(), 'rocketmq-ts-compose-'))
process.once('exit', () => rmSync(scratch, { recursive: true, force: true, maxRetries: 3 }))
let topics = 0

async function until(what: string, limitMs: number, holds: () => boolean): Promise<void> {
  const endMs = performance.now() + limitMs
  while (!holds()) {
    expectThat(performance.now() < endMs, `${what}: not within ${limitMs} ms`)
    await sleep(WATCH_MS)
  }
}

/** The load goes on: so many messages more are acknowledged, and received. */
async function goesOn(load: Load): Promise<string> {
  const { acknowledged, received } = load.counts
  const sinceMs = performance.now()
  await until(`${STRIDE} messages more are acknowledged`, STRIDE_MS_MAX, () => {
    return load.counts.acknowledged >= acknowledged + STRIDE
  })
  await until(`${STRIDE} messages more are received`, STRIDE_MS_MAX, () => load.counts.received >= received + STRIDE)
  return `${STRIDE} messages in ${Math.round(performance.now() - sinceMs)} ms`
}

/** Everything acknowledged was received, and nothing else. */
async function arrives(loads: readonly Load[]): Promise<string> {
  for (const load of loads) {
    await until('all arrives', DRAIN_MS_MAX, () => load.missing().length === 0).catch(() => {})
    const missing = load.missing()
    expectThat(missing.length === 0, `lost ${someOf(missing)}`)
    expectThat(load.foreign.length === 0, `nobody sent ${someOf(load.foreign)}`)
  }
  return loads.map(({ counts }) => `${counts.received} received, ${counts.again} of them again`).join('; ')
}

async function brokersOf(cluster: Cluster, topic: string): Promise<string[]> {
  const [target = ''] = await cluster.proxies()
  const [host = '', port = ''] = target.split(':')
  const endpoints = { scheme: 'IPv4', addresses: [{ host, port: Number(port) }] } as const
  const route = await queryRoute({ target, transport: 'plaintext', topic, endpoints })
  return [...new Set(route.message_queues.map(({ broker }) => broker.name))].sort()
}

async function sdkRoundTrip(cluster: Cluster): Promise<string> {
  const proxies = await cluster.proxies()
  for (const endpoints of proxies) await roundTrip(endpoints, `compose-sdk-${(topics += 1)}`, ALL_QUEUES)
  return proxies.join(', ')
}

async function containerOf(cluster: Cluster, name: string): Promise<Running> {
  const container = (await cluster.running()).find((one) => one.name === name)
  expectThat(container !== undefined, `${name} does not run`)
  return container
}

async function stop(cluster: Cluster, name: string): Promise<void> {
  const container = await containerOf(cluster, name)
  const code = await container.stop()
  expectThat(code === 0, `it ended with ${code}:\n${await container.logs()}`)
}

async function checkImage(cluster: Cluster): Promise<void> {
  await runCheck(checks, 'image: little more than its base', async () => {
    const { own, total } = await cluster.imageBytes()
    expectThat(own < OWN_BYTES_MAX, `${own} bytes of its own`)
    return `${(own / MIB).toFixed(1)} of ${Math.round(total / MIB)} MiB are ours`
  })
  await runCheck(checks, 'containers: not root, nothing to write but data, published on loopback only', async () => {
    const running = await cluster.running()
    for (const { name, user, hasReadOnlyRoot, published } of running) {
      expectThat(user === 'node', `${name} runs as ${user === '' ? 'root' : user}`)
      expectThat(hasReadOnlyRoot, `${name} can write to its root file system`)
      const open = published.filter((address) => !address.startsWith('127.0.0.1:'))
      expectThat(open.length === 0, `${name} is published on ${open.join(', ')}`)
    }
    return `${running.length} containers`
  })
}

async function checkScales(cluster: Cluster, loads: Load[]): Promise<void> {
  const [first] = loads
  expectThat(first !== undefined, 'there is no load')
  const connectAll = async () => {
    const proxies = await cluster.proxies()
    for (const load of loads) load.connectTo(proxies)
  }
  await runCheck(checks, 'brokers 1 → 3: the load goes on', async () => {
    await cluster.up({ broker: 3, proxy: 1 })
    return goesOn(first)
  })
  await runCheck(checks, 'brokers: each took a folder of the volume, and its name', async () => {
    const spread = createLoad(SPREAD_TOPIC, await cluster.proxies())
    loads.push(spread)
    await spread.prepare()
    // The route that a new topic is first seen with may lack brokers; the proxy looks again after a while.
    let brokers: string[] = []
    for (const endMs = performance.now() + ROUTE_MS_MAX; performance.now() < endMs; await sleep(WATCH_MS)) {
      brokers = await brokersOf(cluster, SPREAD_TOPIC)
      if (brokers.length === 3) break
    }
    expectThat(brokers.join() === THREE_BROKERS, `the topic is on ${brokers.join(', ')}`)
    spread.consume()
    spread.produce()
    await goesOn(spread)
    return brokers.join(', ')
  })
  await runCheck(checks, 'proxies 1 → 2: the load goes through both', async () => {
    await cluster.up({ broker: 3, proxy: 2 })
    await connectAll()
    const proxies = await cluster.proxies()
    expectThat(proxies.length === 2, `published are ${proxies.join(', ')}`)
    return `${proxies.join(', ')}; ${await goesOn(first)}`
  })
  await runCheck(checks, 'SDK: sends and receives through each proxy, on three brokers', () => sdkRoundTrip(cluster))
  for (const name of ['nameserver-a-1', 'nameserver-b-1']) {
    await runCheck(checks, `${name} stops: the load goes on, new topics are made; it is started again`, async () => {
      await stop(cluster, name)
      const told = await goesOn(first)
      await sdkRoundTrip(cluster)
      await cluster.up({ broker: 3, proxy: 2 })
      await connectAll()
      return told
    })
  }
  for (const name of ['proxy-1', 'proxy-2']) {
    await runCheck(checks, `${name} stops: the load goes on through the other one; it is started again`, async () => {
      await stop(cluster, name)
      const told = await goesOn(first)
      await cluster.up({ broker: 3, proxy: 2 })
      await connectAll()
      return told
    })
  }
  await runCheck(checks, 'all brokers are killed: they take their folders again, and the load goes on', async () => {
    for (const { kill } of await cluster.running('broker')) await kill()
    await cluster.up({ broker: 3, proxy: 2 })
    const brokers = await brokersOf(cluster, SPREAD_TOPIC)
    expectThat(brokers.join() === THREE_BROKERS, `the topic is on ${brokers.join(', ')}`)
    return goesOn(first)
  })
  await runCheck(checks, 'brokers 3 → 1: the load goes on, and what is left serves new topics', async () => {
    await cluster.up({ broker: 1, proxy: 2 })
    const told = await goesOn(first)
    await sdkRoundTrip(cluster)
    return told
  })
}

async function checkData(cluster: Cluster, loads: readonly Load[]): Promise<void> {
  await runCheck(checks, 'a backlog is left', async () => {
    for (const load of loads) await load.stopConsuming()
    const before = loads.map(({ counts }) => counts.acknowledged)
    await until('a backlog', STRIDE_MS_MAX, () =>
      loads.every(({ counts }, index) => counts.acknowledged >= (before[index] ?? 0) + STRIDE),
    )
    for (const load of loads) await load.stopProducing()
    return loads.map((load) => `${load.missing().length} of ${load.counts.acknowledged}`).join('; ')
  })
  const bringUpAgain = async () => {
    await cluster.down()
    await cluster.up({ broker: 3, proxy: 2 })
    const proxies = await cluster.proxies()
    for (const load of loads) load.connectTo(proxies)
  }
  await runCheck(
    checks,
    'down, up with three brokers: nothing acknowledged is lost, nothing else arrives',
    async () => {
      await bringUpAgain()
      for (const load of loads) load.consume()
      return arrives(loads)
    },
  )
  await runCheck(checks, 'down, up again: what was acknowledged by consumers stays so', async () => {
    for (const load of loads) await load.stopConsuming()
    await bringUpAgain()
    const before = loads.reduce((sum, { counts }) => sum + counts.again, 0)
    for (const load of loads) load.consume()
    await sleep(QUIET_MS)
    for (const load of loads) await load.stopConsuming()
    const again = loads.reduce((sum, { counts }) => sum + counts.again, 0) - before
    expectThat(again === 0, `${again} messages came again`)
  })
}

async function runSuite(cluster: Cluster): Promise<void> {
  const isUp = await runCheck(checks, 'compose up: builds, and everything gets healthy', () =>
    cluster.up({ broker: 1, proxy: 1 }),
  )
  if (!isUp) return
  await checkImage(cluster)
  await runCheck(checks, 'rmq: sends and receives in a container', async () => {
    const { exec } = await containerOf(cluster, 'broker-1')
    await exec(['rocketmq-ts', 'rmq', 'send', 'hello', HELLO])
    const output = await exec(['rocketmq-ts', 'rmq', 'receive', 'hello', '--group', 'hello-readers'])
    expectThat(output.includes(HELLO), `it received ${output}`)
  })
  await runCheck(checks, 'SDK: sends and receives through the published port', () => sdkRoundTrip(cluster))
  const load = createLoad('compose-load', await cluster.proxies())
  const loads = [load]
  try {
    await load.prepare()
    load.consume()
    load.produce()
    await runCheck(checks, 'a load runs', () => goesOn(load))
    await checkScales(cluster, loads)
    await checkData(cluster, loads)
  } finally {
    for (const each of loads) {
      await Promise.all([each.stopProducing(), each.stopConsuming()])
      each.close()
    }
  }
}

try {
  // Its helper container would have to be pulled, and would do what the end of this suite does. Read at the import.
  process.env['TESTCONTAINERS_RYUK_DISABLED'] = 'true'
  const { createCluster } = await import('./compose/cluster.ts')
  const clone = join(scratch, 'rocketmq-ts')
  await runProcess('git', ['clone', '--quiet', ROOT, clone], { deadlineMs: CLONE_MS_MAX })
  const cluster = await createCluster(clone)
  await cluster.remove() // what a run left behind that was killed
  try {
    await runSuite(cluster)
  } finally {
    await cluster.remove()
  }
} catch (error) {
  checks.check('the suite runs to its end', false, error instanceof Error ? error.stack : String(error))
}
console.log(checks.summary())
process.exit(checks.failed === 0 ? 0 : 1)
