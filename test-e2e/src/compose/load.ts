// A producer and a consumer that run while the cluster changes under them. They know several endpoints and go on to the
// next one after a failure, as a balancer would make them. A failed send says nothing about its outcome and is sent
// again under a new name; what counts is what was acknowledged.
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { createRawClient, type RawClient, type RawMessage } from '../raw-client.ts'

const INVISIBLE_MS = 10_000
const POLL_MS = 1_000
const BATCH = 32
const SENDERS = 4
const CONSUMERS = 4
/** Between two sends of one sender: a load that goes on, not a benchmark. */
const PAUSE_MS = 10
const RETRY_MS = 100

export interface Load {
  /** Makes the topic and the group known, before the first message. */
  prepare(): Promise<void>
  produce(): void
  /** Resolves when no send is under way any more. */
  stopProducing(): Promise<void>
  consume(): void
  /** Resolves when no receive and no acknowledgement is under way any more. */
  stopConsuming(): Promise<void>
  /** Where clients connect from now on. */
  connectTo(endpoints: readonly string[]): void
  /** Acknowledged messages that were not received yet. */
  missing(): string[]
  readonly counts: { readonly acknowledged: number; readonly received: number; readonly again: number }
  /** Bodies that nobody sent. */
  readonly foreign: readonly string[]
  close(): void
}

/** A load for one topic and its group. */
export function createLoad(topic: string, endpoints: readonly string[]): Load {
  const group = `${topic}-readers`
  const acknowledged = new Set<string>()
  const sent = new Set<string>()
  const received = new Set<string>()
  const foreign: string[] = []
  const clients = new Map<string, RawClient>()
  let current = [...endpoints]
  let again = 0
  let next = 0
  let producing = false
  let consuming = false
  let senders: Promise<void>[] = []
  let consumers: Promise<void>[] = []

  /** One of the clients, another one after every failure of the caller. */
  function client(turn: number): RawClient {
    const endpoint = current[turn % current.length] ?? ''
    const known = clients.get(endpoint) ?? createRawClient(endpoint, `compose-${randomUUID()}`)
    clients.set(endpoint, known)
    return known
  }

  async function send(turn: number): Promise<void> {
    for (let at = turn; producing; await sleep(PAUSE_MS)) {
      const body = `${topic}-${(next += 1)}`
      sent.add(body)
      try {
        await client(at).send(topic, messageId(), Buffer.from(body))
        acknowledged.add(body)
      } catch {
        at += 1
        await sleep(RETRY_MS)
      }
    }
  }

  function note({ body }: RawMessage): void {
    const text = body.toString()
    if (!sent.has(text)) foreign.push(text)
    if (received.has(text)) again += 1
    received.add(text)
  }

  async function receive(turn: number): Promise<void> {
    for (let at = turn; consuming;) {
      try {
        const via = client(at)
        const found = await via.receive({
          topic,
          group,
          batchSize: BATCH,
          invisibleMs: INVISIBLE_MS,
          pollMs: POLL_MS,
        })
        for (const message of found) note(message)
        if (found.length > 0) await via.ack(topic, group, found)
      } catch {
        at += 1
        await sleep(RETRY_MS)
      }
    }
  }

  return {
    async prepare() {
      await client(0).queryRoute(topic)
      await client(0).receive({ topic, group, batchSize: 1, invisibleMs: INVISIBLE_MS, pollMs: 0 })
    },
    produce() {
      producing = true
      senders = Array.from({ length: SENDERS }, (_, turn) => send(turn))
    },
    async stopProducing() {
      producing = false
      await Promise.all(senders)
    },
    consume() {
      consuming = true
      consumers = Array.from({ length: CONSUMERS }, (_, turn) => receive(turn))
    },
    async stopConsuming() {
      consuming = false
      await Promise.all(consumers)
    },
    connectTo(newEndpoints) {
      current = [...newEndpoints]
    },
    missing: () => [...acknowledged].filter((body) => !received.has(body)),
    get counts() {
      return { acknowledged: acknowledged.size, received: received.size, again }
    },
    foreign,
    close() {
      for (const known of clients.values()) known.close()
    },
  }
}

/** As the SDK makes them: version, then what is unique. */
function messageId(): string {
  return `01${randomUUID().replaceAll('-', '').toUpperCase()}`
}
