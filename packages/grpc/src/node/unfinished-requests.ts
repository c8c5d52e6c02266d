// Calls whose client never ends its request: grpc-js hands a call over only when its request is whole, and waits for it
// without an end. Invariant: every stream that is watched ends, by its client or by its time.
import type { ServerHttp2Stream } from 'node:http2'
import type { Scheduler } from '@rocketmq-ts/runtime'
import { GrpcStatus } from '../transport.ts'

const NO_ERROR = 0

/** Ends the call with DEADLINE_EXCEEDED unless its request is whole within `limitMs`. */
export function watchRequest(stream: ServerHttp2Stream, limitMs: number, scheduler: Scheduler): void {
  const timer = scheduler.after(limitMs, () => {
    if (stream.destroyed || stream.headersSent) return
    const trailers = {
      ':status': 200,
      'content-type': 'application/grpc',
      'grpc-status': String(GrpcStatus.DEADLINE_EXCEEDED),
      'grpc-message': `the request was not complete within ${limitMs} ms`,
    }
    stream.respond(trailers, { endStream: true })
    stream.close(NO_ERROR)
  })
  const cancel = () => timer.cancel()
  stream.once('end', cancel)
  stream.once('close', cancel)
}
