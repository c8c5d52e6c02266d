// Calls whose request is not whole: grpc-js hands a call over only when it is, keeps what has come until then, and waits
// without an end. Invariant: every stream that is watched ends, by its client or by its time, and what all of them hold
// has a bound.
import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2'
import {
  createInputBudget,
  type Deadlines,
  Expiring,
  type InputAccount,
  type InputBudgetOptions,
  type InputConnection,
} from '@rocketmq-ts/runtime'
import { GrpcStatus } from '../transport.ts'
import { createMessageMeter, isWholeMessage, type MessageMeter } from './message-meter.ts'

const NO_ERROR = 0

/** An answer in place of grpc-js, which has none before a request is whole. */
function endUnfinished(stream: ServerHttp2Stream, status: GrpcStatus, message: string): void {
  if (stream.closed) {
    // Its client has reset it, or has its answer. While it is not read, only this lets it go.
    stream.destroy()
    return
  }
  if (!stream.headersSent) {
    const trailers = {
      ':status': 200,
      'content-type': 'application/grpc',
      'grpc-status': String(status),
      'grpc-message': message,
    }
    stream.respond(trailers, { endStream: true })
  }
  stream.close(NO_ERROR)
}

export interface RequestWatchOptions extends InputBudgetOptions {
  readonly deadlines: Deadlines
  /** A call was ended to make room. */
  readonly onGivenUp: (reason: string) => void
}

/** Takes each stream before grpc-js listens to it; `limitMs`: the time that its request has to be whole, if there is one. */
export type WatchRequest = (stream: ServerHttp2Stream, limitMs: number | undefined) => void

/**
 * One budget for the messages of all calls that have come in part. At the bound streams are paused, so that their clients
 * may send no more than a window; calls that are given up end with RESOURCE_EXHAUSTED. A request that is not whole in its
 * time ends with DEADLINE_EXCEEDED.
 */
export function createRequestWatch(options: RequestWatchOptions): WatchRequest {
  const { deadlines, requestBytesMax, onGivenUp } = options
  const budget = createInputBudget(options)
  const connections = new WeakMap<ServerHttp2Session, InputConnection>()

  function connectionOf(session: ServerHttp2Session): InputConnection {
    const known = connections.get(session)
    if (known !== undefined) return known
    const connection = budget.connection()
    connections.set(session, connection)
    return connection
  }

  function openAccount(stream: ServerHttp2Stream): InputAccount {
    return connectionOf(stream.session as ServerHttp2Session).open({
      pause: () => void stream.pause(),
      // Only a stream whose message is not whole is paused here, and of that grpc-js wants the rest.
      resume: () => void stream.resume(),
      drop(reason) {
        onGivenUp(reason)
        endUnfinished(stream, GrpcStatus.RESOURCE_EXHAUSTED, reason)
        // What is still on its way is read and thrown away, otherwise the stream would never close.
        stream.resume()
      },
    })
  }

  return (stream, limitMs) => {
    if (stream.session === undefined) return
    let part: { readonly meter: MessageMeter; readonly account: InputAccount } | undefined
    const time = limitMs === undefined ? undefined : new RequestTime(stream, limitMs)
    if (time !== undefined) deadlines.add(time, time.limitMs)
    stream.on('data', (chunk: Uint8Array) => {
      // Almost all requests come in one piece: nothing is held then, and nothing has to be noted.
      if (part === undefined && isWholeMessage(chunk)) return
      part ??= { meter: createMessageMeter(requestBytesMax), account: openAccount(stream) }
      const isNew = part.meter.take(chunk)
      // Who has its answer already is no longer listened to.
      part.account.hold(stream.writableEnded ? 0 : part.meter.heldBytes, isNew)
    })
    stream.once('close', () => {
      if (time !== undefined) deadlines.remove(time)
      part?.account.close()
    })
  }
}

class RequestTime extends Expiring {
  readonly #stream: ServerHttp2Stream
  readonly limitMs: number

  constructor(stream: ServerHttp2Stream, limitMs: number) {
    super()
    this.#stream = stream
    this.limitMs = limitMs
  }

  override expire(): void {
    if (this.#stream.readableEnded) return
    endUnfinished(this.#stream, GrpcStatus.DEADLINE_EXCEEDED, `the request was not complete within ${this.limitMs} ms`)
  }
}
