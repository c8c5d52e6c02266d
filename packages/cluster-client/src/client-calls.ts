// Calls about the clients of proxies: a proxy tells of its own, operators ask who there is.
import {
  decodeListedClients,
  encodeClientNews,
  ListClients,
  SyncClients,
  type ClientNews,
  type ListClientsAnswer,
  type ListClientsHeader,
  type ListedClient,
  type SyncClientsAnswer,
  type SyncClientsHeader,
} from '@rocketmq-ts/remoting'
import { bodyOf, checkSuccess, headerOf, type CallOptions } from './call.ts'
import type { CallBroker } from './pop-calls.ts'

/** `total` of them fit; where there are more than one answer takes, the others are not in `clients`. */
export interface ClientList extends ListClientsAnswer {
  readonly clients: readonly ListedClient[]
}

export interface ClientCalls {
  /** A proxy tells of its clients; good for a minute, and as long as the connection. Rejects at Apache's brokers. */
  syncClients(
    address: string,
    header: SyncClientsHeader,
    news: ClientNews,
    options?: CallOptions,
  ): Promise<SyncClientsAnswer>
  /** The clients that fit, as their proxies told this broker. */
  clients(address: string, header: ListClientsHeader, options?: CallOptions): Promise<ClientList>
}

export function createClientCalls(call: CallBroker): ClientCalls {
  return {
    async syncClients(address, header, news, options) {
      const answer = await call(address, SyncClients, { header, body: encodeClientNews(news) }, options)
      checkSuccess(answer, SyncClients, address)
      return headerOf(answer)
    },
    async clients(address, header, options) {
      const answer = await call(address, ListClients, { header }, options)
      checkSuccess(answer, ListClients, address)
      return { ...headerOf(answer), clients: decodeListedClients(bodyOf(answer)) }
    },
  }
}
