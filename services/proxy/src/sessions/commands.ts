// Commands that clients answer over their telemetry stream, matched by nonce. Java: ProxyRelayService, GrpcClientChannel.
// Invariant: at most COMMANDS_WAITING_MAX wait, each for COMMAND_WAIT_MS and no longer than its client is there; an answer
// counts only from the client that was asked.
import type { TelemetryCommand, TelemetryCommandInit } from '@rocketmq-ts/grpc/v2'
import type { Scheduler, Timer } from '@rocketmq-ts/runtime'
import type { Clients } from './clients.ts'

/** How long a client may take. Java: grpcProxyRelayRequestTimeoutInSeconds. */
export const COMMAND_WAIT_MS = 5000
/** Commands that wait for an answer, at most. */
export const COMMANDS_WAITING_MAX = 256

/** 'gone': no such client, or it left; 'unreachable': it has no stream now; 'silent': no answer in time. */
export type CommandOutcome =
  | { readonly kind: 'answered'; readonly answer: TelemetryCommand }
  | { readonly kind: 'gone' | 'unreachable' | 'silent' | 'busy' }

export interface ClientCommands {
  ask(clientId: string, command: (nonce: string) => TelemetryCommandInit): Promise<CommandOutcome>
  /** A client sent something that is no settings. What answers nothing is ignored. */
  heard(clientId: string, answer: TelemetryCommand): void
  /** Whoever waits for the client waits in vain. */
  gone(clientId: string): void
}

interface Waiting {
  readonly clientId: string
  readonly timer: Timer
  readonly end: (outcome: CommandOutcome) => void
}

export interface CommandsDeps {
  readonly clients: Pick<Clients, 'find'>
  readonly scheduler: Scheduler
}

/** Creates it, with nobody waiting. */
export function createClientCommands({ clients, scheduler }: CommandsDeps): ClientCommands {
  const waiting = new Map<string, Waiting>()
  let asked = 0

  function end(nonce: string, outcome: CommandOutcome): void {
    const wait = waiting.get(nonce)
    waiting.delete(nonce)
    wait?.timer.cancel()
    wait?.end(outcome)
  }

  return {
    ask(clientId, command) {
      const client = clients.find(clientId)
      if (client === undefined) return Promise.resolve({ kind: 'gone' })
      if (client.push === undefined) return Promise.resolve({ kind: 'unreachable' })
      if (waiting.size >= COMMANDS_WAITING_MAX) return Promise.resolve({ kind: 'busy' })
      const nonce = String((asked += 1))
      const outcome = new Promise<CommandOutcome>((resolve) => {
        const timer = scheduler.after(COMMAND_WAIT_MS, () => end(nonce, { kind: 'silent' }))
        waiting.set(nonce, { clientId, timer, end: resolve })
      })
      client.push(command(nonce))
      return outcome
    },
    heard(clientId, answer) {
      // The Node client answers a message to be verified with the command itself.
      const arm = answer.threadStackTrace ?? answer.verifyMessageResult ?? answer.verifyMessageCommand
      if (arm === null || waiting.get(arm.nonce)?.clientId !== clientId) return
      end(arm.nonce, { kind: 'answered', answer })
    },
    gone(clientId) {
      for (const [nonce, wait] of waiting) if (wait.clientId === clientId) end(nonce, { kind: 'gone' })
    },
  }
}
