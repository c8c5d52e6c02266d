// Routes by topic. A fresh one is served at once, an ageing one is served while it is fetched anew, an old one is
// waited for. One request per topic at a time; at most `entriesMax` topics, the least recently used leaves first.
// Invariant: a route that was found is served until a nameserver says otherwise for long enough. One that nobody can
// confirm still leads to brokers that work; without it, the loss of the nameservers would stop everything.
import type { TopicRouteData } from '@rocketmq-ts/model'
import type { Clock } from '@rocketmq-ts/runtime'
import type { NameServerClient } from './name-server-client.ts'

export interface RouteCache {
  /** Undefined for a topic that no nameserver knows. Rejects with MqError when none answers and nothing is cached. */
  route(topic: string): Promise<TopicRouteData | undefined>
  /** The next call waits for a nameserver, and believes it when it knows no such topic. */
  invalidate(topic: string): void
}

export interface RouteCacheOptions {
  readonly nameServers: Pick<NameServerClient, 'topicRoute'>
  readonly clock: Clock
  /** From this age on a route is fetched anew while it is still served. */
  readonly refreshMs?: number
  /** From this age on a route is served only when asking for a new one failed. */
  readonly expiryMs?: number
  /** How long 'no such topic' is believed. */
  readonly negativeMs?: number
  /**
   * How long nameservers must know nothing of a topic that was found, until that is believed: one that has just started
   * knows no topics before brokers have registered. Java: NamesrvConfig.waitSecondsForService.
   */
  readonly goneMs?: number
  /** Pause between two requests after one that brought no route. */
  readonly retryMs?: number
  readonly entriesMax?: number
}

interface Entry {
  /** The last one that was found. */
  known: TopicRouteData | undefined
  /** When a nameserver last answered as `known` says; undefined: not since it was invalidated. */
  confirmedAtMs: number | undefined
  /** Since when nameservers say that a known topic does not exist. */
  missingSinceMs: number | undefined
  /** A request failed, and none has been answered since. */
  failing: boolean
  fetching: Promise<TopicRouteData | undefined> | undefined
  nextFetchAtMs: number
}

/** A cache of routes, see `RouteCache`. */
export function createRouteCache(options: RouteCacheOptions): RouteCache {
  const { nameServers, clock } = options
  const { refreshMs = 20_000, expiryMs = 300_000, negativeMs = 1_000, goneMs = 45_000 } = options
  const { retryMs = 1_000, entriesMax = 10_000 } = options
  const entries = new Map<string, Entry>()

  function add(topic: string): Entry {
    const entry: Entry = {
      known: undefined,
      confirmedAtMs: undefined,
      missingSinceMs: undefined,
      failing: false,
      fetching: undefined,
      nextFetchAtMs: 0,
    }
    if (entries.size >= entriesMax) for (const oldest of entries.keys()) if (entries.delete(oldest)) break
    entries.set(topic, entry)
    return entry
  }

  /** One request at a time; what comes out is the route to serve. */
  function fetch(topic: string, entry: Entry): Promise<TopicRouteData | undefined> {
    entry.fetching ??= nameServers
      .topicRoute(topic)
      .then(
        (found) => settle(entry, found),
        (error: unknown) => fail(topic, entry, error),
      )
      .finally(() => {
        entry.fetching = undefined
      })
    return entry.fetching
  }

  function settle(entry: Entry, found: TopicRouteData | undefined): TopicRouteData | undefined {
    const nowMs = clock.monotonicMs()
    entry.failing = false
    if (found === undefined && entry.known !== undefined && entry.confirmedAtMs !== undefined) {
      entry.missingSinceMs ??= nowMs
      entry.nextFetchAtMs = nowMs + retryMs
      if (nowMs - entry.missingSinceMs < goneMs) return entry.known
    }
    entry.known = found
    entry.missingSinceMs = undefined
    entry.confirmedAtMs = nowMs
    entry.nextFetchAtMs = nowMs + refreshMs
    return found
  }

  function fail(topic: string, entry: Entry, error: unknown): TopicRouteData {
    entry.failing = true
    entry.nextFetchAtMs = clock.monotonicMs() + retryMs
    if (entry.known !== undefined) return entry.known
    if (entries.get(topic) === entry) entries.delete(topic)
    throw error
  }

  function mustWait({ known, confirmedAtMs, failing }: Entry, nowMs: number): boolean {
    if (known === undefined) return confirmedAtMs === undefined || nowMs - confirmedAtMs >= negativeMs
    return !failing && (confirmedAtMs === undefined || nowMs - confirmedAtMs >= expiryMs)
  }

  return {
    async route(topic) {
      const entry = entries.get(topic) ?? add(topic)
      const nowMs = clock.monotonicMs()
      entries.delete(topic)
      entries.set(topic, entry)
      if (mustWait(entry, nowMs)) return fetch(topic, entry)
      // It ends well or not; what is served now is the same.
      if (entry.known !== undefined && nowMs >= entry.nextFetchAtMs) void fetch(topic, entry).catch(() => undefined)
      return entry.known
    },
    invalidate(topic) {
      const entry = entries.get(topic)
      if (entry === undefined) return
      entry.confirmedAtMs = undefined
      entry.failing = false
    },
  }
}
