// Producers and consumers of the harness's process, running across all kills. Clients of the official SDK are at each
// proxy; raw clients know all proxies and make the bulk. A failed call says nothing about its outcome and is followed by
// a new attempt.
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { type MessageView, Producer, SimpleConsumer } from 'rocketmq-client-nodejs'
import type { Random } from '../random.ts'
import { createRawClient, isNeverSent, type RawClient } from '../raw-client.ts'
import type { Bodies } from './bodies.ts'
import type { Delivery, History } from './history.ts'
import { queueOf, receiveRaw } from './raw-consumer.ts'

export const TOPIC = 'kill-messages'
/** The SDK's consumers and a raw one share a group; a group of its own is raw. */
export const SHARED_GROUP = 'kill-shared'
export const RAW_GROUP = 'kill-raw'
export const GROUPS = [SHARED_GROUP, RAW_GROUP] as const

export const INVISIBLE_MS = 10_000
const POLL_MS = 2_000
const BATCH = 32
/** As many as two brokers can take. */
const SENDERS = { raw: 48, sdk: 8, pauseMs: 0 }
/** After a failed call: as long as the server is down, there is nothing better to do. */
const RETRY_MS = 100
/** First deliveries that are left unacknowledged, so that invisible times run out also without a kill. */
const FORGOTTEN = 0.01
/** An SDK call may wait for a connection that comes back late. */
const SDK_REQUEST_MS = 3_000

export interface Load {
  /** Starts everything; the cluster is ready. Messages are sent until `finish`. */
  start(): Promise<void>
  /** Resolves when so many messages are acknowledged. */
  reached(acknowledged: number): Promise<void>
  /** Sends on until there are as many messages as asked for; resolves when all are acknowledged. */
  finish(): Promise<void>
  /** Resolves when no receive and no acknowledgement is under way any more. */
  stopConsuming(): Promise<void>
  /** Ends the clients; the cluster is up. */
  close(): Promise<void>
  readonly counts: { sdkSent: number; sdkReceived: number; sdkAcked: number; failedCalls: number }
}

const quietLogger = { info() {}, warn() {}, error() {}, debug() {}, close() {} }

export function createLoad(options: {
  /** `host:port` of each. */
  readonly proxies: readonly string[]
  /** Names. */
  readonly brokers: readonly string[]
  /** So many, or more. */
  readonly messages: number
  readonly bodies: Bodies
  readonly history: History
  readonly random: Random
  /** How many at once, and how long each waits between two messages. */
  readonly senders?: typeof SENDERS
}): Load {
  const { proxies, brokers, messages, bodies, history, random, senders: sending = SENDERS } = options
  const counts = { sdkSent: 0, sdkReceived: 0, sdkAcked: 0, failedCalls: 0 }
  const waiting: { readonly acknowledged: number; readonly resolve: () => void }[] = []
  // Each prefers another proxy, and goes to the next one when that is gone.
  const anyProxy = proxies.map((_, first) => [...proxies.slice(first), ...proxies.slice(0, first)].join(';'))
  const rawProducers = anyProxy.map((endpoints, index) => createRawClient(endpoints, `kill-raw-producer-${index}`))
  const rawConsumers = [
    { group: SHARED_GROUP, client: createRawClient(anyProxy[0] ?? '', 'kill-raw-shared') },
    ...anyProxy.map((endpoints, index) => ({
      group: RAW_GROUP,
      client: createRawClient(endpoints, `kill-raw-consumer-${index}`),
    })),
  ]
  // This SDK joins several addresses to a name that it then can not resolve: each client has one.
  const sdkOptions = { namespace: '', logger: quietLogger, requestTimeout: SDK_REQUEST_MS }
  const sdkProducers = proxies.map(
    (endpoints) => new Producer({ ...sdkOptions, endpoints, topics: [TOPIC], maxAttempts: 1 }),
  )
  const sdkConsumers = proxies.map(
    (endpoints) =>
      new SimpleConsumer({
        ...sdkOptions,
        endpoints,
        consumerGroup: SHARED_GROUP,
        subscriptions: new Map([[TOPIC, '*']]),
        awaitDuration: POLL_MS,
        maxRetryAttempts: 1,
      }),
  )
  const forget = random.derive('forget')
  let next = 0
  let isFinishing = false
  let consuming = true
  const loops: Promise<void>[] = []
  const senders: Promise<void>[] = []

  async function failed(): Promise<void> {
    counts.failedCalls += 1
    await sleep(RETRY_MS)
  }

  function noteAcknowledged(): void {
    for (const waiter of waiting.splice(0)) {
      if (history.acknowledged >= waiter.acknowledged) waiter.resolve()
      else waiting.push(waiter)
    }
  }

  /** Sends messages, each until it is acknowledged. */
  async function sendAll(name: string, send: (body: Buffer) => Promise<number>): Promise<void> {
    while (next < messages || !isFinishing) {
      const message = next
      next += 1
      for (let count = 1; ; count += 1) {
        const attempt = history.begin(`${name}-${message}-${count}`)
        try {
          history.acknowledge(attempt, await send(bodies.of(attempt.id)))
          break
        } catch (error) {
          history.fail(attempt, isNeverSent(error) ? 'unsent' : 'unknown')
          await failed()
        }
      }
      noteAcknowledged()
      if (sending.pauseMs > 0) await sleep(sending.pauseMs)
    }
  }

  /** True where this delivery is to be acknowledged. */
  function isToBeAcked({ copy, group }: Delivery): boolean {
    return (copy.deliveries.get(group)?.length ?? 0) > 1 || !forget.chance(FORGOTTEN)
  }

  async function receiveOnce(client: RawClient, group: string, brokerName: string): Promise<void> {
    await receiveRaw({
      client,
      topic: TOPIC,
      group,
      brokerName,
      batchSize: BATCH,
      invisibleMs: INVISIBLE_MS,
      pollMs: POLL_MS,
      history,
      isToBeAcked,
    })
  }

  async function ackBySdk(consumer: SimpleConsumer, message: MessageView, delivery: Delivery): Promise<void> {
    delivery.ack = 'unknown'
    await consumer.ack(message)
    history.noteAck(delivery, 'OK')
    counts.sdkAcked += 1
  }

  async function receiveBySdk(consumer: SimpleConsumer): Promise<void> {
    const askedMs = performance.now()
    const found = await consumer.receive(BATCH, INVISIBLE_MS)
    const acks: Promise<void>[] = []
    for (const message of found) {
      counts.sdkReceived += 1
      const { body, offset = -1, receiptHandle } = message
      const delivery = history.deliver(SHARED_GROUP, askedMs, INVISIBLE_MS, {
        body,
        offset,
        ...queueOf(receiptHandle),
      })
      if (message.corrupted) history.faults.body.push(`the SDK calls it corrupted: ${delivery?.copy.attempt.id}`)
      if (delivery !== undefined && isToBeAcked(delivery)) acks.push(ackBySdk(consumer, message, delivery))
    }
    const results = await Promise.allSettled(acks)
    const rejected = results.find((result) => result.status === 'rejected')
    if (rejected !== undefined) throw rejected.reason
  }

  async function consume(receive: () => Promise<void>): Promise<void> {
    while (consuming) {
      try {
        await receive()
      } catch {
        await failed()
      }
    }
  }

  /** So many senders, spread over the clients. */
  function sendWith<Client>(name: string, count: number, clients: readonly Client[], send: Sending<Client>) {
    return Array.from({ length: count }, (_, index) => {
      const client = clients[index % clients.length] as Client
      return sendAll(name, (body) => send(client, body))
    })
  }

  return {
    counts,
    async start() {
      for (const producer of rawProducers) await producer.queryRoute(TOPIC)
      // A group begins at the end of the queues: each broker must know it before the first message.
      for (const { group, client } of rawConsumers) {
        for (const brokerName of brokers) {
          await client.receive({ topic: TOPIC, group, brokerName, batchSize: 1, invisibleMs: INVISIBLE_MS, pollMs: 0 })
        }
      }
      await Promise.all([...sdkProducers, ...sdkConsumers].map((client) => client.startup()))
      for (const { group, client } of rawConsumers) {
        for (const brokerName of brokers) loops.push(consume(() => receiveOnce(client, group, brokerName)))
      }
      for (const consumer of sdkConsumers) loops.push(consume(() => receiveBySdk(consumer)))
      senders.push(
        ...sendWith('raw', sending.raw, rawProducers, (producer, body) => producer.send(TOPIC, messageId(), body)),
        ...sendWith('sdk', sending.sdk, sdkProducers, async (producer, body) => {
          const { offset } = await producer.send({ topic: TOPIC, body })
          counts.sdkSent += 1
          return offset
        }),
      )
    },
    async finish() {
      isFinishing = true
      await Promise.all(senders)
    },
    reached(acknowledged) {
      const { promise, resolve } = Promise.withResolvers<void>()
      waiting.push({ acknowledged, resolve })
      noteAcknowledged()
      return promise
    },
    async stopConsuming() {
      consuming = false
      await Promise.all(loops)
    },
    async close() {
      await Promise.allSettled([...sdkProducers, ...sdkConsumers].map((client) => client.shutdown()))
      for (const client of rawProducers) client.close()
      for (const { client } of rawConsumers) client.close()
    },
  }
}

type Sending<Client> = (client: Client, body: Buffer) => Promise<number>

/** Format of the SDKs: version 1 and 16 bytes. */
function messageId(): string {
  return `01${randomUUID().replaceAll('-', '').toUpperCase()}`
}
