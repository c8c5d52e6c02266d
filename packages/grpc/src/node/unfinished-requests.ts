// Calls whose request is not whole: grpc-js hands a call over only when it is, keeps what has come until then, and waits
// without an end. Invariant: every stream that is watched ends, by its client or by its time, and what all of them hold
// has a bound.
import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2'
import { createInputBudget, type InputBudgetOptions, type InputConnection, type Scheduler } from '@rocketmq-ts/runtime'
import { GrpcStatus } from '../transport.ts'
import { createMessageMeter } from './message-meter.ts'

const NO_ERROR = 0

/** Ends the call with DEADLINE_EXCEEDED unless its request is whole within `limitMs`. */
export function watchRequest(stream: ServerHttp2Stream, limitMs: number, scheduler: Scheduler): void {
  const timer = scheduler.after(limitMs, () => {
    endUnfinished(stream, GrpcStatus.DEADLINE_EXCEEDED, `the request was not complete within ${limitMs} ms`)
  })
  const cancel = () => timer.cancel()
  stream.once('end', cancel)
  stream.once('close', cancel)
}

/** An answer in place of grpc-js, which has none before a request is whole. */
function endUnfinished(stream: ServerHttp2Stream, status: GrpcStatus, message: string): void {
  if (stream.destroyed) return
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

export interface RequestBudgetOptions extends InputBudgetOptions {
  /** A call was ended to make room. */
  readonly onGivenUp: (reason: string) => void
}

/**
 * One budget for the messages of all calls that have come in part. Gives a function that takes each stream before
 * grpc-js listens to it. At the bound streams are paused, so that their clients may send no more than a window; calls
 * that are given up end with RESOURCE_EXHAUSTED.
 */
export function createRequestBudget(options: RequestBudgetOptions): (stream: ServerHttp2Stream) => void {
  const budget = createInputBudget(options)
  const connections = new WeakMap<ServerHttp2Session, InputConnection>()

  function connectionOf(session: ServerHttp2Session): InputConnection {
    const known = connections.get(session)
    if (known !== undefined) return known
    const connection = budget.connection()
    connections.set(session, connection)
    return connection
  }

  return (stream) => {
    if (stream.session === undefined) return
    const meter = createMessageMeter(options.requestBytesMax)
    const account = connectionOf(stream.session as ServerHttp2Session).open({
      pause: () => void stream.pause(),
      // Only a stream whose message is not whole is paused here, and of that grpc-js wants the rest.
      resume: () => void stream.resume(),
      drop(reason) {
        options.onGivenUp(reason)
        endUnfinished(stream, GrpcStatus.RESOURCE_EXHAUSTED, reason)
        // What is still on its way is read and thrown away, otherwise the stream would never close.
        stream.resume()
      },
    })
    stream.on('data', (chunk: Uint8Array) => {
      const isNew = meter.take(chunk)
      // Who has its answer already is no longer listened to.
      account.hold(stream.writableEnded ? 0 : meter.heldBytes, isNew)
    })
    stream.once('close', () => account.close())
  }
}
