// A request from its arrival to its one answer; how both travel is up to the transport.
import { MqError } from '@rocketmq-ts/model'
import type { Clock } from '@rocketmq-ts/runtime'
import { ResponseCode } from '../codec/codes.ts'
import type { Answer, RequestDeclaration } from '../codec/define-request.ts'
import type { RequestObserver } from '../observer.ts'
import type { ArrivedRequest, FailureAnswer, IncomingRequest, Peer } from '../peer.ts'

type AnyDeclaration = RequestDeclaration<object, object>
/** Characters of a remark that replaces an answer. */
const REMARK_LENGTH_MAX = 1000
const NO_HEADER = Object.freeze({})

export abstract class Arrival implements ArrivedRequest {
  readonly code: number
  readonly body: Uint8Array
  readonly peer: Peer
  readonly oneway: boolean
  readonly version: number
  header: object = NO_HEADER
  #declaration: AnyDeclaration | undefined
  #answered = false
  #wasHeld = false
  #observer: RequestObserver | undefined
  #clock: Pick<Clock, 'monotonicMs'> | undefined
  #arrivedMs = 0

  constructor(options: Pick<IncomingRequest, 'code' | 'body' | 'peer' | 'oneway' | 'version'>) {
    this.code = options.code
    this.body = options.body
    this.peer = options.peer
    this.oneway = options.oneway
    this.version = options.version
  }

  abstract readonly extFields: ReadonlyMap<string, string>
  protected abstract readHeader<Header extends object, AnswerHeader extends object>(
    declaration: RequestDeclaration<Header, AnswerHeader>,
  ): Header
  /** Sends the answer. Throws MqError where the answer has no form; nothing was sent then. */
  protected abstract send(answer: Answer<object>, declaration: AnyDeclaration | undefined): void
  /** The handler's answer was replaced by a failure, because it has no form. */
  protected abstract answerInvalid(reason: string): void

  as<Header extends object, AnswerHeader extends object>(
    declaration: RequestDeclaration<Header, AnswerHeader>,
  ): IncomingRequest<Header, AnswerHeader> {
    this.header = this.readHeader(declaration)
    this.#declaration = declaration
    return this as unknown as IncomingRequest<Header, AnswerHeader>
  }

  noteHeld(): void {
    this.#wasHeld = true
  }

  observe(observer: RequestObserver, clock: Pick<Clock, 'monotonicMs'>): void {
    this.#observer = observer
    this.#clock = clock
    this.#arrivedMs = clock.monotonicMs()
  }

  respond(answer: Answer<object> | FailureAnswer): void {
    if (this.#answered || this.oneway) return
    this.#answered = true
    try {
      this.send(answer, this.#declaration)
      this.#tell(answer.code)
    } catch (error) {
      if (!(error instanceof MqError)) throw error
      this.answerInvalid(error.message)
      this.send({ code: ResponseCode.SYSTEM_ERROR, remark: error.message.slice(0, REMARK_LENGTH_MAX) }, undefined)
      this.#tell(ResponseCode.SYSTEM_ERROR)
    }
  }

  #tell(code: number): void {
    if (this.#observer === undefined || this.#clock === undefined) return
    this.#observer.answered(this.code, code, this.#clock.monotonicMs() - this.#arrivedMs, this.#wasHeld)
  }
}
