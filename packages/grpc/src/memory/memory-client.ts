// A gRPC client for simulation and tests. Its callbacks run in the client's process, through the client's scheduler.
import assert from 'node:assert'
import type { Timer } from '@rocketmq-ts/runtime'
import { GrpcStatus, type Metadata } from '../transport.ts'
import type { ClientEnd, Connection } from './connection.ts'
import type { MemorySide } from './memory-grpc.ts'

export interface MemoryCallOptions {
  readonly metadata?: Metadata
  /** Milliseconds until the client gives up with DEADLINE_EXCEEDED; without, it waits. */
  readonly timeoutMs?: number
  readonly authority?: string
}

/** What a client is told of a call. `end` comes once and last. */
export interface ResponseHandler {
  /** The server has accepted a bidirectional call, maybe long before its first message. */
  headers?(): void
  message(bytes: Uint8Array): void
  end(status: GrpcStatus, detail: string): void
}

export interface UnaryAnswer {
  readonly status: GrpcStatus
  readonly detail: string
  /** Set with status OK. */
  readonly message: Uint8Array | undefined
}

export interface MemoryCall {
  cancel(): void
  /** Stops taking messages, so that the server's `write` says false in time. */
  pause(): void
  resume(): void
}

export interface MemoryStream extends MemoryCall {
  write(message: Uint8Array): void
  /** No more messages will follow. */
  halfClose(): void
}

export interface MemoryGrpcClient {
  unary(path: string, request: Uint8Array, options?: MemoryCallOptions): Promise<UnaryAnswer>
  serverStreaming(path: string, request: Uint8Array, handler: ResponseHandler, options?: MemoryCallOptions): MemoryCall
  bidirectional(path: string, handler: ResponseHandler, options?: MemoryCallOptions): MemoryStream
  /** Injects a lost connection: open calls end UNAVAILABLE on both sides. The next call connects anew. */
  disconnect(): void
}

export function createMemoryClient(side: MemorySide, connect: () => Connection): MemoryGrpcClient {
  let connection: Connection | undefined

  function start(path: string, handler: ResponseHandler, options: MemoryCallOptions = {}): MemoryStream {
    if (connection === undefined || connection.lost) connection = connect()
    return startCall(side, connection, path, handler, options)
  }

  return {
    unary(path, request, options) {
      return new Promise((resolve) => {
        let message: Uint8Array | undefined
        const handler: ResponseHandler = {
          message(bytes) {
            assert(message === undefined, `a second answer of the unary method ${path}`)
            message = bytes
          },
          end(status, detail) {
            if (status !== GrpcStatus.OK) resolve({ status, detail, message: undefined })
            else if (message !== undefined) resolve({ status, detail, message })
            else resolve({ status: GrpcStatus.INTERNAL, detail: `no answer from ${path}`, message })
          },
        }
        sendOne(start(path, handler, options), request)
      })
    },
    serverStreaming(path, request, handler, options) {
      return sendOne(start(path, handler, options), request)
    },
    bidirectional: start,
    disconnect() {
      connection?.lose('link')
    },
  }
}

function sendOne(stream: MemoryStream, request: Uint8Array): MemoryCall {
  stream.write(request)
  stream.halfClose()
  return stream
}

function startCall(
  side: MemorySide,
  connection: Connection,
  path: string,
  handler: ResponseHandler,
  options: MemoryCallOptions,
): MemoryStream {
  let ended = false
  let paused = false
  let held: (() => void)[] = []
  let deadline: Timer | undefined

  function end(status: GrpcStatus, detail: string): void {
    if (ended) return
    ended = true
    held = []
    deadline?.cancel()
    server.forget()
    handler.end(status, detail)
  }

  /** Runs now, or when the client reads on. */
  function deliver(step: () => void): void {
    if (paused) held.push(step)
    else step()
  }

  const client: ClientEnd = {
    headers() {
      if (!ended) handler.headers?.()
    },
    message(bytes) {
      deliver(() => {
        if (ended) return
        server.taken(bytes.byteLength)
        handler.message(bytes)
      })
    },
    end(status, detail) {
      deliver(() => end(status, detail))
    },
  }
  const { timeoutMs } = options
  const server = connection.open({
    path,
    client,
    timeoutMs,
    metadata: options.metadata ?? new Map(),
    authority: options.authority,
  })
  if (timeoutMs !== undefined) {
    deadline = side.scheduler.after(timeoutMs, () => {
      server.lost('the deadline of the call has passed')
      end(GrpcStatus.DEADLINE_EXCEEDED, 'the deadline of the call has passed')
    })
  }

  return {
    write(message) {
      if (!ended) server.message(message)
    },
    halfClose() {
      if (!ended) server.halfClose()
    },
    cancel() {
      if (ended) return
      server.lost('the client cancelled')
      end(GrpcStatus.CANCELLED, 'cancelled by the client')
    },
    pause() {
      paused = true
    },
    resume() {
      paused = false
      const steps = held
      held = []
      // A step may pause again; the rest is then held anew, in order.
      for (const step of steps) deliver(step)
    },
  }
}
