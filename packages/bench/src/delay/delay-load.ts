// What the benchmark of delayed messages asks of a broker: sends with and without a time, and everything that came of them.
import type { BrokerClient } from '@rocketmq-ts/cluster-client'
import { encodeProperties, PropertyName } from '@rocketmq-ts/model'
import type { Peer } from '@rocketmq-ts/remoting'
import { Histogram, type LatencySummary } from '../histogram.ts'
import { type BacklogMessage, drain, fill, QUEUES, TIMEOUT_MS, uniqueKeyOf } from '../load/backlog.ts'
import { BROKER_NAME } from '../servers/broker-alone.ts'

const BODY_BYTES = 256
const CONSUMERS = 4

/** Message `index` of a batch, and when it is due; undefined for a message that is not delayed. */
export type DueOf = (index: number) => number | undefined

/** Spread over the queues of a topic. Rejects when one is not stored. */
export function sendAll(peer: Peer, topic: string, messages: number, dueOf: DueOf): Promise<void> {
  return fill(peer, messages, (index) => messageOf(topic, index, dueOf(index)))
}

/** Its body says which it is and when it is due. */
export function messageOf(topic: string, index: number, dueMs: number | undefined): BacklogMessage {
  const properties = encodeProperties([
    [PropertyName.UNIQ_KEY, uniqueKeyOf(index)],
    [PropertyName.WAIT, 'true'],
    ...(dueMs === undefined ? [] : [[PropertyName.TIMER_DELIVER_MS, String(dueMs)] as const]),
  ])
  const body = Buffer.alloc(BODY_BYTES)
  body.writeUInt32BE(index)
  body.writeDoubleBE(dueMs ?? 0, 4)
  return { place: { topic, queueId: index % QUEUES, properties }, body }
}

/** How late messages came: by the clock of the consumer, and by that of the broker when it stored the copy. */
export interface Lateness {
  readonly messages: number
  /** Of all, stored before their time. */
  readonly early: number
  readonly receivedUs: LatencySummary
  readonly storedUs: LatencySummary
}

/** Several consumers take and settle so many messages. Rejects when one comes twice or does not come. */
export async function consumeAll(
  client: BrokerClient,
  { address, topic, messages }: { readonly address: string; readonly topic: string; readonly messages: number },
): Promise<Lateness> {
  const received = new Histogram()
  const stored = new Histogram()
  const seen = new Uint8Array(messages)
  let early = 0
  const all = { address, topic, consumerGroup: `${topic}-group`, messages, consumers: CONSUMERS }
  await drain(client, all, ({ body: bytes, storeTimestampMs }) => {
    const body = Buffer.from(bytes)
    const index = body.readUInt32BE()
    const dueMs = body.readDoubleBE(4)
    const nowMs = Date.now()
    if (seen[index] === 1) throw new Error(`${topic}: message ${index} came twice`)
    seen[index] = 1
    received.record(nowMs - dueMs)
    stored.record(storeTimestampMs - dueMs)
    if (storeTimestampMs < dueMs || nowMs < dueMs) early += 1
  })
  return { messages, early, receivedUs: received.summary(), storedUs: stored.summary() }
}

/** Messages that the queues of a topic have. */
export async function storedIn(client: BrokerClient, address: string, topic: string): Promise<number> {
  const queues = Array.from({ length: QUEUES }, (_, queueId) => ({ topic, brokerName: BROKER_NAME, queueId }))
  const ends = await Promise.all(queues.map((queue) => client.maxOffset(address, queue, { timeoutMs: TIMEOUT_MS })))
  return ends.reduce((sum, end) => sum + end, 0)
}
