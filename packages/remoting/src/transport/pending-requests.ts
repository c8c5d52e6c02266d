// Requests that wait for their answer, by opaque. Each ends exactly once: answered, timed out or closed.
import { MqError } from '@rocketmq-ts/model'
import type { Answer, RequestDeclaration } from '../codec/define-request.ts'
import type { Liveness } from '../peer.ts'
import { type Clock, type Deadlines, Expiring } from '@rocketmq-ts/runtime'

type AnyDeclaration = RequestDeclaration<object, object>

/** An answer as it arrived; the header is read by what was asked. */
export interface ArrivedAnswer {
  readonly code: number
  readonly remark: string | undefined
  readonly body: Uint8Array | undefined
  readHeader(declaration: AnyDeclaration): object
}

class PendingRequest extends Expiring {
  readonly owner: PendingRequests
  readonly opaque: number
  readonly declaration: AnyDeclaration
  readonly timeoutMs: number
  readonly sentAtMs: number
  readonly resolve: (answer: Answer<object>) => void
  readonly reject: (error: Error) => void

  constructor(
    owner: PendingRequests,
    opaque: number,
    declaration: AnyDeclaration,
    timeoutMs: number,
    resolve: (answer: Answer<object>) => void,
    reject: (error: Error) => void,
  ) {
    super()
    this.owner = owner
    this.opaque = opaque
    this.declaration = declaration
    this.timeoutMs = timeoutMs
    this.sentAtMs = owner.clock.monotonicMs()
    this.resolve = resolve
    this.reject = reject
  }

  override expire(): void {
    this.owner.timeOut(this)
  }
}

function readAnswer(declaration: AnyDeclaration, arrived: ArrivedAnswer): Answer<object> {
  const { code, remark, body } = arrived
  const answer: { -readonly [Name in keyof Answer<object>]: Answer<object>[Name] } = { code }
  if (remark !== undefined) answer.remark = remark
  if (declaration.carriesHeader(code)) answer.header = arrived.readHeader(declaration)
  if (body !== undefined && body.length > 0) answer.body = body
  return answer
}

/** Nothing at all for so long, while an answer is overdue, and the other side is called silent. */
const QUIET_MS = 1000
/** Callers give up some time after the longest that the other side may take: an answer is overdue so long before. */
const OVERDUE_BEFORE_MS = 2000

export class PendingRequests {
  readonly clock: Pick<Clock, 'monotonicMs'>
  readonly #deadlines: Deadlines
  readonly #pendingMax: number
  readonly #remoteAddress: string
  readonly #pending = new Map<number, PendingRequest>()
  #lastOpaque = 0
  /** Undefined before anything came. */
  #heardAtMs: number | undefined
  #isUnanswered = false

  constructor(
    { deadlines, clock }: { readonly deadlines: Deadlines; readonly clock: Pick<Clock, 'monotonicMs'> },
    pendingMax: number,
    remoteAddress: string,
  ) {
    this.clock = clock
    this.#deadlines = deadlines
    this.#pendingMax = pendingMax
    this.#remoteAddress = remoteAddress
  }

  get size(): number {
    return this.#pending.size
  }

  /** See `Liveness`. */
  get liveness(): Liveness {
    const nowMs = this.clock.monotonicMs()
    const isQuiet = this.#pending.size > 0 && this.#isQuiet(nowMs)
    if (this.#isUnanswered || (isQuiet && this.#isOverdue(nowMs))) return 'silent'
    if (this.#heardAtMs === undefined) return 'new'
    return isQuiet ? 'quiet' : 'well'
  }

  /** Something came, whatever it is. */
  hear(atMs: number): void {
    this.#heardAtMs = atMs
    this.#isUnanswered = false
  }

  /** Throws MqError 'busy' when too many requests wait. */
  nextOpaque(): number {
    if (this.#pending.size >= this.#pendingMax) {
      throw new MqError('busy', `${this.#remoteAddress}: ${this.#pendingMax} requests wait for an answer already`)
    }
    do this.#lastOpaque = (this.#lastOpaque + 1) & 0x7fff_ffff
    while (this.#pending.has(this.#lastOpaque))
    return this.#lastOpaque
  }

  /** The answer of the request with this opaque, see `Peer.request`. */
  wait(opaque: number, declaration: AnyDeclaration, timeoutMs: number): Promise<Answer<object>> {
    return new Promise((resolve, reject) => {
      const request = new PendingRequest(this, opaque, declaration, timeoutMs, resolve, reject)
      this.#pending.set(opaque, request)
      this.#deadlines.add(request, timeoutMs)
    })
  }

  /** False for an answer that nobody waits for (any more). */
  settle(opaque: number, arrived: ArrivedAnswer): boolean {
    const request = this.#pending.get(opaque)
    if (request === undefined) return false
    this.#pending.delete(opaque)
    this.#deadlines.remove(request)
    try {
      request.resolve(readAnswer(request.declaration, arrived))
    } catch (error) {
      if (!(error instanceof MqError)) throw error
      request.reject(new MqError('protocol', `${this.#remoteAddress}: ${error.message}`, error))
    }
    return true
  }

  timeOut(request: PendingRequest): void {
    this.#pending.delete(request.opaque)
    const { declaration, timeoutMs } = request
    this.#isUnanswered ||= this.#isQuiet(this.clock.monotonicMs())
    const reason = `${declaration.name} to ${this.#remoteAddress}: no answer within ${timeoutMs} ms`
    request.reject(new MqError('timeout', reason))
  }

  #isQuiet(nowMs: number): boolean {
    return nowMs - (this.#heardAtMs ?? -Infinity) >= QUIET_MS
  }

  #isOverdue(nowMs: number): boolean {
    for (const { sentAtMs, timeoutMs } of this.#pending.values()) {
      if (nowMs - sentAtMs >= Math.max(QUIET_MS, timeoutMs - OVERDUE_BEFORE_MS)) return true
    }
    return false
  }

  /** Fails everything that waits. */
  close(): void {
    const requests = [...this.#pending.values()]
    this.#pending.clear()
    for (const request of requests) {
      this.#deadlines.remove(request)
      const reason = `${request.declaration.name} to ${this.#remoteAddress}: connection closed before the answer`
      request.reject(new MqError('closed', reason))
    }
  }
}
