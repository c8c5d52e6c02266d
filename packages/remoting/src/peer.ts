// The two ends of a remoting connection are alike: brokers call clients and proxies too.
import type { Clock } from '@rocketmq-ts/runtime'
import type { Answer, RequestDeclaration } from './codec/define-request.ts'
import type { RequestObserver } from './observer.ts'

/** Who speaks. Until authentication lands, everybody is anonymous. */
export interface Principal {
  readonly name: string
}
export const ANONYMOUS: Principal = { name: 'anonymous' }

export interface RequestOptions {
  /** Milliseconds until the caller gives up with MqError 'timeout'. */
  readonly timeoutMs: number
  readonly body?: Uint8Array
}

/**
 * What a connection heard last. 'new': nothing yet. 'well': an answer, or anything else. 'quiet': something is asked, and
 * nothing came for a second; so it is where polls are held. 'silent': an answer is overdue or did not come, either: the
 * other side hangs, or the connection is lost and nobody was told. What waits may still be answered; what is new better
 * goes over another connection.
 */
export type Liveness = 'new' | 'well' | 'quiet' | 'silent'

/** The other side of a connection. */
export interface Peer {
  /** 'host:port' of the other side, or 'local' in the same process. */
  readonly remoteAddress: string
  /** 'host:port' of our side as the connection knows it. */
  readonly localAddress: string
  /** Name of the listener that accepted the connection; '' on the connecting side. */
  readonly listener: string
  readonly principal: Principal
  readonly liveness: Liveness
  /**
   * Sends a request and resolves with the answer, whatever its response code. Rejects with MqError 'timeout',
   * 'closed' (connection lost, answer unknown), 'busy' (too many requests in flight) or 'protocol'.
   */
  request<Header extends object, AnswerHeader extends object>(
    declaration: RequestDeclaration<Header, AnswerHeader>,
    header: Header,
    options: RequestOptions,
  ): Promise<Answer<AnswerHeader>>
  /** Sends without an answer. False when the connection is closed or its write buffer is full. */
  oneway<Header extends object>(
    declaration: RequestDeclaration<Header, object>,
    header: Header,
    body?: Uint8Array,
  ): boolean
  /** Calls back once when the connection is gone, at once if it already is. */
  onClose(callback: () => void): void
  close(): void
}

/** A request that arrived. */
export interface IncomingRequest<Header extends object = object, AnswerHeader extends object = object> {
  readonly code: number
  /** Validated domain fields, frozen. */
  readonly header: Header
  /** All text fields as they arrived, for what no declaration names (namespaces, signatures). */
  readonly extFields: ReadonlyMap<string, string>
  readonly body: Uint8Array
  readonly peer: Peer
  readonly oneway: boolean
  /** MQVersion ordinal of the sender, 0 when unknown. */
  readonly version: number
  /** The answer waits for a message: metrics tell such requests apart. */
  noteHeld(): void
  /** Answers once; a second answer, and any answer to a oneway request, is ignored. */
  respond(answer: Answer<AnswerHeader> | FailureAnswer): void
}

/** Every response code but success: a remark that names cause, field and remedy. */
export interface FailureAnswer {
  readonly code: number
  readonly remark: string
}

/** A request as a connection hands it over, before anyone knows what it is. Its `header` is empty. */
export interface ArrivedRequest extends IncomingRequest {
  /** Tells the observer when and how it is answered. */
  observe(observer: RequestObserver, clock: Pick<Clock, 'monotonicMs'>): void
  /**
   * Reads the header as the declaration says; answers are written by it. Throws MqError 'parameter-invalid' naming
   * the field. `dispatchRequests` calls it, so that handlers of a table see domain objects only.
   */
  as<Header extends object, AnswerHeader extends object>(
    declaration: RequestDeclaration<Header, AnswerHeader>,
  ): IncomingRequest<Header, AnswerHeader>
}

/** Takes requests of a connection. Implementations never throw; they answer. */
export type RequestHandler = (request: ArrivedRequest) => void
