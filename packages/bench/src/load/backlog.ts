// A topic that is filled, and emptied by consumers of one group. Every message counts: one that is not stored, is missing
// or comes too often ends the run.
import type { BrokerClient } from '@rocketmq-ts/cluster-client'
import type { MessageRecord } from '@rocketmq-ts/model'
import { type Peer, PopInitMode } from '@rocketmq-ts/remoting'
import { BROKER_NAME } from '../servers/broker-alone.ts'
import { sendByPeer, type SendPlace } from './remoting-calls.ts'

/** Queues that are written, all that a new topic has. */
export const QUEUES = 8
const SENDS_UNDER_WAY = 64
export const POP_MESSAGES = 32
const INVISIBLE_MS = 600_000
const POLL_MS = 500
export const TIMEOUT_MS = 30_000
/** Without a message for so long, the rest does not come. */
const SILENT_MS_MAX = 60_000

const ALL = { expType: 'TAG', exp: '*' }

/** A message, and where it goes. */
export interface BacklogMessage {
  readonly place: SendPlace
  readonly body: Uint8Array
}

/** A unique key for each message of a benchmark, as Apache's clients make them. */
export function uniqueKeyOf(index: number): string {
  return `01A1B2C3D4E5F60123456789AB${String(index).padStart(10, '0')}`
}

/** Sends so many messages, in their order, some under way at a time. Rejects when one is not stored. */
export async function fill(peer: Peer, messages: number, messageOf: (index: number) => BacklogMessage): Promise<void> {
  let next = 0
  let stored = 0
  async function slot(): Promise<void> {
    for (let index = next; index < messages; index = next) {
      next += 1
      const { place, body } = messageOf(index)
      if (await sendByPeer(peer, place, body)) stored += 1
    }
  }
  await Promise.all(Array.from({ length: SENDS_UNDER_WAY }, slot))
  if (stored !== messages) throw new Error(`${stored} of ${messages} messages were stored`)
}

/** A pop of everything that a group wants of a topic, from its start. */
export function popHeaderOf(place: { readonly topic: string; readonly consumerGroup: string }, filter = ALL) {
  return {
    ...place,
    ...filter,
    queueId: -1,
    maxMsgNums: POP_MESSAGES,
    invisibleTimeMs: INVISIBLE_MS,
    pollTimeMs: POLL_MS,
    bornTimeMs: 0,
    initMode: PopInitMode.MIN,
  }
}

export interface Drain {
  readonly address: string
  readonly topic: string
  readonly consumerGroup: string
  /** In the topic; each comes once. */
  readonly messages: number
  readonly consumers: number
}

/** Several consumers take all messages, and acknowledge each by a call of its own after `take` has seen it. */
export async function drain(
  client: BrokerClient,
  { address, topic, consumerGroup, messages, consumers }: Drain,
  take: (record: MessageRecord) => void,
): Promise<void> {
  const header = popHeaderOf({ topic, consumerGroup })
  let count = 0
  let lastMs = performance.now()
  async function consumer(): Promise<void> {
    while (count < messages) {
      const silentMs = performance.now() - lastMs
      if (silentMs > SILENT_MS_MAX) throw new Error(`${topic}: ${count} of ${messages} messages came`)
      const result = await client.pop({ address, brokerName: BROKER_NAME }, header, { timeoutMs: TIMEOUT_MS })
      if (result.kind !== 'found') continue
      lastMs = performance.now()
      for (const { record } of result.messages) take(record)
      count += result.messages.length
      const acks = result.messages.map(({ handle }) =>
        client.ack(address, { consumerGroup, topic, handle }, { timeoutMs: TIMEOUT_MS }),
      )
      await Promise.all(acks)
    }
  }
  await Promise.all(Array.from({ length: consumers }, consumer))
  if (count !== messages) throw new Error(`${topic}: ${count} messages came, ${messages} were sent`)
}
