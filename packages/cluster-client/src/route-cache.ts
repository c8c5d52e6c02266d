// Routes by topic. Those in use are fetched anew in the background: nobody waits, and none that is served is older than
// `refreshMs`. One that nobody used for long rests, and is waited for. One request per topic at a time; at most
// `entriesMax` topics, the least recently used leaves first.
// Invariant: a route that was found is served until a nameserver says otherwise for long enough. One that nobody can
// confirm still leads to brokers that work; without it, the loss of the nameservers would stop everything.
import type { TopicRouteData } from '@rocketmq-ts/model'
import type { Clock, Random, Scheduler, Timer } from '@rocketmq-ts/runtime'
import type { NameServerClient } from './name-server-client.ts'

export interface RouteCache {
  /** The route, when it is served without waiting; otherwise, or where there is none, undefined: then ask `route`. */
  known(topic: string): TopicRouteData | undefined
  /** Undefined for a topic that no nameserver knows. Rejects with MqError when none answers and nothing is cached. */
  route(topic: string): Promise<TopicRouteData | undefined>
  /** The next call waits for a nameserver, and believes it when it knows no such topic. */
  invalidate(topic: string): void
  /** Fetches the route anew, in the background: a broker that it names does not answer. Served as it was meanwhile. */
  refresh(topic: string): void
  /** Nothing is fetched any more. */
  close(): void
}

export interface RouteCacheOptions {
  readonly nameServers: Pick<NameServerClient, 'topicRoute'>
  readonly clock: Clock
  readonly scheduler: Scheduler
  /** Spreads what many caches fetch. */
  readonly random: Random
  /** At this age, at the latest, a route in use is fetched anew while it is still served. */
  readonly refreshMs?: number
  /** Without a caller for so long, a route is not fetched any more: the next caller waits for a new one … */
  readonly idleMs?: number
  /** … so long; then the old one is served. */
  readonly waitMs?: number
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
  /** Fetches in the background at the same time; more are put off. */
  readonly refreshesMax?: number
  /** Told of each lookup: 'hit' was served at once, 'miss' waited for a nameserver. */
  readonly onLookup?: (result: 'hit' | 'miss') => void
}

/** Timers come this share of their time early, at most. */
const JITTER_SHARE = 0.2
/** A broker that has left a route may be back soon, which only a nameserver can tell: it is asked this often, … */
const LEFT_AGAIN_MS = 2_000
/** … for so long. After that it is scaled away rather than restarted. */
const LEFT_FOR_MS = 60_000
/** Pause between two requests for a route that seems to be wrong. */
export const REFRESH_AGAIN_MS = 200

interface Entry {
  /** The last one that was found. */
  known: TopicRouteData | undefined
  /** When a nameserver last answered as `known` says; undefined: not since it was invalidated. */
  confirmedAtMs: number | undefined
  /** Since when nameservers say that a known topic does not exist. */
  missingSinceMs: number | undefined
  /** When a broker was last seen to have left the route. */
  leftAtMs: number
  /** A request failed, and none has been answered since. */
  failing: boolean
  fetching: Promise<TopicRouteData | undefined> | undefined
  /** When it was asked for last. */
  askedAtMs: number
  /** When somebody took it last. */
  usedAtMs: number
  /** Nobody took it for long, and it is not fetched any more. */
  resting: boolean
  /** The next fetch in the background. */
  timer: Timer | undefined
}

/** A cache of routes, see `RouteCache`. */
export function createRouteCache(options: RouteCacheOptions): RouteCache {
  const { nameServers, clock, scheduler, random, onLookup } = options
  const { refreshMs = 20_000, idleMs = 60_000, waitMs = 500, negativeMs = 1_000, goneMs = 45_000 } = options
  const { retryMs = 1_000, entriesMax = 10_000, refreshesMax = 64 } = options
  const entries = new Map<string, Entry>()
  let lastUsed: Entry | undefined
  let refreshes = 0
  let closed = false

  function add(topic: string): Entry {
    const entry: Entry = {
      known: undefined,
      confirmedAtMs: undefined,
      missingSinceMs: undefined,
      leftAtMs: -Infinity,
      failing: false,
      fetching: undefined,
      askedAtMs: -Infinity,
      usedAtMs: -Infinity,
      resting: false,
      timer: undefined,
    }
    for (const [oldest, left] of entries) {
      if (entries.size < entriesMax) break
      left.timer?.cancel()
      entries.delete(oldest)
    }
    entries.set(topic, entry)
    return entry
  }

  /** One request at a time; what comes out is the route to serve. */
  function fetch(topic: string, entry: Entry): Promise<TopicRouteData | undefined> {
    if (entry.fetching !== undefined) return entry.fetching
    entry.timer?.cancel()
    entry.askedAtMs = clock.monotonicMs()
    entry.fetching = nameServers
      .topicRoute(topic)
      .then(
        (found) => settle(entry, found),
        (error: unknown) => fail(topic, entry, error),
      )
      .finally(() => {
        entry.fetching = undefined
        if (entry.known !== undefined) arm(topic, entry, pauseOf(entry))
      })
    return entry.fetching
  }

  function pauseOf({ failing, missingSinceMs, leftAtMs }: Entry): number {
    if (failing || missingSinceMs !== undefined) return retryMs
    return clock.monotonicMs() - leftAtMs < LEFT_FOR_MS ? LEFT_AGAIN_MS : refreshMs
  }

  function settle(entry: Entry, found: TopicRouteData | undefined): TopicRouteData | undefined {
    const nowMs = clock.monotonicMs()
    entry.failing = false
    entry.resting = false
    if (found === undefined && entry.known !== undefined && entry.confirmedAtMs !== undefined) {
      entry.missingSinceMs ??= nowMs
      if (nowMs - entry.missingSinceMs < goneMs) return entry.known
    }
    if (lacksBroker(found, entry.known)) entry.leftAtMs = nowMs
    entry.known = found
    entry.missingSinceMs = undefined
    entry.confirmedAtMs = nowMs
    return found
  }

  function fail(topic: string, entry: Entry, error: unknown): TopicRouteData {
    entry.failing = true
    if (entry.known !== undefined) return entry.known
    if (entries.get(topic) === entry) entries.delete(topic)
    throw error
  }

  /** The next fetch in the background, if somebody used the route lately. */
  function arm(topic: string, entry: Entry, delayMs: number): void {
    if (closed || entries.get(topic) !== entry) return
    entry.timer?.cancel()
    entry.timer = scheduler.after(delayMs * (1 - JITTER_SHARE * random.fraction()), () => {
      entry.timer = undefined
      if (clock.monotonicMs() - entry.usedAtMs < idleMs) fetchInBackground(topic, entry)
      else entry.resting = true
    })
  }

  function fetchInBackground(topic: string, entry: Entry): void {
    if (closed || entry.fetching !== undefined) return
    if (refreshes >= refreshesMax) {
      arm(topic, entry, retryMs)
      return
    }
    refreshes += 1
    // It ends well or not; what is served now is the same.
    const done = (): void => {
      refreshes -= 1
    }
    fetch(topic, entry).then(done, done)
  }

  function mustWait({ known, confirmedAtMs, failing, resting }: Entry, nowMs: number): boolean {
    if (known === undefined) return confirmedAtMs === undefined || nowMs - confirmedAtMs >= negativeMs
    return !failing && (confirmedAtMs === undefined || resting)
  }

  /** The new route, or the known one when that takes too long. */
  function inTime(fetched: Promise<TopicRouteData | undefined>, { known, confirmedAtMs }: Entry) {
    if (known === undefined || confirmedAtMs === undefined) return fetched
    return new Promise<TopicRouteData | undefined>((resolve, reject) => {
      const timer = scheduler.after(waitMs, () => resolve(known))
      fetched.then(resolve, reject).finally(() => timer.cancel())
    })
  }

  /** It becomes the most recently used. Moving what is that already would make the map grow anew, call by call. */
  function use(topic: string, entry: Entry, nowMs: number): void {
    entry.usedAtMs = nowMs
    if (entry === lastUsed) return
    entries.delete(topic)
    entries.set(topic, entry)
    lastUsed = entry
  }

  /** Somebody takes what is cached. */
  function serve(topic: string, entry: Entry, nowMs: number): TopicRouteData | undefined {
    use(topic, entry, nowMs)
    onLookup?.('hit')
    if (entry.known !== undefined && entry.timer === undefined) fetchInBackground(topic, entry)
    return entry.known
  }

  return {
    known(topic) {
      const entry = entries.get(topic)
      if (entry?.known === undefined) return undefined
      const nowMs = clock.monotonicMs()
      return mustWait(entry, nowMs) ? undefined : serve(topic, entry, nowMs)
    },
    async route(topic) {
      const entry = entries.get(topic) ?? add(topic)
      const nowMs = clock.monotonicMs()
      if (!mustWait(entry, nowMs)) return serve(topic, entry, nowMs)
      use(topic, entry, nowMs)
      onLookup?.('miss')
      return inTime(fetch(topic, entry), entry)
    },
    invalidate(topic) {
      const entry = entries.get(topic)
      if (entry === undefined) return
      entry.confirmedAtMs = undefined
      entry.failing = false
    },
    refresh(topic) {
      const entry = entries.get(topic)
      if (entry?.known === undefined || entry.fetching !== undefined) return
      const waitedMs = clock.monotonicMs() - entry.askedAtMs
      if (waitedMs >= REFRESH_AGAIN_MS) fetchInBackground(topic, entry)
      else arm(topic, entry, REFRESH_AGAIN_MS - waitedMs)
    },
    close() {
      closed = true
      for (const { timer } of entries.values()) timer?.cancel()
    },
  }
}

/** A broker of the route before is not in this one. */
function lacksBroker(route: TopicRouteData | undefined, before: TopicRouteData | undefined): boolean {
  if (route === undefined || before === undefined) return false
  const names = new Set(route.brokerDatas.map(({ brokerName }) => brokerName))
  return before.brokerDatas.some(({ brokerName }) => !names.has(brokerName))
}
