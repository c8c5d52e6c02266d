// Commands of operators for clients, in the words of telemetry: PrintThreadStackTraceCommand, VerifyMessageCommand,
// ReconnectEndpointsCommand. Java: GrpcClientChannel, ProxyClientRemotingProcessor.
import { Code, type TelemetryCommand } from '@rocketmq-ts/grpc/v2'
import type { Clock } from '@rocketmq-ts/runtime'
import type { Client, Clients } from '../sessions/clients.ts'
import { type ClientCommands, COMMAND_WAIT_MS, type CommandOutcome } from '../sessions/commands.ts'
import type { CommandedClients, NoReply } from '../upstream/asked.ts'
import { undeliveredMessage } from './delivered-message.ts'

export interface CommandedClientsDeps {
  readonly clients: Pick<Clients, 'find' | 'all'>
  readonly commands: ClientCommands
  readonly clock: Clock
}

/** These say that they can not do it; others say it by no text, or not at all. */
const UNSUPPORTED: ReadonlySet<Code> = new Set([
  Code.NOT_IMPLEMENTED,
  Code.UNSUPPORTED,
  Code.VERSION_UNSUPPORTED,
  Code.VERIFY_FIFO_MESSAGE_UNSUPPORTED,
])

/** They go over to another proxy when they are told to; others note it, or log that they do not know it. */
const RECONNECTING: ReadonlySet<string> = new Set(['JAVA', 'NODE_JS'])

const codeNames: ReadonlyMap<number, string> = new Map(Object.entries(Code).map(([name, code]) => [code, name]))

/** … and what the proxy itself tells them. */
export interface LocalClients extends CommandedClients {
  /** This proxy is about to end. */
  reconnectAll(): void
}

/** Creates them, over the telemetry streams of clients. */
export function createCommandedClients({ clients, commands, clock }: CommandedClientsDeps): LocalClients {
  /** 'client 'c' (GOLANG 5.1.4)' */
  function nameOf(clientId: string): string {
    const client: Client | undefined = clients.find(clientId)
    const sdk = [client?.language, client?.version].filter((text) => text !== undefined && text !== '').join(' ')
    return sdk === '' ? `client '${clientId}'` : `client '${clientId}' (${sdk})`
  }

  function refused(clientId: string, kind: Exclude<CommandOutcome['kind'], 'answered'>): NoReply {
    const name = nameOf(clientId)
    switch (kind) {
      case 'gone':
        return { kind: 'gone', reason: `${name} is not at this proxy any more` }
      case 'unreachable':
        return {
          kind: 'gone',
          reason: `${name} has no telemetry stream now; most clients open one again within minutes`,
        }
      case 'silent':
        return {
          kind: 'silent',
          reason: `${name} did not answer within ${COMMAND_WAIT_MS} ms; Python and Rust clients never do`,
        }
      case 'busy':
        return { kind: 'busy', reason: 'too many commands wait for an answer of their client: try again in a moment' }
    }
  }

  function unsupported(clientId: string, answer: TelemetryCommand): NoReply {
    return { kind: 'unsupported', reason: `${nameOf(clientId)} does not support it: it answered ${saidOf(answer)}` }
  }

  return {
    async stack(clientId) {
      const outcome = await commands.ask(clientId, (nonce) => ({ printThreadStackTraceCommand: { nonce } }))
      if (outcome.kind !== 'answered') return refused(clientId, outcome.kind)
      const { status, threadStackTrace } = outcome.answer
      const text = threadStackTrace?.threadStackTrace ?? ''
      if (text === '' || isUnsupported(status)) return unsupported(clientId, outcome.answer)
      return { kind: 'done', text }
    },
    async verify(clientId, topic, message) {
      const startedMs = clock.monotonicMs()
      const outcome = await commands.ask(clientId, (nonce) => ({
        verifyMessageCommand: { nonce, message: undeliveredMessage(message, topic) },
      }))
      if (outcome.kind !== 'answered') return refused(clientId, outcome.kind)
      const { answer } = outcome
      if (answer.verifyMessageResult === null || isUnsupported(answer.status)) return unsupported(clientId, answer)
      const spentMs = Math.round(clock.monotonicMs() - startedMs)
      return { kind: 'done', isConsumed: answer.status?.code === Code.OK, text: saidOf(answer), spentMs }
    },
    reconnect(clientId) {
      const client = clients.find(clientId)
      if (client?.push === undefined) return refused(clientId, client === undefined ? 'gone' : 'unreachable')
      client.push(RECONNECT)
      return { kind: 'done', text: '' }
    },
    reconnectAll() {
      for (const { language, push } of clients.all()) if (RECONNECTING.has(language)) push?.(RECONNECT)
    },
    runningInfo(clientId) {
      const client = clients.find(clientId)
      if (client === undefined) return undefined
      const { language, version, address, sinceMs } = client
      return new Map([
        ['PROP_CLIENT_VERSION', version],
        ['PROP_CONSUMER_START_TIMESTAMP', String(sinceMs)],
        ['language', language],
        ['address', address],
      ])
    },
  }
}

/** Nobody answers it. */
const RECONNECT = { reconnectEndpointsCommand: { nonce: '' } }

function isUnsupported(status: TelemetryCommand['status']): boolean {
  return status !== null && UNSUPPORTED.has(status.code)
}

/** The code by its name, and the client's text. */
function saidOf({ status }: TelemetryCommand): string {
  if (status === null) return 'nothing'
  const name = codeNames.get(status.code) ?? String(status.code)
  return status.message === '' || status.message === name ? name : `${name}: ${status.message}`
}
