// What Apache's servers and client said to each other, recorded by packages/tooling/src/record-remoting.mjs.
import { readFileSync } from 'node:fs'
import { createFrameDecoder, decodeCommand, type RemotingCommand } from '../../src/index.ts'

export interface Exchange {
  readonly server: string
  /** The request came with a binary header. */
  readonly binary: boolean
  /** As on the wire: POP codes are cut in binary headers. */
  readonly code: number
  readonly request: string
  readonly answerCode: number
  readonly answer: string
}

const file = new URL('../fixtures/apache-5.3.3.json', import.meta.url)
export const exchanges = (JSON.parse(readFileSync(file, 'utf8')) as { exchanges: readonly Exchange[] }).exchanges

export function commandOf(hex: string): RemotingCommand {
  const commands: RemotingCommand[] = []
  createFrameDecoder().push(Buffer.from(hex, 'hex'), (frame) => commands.push(decodeCommand(frame)))
  if (commands.length !== 1) throw new Error('the fixture is not one frame')
  return commands[0] as RemotingCommand
}

/** The answer of the first successful exchange with this code. */
export function answerTo(code: number, server?: string): RemotingCommand {
  return commandOf(exchangeOf(code, server).answer)
}

/** The request of the first successful exchange with this code. */
export function requestOf(code: number, server?: string): RemotingCommand {
  return commandOf(exchangeOf(code, server).request)
}

function exchangeOf(code: number, server: string | undefined): Exchange {
  const found = exchanges.find(
    (exchange) =>
      exchange.code === code && exchange.answerCode === 0 && (server === undefined || exchange.server === server),
  )
  if (found === undefined) throw new Error(`no exchange of ${code} was recorded`)
  return found
}
