// Producers and consumers of the harness's process, running across all kills. The official SDK is one producer and one
// consumer; raw clients make the bulk. A failed call says nothing about its outcome and is followed by a new attempt.
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { type MessageView, Producer, SimpleConsumer } from 'rocketmq-client-nodejs'
import type { Random } from '../random.ts'
import { createRawClient, isNeverSent, type RawClient, type RawMessage } from '../raw-client.ts'
import { bodyOf, type Delivery, type History } from './history.ts'

export const TOPIC = 'kill-messages'
/** The SDK's consumer and a raw one share a group; a group of its own is raw, which sees the queue of every message. */
export const SHARED_GROUP = 'kill-shared'
export const RAW_GROUP = 'kill-raw'
export const GROUPS = [SHARED_GROUP, RAW_GROUP] as const

export const INVISIBLE_MS = 10_000
const POLL_MS = 2_000
const BATCH = 32
const RAW_SENDERS = 48
const SDK_SENDERS = 8
/** After a failed call: as long as the server is down, there is nothing better to do. */
const RETRY_MS = 100
/** First deliveries that are left unacknowledged, so that invisible times run out also without a kill. */
const FORGOTTEN = 0.01
/** An SDK call may wait for a connection that comes back late. */
const SDK_REQUEST_MS = 3_000

export interface Load {
  /** Starts everything; the server is ready. */
  start(): Promise<void>
  /** Resolves when so many messages are acknowledged. */
  reached(acknowledged: number): Promise<void>
  /** Resolves when all messages are acknowledged. */
  readonly produced: Promise<void>
  /** Resolves when no receive and no acknowledgement is under way any more. */
  stopConsuming(): Promise<void>
  /** Ends the clients; the server is up. */
  close(): Promise<void>
  readonly counts: { sdkSent: number; sdkReceived: number; sdkAcked: number; failedCalls: number }
}

const quietLogger = { info() {}, warn() {}, error() {}, debug() {}, close() {} }

export function createLoad(options: {
  readonly endpoints: string
  readonly messages: number
  readonly history: History
  readonly random: Random
}): Load {
  const { endpoints, messages, history, random } = options
  const counts = { sdkSent: 0, sdkReceived: 0, sdkAcked: 0, failedCalls: 0 }
  const waiting: { readonly acknowledged: number; readonly resolve: () => void }[] = []
  const rawProducer = createRawClient(endpoints, 'kill-raw-producer')
  const rawConsumers = [
    { group: SHARED_GROUP, client: createRawClient(endpoints, 'kill-raw-shared') },
    { group: RAW_GROUP, client: createRawClient(endpoints, 'kill-raw-1') },
    { group: RAW_GROUP, client: createRawClient(endpoints, 'kill-raw-2') },
  ]
  const sdkOptions = { endpoints, namespace: '', logger: quietLogger, requestTimeout: SDK_REQUEST_MS }
  const producer = new Producer({ ...sdkOptions, topics: [TOPIC], maxAttempts: 1 })
  const consumer = new SimpleConsumer({
    ...sdkOptions,
    consumerGroup: SHARED_GROUP,
    subscriptions: new Map([[TOPIC, '*']]),
    awaitDuration: POLL_MS,
    maxRetryAttempts: 1,
  })
  const forget = random.derive('forget')
  let next = 0
  let consuming = true
  const loops: Promise<void>[] = []
  const produced = Promise.withResolvers<void>()

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

  /** Sends messages until none is left, each until it is acknowledged. */
  async function sendAll(name: string, send: (body: Buffer) => Promise<number>): Promise<void> {
    while (next < messages) {
      const message = next
      next += 1
      for (let count = 1; ; count += 1) {
        const attempt = history.begin(`${name}-${message}-${count}`)
        try {
          history.acknowledge(attempt, await send(bodyOf(attempt.id)))
          break
        } catch (error) {
          attempt.outcome = isNeverSent(error) ? 'unsent' : 'unknown'
          await failed()
        }
      }
      noteAcknowledged()
    }
  }

  /** True where this delivery is to be acknowledged. */
  function isToBeAcked({ group, attempt }: Delivery): boolean {
    return history.deliveriesOf(group, attempt).length > 1 || !forget.chance(FORGOTTEN)
  }

  async function receiveRaw(client: RawClient, group: string): Promise<void> {
    const asked = history.asked()
    const found = await client.receive({
      topic: TOPIC,
      group,
      batchSize: BATCH,
      invisibleMs: INVISIBLE_MS,
      pollMs: POLL_MS,
    })
    const acking: { message: RawMessage; delivery: Delivery }[] = []
    for (const message of found) {
      const seen = { body: message.body, offset: message.queueOffset, queueId: message.queueId }
      const delivery = history.deliver(group, asked, INVISIBLE_MS, seen)
      if (delivery !== undefined && isToBeAcked(delivery)) acking.push({ message, delivery })
    }
    if (acking.length === 0) return
    for (const { delivery } of acking) delivery.ack = 'unknown'
    const codes = await client.ack(
      TOPIC,
      group,
      acking.map(({ message }) => message),
    )
    for (const [index, { delivery }] of acking.entries()) noteAck(delivery, codes[index] === 'OK')
  }

  async function ackBySdk(message: MessageView, delivery: Delivery): Promise<void> {
    delivery.ack = 'unknown'
    await consumer.ack(message)
    noteAck(delivery, true)
    counts.sdkAcked += 1
  }

  async function receiveBySdk(): Promise<void> {
    const asked = history.asked()
    const found = await consumer.receive(BATCH, INVISIBLE_MS)
    const acks: Promise<void>[] = []
    for (const message of found) {
      counts.sdkReceived += 1
      const seen = { body: message.body, offset: message.offset ?? -1, queueId: undefined }
      const delivery = history.deliver(SHARED_GROUP, asked, INVISIBLE_MS, seen)
      if (message.corrupted) history.faults.body.push(`the SDK calls it corrupted: ${delivery?.attempt}`)
      if (delivery !== undefined && isToBeAcked(delivery)) acks.push(ackBySdk(message, delivery))
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

  return {
    counts,
    produced: produced.promise,
    async start() {
      await rawProducer.queryRoute(TOPIC)
      // A group begins at the end of the queues: it must be there before the first message.
      for (const { group, client } of rawConsumers.slice(0, 2)) {
        await client.receive({ topic: TOPIC, group, batchSize: 1, invisibleMs: INVISIBLE_MS, pollMs: 0 })
      }
      await Promise.all([producer.startup(), consumer.startup()])
      for (const { group, client } of rawConsumers) loops.push(consume(() => receiveRaw(client, group)))
      loops.push(consume(receiveBySdk))
      const senders = Array.from({ length: RAW_SENDERS }, () =>
        sendAll('raw', (body) => rawProducer.send(TOPIC, messageId(), body)),
      )
      for (let count = 0; count < SDK_SENDERS; count += 1) {
        senders.push(
          sendAll('sdk', async (body) => {
            const { offset } = await producer.send({ topic: TOPIC, body })
            counts.sdkSent += 1
            return offset
          }),
        )
      }
      Promise.all(senders).then(() => produced.resolve(), produced.reject)
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
      await Promise.allSettled([producer.shutdown(), consumer.shutdown()])
      rawProducer.close()
      for (const { client } of rawConsumers) client.close()
    },
  }
}

function noteAck(delivery: Delivery, isOk: boolean): void {
  delivery.ack = isOk ? 'answered' : 'refused'
  delivery.ackAnsweredMs = performance.now()
}

/** Format of the SDKs: version 1 and 16 bytes. */
function messageId(): string {
  return `01${randomUUID().replaceAll('-', '').toUpperCase()}`
}
