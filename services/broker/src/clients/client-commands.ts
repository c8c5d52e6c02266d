// What operators tell clients: passed on to the proxy that has the client, and its answer back as it is. Java:
// AdminBrokerProcessor.callConsumer. Invariant: at most CLIENT_COMMANDS_IN_WORK_MAX at a time, each for a bounded time.
import { MqError, parseOffsetMessageId } from '@rocketmq-ts/model'
import {
  ConsumeMessageDirectly,
  type ConsumeMessageDirectlyHeader,
  GetConsumerRunningInfo,
  type GetConsumerRunningInfoHeader,
  type IncomingRequest,
  ReconnectClient,
  type ReconnectClientHeader,
  type RequestDeclaration,
  ResponseCode,
} from '@rocketmq-ts/remoting'
import type { MessageQueries } from '@rocketmq-ts/store'
import { CLIENT_COMMANDS_IN_WORK_MAX, CLIENT_COMMAND_WAIT_MS } from '../limits.ts'
import type { ClientTable } from './client-table.ts'

export interface ClientCommandsDeps {
  readonly table: Pick<ClientTable, 'find'>
  readonly store: Pick<MessageQueries, 'recordAt'>
}

/** Handlers of these requests. */
export function createClientCommands({ table, store }: ClientCommandsDeps) {
  let inWork = 0

  async function passOn<Header extends object>(
    request: IncomingRequest<Header>,
    declaration: RequestDeclaration<Header, object>,
    clientId: string,
    body: Uint8Array = request.body,
  ): Promise<void> {
    const client = table.find(clientId)
    if (client === undefined) {
      const remark = `client '${clientId}' is not known here: it left, or was silent for too long; rmq client list shows who is there`
      request.respond({ code: ResponseCode.CONSUMER_NOT_ONLINE, remark })
      return
    }
    const { name, peer } = client.proxy
    try {
      const answer = await peer.request(declaration, request.header, { timeoutMs: CLIENT_COMMAND_WAIT_MS, body })
      request.respond({ remark: '', ...answer, header: {} })
    } catch (error) {
      if (!(error instanceof MqError)) throw error
      const code = lostCodes.get(error.code)
      if (code === undefined) throw error
      request.respond({ code, remark: `proxy ${name} of client '${clientId}': ${error.message}` })
    }
  }

  async function within(work: () => Promise<void>): Promise<void> {
    if (inWork >= CLIENT_COMMANDS_IN_WORK_MAX) {
      const text = `${CLIENT_COMMANDS_IN_WORK_MAX} commands to clients are under way already: try again in a moment`
      throw new MqError('busy', text)
    }
    inWork += 1
    try {
      await work()
    } finally {
      inWork -= 1
    }
  }

  return {
    getConsumerRunningInfo(request: IncomingRequest<GetConsumerRunningInfoHeader>): Promise<void> {
      return within(() => passOn(request, GetConsumerRunningInfo, request.header.clientId))
    },
    reconnectClient(request: IncomingRequest<ReconnectClientHeader>): Promise<void> {
      return within(() => passOn(request, ReconnectClient, request.header.clientId))
    },
    consumeMessageDirectly(request: IncomingRequest<ConsumeMessageDirectlyHeader>): Promise<void> {
      const { clientId, msgId } = request.header
      if (clientId === undefined || msgId === undefined) {
        throw new MqError('parameter-invalid', 'clientId and msgId: both are needed')
      }
      const { commitLogOffset } = parseOffsetMessageId(msgId)
      return within(async () => {
        const record = await store.recordAt(commitLogOffset)
        if (record === undefined) {
          const remark = `no message at commit log offset ${commitLogOffset}: it is gone, or another broker has it`
          request.respond({ code: ResponseCode.QUERY_NOT_FOUND, remark })
          return
        }
        await passOn(request, ConsumeMessageDirectly, clientId, record.bytes)
      })
    },
  }
}

const lostCodes: ReadonlyMap<string, number> = new Map<string, number>([
  ['timeout', ResponseCode.CONSUME_MSG_TIMEOUT],
  ['closed', ResponseCode.CONSUMER_NOT_ONLINE],
])
