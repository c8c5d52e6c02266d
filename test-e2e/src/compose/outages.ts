// A nameserver, a proxy, a broker is stopped, or killed, and started again, in turn, while the loads run.
import { roundTrip } from '../addresses/node-sdk.ts'
import { expectThat } from '../steps.ts'
import { BROKERS } from './scaling.ts'
import type { Scene } from './scene.ts'

/** More receives than a topic has queues, so that the broker with the message is asked. */
const ALL_QUEUES = { receives: 32, awaitMs: 500 }

export async function checkOutages(scene: Scene): Promise<void> {
  const { cluster, rmq } = scene
  const outages = [
    { name: 'nameserver-a-1', ends: 'stop' },
    { name: 'nameserver-b-1', ends: 'kill' },
    { name: 'proxy-1', ends: 'stop' },
    { name: 'proxy-2', ends: 'kill' },
    { name: 'broker-2', ends: 'stop' },
  ] as const
  for (const { name, ends } of outages) {
    await scene.step(`${name}: ${ends}, the loads go on, start`, async () => {
      const container = await scene.container(name)
      if (ends === 'kill') await container.kill()
      else {
        const code = await container.stop()
        expectThat(code === 0, `it ended with ${code}:\n${await container.logs()}`)
      }
      await scene.goesOn()
      if (container.service.startsWith('nameserver')) await newTopic(scene, `without-${name}`)
      await container.start()
      await scene.connectAll()
    })
  }
  await scene.step('all brokers: kill, start: they take the folders again, nothing acknowledged is lost', async () => {
    const brokers = await cluster.running('broker')
    await Promise.all(brokers.map(({ kill }) => kill()))
    await Promise.all(brokers.map(({ start }) => start()))
    await scene.goesOn()
    const names = new Set<string>()
    for (const { address } of await cluster.running('broker')) names.add(await rmq.brokerAt(address))
    expectThat(
      BROKERS.every((name) => names.has(name)),
      `the brokers are ${[...names].join(', ')}`,
    )
    return scene.allArrives()
  })
}

/** The SDK makes a topic that nobody knows yet, and gets its message back. */
async function newTopic({ cluster }: Scene, topic: string): Promise<void> {
  const [endpoints] = await cluster.proxies()
  expectThat(endpoints !== undefined, 'no proxy is published')
  await roundTrip(endpoints, `compose-${topic}`, ALL_QUEUES)
}
