// gRPC without sockets, for simulation and tests: a server and its clients in one process, each side run by its own
// scheduler and clock. Nothing here reads time or defers work by itself, so a seed replays every call.
import { createDeadlines, type Effects, type SocketAddress } from '@rocketmq-ts/runtime'
import { DEFAULT_GRPC_LIMITS } from '../limits.ts'
import { ServerCall } from '../server-call.ts'
import { GrpcStatus, type GrpcMethods, type GrpcServer, type GrpcTransport } from '../transport.ts'
import { createMemoryClient, type MemoryGrpcClient } from './memory-client.ts'
import type { Connection, OpenRequest, ServerEnd } from './connection.ts'
import { createConnection } from './connection.ts'

/** The effects of one simulated process that calls need. */
export type MemorySide = Pick<Effects, 'clock' | 'scheduler'>

export interface MemoryGrpcOptions extends MemorySide {
  /** What clients reach; the simulated host and port. */
  readonly address?: SocketAddress
  readonly requestBytesMax?: number
  readonly unreadBytesMax?: number
  /** Asked for every step between client and server; 0, the default, is the next pass. */
  readonly latencyMs?: () => number
  readonly onDefect?: (error: unknown) => void
}

export interface MemoryConnectOptions {
  /** The client's process; the server's own where they are one. */
  readonly side?: MemorySide
  readonly address?: SocketAddress
}

export interface MemoryGrpc {
  readonly transport: GrpcTransport
  /** A client; it reconnects with its next call after a loss, as gRPC channels do. */
  connect(options?: MemoryConnectOptions): MemoryGrpcClient
  /** The server's process is gone: clients' calls end UNAVAILABLE, and none of the server's callbacks runs again. */
  crash(): void
}

const DEFAULT_SERVER_ADDRESS: SocketAddress = { host: '127.0.0.1', port: 8081 }
const DEFAULT_CLIENT_ADDRESS: SocketAddress = { host: '127.0.0.1', port: 50_000 }

/** Creates one server's memory transport. A restarted process gets a new one. */
export function createMemoryGrpc(options: MemoryGrpcOptions): MemoryGrpc {
  const address = options.address ?? DEFAULT_SERVER_ADDRESS
  const requestBytesMax = options.requestBytesMax ?? DEFAULT_GRPC_LIMITS.requestBytesMax
  const unreadBytesMax = options.unreadBytesMax ?? DEFAULT_GRPC_LIMITS.unreadBytesMax
  const latencyMs = options.latencyMs ?? (() => 0)
  const onDefect =
    options.onDefect ??
    ((error: unknown) => {
      throw error
    })
  const connections = new Set<Connection>()
  const calls = new Set<ServerCall>()
  const deadlines = createDeadlines(options)
  let serving: GrpcMethods | undefined
  let whenIdle: (() => void) | undefined

  function callEnded(call: ServerCall): void {
    calls.delete(call)
    if (calls.size === 0) whenIdle?.()
  }

  function accept(request: OpenRequest, connection: Connection): ServerEnd {
    const method = serving?.get(request.path)
    let unreadBytes = 0
    const call = new ServerCall({
      ...request,
      localAddress: address,
      authority: request.authority ?? `${address.host}:${address.port}`,
      secure: false,
      clock: options.clock,
      deadlines,
      onDefect,
      output: {
        write(message) {
          unreadBytes += message.byteLength
          connection.toClient.send(() => request.client.message(message))
          return unreadBytes < unreadBytesMax
        },
        finish(status, detail) {
          connection.toClient.send(() => request.client.end(status, detail))
        },
      },
      onEnd: () => callEnded(call),
    })
    calls.add(call)
    const taken = (bytes: number) => {
      const wasFull = unreadBytes >= unreadBytesMax
      unreadBytes -= bytes
      if (wasFull && unreadBytes < unreadBytesMax) call.readable()
    }
    const lost = (reason: string) => call.abandon(reason)
    if (serving === undefined) call.finish(GrpcStatus.UNAVAILABLE, 'no server takes calls here')
    else if (method === undefined) call.finish(GrpcStatus.UNIMPLEMENTED, `no such method: ${request.path}`)
    if (method === undefined) return { message() {}, halfClose() {}, taken, lost }
    const tooLong = (message: Uint8Array) => {
      if (message.byteLength <= requestBytesMax) return false
      call.terminate(
        GrpcStatus.RESOURCE_EXHAUSTED,
        `request of ${message.byteLength} bytes is above the limit of ${requestBytesMax}`,
      )
      return true
    }
    if (method.kind === 'bidirectional') {
      connection.toClient.send(() => request.client.headers())
      const receiver = call.open(method)
      return {
        message: (message) => {
          if (!tooLong(message)) receiver.message(message)
        },
        halfClose: () => receiver.end(),
        taken,
        lost,
      }
    }
    let received: Uint8Array | undefined
    return {
      message(message) {
        if (tooLong(message)) return
        if (received === undefined) received = message
        else call.terminate(GrpcStatus.UNIMPLEMENTED, `a second request message for ${request.path}`)
      },
      halfClose() {
        if (received === undefined) call.finish(GrpcStatus.UNIMPLEMENTED, `no request message for ${request.path}`)
        else call.handle(method, received)
      },
      taken,
      lost,
    }
  }

  function close(graceMs: number): Promise<void> {
    serving = undefined
    return new Promise((resolve) => {
      const closed = () => {
        whenIdle = undefined
        timer.cancel()
        resolve()
      }
      const timer = options.scheduler.after(graceMs, () => {
        for (const call of calls) call.terminate(GrpcStatus.UNAVAILABLE, 'the server is stopping')
      })
      whenIdle = closed
      if (calls.size === 0) closed()
    })
  }

  return {
    transport: {
      serve(methods) {
        serving = methods
        const server: GrpcServer = { addresses: [address], close }
        return Promise.resolve(server)
      },
    },
    connect(connectOptions = {}) {
      const side = connectOptions.side ?? options
      const remoteAddress = connectOptions.address ?? DEFAULT_CLIENT_ADDRESS
      return createMemoryClient(side, () => {
        const connection = createConnection({ client: side, server: options, latencyMs, remoteAddress, accept })
        connections.add(connection)
        connection.onLoss(() => connections.delete(connection))
        return connection
      })
    },
    crash() {
      serving = undefined
      calls.clear()
      for (const connection of connections) connection.lose('server')
    },
  }
}
