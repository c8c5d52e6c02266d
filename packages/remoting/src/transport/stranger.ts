// A client of another protocol on our port: it is told so in its own words, and has a moment to go.
import {
  createWrongPortAnswer,
  type Deadlines,
  Expiring,
  protocolOf,
  type Protocol,
  type Socket,
  type WrongPortAnswer,
  wrongPortText,
} from '@rocketmq-ts/runtime'

/** Who does not close its side in this time is cut off. */
export const STRANGER_MS_MAX = 2_000

/** What a stranger speaks; undefined where nobody can tell, and for our own protocol spoken badly. */
function foreignProtocol(first: Uint8Array): Exclude<Protocol, 'remoting'> | undefined {
  const protocol = protocolOf(first)
  return protocol === 'remoting' ? undefined : protocol
}

/** Why the first bytes of a connection are wrong on the listener of this name; undefined where nobody can tell. */
export function strangerReason(listener: string, first: Uint8Array): string | undefined {
  const protocol = foreignProtocol(first)
  return protocol === undefined ? undefined : wrongPortText(`the remoting port of a ${listener}`, protocol)
}

export class Stranger extends Expiring {
  readonly #socket: Socket
  readonly #answer: WrongPortAnswer
  #isDone = false

  private constructor(socket: Socket, answer: WrongPortAnswer) {
    super()
    this.#socket = socket
    this.#answer = answer
  }

  /** Takes the connection over; undefined where the protocol has no place for a sentence. */
  static greet(socket: Socket, first: Uint8Array, reason: string, deadlines: Deadlines): Stranger | undefined {
    const protocol = foreignProtocol(first)
    const answer = protocol === undefined ? undefined : createWrongPortAnswer(protocol, reason)
    if (answer === undefined) return undefined
    const stranger = new Stranger(socket, answer)
    deadlines.add(stranger, STRANGER_MS_MAX)
    stranger.take(first)
    return stranger
  }

  /** The next bytes. What it says after its answer is read and dropped: unread bytes would take the answer back. */
  take(bytes: Uint8Array): void {
    if (this.#isDone) return
    const reply = this.#answer.take(bytes)
    this.#isDone = reply.isDone
    this.#socket.write([reply.bytes])
    if (this.#isDone) this.#socket.end()
  }

  override expire(): void {
    this.#socket.destroy()
  }
}
