// Brokers and proxies come and go while the loads run. A broker that is new takes part by itself: it has the topics and
// groups of the cluster, and producers find it.
import { expectThat } from '../steps.ts'
import { type Scene, until } from './scene.ts'
import { expectHealthy, expectPublished } from './shipped.ts'

/** From the command to sends at every broker; proxies look for changes of a route every 20 s. */
const TAKES_PART_MS_MAX = 60_000
const LOOK_MS = 1_000
export const BROKERS = ['broker-0', 'broker-1', 'broker-2'] as const
/** Nameservers are two. */
const CONTAINERS = { broker: 3, proxy: 2, nameserver: 2 } as const

export async function checkScaling(scene: Scene): Promise<void> {
  const { cluster, loads } = scene
  await scene.step('brokers 1 → 3: each holds queues of the topics and receives sends within 60 s', () =>
    scaleUp(scene, 1),
  )
  await scene.step('proxies 1 → 2: the loads go on, through both', async () => {
    await scene.up(CONTAINERS)
    await expectHealthy(cluster, CONTAINERS.broker + CONTAINERS.proxy + CONTAINERS.nameserver)
    await scene.goesOn()
    return expectPublished(cluster)
  })
  await scene.step('brokers 3 → 1, messages wait on all: the loads go on with what is left', async () => {
    const backlog = await scene.leaveBacklog()
    await scene.up({ broker: 1, proxy: CONTAINERS.proxy })
    for (const load of loads) load.consume()
    await scene.goesOn()
    return `${backlog} messages waited`
  })
  await scene.step('brokers 1 → 3 again: every acknowledged message is delivered', async () => {
    const missing = loads.map((load) => load.missing().length)
    expectThat(!missing.includes(0), 'no message was on the brokers that were taken away')
    const took = await scaleUp(scene, CONTAINERS.proxy)
    return `${took}; ${missing.join(' and ')} were out of reach, ${await scene.allArrives()}`
  })
}

/** Scales to three brokers; throws unless all take part in time. Resolves with how long it took. */
export async function scaleUp(scene: Scene, proxy: number): Promise<string> {
  const { loads, rmq } = scene
  const before = await Promise.all(loads.map(({ topic }) => rmq.describeTopic(topic)))
  const startedMs = performance.now()
  const leftMs = () => startedMs + TAKES_PART_MS_MAX - performance.now()
  await scene.up({ broker: BROKERS.length, proxy })
  const isServed = async (topic: string, index: number) => {
    const now = await rmq.describeTopic(topic)
    return BROKERS.every((name) => (now.get(name)?.messages ?? 0) > (before[index]?.get(name)?.messages ?? 0))
  }
  for (const [index, { topic }] of loads.entries()) {
    await until(`${topic}: every broker receives sends`, leftMs(), () => isServed(topic, index), LOOK_MS).catch(
      async (error: unknown) => {
        const now = await rmq.describeTopic(topic)
        const told = BROKERS.map((name) => `${name} has ${now.get(name)?.messages ?? 'no queues'}`).join(', ')
        throw new Error(`${error instanceof Error ? error.message : String(error)}: ${told}`)
      },
    )
  }
  const tookMs = performance.now() - startedMs
  expectThat(tookMs <= TAKES_PART_MS_MAX, `it took ${Math.round(tookMs)} ms`)
  await scene.goesOn()
  return `${BROKERS.length} brokers after ${(tookMs / 1000).toFixed(1)} s`
}
