// From a call to an answer: decode, identify, authorize, admit, answer, encode. Failures become codes here and only
// here. Invariant: every call is finished exactly once, and only admitted ones are answered.
import { type GrpcCall, type GrpcMethod, GrpcStatus } from '@rocketmq-ts/grpc'
import { Code, type StatusInit } from '@rocketmq-ts/grpc/v2'
import { MqError } from '@rocketmq-ts/model'
import type { Clock, Logger } from '@rocketmq-ts/runtime'
import { type ProxyEvent, reasonOf } from '../events.ts'
import type { ProxyMetrics } from '../proxy-metrics.ts'
import { isDefect, refusal, type Refusal, statusOf } from '../status.ts'
import { CLIENT_ID_CHARS_MAX } from '../validators.ts'
import type { AccessOf, Gate } from './access.ts'
import type { Admission } from './admission.ts'

export interface RpcContext {
  readonly clientId: string
  readonly call: GrpcCall
}

/** Every answer says how it went. */
export interface Answered {
  readonly status?: StatusInit | null | undefined
}

/** A method with one answer: what it needs, how it answers, how it says no. */
export interface UnaryRpc<Request, Answer extends Answered> {
  readonly access: AccessOf<Request>
  answer(request: Request, context: RpcContext): Answer | Promise<Answer>
  refuse(status: StatusInit, request: Request): Answer
}

/** A method that answers with a stream. It writes and finishes by itself; what it throws is passed to `refuse`. */
export interface StreamRpc<Request> {
  readonly access: AccessOf<Request>
  /** Gives the code it answered with. */
  answer(request: Request, context: RpcContext): Promise<Code>
  /** Writes the status, finishes the call and gives the code. */
  refuse(status: StatusInit, call: GrpcCall): Promise<Code>
}

export interface MethodDeps {
  readonly gate: Gate
  readonly admission: Admission
  readonly metrics: ProxyMetrics
  readonly clock: Clock
  readonly log: Logger<ProxyEvent>
}

/** Declarations of @rocketmq-ts/grpc/v2 as far as methods need them: what is decoded and what is encoded. */
export interface MethodShape<Request, Answer> {
  readonly path: string
  readonly request: { readonly name: string; decode(bytes: Uint8Array): Request }
  readonly response: { encode(answer: Answer): Uint8Array }
}

export function unaryMethod<Request, Answer extends Answered>(
  shape: MethodShape<Request, Answer>,
  rpc: UnaryRpc<Request, Answer>,
  deps: MethodDeps,
): GrpcMethod {
  const { admission, clock, log } = deps
  const metrics = deps.metrics.method(shape.path)

  function send(call: GrpcCall, answer: Answer, startedMs: number): void {
    call.write(shape.response.encode(answer))
    call.finish(GrpcStatus.OK)
    metrics.answered(answer.status?.code ?? Code.CODE_UNSPECIFIED, clock.monotonicMs() - startedMs)
  }

  async function handle(request: Request, call: GrpcCall, bytes: number): Promise<void> {
    const startedMs = clock.monotonicMs()
    const no = refusalOf(call, request, bytes, rpc.access, deps)
    if (no !== undefined) {
      send(call, rpc.refuse(no, request), startedMs)
      return
    }
    try {
      send(call, await rpc.answer(request, { clientId: clientIdOf(call), call }), startedMs)
    } catch (error) {
      noteDefect(shape.path, error, log)
      send(call, rpc.refuse(statusOf(error), request), startedMs)
    } finally {
      admission.leave(bytes)
    }
  }

  return { kind: 'unary', handle: (bytes, call) => decodeThen(shape, bytes, call, deps, handle) }
}

export function streamMethod<Request, Answer>(
  shape: MethodShape<Request, Answer>,
  rpc: StreamRpc<Request>,
  deps: MethodDeps,
): GrpcMethod {
  const { admission, log } = deps
  const metrics = deps.metrics.method(shape.path)

  async function codeOf(request: Request, call: GrpcCall, bytes: number): Promise<Code> {
    const no = refusalOf(call, request, bytes, rpc.access, deps)
    if (no !== undefined) return rpc.refuse(no, call)
    try {
      return await rpc.answer(request, { clientId: clientIdOf(call), call })
    } catch (error) {
      noteDefect(shape.path, error, log)
      return await rpc.refuse(statusOf(error), call)
    } finally {
      admission.leave(bytes)
    }
  }

  async function handle(request: Request, call: GrpcCall, bytes: number): Promise<void> {
    metrics.answered(await codeOf(request, call, bytes), undefined)
  }

  return { kind: 'server-streaming', handle: (bytes, call) => decodeThen(shape, bytes, call, deps, handle) }
}

/** The client id header, '' where it is missing or blank. */
export function clientIdOf(call: GrpcCall): string {
  return call.metadata.get('x-mq-client-id')?.trim() ?? ''
}

/** What every call needs, whatever it asks for. */
export function checkClientId(call: GrpcCall): Refusal | undefined {
  const clientId = clientIdOf(call)
  if (clientId === '') return refusal(Code.CLIENT_ID_REQUIRED, 'x-mq-client-id: the header is missing or blank')
  if (clientId.length > CLIENT_ID_CHARS_MAX) {
    return refusal(Code.BAD_REQUEST, `x-mq-client-id: longer than ${CLIENT_ID_CHARS_MAX} characters`)
  }
  return undefined
}

/** Undefined: the call is admitted, and leaves when it is answered. */
function refusalOf<Request>(
  call: GrpcCall,
  request: Request,
  requestBytes: number,
  access: AccessOf<Request>,
  { gate, admission }: MethodDeps,
): Refusal | undefined {
  const anonymous = checkClientId(call)
  if (anonymous !== undefined) return anonymous
  return gate.authorize(gate.identify(call.metadata), access, request) ?? admission.enter(requestBytes)
}

function decodeThen<Request>(
  shape: MethodShape<Request, never>,
  bytes: Uint8Array,
  call: GrpcCall,
  { log }: MethodDeps,
  handle: (request: Request, call: GrpcCall, bytes: number) => Promise<void>,
): void {
  let request: Request
  try {
    request = shape.request.decode(bytes)
  } catch (error) {
    if (!(error instanceof MqError)) throw error
    log.warn({ event: 'rpc.malformed', method: shape.path, clientId: clientIdOf(call), reason: error.message })
    call.finish(GrpcStatus.INVALID_ARGUMENT, error.message)
    return
  }
  handle(request, call, bytes.byteLength).catch((error: unknown) => {
    noteDefect(shape.path, error, log)
    call.finish(GrpcStatus.INTERNAL, 'the proxy failed; its log tells more')
  })
}

function noteDefect(method: string, error: unknown, log: Logger<ProxyEvent>): void {
  if (!isDefect(error)) return
  log.error({
    event: 'rpc.defect',
    method,
    error: error instanceof Error ? (error.stack ?? reasonOf(error)) : String(error),
  })
}
