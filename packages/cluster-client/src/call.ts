// One request to one address: connect, ask, and turn what is no answer into an MqError that names both.
import { MqError } from '@rocketmq-ts/model'
import { errorOf, ResponseCode, type Answer, type RequestDeclaration } from '@rocketmq-ts/remoting'
import type { PeerSource } from './peer-source.ts'

/** How long a request may take where nothing else is said. Java: 3 s. */
export const REQUEST_TIMEOUT_MS = 3_000
const NO_BODY = new Uint8Array(0)

export interface CallOptions {
  readonly timeoutMs?: number
}

export interface Call<Header extends object, AnswerHeader extends object> {
  readonly request: RequestDeclaration<Header, AnswerHeader>
  readonly header: Header
  readonly body?: Uint8Array | undefined
  readonly timeoutMs: number
}

/** The answer, whatever its code. Rejects with MqError 'unavailable', 'timeout', 'closed', 'busy' or 'protocol'. */
export function ask<Header extends object, AnswerHeader extends object>(
  peers: PeerSource,
  address: string,
  call: Call<Header, AnswerHeader>,
): Promise<Answer<AnswerHeader>> {
  const { request, header, body, timeoutMs } = call
  const options = body === undefined ? { timeoutMs } : { timeoutMs, body }
  const opened = peers.opened(address)
  if (opened !== undefined) return opened.request(request, header, options)
  return peers.peer(address).then((peer) => peer.request(request, header, options))
}

/** Throws the MqError of an answer that is no success. */
export function checkSuccess(answer: Answer<object>, request: { readonly name: string }, address: string): void {
  if (answer.code !== ResponseCode.SUCCESS) throw failure(answer, request, address)
}

/** The MqError of an answer that nobody expected. */
export function failure(answer: Answer<object>, request: { readonly name: string }, address: string): MqError {
  return errorOf(answer, `${request.name} at ${address}`)
}

/** The fields of an answer that carries them. */
export function headerOf<AnswerHeader extends object>(answer: Answer<AnswerHeader>): AnswerHeader {
  if (answer.header === undefined) throw new MqError('protocol', `answer ${answer.code} carries no fields`)
  return answer.header
}

/** The body of an answer, empty where it has none. */
export function bodyOf(answer: Answer<object>): Uint8Array {
  return answer.body ?? NO_BODY
}
