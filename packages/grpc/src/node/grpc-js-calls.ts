// Calls as grpc-js shows them ↔ calls as our methods see them. Messages stay raw bytes in both directions.
import { Metadata as GrpcMetadata, type handleBidiStreamingCall, type ServerDuplexStream } from '@grpc/grpc-js'
import type { handleServerStreamingCall, handleUnaryCall, ServerWritableStream } from '@grpc/grpc-js'
import type { Clock, Scheduler, SocketAddress } from '@rocketmq-ts/runtime'
import { ServerCall, type CallOutput } from '../server-call.ts'
import { GrpcStatus, type GrpcMethod, type Metadata } from '../transport.ts'

/** What is known of the connection and the deadline of a call before grpc-js sees it. */
export interface CallOrigin {
  readonly remoteAddress: SocketAddress
  readonly localAddress: SocketAddress
  readonly secure: boolean
  readonly timeoutMs: number | undefined
}

export interface CallAdapterOptions {
  readonly clock: Clock
  readonly scheduler: Scheduler
  readonly unreadBytesMax: number
  readonly onDefect: (error: unknown) => void
  /** Finds the origin of a call, and takes the mark that led to it out of the metadata. */
  readonly originOf: (metadata: GrpcMetadata) => CallOrigin
  /** All calls that run, for shutdown. */
  readonly calls: Set<ServerCall>
}

interface SurfaceCall {
  readonly metadata: GrpcMetadata
  getHost(): string
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
  let unreadBytes = 0
  const call = startCall(stream, options, {
    write(message) {
      unreadBytes += message.byteLength
      stream.write(message, () => {
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

function startCall(surface: SurfaceCall, options: CallAdapterOptions, output: CallOutput): ServerCall {
  const origin = options.originOf(surface.metadata)
  const call = new ServerCall({
    ...origin,
    metadata: metadataOf(surface.metadata),
    authority: surface.getHost(),
    clock: options.clock,
    scheduler: options.scheduler,
    output,
    onDefect: options.onDefect,
    onEnd: () => options.calls.delete(call),
  })
  options.calls.add(call)
  // grpc-js says this after every call; one that has ended does not listen.
  surface.on('cancelled', () => call.abandon('the client cancelled or its connection was lost'))
  return call
}

function metadataOf(metadata: GrpcMetadata): Metadata {
  return new Map(
    Object.entries(metadata.getMap()).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])),
  )
}
