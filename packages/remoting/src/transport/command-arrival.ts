// Commands that arrived on a socket: a request with its one answer, or the answer to a request of ours.
import type { Answer, RequestDeclaration } from '../codec/define-request.ts'
import { CommandFlag, type OutgoingCommand, type RemotingCommand } from '../codec/remoting-command.ts'
import type { Peer } from '../peer.ts'
import { Arrival } from './arrived-request.ts'
import type { ArrivedAnswer } from './pending-requests.ts'

type AnyDeclaration = RequestDeclaration<object, object>

/** The connection on which a request came. */
export interface AnsweringPeer extends Peer {
  answer(arrival: CommandArrival, answer: Answer<object>, extFields: OutgoingCommand['extFields']): void
  /** A handler's answer has no form. */
  answerInvalid(requestCode: number, reason: string): void
}

export class CommandAnswer implements ArrivedAnswer {
  readonly #command: RemotingCommand
  constructor(command: RemotingCommand) {
    this.#command = command
  }
  get code(): number {
    return this.#command.code
  }
  get remark(): string | undefined {
    return this.#command.remark
  }
  get body(): Uint8Array {
    return this.#command.body
  }
  readHeader(declaration: AnyDeclaration): object {
    return declaration.answer.decode(this.#command.extFields)
  }
}

export class CommandArrival extends Arrival {
  readonly #connection: AnsweringPeer
  readonly command: RemotingCommand
  /** Of its header and body: what it holds until it is answered. */
  readonly bytes: number

  constructor(connection: AnsweringPeer, command: RemotingCommand, bytes: number) {
    super({
      code: command.code,
      body: command.body,
      peer: connection,
      oneway: (command.flag & CommandFlag.ONEWAY) !== 0,
      version: command.version,
    })
    this.#connection = connection
    this.command = command
    this.bytes = bytes
  }

  get extFields(): ReadonlyMap<string, string> {
    return this.command.extFields
  }

  protected override readHeader<H extends object, A extends object>(declaration: RequestDeclaration<H, A>): H {
    return declaration.header.decode(this.command.extFields)
  }

  protected override send(answer: Answer<object>, declaration: AnyDeclaration | undefined): void {
    const extFields = answer.header === undefined ? [] : (declaration?.answer.encode(answer.header) ?? [])
    this.#connection.answer(this, answer, extFields)
  }

  protected override answerInvalid(reason: string): void {
    this.#connection.answerInvalid(this.code, reason)
  }
}
