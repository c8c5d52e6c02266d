// What the benchmark of delayed messages asks of a broker: sends with and without a time, and everything that came of them.
import type { BrokerClient } from '@rocketmq-ts/cluster-client'
import { encodeProperties, PropertyName } from '@rocketmq-ts/model'
import { type Peer, PopInitMode } from '@rocketmq-ts/remoting'
import { Histogram, type LatencySummary } from '../histogram.ts'
import { sendByPeer } from '../load/remoting-calls.ts'

export const QUEUES = 8
const BODY_BYTES = 256
const SENDS_UNDER_WAY = 64
const CONSUMERS = 4
const POP_MESSAGES = 32
const INVISIBLE_MS = 600_000
const POLL_MS = 500
const TIMEOUT_MS = 30_000
const BROKER_NAME = 'broker-a'

/** Message `index` of a batch, and when it is due; undefined for a message that is not delayed. */
export type DueOf = (index: number) => number | undefined

/** One after the other into the queues of a topic, so many under way. Rejects when one is not stored. */
export async function sendAll(peer: Peer, topic: string, messages: number, dueOf: DueOf): Promise<void> {
  let next = 0
  let stored = 0
  async function slot(): Promise<void> {
    for (let index = next; index < messages; index = next) {
      next += 1
      if (await sendOne(peer, topic, index, dueOf(index))) stored += 1
    }
  }
  await Promise.all(Array.from({ length: SENDS_UNDER_WAY }, slot))
  if (stored !== messages) throw new Error(`${stored} of ${messages} messages for ${topic} were stored`)
}

/** True when it was stored. */
export function sendOne(peer: Peer, topic: string, index: number, dueMs: number | undefined): Promise<boolean> {
  const properties = encodeProperties([
    [PropertyName.UNIQ_KEY, `01A1B2C3D4E5F60123456789AB${String(index).padStart(10, '0')}`],
    [PropertyName.WAIT, 'true'],
    ...(dueMs === undefined ? [] : [[PropertyName.TIMER_DELIVER_MS, String(dueMs)] as const]),
  ])
  const body = Buffer.alloc(BODY_BYTES)
  body.writeUInt32BE(index)
  body.writeDoubleBE(dueMs ?? 0, 4)
  return sendByPeer(peer, { topic, queueId: index % QUEUES, properties }, body)
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
  { address, topic, messages, overdueMs }: { address: string; topic: string; messages: number; overdueMs: number },
): Promise<Lateness> {
  const group = `${topic}-group`
  const header = {
    consumerGroup: group,
    topic,
    queueId: -1,
    maxMsgNums: POP_MESSAGES,
    invisibleTimeMs: INVISIBLE_MS,
    pollTimeMs: POLL_MS,
    bornTimeMs: 0,
    initMode: PopInitMode.MIN,
    expType: 'TAG',
    exp: '*',
  }
  const received = new Histogram()
  const stored = new Histogram()
  const seen = new Uint8Array(messages)
  const endMs = Date.now() + overdueMs
  let early = 0
  let count = 0
  async function consumer(): Promise<void> {
    while (count < messages) {
      if (Date.now() > endMs) throw new Error(`${topic}: ${count} of ${messages} messages came in time`)
      const result = await client.pop({ address, brokerName: BROKER_NAME }, header, { timeoutMs: TIMEOUT_MS })
      if (result.kind !== 'found') continue
      const nowMs = Date.now()
      await Promise.all(
        result.messages.map(async ({ record, handle }) => {
          const body = Buffer.from(record.body)
          const index = body.readUInt32BE()
          const dueMs = body.readDoubleBE(4)
          if (seen[index] === 1) throw new Error(`${topic}: message ${index} came twice`)
          seen[index] = 1
          count += 1
          received.record(nowMs - dueMs)
          stored.record(record.storeTimestampMs - dueMs)
          if (record.storeTimestampMs < dueMs || nowMs < dueMs) early += 1
          await client.ack(address, { consumerGroup: group, topic, handle }, { timeoutMs: TIMEOUT_MS })
        }),
      )
    }
  }
  await Promise.all(Array.from({ length: CONSUMERS }, consumer))
  return { messages, early, receivedUs: received.summary(), storedUs: stored.summary() }
}

/** Messages that the queues of a topic have. */
export async function storedIn(client: BrokerClient, address: string, topic: string): Promise<number> {
  const queues = Array.from({ length: QUEUES }, (_, queueId) => ({ topic, brokerName: BROKER_NAME, queueId }))
  const ends = await Promise.all(queues.map((queue) => client.maxOffset(address, queue, { timeoutMs: TIMEOUT_MS })))
  return ends.reduce((sum, end) => sum + end, 0)
}
