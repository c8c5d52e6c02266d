// Raw gRPC straight to the proxies: it knows all of them and goes on to the next one after a failure.
import { randomUUID } from 'node:crypto'
import { createRawClient, type RawClient } from '../raw-client.ts'
import type { Traffic } from './load.ts'

const INVISIBLE_MS = 10_000
const POLL_MS = 1_000
const BATCH = 32

/** Traffic of one topic through whatever proxies are published. */
export function createRawTraffic(topic: string, endpoints: readonly string[]): Traffic {
  const group = `${topic}-readers`
  const clients = new Map<string, RawClient>()
  let current = [...endpoints]

  function clientOf(turn: number): RawClient {
    const endpoint = current[turn % current.length] ?? ''
    const client = clients.get(endpoint) ?? createRawClient(endpoint, `compose-${randomUUID()}`)
    clients.set(endpoint, client)
    return client
  }

  return {
    topic,
    group,
    async open() {
      await clientOf(0).queryRoute(topic)
      // A group begins at the end of the queues: it must be there before the first message.
      await clientOf(0).receive({ topic, group, batchSize: 1, invisibleMs: INVISIBLE_MS, pollMs: 0 })
    },
    async send(turn, body) {
      await clientOf(turn).send(topic, messageId(), Buffer.from(body))
    },
    async receive(turn, note) {
      const client = clientOf(turn)
      const found = await client.receive({
        topic,
        group,
        batchSize: BATCH,
        invisibleMs: INVISIBLE_MS,
        pollMs: POLL_MS,
      })
      for (const { body } of found) note(body.toString())
      if (found.length > 0) await client.ack(topic, group, found)
    },
    connectTo(published) {
      current = [...published]
    },
    async close() {
      for (const client of clients.values()) client.close()
    },
  }
}

/** As the SDK makes them: version, then what is unique. */
function messageId(): string {
  return `01${randomUUID().replaceAll('-', '').toUpperCase()}`
}
