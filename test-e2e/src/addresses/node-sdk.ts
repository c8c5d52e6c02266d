// One message there and back with the official Node SDK, which is told nothing but where to connect.
import { Producer, SimpleConsumer } from 'rocketmq-client-nodejs'
import { expectThat } from '../steps.ts'

const RECEIVES = 3
const AWAIT_MS = 5_000
const quiet = { debug() {}, info() {}, warn() {}, error() {} }

export interface Patience {
  /** A receive asks the broker of one queue, the next one that of the next queue. */
  readonly receives: number
  readonly awaitMs: number
}

/** Sends, receives and acknowledges; throws unless it gets exactly what it sent. */
export async function roundTrip(
  endpoints: string,
  topic: string,
  { receives, awaitMs }: Patience = { receives: RECEIVES, awaitMs: AWAIT_MS },
): Promise<void> {
  const options = { endpoints, namespace: '', logger: quiet }
  const producer = new Producer(options)
  const consumer = new SimpleConsumer({
    ...options,
    consumerGroup: `${topic}-readers`,
    subscriptions: new Map([[topic, '*']]),
    awaitDuration: awaitMs,
  })
  await producer.startup()
  try {
    const body = `by ${endpoints}`
    const { messageId } = await producer.send({ topic, body: Buffer.from(body) })
    await consumer.startup()
    try {
      for (let tried = 0; tried < receives; tried += 1) {
        for (const message of await consumer.receive(16)) {
          const got = `${message.messageId} ${message.body.toString()}`
          expectThat(got === `${messageId} ${body}`, `received ${got}, not ${messageId} ${body}`)
          await consumer.ack(message)
          return
        }
      }
      throw new Error(`${messageId} was sent but not received`)
    } finally {
      await consumer.shutdown()
    }
  } finally {
    await producer.shutdown()
  }
}
