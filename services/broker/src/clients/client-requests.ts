// Requests about clients: what these say of themselves (of HEART_BEAT the groups of producers are kept), what proxies tell of
// theirs, and what operators ask. Java: ClientManageProcessor.
import {
  type HeartBeatAnswer,
  type IncomingRequest,
  type ListClientsAnswer,
  type ListClientsHeader,
  type ListedClient,
  ResponseCode,
  type SyncClientsAnswer,
  type SyncClientsHeader,
  type UnregisterClientHeader,
  decodeClientNews,
  decodeHeartbeatData,
  encodeListedClients,
} from '@rocketmq-ts/remoting'
import { CLIENTS_LISTED_MAX } from '../limits.ts'
import type { ClientTable, KnownClient } from './client-table.ts'
import type { Producers } from './producers.ts'

export interface ClientRequestsDeps {
  readonly producers: Producers
  readonly table: ClientTable
}

/** Handlers of requests about clients. */
export function createClientRequests({ producers, table }: ClientRequestsDeps) {
  /** The shortest way to those that may fit. */
  function candidates({ group }: ListClientsHeader): Iterable<KnownClient> {
    return group === undefined ? table.all() : table.ofGroup(group)
  }

  return {
    heartBeat(request: IncomingRequest<object, HeartBeatAnswer>): void {
      const { producerDataSet } = decodeHeartbeatData(request.body)
      producers.seen(
        request.peer,
        producerDataSet.map(({ groupName }) => groupName),
      )
      request.respond({ code: ResponseCode.SUCCESS, header: {} })
    },
    unregisterClient(request: IncomingRequest<UnregisterClientHeader>): void {
      const { producerGroup = '' } = request.header
      if (producerGroup !== '') producers.left(request.peer, producerGroup)
      request.respond({ code: ResponseCode.SUCCESS })
    },
    syncClients(request: IncomingRequest<SyncClientsHeader, SyncClientsAnswer>): void {
      const news = decodeClientNews(request.body)
      const header = table.told(request.peer, { ...request.header, news })
      request.respond({ code: ResponseCode.SUCCESS, header })
    },
    listClients(request: IncomingRequest<ListClientsHeader, ListClientsAnswer>): void {
      const { clientId, topic } = request.header
      const listed: ListedClient[] = []
      let total = 0
      for (const { entry, proxy } of candidates(request.header)) {
        if (clientId !== undefined && entry.clientId !== clientId) continue
        if (topic !== undefined && !uses(entry, topic)) continue
        total += 1
        if (total <= CLIENTS_LISTED_MAX) listed.push({ ...entry, proxyId: proxy.id, proxy: proxy.name })
      }
      const header = { total, isFull: table.isFull }
      request.respond({ code: ResponseCode.SUCCESS, header, body: encodeListedClients(listed) })
    },
  }
}

function uses({ topics, subscriptions }: KnownClient['entry'], topic: string): boolean {
  return topics.includes(topic) || subscriptions.some((each) => each.topic === topic)
}
