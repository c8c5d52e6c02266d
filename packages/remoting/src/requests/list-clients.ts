// LIST_CLIENTS: which clients there are, as the proxies told the broker. Ours alone; Java has GET_CONSUMER_CONNECTION_LIST.
import { utf8Encode } from '@rocketmq-ts/bytes'
import { JsonFields, parseJavaJson, stringifyJavaJson } from '@rocketmq-ts/model'
import { RequestCode } from '../codec/codes.ts'
import { defineRequest, type AnswerHeaderOf, type RequestHeaderOf } from '../codec/define-request.ts'
import { bool, int32, optional, text } from '../codec/fields.ts'
import { type ClientEntry, decodeClientEntry } from './client-entry.ts'

export const ListClients = defineRequest({
  code: RequestCode.LIST_CLIENTS,
  name: 'LIST_CLIENTS',
  header: {
    /** Each that is given must fit. */
    clientId: optional(text()),
    group: optional(text()),
    /** They produce for it, or have subscribed to it. */
    topic: optional(text()),
  },
  answer: {
    /** Those that fit; the body may have fewer. */
    total: int32(),
    /** The broker's table is full: there may be further ones. */
    isFull: bool(),
  },
})

export type ListClientsHeader = RequestHeaderOf<typeof ListClients>
export type ListClientsAnswer = AnswerHeaderOf<typeof ListClients>

/** A client, and the proxy that has it. One that uses several proxies is listed for each. */
export interface ListedClient extends ClientEntry {
  /** Differs from start to start of the proxy. */
  readonly proxyId: string
  /** 'host:port' where its clients connect, the host as the broker sees it. */
  readonly proxy: string
}

/** Body of the answer. */
export function encodeListedClients(clients: readonly ListedClient[]): Uint8Array {
  return utf8Encode(stringifyJavaJson({ clients }))
}

/** MqError 'parameter-invalid' names the member. */
export function decodeListedClients(bytes: Uint8Array): ListedClient[] {
  const fields = new JsonFields(parseJavaJson(bytes), 'ListedClients')
  return fields.items('clients').map((item, index) => {
    const path = `ListedClients.clients[${index}]`
    const own = new JsonFields(item, path)
    return { ...decodeClientEntry(item, path), proxyId: own.text('proxyId'), proxy: own.text('proxy') }
  })
}
