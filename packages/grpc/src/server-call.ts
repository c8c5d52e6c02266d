// One call on the server's side, the same for every transport: it ends exactly once, by the method, the client or
// the deadline; after that nothing is written and nobody waits.
import { MqError } from '@rocketmq-ts/model'
import { type Clock, type Deadlines, Expiring, type SocketAddress } from '@rocketmq-ts/runtime'
import { GrpcStatus, type GrpcCall, type GrpcMethod, type Metadata, type StreamReceiver } from './transport.ts'

/** Where a call's answers go. */
export interface CallOutput {
  /** Takes one message; false when more should wait for `ServerCall.readable`. */
  write(message: Uint8Array): boolean
  /** Ends the stream. Called at most once, and never after the client is gone. */
  finish(status: GrpcStatus, detail: string): void
}

export interface ServerCallOptions {
  readonly metadata: Metadata
  readonly remoteAddress: SocketAddress
  readonly localAddress: SocketAddress
  readonly authority: string
  readonly secure: boolean
  /** Milliseconds the client waits, from now on; undefined without a deadline. */
  readonly timeoutMs: number | undefined
  readonly clock: Clock
  /** Shared by the calls of a server. */
  readonly deadlines: Deadlines
  readonly output: CallOutput
  /** A method threw: a broken invariant. The call is answered INTERNAL; the owner decides about the process. */
  readonly onDefect: (error: unknown) => void
  /** Called once when the call has ended, however. */
  readonly onEnd: () => void
}

export class ServerCall extends Expiring implements GrpcCall {
  readonly metadata: Metadata
  readonly remoteAddress: SocketAddress
  readonly localAddress: SocketAddress
  readonly authority: string
  readonly secure: boolean
  readonly deadlineMonotonicMs: number | undefined
  readonly #output: CallOutput
  readonly #onDefect: (error: unknown) => void
  readonly #onEnd: () => void
  readonly #deadlines: Deadlines
  #controller: AbortController | undefined
  #abortReason: MqError | undefined
  #ended = false
  #blocked = false
  #waiting: (() => void)[] = []

  constructor(options: ServerCallOptions) {
    super()
    this.metadata = options.metadata
    this.remoteAddress = options.remoteAddress
    this.localAddress = options.localAddress
    this.authority = options.authority
    this.secure = options.secure
    this.#output = options.output
    this.#onDefect = options.onDefect
    this.#onEnd = options.onEnd
    this.#deadlines = options.deadlines
    if (options.timeoutMs === undefined) return
    this.deadlineMonotonicMs = options.clock.monotonicMs() + options.timeoutMs
    options.deadlines.add(this, options.timeoutMs)
  }

  get ended(): boolean {
    return this.#ended
  }

  /** Made on first use: most calls are answered without ever looking at it. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#abortReason !== undefined) this.#controller.abort(this.#abortReason)
    }
    return this.#controller.signal
  }

  write(message: Uint8Array): boolean {
    if (this.#ended) return true
    this.#blocked = !this.#output.write(message)
    return !this.#blocked
  }

  drained(): Promise<void> {
    if (this.#ended || !this.#blocked) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  finish(status: GrpcStatus, detail = ''): void {
    if (!this.#end()) return
    this.#output.finish(status, detail)
  }

  /** For the transport: the client reads on, more may be written. */
  readable(): void {
    this.#blocked = false
    this.#releaseWaiting()
  }

  /** For the transport: the client has cancelled or its connection is lost. */
  abandon(reason: string): void {
    if (!this.#end()) return
    this.#abort(new MqError('closed', reason))
  }

  /** For the transport: ends the call against the method's will. */
  terminate(status: GrpcStatus, detail: string): void {
    if (!this.#end()) return
    this.#output.finish(status, detail)
    this.#abort(new MqError('closed', detail))
  }

  /** For the transport: runs a method that takes one message. */
  handle(method: Extract<GrpcMethod, { kind: 'unary' | 'server-streaming' }>, request: Uint8Array): void {
    if (!this.#ended) this.#guard(() => method.handle(request, this))
  }

  /** For the transport: opens a bidirectional method; messages of an ended call are dropped. */
  open(method: Extract<GrpcMethod, { kind: 'bidirectional' }>): StreamReceiver {
    let receiver: StreamReceiver | undefined
    this.#guard(() => {
      receiver = method.handle(this)
    })
    return {
      message: (bytes) => {
        if (!this.#ended) this.#guard(() => receiver?.message(bytes))
      },
      end: () => {
        if (!this.#ended) this.#guard(() => receiver?.end())
      },
    }
  }

  #guard(step: () => void): void {
    try {
      step()
    } catch (error) {
      this.terminate(GrpcStatus.INTERNAL, 'the method failed; the server has logged why')
      this.#onDefect(error)
    }
  }

  /** For the deadlines: that of the call has passed. */
  override expire(): void {
    if (!this.#end()) return
    this.#output.finish(GrpcStatus.DEADLINE_EXCEEDED, 'the deadline of the call has passed')
    this.#abort(new MqError('timeout', 'the deadline of the call has passed'))
  }

  /** False when the call had ended before. */
  #end(): boolean {
    if (this.#ended) return false
    this.#ended = true
    this.#deadlines.remove(this)
    this.#releaseWaiting()
    this.#onEnd()
    return true
  }

  #abort(reason: MqError): void {
    this.#abortReason = reason
    this.#controller?.abort(reason)
  }

  #releaseWaiting(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }
}
