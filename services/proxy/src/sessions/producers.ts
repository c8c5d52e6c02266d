// Which clients produce for a topic: each of them may be asked about its transactions. Java: the producer group of a client
// of a proxy is the topic.
import type { Client } from './clients.ts'

/** Topics of all producers together, at most; for those beyond a client is not asked. */
export const PRODUCED_TOPICS_MAX = 200_000

export interface Producers {
  /** The client produces for these topics, and for no others. */
  put(client: Client, topics: readonly string[]): void
  remove(client: Client): void
  /** A client that is there to be asked, each in its turn. */
  pick(topic: string): Client | undefined
  topics(): Iterable<string>
  clear(): void
}

/** @param onTopic a topic has its first producer */
export function createProducers(onTopic: (topic: string) => void): Producers {
  /** Who was picked last is the last one. */
  const byTopic = new Map<string, Set<Client>>()
  const topicsOf = new Map<Client, ReadonlySet<string>>()
  let size = 0

  function remove(client: Client): void {
    for (const topic of topicsOf.get(client) ?? []) {
      const clients = byTopic.get(topic)
      clients?.delete(client)
      if (clients?.size === 0) byTopic.delete(topic)
      size -= 1
    }
    topicsOf.delete(client)
  }

  return {
    put(client, topics) {
      remove(client)
      const known = new Set<string>()
      for (const topic of topics) {
        if (size >= PRODUCED_TOPICS_MAX || known.has(topic)) continue
        known.add(topic)
        size += 1
        const clients = byTopic.get(topic)
        if (clients !== undefined) clients.add(client)
        else {
          byTopic.set(topic, new Set([client]))
          onTopic(topic)
        }
      }
      if (known.size > 0) topicsOf.set(client, known)
    },
    remove,
    pick(topic) {
      const clients = byTopic.get(topic)
      for (const client of clients ?? []) {
        if (client.push === undefined) continue
        clients?.delete(client)
        clients?.add(client)
        return client
      }
      return undefined
    },
    topics: () => byTopic.keys(),
    clear() {
      byTopic.clear()
      topicsOf.clear()
      size = 0
    },
  }
}
