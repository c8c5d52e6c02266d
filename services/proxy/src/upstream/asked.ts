// What brokers ask of a proxy: one of its producers shall tell what became of a transaction, a client shall do something for
// an operator, and settings that were changed shall be told to those that work with them.
import { decodeProperties, decodeRecord } from '@rocketmq-ts/model'
import {
  allowAll,
  type Answer,
  CLUSTER_RESOURCE,
  ConsumeMessageDirectly,
  createRequestTable,
  dispatchRequests,
  encodeConsumeResult,
  encodeConsumerRunningInfo,
  type FailureAnswer,
  GetConsumerRunningInfo,
  ReconnectClient,
  type RequestHandler,
  ResponseCode,
  SettingsChanged,
  tableEntry,
} from '@rocketmq-ts/remoting'
import { type OnOrphaned, orphanEntry } from './orphaned.ts'
import { storedMessageOf } from './stored-message.ts'
import type { StoredMessage } from './upstream.ts'

/** Why a client did not do it: it is not there, was silent, can not, or too many are asked already. */
export interface NoReply {
  readonly kind: 'gone' | 'silent' | 'unsupported' | 'busy'
  readonly reason: string
}

export type ClientReply = { readonly kind: 'done'; readonly text: string } | NoReply

/** What the client said of a message that it was to consume. */
export interface Verified {
  readonly kind: 'done'
  readonly isConsumed: boolean
  readonly text: string
  readonly spentMs: number
}

/** Clients as operators command them. Waits have a bound; nothing rejects. */
export interface CommandedClients {
  /** The stacks of its threads. */
  stack(clientId: string): Promise<ClientReply>
  /** It consumes the message, and nothing of its group moves. */
  verify(clientId: string, topic: string, message: StoredMessage): Promise<Verified | NoReply>
  /** It is told to connect anew. */
  reconnect(clientId: string): ClientReply
  /** What is known of it; undefined where it is not here. */
  runningInfo(clientId: string): ReadonlyMap<string, string> | undefined
}

export interface AskedDeps {
  readonly onOrphaned: OnOrphaned
  readonly commanded: () => CommandedClients
  readonly onSettingsChanged: (kind: 'topic' | 'group', name: string) => void
}

/** The handler of connections to brokers. */
export function askedHandler({ onOrphaned, commanded, onSettingsChanged }: AskedDeps): RequestHandler {
  return dispatchRequests({
    authorize: allowAll,
    table: createRequestTable([
      orphanEntry(onOrphaned),
      tableEntry({
        request: GetConsumerRunningInfo,
        resource: () => CLUSTER_RESOURCE,
        action: 'get',
        async handle(request) {
          const { clientId, jstackEnable } = request.header
          const reply: ClientReply = jstackEnable === true ? await commanded().stack(clientId) : NO_STACK
          const properties = commanded().runningInfo(clientId)
          if (reply.kind !== 'done') request.respond(refusalOf(reply))
          else if (properties === undefined) request.respond(refusalOf(goneOf(clientId)))
          else request.respond(success(encodeConsumerRunningInfo({ properties, jstack: reply.text })))
        },
      }),
      tableEntry({
        request: ConsumeMessageDirectly,
        resource: () => CLUSTER_RESOURCE,
        action: 'sub',
        async handle(request) {
          const record = decodeRecord(request.body)
          const properties = decodeProperties(Buffer.from(record.properties).toString())
          const message = storedMessageOf(record, properties, 0)
          const reply = await commanded().verify(request.header.clientId ?? '', record.topic, message)
          if (reply.kind !== 'done') return request.respond(refusalOf(reply))
          const { isConsumed, text: remark, spentMs: spentTimeMs } = reply
          const consumeResult = isConsumed ? 'CR_SUCCESS' : 'CR_LATER'
          request.respond(success(encodeConsumeResult({ consumeResult, remark, spentTimeMs })))
        },
      }),
      tableEntry({
        request: ReconnectClient,
        resource: () => CLUSTER_RESOURCE,
        action: 'update',
        handle(request) {
          const reply = commanded().reconnect(request.header.clientId)
          request.respond(reply.kind === 'done' ? { code: ResponseCode.SUCCESS, header: {} } : refusalOf(reply))
        },
      }),
      tableEntry({
        request: SettingsChanged,
        resource: () => CLUSTER_RESOURCE,
        action: 'update',
        handle({ header: { kind, name } }) {
          if (kind === 'topic' || kind === 'group') onSettingsChanged(kind, name)
        },
      }),
    ]),
  })
}

const NO_STACK: ClientReply = { kind: 'done', text: '' }

const codes = {
  gone: ResponseCode.CONSUMER_NOT_ONLINE,
  silent: ResponseCode.CONSUME_MSG_TIMEOUT,
  unsupported: ResponseCode.REQUEST_CODE_NOT_SUPPORTED,
  busy: ResponseCode.SYSTEM_BUSY,
} as const satisfies Record<NoReply['kind'], number>

function refusalOf({ kind, reason }: NoReply): FailureAnswer {
  return { code: codes[kind], remark: reason }
}

function goneOf(clientId: string): NoReply {
  return { kind: 'gone', reason: `client '${clientId}' is not at this proxy any more` }
}

function success(body: Uint8Array): Answer<object> {
  return { code: ResponseCode.SUCCESS, header: {}, body }
}
