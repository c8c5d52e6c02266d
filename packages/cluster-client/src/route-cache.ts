// Routes by topic. A fresh one is served at once, an ageing one is served while it is fetched anew, an old one is
// waited for. One request per topic at a time; at most `entriesMax` topics, the least recently used leaves first.
import type { TopicRouteData } from '@rocketmq-ts/model'
import type { Clock } from '@rocketmq-ts/runtime'
import type { NameServerClient } from './name-server-client.ts'

export interface RouteCache {
  /** Undefined for a topic that no nameserver knows. Rejects with MqError when none answers and nothing is cached. */
  route(topic: string): Promise<TopicRouteData | undefined>
  /** Forgets the topic: the next call asks a nameserver. */
  invalidate(topic: string): void
}

export interface RouteCacheOptions {
  readonly nameServers: Pick<NameServerClient, 'topicRoute'>
  readonly clock: Clock
  /** From this age on a route is fetched anew while it is still served. */
  readonly refreshMs?: number
  /** From this age on a route is not served any more. */
  readonly expiryMs?: number
  /** How long 'no such topic' is believed. */
  readonly negativeMs?: number
  /** After a failed refresh: pause before the next. */
  readonly retryMs?: number
  readonly entriesMax?: number
}

interface Entry {
  /** What callers get; already resolved, except for the first fetch. */
  route: Promise<TopicRouteData | undefined>
  /** Undefined until the first answer. */
  fetchedAtMs: number | undefined
  found: boolean
  fetching: boolean
  nextFetchAtMs: number
}

export function createRouteCache(options: RouteCacheOptions): RouteCache {
  const { nameServers, clock } = options
  const { refreshMs = 20_000, expiryMs = 300_000, negativeMs = 1_000 } = options
  const { retryMs = 1_000, entriesMax = 10_000 } = options
  const entries = new Map<string, Entry>()

  function fetchFirst(topic: string): Promise<TopicRouteData | undefined> {
    const route = nameServers.topicRoute(topic)
    const entry: Entry = { route, fetchedAtMs: undefined, found: false, fetching: true, nextFetchAtMs: 0 }
    if (entries.size >= entriesMax) for (const oldest of entries.keys()) if (entries.delete(oldest)) break
    entries.set(topic, entry)
    route.then(
      (value) => settle(entry, value),
      () => {
        if (entries.get(topic) === entry) entries.delete(topic)
      },
    )
    return route
  }

  function settle(entry: Entry, value: TopicRouteData | undefined): void {
    entry.fetching = false
    entry.found = value !== undefined
    entry.fetchedAtMs = clock.monotonicMs()
    entry.nextFetchAtMs = entry.fetchedAtMs + refreshMs
  }

  function refresh(topic: string, entry: Entry): void {
    entry.fetching = true
    nameServers.topicRoute(topic).then(
      (value) => {
        entry.route = Promise.resolve(value)
        settle(entry, value)
      },
      () => {
        entry.fetching = false
        entry.nextFetchAtMs = clock.monotonicMs() + retryMs
      },
    )
  }

  return {
    route(topic) {
      const entry = entries.get(topic)
      if (entry === undefined) return fetchFirst(topic)
      if (entry.fetchedAtMs === undefined) return entry.route
      const nowMs = clock.monotonicMs()
      entries.delete(topic)
      if (nowMs - entry.fetchedAtMs >= (entry.found ? expiryMs : negativeMs)) return fetchFirst(topic)
      entries.set(topic, entry)
      if (entry.found && !entry.fetching && nowMs >= entry.nextFetchAtMs) refresh(topic, entry)
      return entry.route
    },
    invalidate(topic) {
      entries.delete(topic)
    },
  }
}
