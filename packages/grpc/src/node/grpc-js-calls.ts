// Calls as grpc-js shows them ↔ calls as our methods see them. Messages stay raw bytes in both directions.
import type { ServerHttp2Stream } from 'node:http2'
import { Metadata as GrpcMetadata, type handleBidiStreamingCall, type ServerDuplexStream } from '@grpc/grpc-js'
import type { handleServerStreamingCall, handleUnaryCall, ServerWritableStream } from '@grpc/grpc-js'
import type { Clock, Deadlines } from '@rocketmq-ts/runtime'
import { ServerCall, type CallOutput } from '../server-call.ts'
import { GrpcStatus, type GrpcMethod } from '../transport.ts'
import { type CallOrigin, callBehind } from './call-origins.ts'

export interface CallAdapterOptions {
  readonly clock: Clock
  readonly deadlines: Deadlines
  readonly unreadBytesMax: number
  readonly onDefect: (error: unknown) => void
  readonly originOf: (surface: object) => CallOrigin
  /** All calls that run, for shutdown. */
  readonly calls: Set<ServerCall>
}

interface SurfaceCall {
  on(event: 'cancelled', listener: () => void): unknown
}

type Handler =
  | { readonly type: 'unary'; readonly handle: handleUnaryCall<Uint8Array, Uint8Array> }
  | { readonly type: 'serverStream'; readonly handle: handleServerStreamingCall<Uint8Array, Uint8Array> }
  | { readonly type: 'bidi'; readonly handle: handleBidiStreamingCall<Uint8Array, Uint8Array> }

/** The grpc-js handler that runs a method. */
export function handlerOf(method: GrpcMethod, options: CallAdapterOptions): Handler {
  if (method.kind === 'unary') {
    return {
      type: 'unary',
      handle(call, callback) {
        let answer: Uint8Array | undefined
        startCall(call, options, {
          write(message) {
            answer = message
            return true
          },
          finish(status, detail) {
            if (status === GrpcStatus.OK && answer !== undefined) callback(null, answer)
            else if (status === GrpcStatus.OK) callback({ code: GrpcStatus.INTERNAL, details: 'no answer was made' })
            else callback({ code: status, details: detail.toWellFormed() })
          },
        }).handle(method, call.request)
      },
    }
  }
  if (method.kind === 'server-streaming') {
    return {
      type: 'serverStream',
      handle: (call) => startStream(call, options).handle(method, call.request),
    }
  }
  return {
    type: 'bidi',
    handle(call) {
      // At once: clients such as Rust's wait for the headers before they send anything.
      call.sendMetadata(new GrpcMetadata())
      const receiver = startStream(call, options).open(method)
      call.on('data', (message: Uint8Array) => receiver.message(message))
      call.on('end', () => receiver.end())
    },
  }
}

type AnswerStream = ServerWritableStream<Uint8Array, Uint8Array> | ServerDuplexStream<Uint8Array, Uint8Array>

function startStream(stream: AnswerStream, options: CallAdapterOptions): ServerCall {
  // What grpc-js shows takes one message at a time, and each waits until the one before is on the connection.
  const behind = callBehind(stream)
  let unreadBytes = 0
  const call = startCall(stream, options, {
    write(message) {
      unreadBytes += message.byteLength
      gatherWrites(behind.stream)
      behind.sendMessage(message, () => {
        const wasFull = unreadBytes >= options.unreadBytesMax
        unreadBytes -= message.byteLength
        if (wasFull && unreadBytes < options.unreadBytesMax) call.readable()
      })
      return unreadBytes < options.unreadBytesMax
    },
    finish(status, detail) {
      if (status === GrpcStatus.OK) stream.end()
      else stream.emit('error', { code: status, details: detail.toWellFormed() })
    },
  })
  return call
}

/** All that is written to the stream in this tick goes to the connection as one write. */
function gatherWrites(stream: ServerHttp2Stream): void {
  if (stream.writableCorked > 0 || stream.writableEnded) return
  stream.cork()
  process.nextTick(() => stream.uncork())
}

function startCall(surface: SurfaceCall, options: CallAdapterOptions, output: CallOutput): ServerCall {
  const { connection, metadata, authority, timeoutMs } = options.originOf(surface)
  const { clock, deadlines, onDefect, calls } = options
  const { remoteAddress, localAddress, secure } = connection
  const call = new ServerCall({
    remoteAddress,
    localAddress,
    secure,
    metadata,
    authority,
    timeoutMs,
    clock,
    deadlines,
    output,
    onDefect,
    onEnd: () => calls.delete(call),
  })
  calls.add(call)
  // grpc-js says this after every call; one that has ended does not listen.
  surface.on('cancelled', () => call.abandon('the client cancelled or its connection was lost'))
  return call
}
