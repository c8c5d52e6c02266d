// Brokers hear which clients are here, so that operators and other services reach them: a new broker of all, the others of
// what changed, within a second. Invariant: a broker that was told up to a place in the changes knows all before it; one that
// knows another number of clients is told from the start.
import {
  CLIENT_TEXT_CHARS_MAX,
  CLIENT_TOPICS_TOLD_MAX,
  CLIENTS_PER_SYNC_MAX,
  type ClientEntry,
  type ClientKind,
  type ClientNews,
} from '@rocketmq-ts/remoting'
import { ClientType } from '@rocketmq-ts/grpc/v2'
import { MqError } from '@rocketmq-ts/model'
import type { Clock, Scheduler, Timer } from '@rocketmq-ts/runtime'
import type { Client, Clients } from '../sessions/clients.ts'
import type { ClientTeller } from './upstream.ts'

export interface RosterDeps {
  readonly clients: Pick<Clients, 'find' | 'all' | 'size'>
  readonly teller: ClientTeller
  readonly clock: Pick<Clock, 'monotonicMs'>
  readonly scheduler: Scheduler
  /** Differs from start to start. */
  readonly proxyId: string
  /** Where clients connect. */
  readonly port: () => number
  readonly onFailed: (error: unknown) => void
}

export interface Roster {
  /** The client is new, another one than it was, or gone. */
  changed(clientId: string): void
  stop(): void
}

/** Changes that come together are told together. */
const GATHER_MS = 200
/** Every broker is told something so often: that this proxy is there, and what it missed. */
const PERIOD_MS = 10_000
/** Changes that are remembered; a broker that is further behind is told from the start. */
const CHANGES_MAX = 8192
/** A broker that does not take such news, Apache's, is asked again after so many periods. */
const DEAF_PERIODS = 30

/** What a broker has been told. */
interface Listener {
  /** Place in the changes; −1: it must be told from the start. */
  at: number
  isTelling: boolean
  deafPeriods: number
}

const FROM_START = -1
/** Characters of a language or version, and of all topics or subscriptions of a client, that are told. */
const NAME_CHARS_MAX = 64
const LISTS_CHARS_MAX = 4096

/** Creates it, with no broker told. */
export function createRoster({ clients, teller, clock, scheduler, proxyId, port, onFailed }: RosterDeps): Roster {
  const listeners = new Map<string, Listener>()
  /** Ids, the oldest first; the first one has the place `base`. */
  let changes: string[] = []
  let base = 0
  let timer: Timer | undefined
  let nextPeriodMs = -Infinity
  /** A run is due soon, not only at the end of the period. */
  let isSoon = false
  let stopped = false

  const end = (): number => base + changes.length

  async function tellAll(address: string, listener: Listener): Promise<void> {
    // What changes meanwhile is told again.
    const upTo = end()
    const ids = Array.from(clients.all(), ({ clientId }) => clientId)
    let from = 0
    do {
      await tellSome(address, ids.slice(from, from + CLIENTS_PER_SYNC_MAX), from === 0)
      from += CLIENTS_PER_SYNC_MAX
    } while (from < ids.length)
    listener.at = upTo
  }

  async function tellSome(address: string, ids: readonly string[], isFirst: boolean) {
    const news: { clients: ClientEntry[]; gone: string[] } = { clients: [], gone: [] }
    for (const clientId of ids) {
      const client = clients.find(clientId)
      if (client === undefined) news.gone.push(clientId)
      else news.clients.push(entryOf(client))
    }
    return teller.tellClients(address, { proxyId, port: port(), isFirst }, news satisfies ClientNews)
  }

  async function tell(address: string, listener: Listener): Promise<void> {
    let isRetold = false
    do {
      if (listener.at < base) await tellAll(address, listener)
      const from = listener.at
      const ids = changes.slice(from - base, from - base + CLIENTS_PER_SYNC_MAX)
      const { known, isFull } = await tellSome(address, Array.from(new Set(ids)), false)
      listener.at = from + ids.length
      // It lost some: its table was full, or it was started anew.
      if (listener.at !== end() || known === clients.size || isFull || isRetold) continue
      isRetold = true
      listener.at = FROM_START
    } while (listener.at < end() && !stopped)
  }

  async function tellOne(address: string, listener: Listener): Promise<void> {
    if (listener.isTelling || listener.deafPeriods > 0) return
    listener.isTelling = true
    try {
      await tell(address, listener)
    } catch (error) {
      if (error instanceof MqError && error.code === 'not-implemented') listener.deafPeriods = DEAF_PERIODS
      else onFailed(error)
    } finally {
      listener.isTelling = false
    }
  }

  async function find(): Promise<void> {
    const addresses = await teller.masters()
    for (const address of listeners.keys()) if (!addresses.includes(address)) listeners.delete(address)
    for (const address of addresses) {
      if (!listeners.has(address)) listeners.set(address, { at: FROM_START, isTelling: false, deafPeriods: 0 })
    }
  }

  async function run(): Promise<void> {
    if (clock.monotonicMs() >= nextPeriodMs) {
      nextPeriodMs = clock.monotonicMs() + PERIOD_MS
      await find().catch(onFailed)
      for (const listener of listeners.values()) listener.deafPeriods -= 1
    }
    // Nobody waits for one that is slow: it is told the rest when it has answered.
    for (const [address, listener] of listeners) void tellOne(address, listener)
  }

  function arm(delayMs: number): void {
    timer?.cancel()
    timer = undefined
    if (stopped) return
    timer = scheduler.after(delayMs, () => {
      timer = undefined
      isSoon = false
      run()
        .catch(onFailed)
        .finally(() => {
          if (timer === undefined && clients.size > 0) arm(Math.max(0, nextPeriodMs - clock.monotonicMs()))
        })
    })
  }

  return {
    changed(clientId) {
      changes.push(clientId)
      if (changes.length > 2 * CHANGES_MAX) {
        base += changes.length - CHANGES_MAX
        changes = changes.slice(-CHANGES_MAX)
      }
      if (isSoon) return
      isSoon = true
      arm(GATHER_MS)
    },
    stop() {
      stopped = true
      timer?.cancel()
    },
  }
}

const KINDS: ReadonlyMap<number, ClientKind> = new Map<number, ClientKind>([
  [ClientType.PRODUCER, 'PRODUCER'],
  [ClientType.PUSH_CONSUMER, 'PUSH_CONSUMER'],
  [ClientType.SIMPLE_CONSUMER, 'SIMPLE_CONSUMER'],
])

/** Texts come from clients: what brokers would refuse, or a request could not carry, is cut. */
function entryOf(client: Client): ClientEntry {
  const { clientId, clientType, group, language, version, address, sinceMs, push } = client
  let charsLeft = LISTS_CHARS_MAX
  const fits = (chars: number): boolean => (charsLeft -= chars) >= 0
  return {
    clientId,
    kind: KINDS.get(clientType ?? ClientType.CLIENT_TYPE_UNSPECIFIED) ?? 'UNKNOWN',
    group,
    language: language.slice(0, NAME_CHARS_MAX),
    version: version.slice(0, NAME_CHARS_MAX),
    address,
    sinceMs,
    isReachable: push !== undefined,
    topics: client.topics.slice(0, CLIENT_TOPICS_TOLD_MAX).filter((topic) => fits(topic.length)),
    subscriptions: client.subscriptions
      .slice(0, CLIENT_TOPICS_TOLD_MAX)
      .map(({ topic, type, expression }) => ({ topic, type, expression: expression.slice(0, CLIENT_TEXT_CHARS_MAX) }))
      .filter(({ topic, expression }) => fits(topic.length + expression.length)),
  }
}
