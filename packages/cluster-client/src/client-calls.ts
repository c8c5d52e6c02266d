// Calls about the clients of proxies: a proxy tells of its own, operators ask who there is.
import {
  type Answer,
  ConsumeMessageDirectly,
  decodeConsumeResult,
  decodeConsumerRunningInfo,
  decodeListedClients,
  encodeClientNews,
  GetConsumerRunningInfo,
  ListClients,
  ReconnectClient,
  type RequestDeclaration,
  ResponseCode,
  SyncClients,
  type ConsumeMessageDirectlyResult,
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

/** A client as a broker finds it. */
export interface CommandedClient {
  readonly clientId: string
  /** '' for producers. */
  readonly group: string
}

/** 'gone': it is not known, left, or has no stream; 'silent': no answer in time. `reason` names the client. */
export type ClientAnswer<Value> =
  | { readonly kind: 'done'; readonly value: Value }
  | { readonly kind: 'gone' | 'silent' | 'unsupported' | 'no-message'; readonly reason: string }

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
  /** The stacks of the client's threads. */
  clientStack(address: string, client: CommandedClient, options?: CallOptions): Promise<ClientAnswer<string>>
  /** The client consumes the message of this broker (offset message id), and nothing of its group moves. */
  verifyMessage(
    address: string,
    client: CommandedClient,
    msgId: string,
    options?: CallOptions,
  ): Promise<ClientAnswer<ConsumeMessageDirectlyResult>>
  /** The client is told to connect anew; what it does then it does not say. */
  reconnectClient(address: string, clientId: string, options?: CallOptions): Promise<ClientAnswer<undefined>>
}

/** A proxy waits 5 s for its client, a broker 7 s for the proxy. */
const COMMAND_TIMEOUT_MS = 9000

const refusals: ReadonlyMap<number, Exclude<ClientAnswer<never>['kind'], 'done'>> = new Map([
  [ResponseCode.CONSUMER_NOT_ONLINE, 'gone'],
  [ResponseCode.CONSUME_MSG_TIMEOUT, 'silent'],
  [ResponseCode.REQUEST_CODE_NOT_SUPPORTED, 'unsupported'],
  [ResponseCode.QUERY_NOT_FOUND, 'no-message'],
] as const)

/** The calls about clients, made by `call`. */
export function createClientCalls(call: CallBroker): ClientCalls {
  async function command<Header extends object, Value>(
    address: string,
    request: RequestDeclaration<Header, object>,
    header: Header,
    { timeoutMs = COMMAND_TIMEOUT_MS, read }: CallOptions & { readonly read: (answer: Answer<object>) => Value },
  ): Promise<ClientAnswer<Value>> {
    const answer = await call(address, request, { header }, { timeoutMs })
    const kind = refusals.get(answer.code)
    if (kind !== undefined) return { kind, reason: answer.remark ?? `answer ${answer.code}` }
    checkSuccess(answer, request, address)
    return { kind: 'done', value: read(answer) }
  }

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
    clientStack(address, { clientId, group }, options) {
      const read = (answer: Answer<object>): string => decodeConsumerRunningInfo(bodyOf(answer)).jstack
      const header = { consumerGroup: group, clientId, jstackEnable: true }
      return command(address, GetConsumerRunningInfo, header, { ...options, read })
    },
    verifyMessage(address, { clientId, group }, msgId, options) {
      const read = (answer: Answer<object>): ConsumeMessageDirectlyResult => decodeConsumeResult(bodyOf(answer))
      return command(address, ConsumeMessageDirectly, { consumerGroup: group, clientId, msgId }, { ...options, read })
    },
    reconnectClient(address, clientId, options) {
      return command(address, ReconnectClient, { clientId }, { ...options, read: () => undefined })
    },
  }
}
