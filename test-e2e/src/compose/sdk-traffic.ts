// The official Node SDK with its own retries and pacing. It is told one address and keeps it, so it connects through a
// balancer before all proxies, as docker-compose.yml says for production.
import { Producer, SimpleConsumer } from 'rocketmq-client-nodejs'
import { createBalancer } from './balancer.ts'
import type { Traffic } from './load.ts'
import { createRawTraffic } from './raw-traffic.ts'

const INVISIBLE_MS = 10_000
const AWAIT_MS = 1_000
const BATCH = 32
const quiet = { debug() {}, info() {}, warn() {}, error() {} }

/** Traffic of one topic through a producer and a simple consumer of the SDK. */
export async function createSdkTraffic(topic: string, endpoints: readonly string[]): Promise<Traffic> {
  const raw = createRawTraffic(topic, endpoints)
  const balancer = await createBalancer(endpoints)
  const options = { endpoints: balancer.address, namespace: '', logger: quiet }
  const producer = new Producer({ ...options, topics: [topic] })
  const consumer = new SimpleConsumer({
    ...options,
    consumerGroup: raw.group,
    subscriptions: new Map([[topic, '*']]),
    awaitDuration: AWAIT_MS,
    maxRetryAttempts: 1, // it would retry what is INTERNAL, and hide it
  })

  return {
    topic,
    group: raw.group,
    async open() {
      await raw.open()
      await raw.close()
      await producer.startup()
      await consumer.startup()
    },
    async send(_, body) {
      await producer.send({ topic, body: Buffer.from(body) })
    },
    async receive(_, note) {
      const found = await consumer.receive(BATCH, INVISIBLE_MS)
      for (const message of found) note(message.body.toString())
      const acks = await Promise.allSettled(found.map((message) => consumer.ack(message)))
      const rejected = acks.find((ack) => ack.status === 'rejected')
      if (rejected !== undefined) throw rejected.reason
    },
    connectTo: (published) => balancer.connectTo(published),
    async close() {
      await Promise.allSettled([producer.shutdown(), consumer.shutdown()])
      await balancer.close()
    },
  }
}
