// Reads every message of the load back, by the way that each broker has, and compares it with what was acknowledged.
import type { BrokerLife } from './broker-place.ts'
import { type Book, numberOf, QUEUES, TOPICS } from './load.ts'
import type { RemotingClient } from './remoting-client.ts'
import { ack, pop, pull } from './requests.ts'
import type { StoredMessage } from './record.ts'

const POPS_AT_ONCE = 8
/** Nothing that is read comes again meanwhile. */
const INVISIBLE_MS = 600_000

/** What is wrong, at most a few of each kind; nothing when each message is there once, whole, and in its place. */
export async function readAll(
  client: RemotingClient,
  kind: BrokerLife['kind'],
  book: Book,
  group: string,
): Promise<string[]> {
  const faults: string[] = []
  const seen = new Set<number>()
  const take = (message: StoredMessage) => {
    const number = numberOf(message)
    const written = book.all[number]
    const { topic, queueId, queueOffset } = message
    const isInPlace =
      written !== undefined &&
      written.topic === topic &&
      written.queueId === queueId &&
      written.queueOffset === queueOffset
    if (!isInPlace) faults.push(`message ${number} is at ${topic} ${queueId}/${queueOffset}`)
    if (seen.has(number)) faults.push(`message ${number} came twice`)
    seen.add(number)
  }
  for (const topic of TOPICS) {
    await (kind === 'Apache' ? pullAll(client, topic, group, take) : popAll(client, topic, group, take))
  }
  const lost = book.all.filter(({ number }) => !seen.has(number))
  for (const { number, topic, queueId, queueOffset } of lost) {
    faults.push(`message ${number} of ${topic} ${queueId}/${queueOffset} is missing`)
  }
  return faults
}

async function pullAll(
  client: RemotingClient,
  topic: string,
  group: string,
  take: (message: StoredMessage) => void,
): Promise<void> {
  async function pullQueue(queueId: number): Promise<void> {
    for (let next = 0; ;) {
      const messages = await pull(client, group, { topic, queueId }, next)
      if (messages.length === 0) return
      for (const message of messages) take(message)
      next = (messages.at(-1)?.queueOffset ?? next) + 1
    }
  }
  await Promise.all(Array.from({ length: QUEUES }, (_, queueId) => pullQueue(queueId)))
}

async function popAll(
  client: RemotingClient,
  topic: string,
  consumerGroup: string,
  take: (message: StoredMessage) => void,
): Promise<void> {
  async function popSome(): Promise<void> {
    for (;;) {
      const messages = await pop(client, { topic, consumerGroup, invisibleMs: INVISIBLE_MS })
      if (messages.length === 0) return
      for (const message of messages) take(message)
      await Promise.all(messages.map((message) => ack(client, consumerGroup, message)))
    }
  }
  await Promise.all(Array.from({ length: POPS_AT_ONCE }, popSome))
}
