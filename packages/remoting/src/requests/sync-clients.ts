// SYNC_CLIENTS: a proxy tells a broker of its clients: all of them, then what changes. Ours alone.
import { utf8Encode } from '@rocketmq-ts/bytes'
import { JsonFields, MqError, parseJavaJson, stringifyJavaJson } from '@rocketmq-ts/model'
import { RequestCode } from '../codec/codes.ts'
import { defineRequest, type AnswerHeaderOf, type RequestHeaderOf } from '../codec/define-request.ts'
import { bool, int32, text } from '../codec/fields.ts'
import { type ClientEntry, decodeClientEntry } from './client-entry.ts'

export const SyncClients = defineRequest({
  code: RequestCode.SYNC_CLIENTS,
  name: 'SYNC_CLIENTS',
  header: {
    /** Differs from start to start. */
    proxyId: text(),
    /** Where its clients connect. */
    port: int32(),
    /** What was told before of this proxy is void. */
    isFirst: bool(),
  },
  answer: {
    /** Clients of this proxy that the broker has now. */
    known: int32(),
    /** The broker's table is full: it may have left some out. */
    isFull: bool(),
  },
})

export type SyncClientsHeader = RequestHeaderOf<typeof SyncClients>
export type SyncClientsAnswer = AnswerHeaderOf<typeof SyncClients>

export interface ClientNews {
  /** New ones and changed ones. */
  readonly clients: readonly ClientEntry[]
  /** Ids of those that left. */
  readonly gone: readonly string[]
}

/** Clients, and ids of those that left, in one request. */
export const CLIENTS_PER_SYNC_MAX = 512
const BODY_BYTES_MAX = 15 * 1024 * 1024

/** Body of the request. A broker refuses more than CLIENTS_PER_SYNC_MAX clients and ids. */
export function encodeClientNews({ clients, gone }: ClientNews): Uint8Array {
  return utf8Encode(stringifyJavaJson({ clients, gone }))
}

/** MqError 'parameter-invalid' names the member. */
export function decodeClientNews(bytes: Uint8Array): ClientNews {
  const fields = new JsonFields(parseJavaJson(bytes, { bytesMax: BODY_BYTES_MAX }), 'ClientNews')
  const clients = fields.items('clients')
  const gone = fields.texts('gone')
  if (clients.length + gone.length > CLIENTS_PER_SYNC_MAX) {
    throw new MqError('parameter-invalid', `ClientNews: at most ${CLIENTS_PER_SYNC_MAX} clients are accepted at once`)
  }
  return { clients: clients.map((item, index) => decodeClientEntry(item, `ClientNews.clients[${index}]`)), gone }
}
