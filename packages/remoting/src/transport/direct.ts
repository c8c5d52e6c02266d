// Two peers in one process. No bytes: the frozen domain object passes the same validator and enters a later pass of
// the scheduler through a bounded queue, so no call ever ends in the caller's own stack. Bodies are lent: neither side
// changes one afterwards.
import { MqError } from '@rocketmq-ts/model'
import { type Clock, createDeadlines, type Scheduler } from '@rocketmq-ts/runtime'
import { REMOTING_VERSION, ResponseCode } from '../codec/codes.ts'
import type { Answer, RequestDeclaration } from '../codec/define-request.ts'
import { ANONYMOUS, type Peer, type RequestHandler, type RequestOptions } from '../peer.ts'
import { Arrival } from './arrived-request.ts'
import { limitsOf, type RemotingLimits } from './limits.ts'
import { PendingRequests, type ArrivedAnswer } from './pending-requests.ts'

type AnyDeclaration = RequestDeclaration<object, object>
const NO_BODY: Uint8Array = new Uint8Array(0)
const LOCAL = 'local'
/** Requests on their way to the other side; more fail with MqError 'busy'. */
const QUEUED_MAX = 16_384

export interface DirectPeersOptions {
  readonly clock: Clock
  readonly scheduler: Scheduler
  /** Takes what the second peer's owner asks; the first peer's owner runs it. */
  readonly handlerA: RequestHandler
  readonly handlerB: RequestHandler
  /** `Peer.listener` of B's view, as if B had accepted the connection. */
  readonly listener?: string
  readonly limits?: Partial<RemotingLimits>
}

/** The header by another declaration of the same request: through its text form, as a socket would do it. */
function convert<Header extends object>(
  header: object,
  from: { encode(header: object): [string, string][] },
  to: { decode(extFields: ReadonlyMap<string, string>): Header },
): Header {
  return to.decode(new Map(from.encode(header)))
}

class DirectAnswer implements ArrivedAnswer {
  readonly code: number
  readonly remark: string | undefined
  readonly body: Uint8Array | undefined
  readonly #header: object | undefined
  readonly #declaration: AnyDeclaration | undefined

  constructor(answer: Answer<object>, declaration: AnyDeclaration | undefined) {
    this.code = answer.code
    this.remark = answer.remark
    this.body = answer.body
    this.#declaration = declaration
    this.#header = answer.header && declaration?.answer.validate(answer.header)
  }

  readHeader(declaration: AnyDeclaration): object {
    if (this.#header === undefined || this.#declaration === undefined) return declaration.answer.decode(new Map())
    if (declaration === this.#declaration) return this.#header
    return convert(this.#header, this.#declaration.answer, declaration.answer)
  }
}

class DirectArrival extends Arrival {
  readonly #to: DirectPeer
  readonly #from: DirectPeer
  readonly #opaque: number
  readonly #declaration: AnyDeclaration
  readonly #domainHeader: object

  constructor(
    ends: { readonly from: DirectPeer; readonly to: DirectPeer },
    declaration: AnyDeclaration,
    header: object,
    call: { readonly opaque: number; readonly body: Uint8Array; readonly oneway: boolean },
  ) {
    const { body, oneway } = call
    super({ code: declaration.code, body, peer: ends.to, oneway, version: REMOTING_VERSION })
    this.#from = ends.from
    this.#to = ends.to
    this.#opaque = call.opaque
    this.#declaration = declaration
    this.#domainHeader = header
  }

  get extFields(): ReadonlyMap<string, string> {
    return new Map(this.#declaration.header.encode(this.#domainHeader))
  }

  protected override readHeader<H extends object, A extends object>(declaration: RequestDeclaration<H, A>): H {
    if ((declaration as unknown) === this.#declaration) return this.#domainHeader as H
    return convert(this.#domainHeader, this.#declaration.header, declaration.header)
  }

  protected override send(answer: Answer<object>, declaration: AnyDeclaration | undefined): void {
    const arrived = new DirectAnswer(answer, declaration)
    this.#to.answered(this.body.length)
    this.#from.deliverAnswer(this.#opaque, arrived)
  }

  protected override answerInvalid(): void {}
}

/** Passes items to the other side in a later pass, in order. */
class Lane {
  readonly #scheduler: Scheduler
  #queued: (() => void)[] = []

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler
  }

  get length(): number {
    return this.#queued.length
  }

  push(deliver: () => void): void {
    this.#queued.push(deliver)
    if (this.#queued.length === 1) this.#scheduler.soon(() => this.#deliverAll())
  }

  #deliverAll(): void {
    const queued = this.#queued
    this.#queued = []
    for (const deliver of queued) deliver()
  }
}

/** One owner's view of the other; requests of the other owner arrive at `#handler`. */
class DirectPeer implements Peer {
  readonly remoteAddress = LOCAL
  readonly localAddress = LOCAL
  readonly listener: string
  readonly principal = ANONYMOUS
  /** There is no connection to lose. */
  readonly liveness = 'well'
  readonly #handler: RequestHandler
  readonly #limits: RemotingLimits
  readonly #pending: PendingRequests
  readonly #requests: Lane
  readonly #answers: Lane
  readonly #closeCallbacks: (() => void)[] = []
  #other: DirectPeer | undefined
  #closed = false
  #gone = false
  #inFlight = 0
  #inFlightBytes = 0

  constructor(listener: string, handler: RequestHandler, options: DirectPeersOptions) {
    this.listener = listener
    this.#handler = handler
    this.#limits = limitsOf(options.limits)
    const { clock } = options
    const deadlines = createDeadlines(options)
    this.#pending = new PendingRequests({ deadlines, clock }, this.#limits.requestsPendingMax, LOCAL)
    this.#requests = new Lane(options.scheduler)
    this.#answers = new Lane(options.scheduler)
  }

  joinTo(other: DirectPeer): void {
    this.#other = other
  }

  request<H extends object, A extends object>(
    declaration: RequestDeclaration<H, A>,
    header: H,
    options: RequestOptions,
  ): Promise<Answer<A>> {
    try {
      return this.#ask(declaration, header, options) as Promise<Answer<A>>
    } catch (error) {
      return Promise.reject(error as Error)
    }
  }

  #ask<H extends object>(
    declaration: RequestDeclaration<H, object>,
    header: H,
    options: RequestOptions,
  ): Promise<Answer<object>> {
    if (this.#closed) throw new MqError('closed', `${declaration.name} to ${LOCAL}: connection is closed`)
    const frozen = declaration.header.validate(header)
    const opaque = this.#pending.nextOpaque()
    if (!this.#enqueue(declaration, frozen, { opaque, body: options.body ?? NO_BODY, oneway: false })) {
      throw new MqError('busy', `${declaration.name} to ${LOCAL}: ${QUEUED_MAX} requests are on their way already`)
    }
    return this.#pending.wait(opaque, declaration, options.timeoutMs)
  }

  oneway<H extends object>(declaration: RequestDeclaration<H, object>, header: H, body = NO_BODY): boolean {
    if (this.#closed) return false
    return this.#enqueue(declaration, declaration.header.validate(header), { opaque: 0, body, oneway: true })
  }

  onClose(callback: () => void): void {
    if (this.#gone) callback()
    else this.#closeCallbacks.push(callback)
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#pending.close()
    const other = this.#other
    this.#requests.push(() => {
      this.#leave()
      if (other !== undefined) other.#leave()
    })
  }

  answered(bodyBytes: number): void {
    this.#inFlight -= 1
    this.#inFlightBytes -= bodyBytes
  }

  deliverAnswer(opaque: number, arrived: ArrivedAnswer): void {
    this.#answers.push(() => this.#pending.settle(opaque, arrived))
  }

  #enqueue(
    declaration: AnyDeclaration,
    header: object,
    call: { readonly opaque: number; readonly body: Uint8Array; readonly oneway: boolean },
  ): boolean {
    const other = this.#other
    if (other === undefined || this.#requests.length >= QUEUED_MAX) return false
    const arrival = new DirectArrival({ from: this, to: other }, declaration, header, call)
    this.#requests.push(() => other.#take(arrival))
    return true
  }

  #take(arrival: DirectArrival): void {
    if (this.#closed) return
    const bytes = arrival.body.length
    const { requestsInFlightMax, requestBytesInFlightMax } = this.#limits
    const full = this.#inFlight >= requestsInFlightMax || this.#inFlightBytes + bytes > requestBytesInFlightMax
    if (!arrival.oneway) {
      this.#inFlight += 1
      this.#inFlightBytes += bytes
    }
    if (full) {
      const remark = `[OVERLOAD] ${this.#inFlight} requests of this connection wait for an answer; try again later`
      arrival.respond({ code: ResponseCode.SYSTEM_BUSY, remark })
    } else {
      this.#handler(arrival)
    }
  }

  #leave(): void {
    if (this.#gone) return
    this.#closed = true
    this.#gone = true
    this.#pending.close()
    for (const callback of this.#closeCallbacks.splice(0)) callback()
  }
}

/**
 * A connection within the process. The first peer is for A's owner: its requests arrive at `handlerB`, and those of
 * the second peer at `handlerA`.
 */
export function createDirectPeers(options: DirectPeersOptions): [forA: Peer, forB: Peer] {
  const forA = new DirectPeer('', options.handlerA, options)
  const forB = new DirectPeer(options.listener ?? LOCAL, options.handlerB, options)
  forA.joinTo(forB)
  forB.joinTo(forA)
  return [forA, forB]
}
