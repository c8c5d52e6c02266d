// The clients of all proxies, as these tell: who is asked and told things, and with which subscriptions groups consume.
// For others: `ofGroup` gives the consumers of a group with their subscriptions, LIST_CLIENTS the same to tools
// (`BrokerClient.clients`). Invariant: at most CLIENTS_MAX entries of CLIENTS_BYTES_MAX; none of a proxy that is gone, or
// was silent for PROXY_SILENT_MS_MAX. Memory only: a broker that starts is told by every proxy within seconds.
import type { ClientEntry, ClientNews, Peer } from '@rocketmq-ts/remoting'
import type { Clock } from '@rocketmq-ts/runtime'
import { CLIENTS_BYTES_MAX, CLIENTS_MAX, PROXIES_MAX, PROXY_SILENT_MS_MAX } from '../limits.ts'

/** A proxy that has told of clients. */
export interface KnownProxy {
  readonly id: string
  /** 'host:port' where its clients connect. */
  readonly name: string
  /** The connection that was told over last. */
  readonly peer: Peer
}

export interface KnownClient {
  readonly entry: ClientEntry
  readonly proxy: KnownProxy
}

export interface ClientTable {
  /** A proxy tells; `isFirst`: what it told before is void. Clients and proxies beyond the bounds are left out. */
  told(peer: Peer, told: ToldClients): { readonly known: number; readonly isFull: boolean }
  /** The client where it can be reached, if it can; undefined where no proxy has it. */
  find(clientId: string): KnownClient | undefined
  /** Once for each proxy that has it. */
  ofGroup(group: string): Iterable<KnownClient>
  all(): Iterable<KnownClient>
  proxies(): Iterable<KnownProxy>
  readonly isFull: boolean
  readonly size: number
}

export interface ToldClients {
  readonly proxyId: string
  readonly port: number
  readonly isFirst: boolean
  readonly news: ClientNews
}

interface ToldProxy extends KnownProxy {
  peer: Peer
  heardMs: number
  readonly clients: Map<string, KnownClient>
}

/** Of an entry in memory, besides its texts. */
const ENTRY_BYTES = 256

export interface ClientTableDeps {
  readonly clock: Pick<Clock, 'monotonicMs'>
  /** Told of every entry that comes, and goes. */
  readonly watch?: { put(entry: ClientEntry): void; removed(entry: ClientEntry): void }
}

/** Creates an empty table. */
export function createClientTable({ clock, watch }: ClientTableDeps): ClientTable {
  const proxies = new Map<string, ToldProxy>()
  const byGroup = new Map<string, Set<KnownClient>>()
  let size = 0
  let bytes = 0

  function remove(proxy: ToldProxy, clientId: string): void {
    const client = proxy.clients.get(clientId)
    if (client === undefined) return
    proxy.clients.delete(clientId)
    size -= 1
    bytes -= bytesOf(client.entry)
    watch?.removed(client.entry)
    const { group } = client.entry
    const ofGroup = byGroup.get(group)
    ofGroup?.delete(client)
    if (ofGroup?.size === 0) byGroup.delete(group)
  }

  function put(proxy: ToldProxy, entry: ClientEntry): void {
    remove(proxy, entry.clientId)
    if (isFull()) return
    const client: KnownClient = { entry, proxy }
    proxy.clients.set(entry.clientId, client)
    size += 1
    bytes += bytesOf(entry)
    watch?.put(entry)
    if (entry.group === '') return
    const ofGroup = byGroup.get(entry.group)
    if (ofGroup === undefined) byGroup.set(entry.group, new Set([client]))
    else ofGroup.add(client)
  }

  function clear(proxy: ToldProxy): void {
    for (const clientId of Array.from(proxy.clients.keys())) remove(proxy, clientId)
  }

  function drop(proxy: ToldProxy): void {
    clear(proxy)
    proxies.delete(proxy.id)
  }

  /** The proxies that are there. */
  function live(): Iterable<ToldProxy> {
    const silentSince = clock.monotonicMs() - PROXY_SILENT_MS_MAX
    for (const proxy of proxies.values()) if (proxy.heardMs < silentSince) drop(proxy)
    return proxies.values()
  }

  function proxyOf(peer: Peer, id: string, port: number): ToldProxy | undefined {
    const known = proxies.get(id)
    if (known?.peer === peer) return known
    if (known === undefined && proxies.size >= PROXIES_MAX) return undefined
    const proxy = known ?? { id, name: nameOf(peer, port), peer, heardMs: 0, clients: new Map() }
    proxies.set(id, proxy)
    proxy.peer = peer
    // A proxy may have gone over to another connection meanwhile.
    peer.onClose(() => {
      if (proxies.get(id) === proxy && proxy.peer === peer) drop(proxy)
    })
    return proxies.get(id)
  }

  function isFull(): boolean {
    return size >= CLIENTS_MAX || bytes >= CLIENTS_BYTES_MAX
  }

  function* all(): Iterable<KnownClient> {
    for (const { clients } of live()) yield* clients.values()
  }

  return {
    told(peer, { proxyId, port, isFirst, news }) {
      live()
      const proxy = proxyOf(peer, proxyId, port)
      if (proxy === undefined) return { known: 0, isFull: true }
      proxy.heardMs = clock.monotonicMs()
      if (isFirst) clear(proxy)
      for (const clientId of news.gone) remove(proxy, clientId)
      for (const entry of news.clients) put(proxy, entry)
      return { known: proxy.clients.size, isFull: isFull() }
    },
    find(clientId) {
      let found: KnownClient | undefined
      for (const { clients } of live()) {
        const client = clients.get(clientId)
        if (client?.entry.isReachable === true) return client
        found ??= client
      }
      return found
    },
    ofGroup(group) {
      live()
      return byGroup.get(group) ?? []
    },
    all,
    proxies: live,
    get isFull() {
      live()
      return isFull() || proxies.size >= PROXIES_MAX
    },
    get size() {
      live()
      return size
    },
  }
}

function nameOf({ remoteAddress }: Peer, port: number): string {
  const colon = remoteAddress.lastIndexOf(':')
  return `${colon < 0 ? remoteAddress : remoteAddress.slice(0, colon)}:${port}`
}

function bytesOf({ clientId, group, language, version, address, topics, subscriptions }: ClientEntry): number {
  let texts = clientId.length + group.length + language.length + version.length + address.length
  for (const topic of topics) texts += topic.length
  for (const { topic, type, expression } of subscriptions) texts += topic.length + type.length + expression.length
  return ENTRY_BYTES + texts
}
