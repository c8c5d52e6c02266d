// A client's gRPC channel to one proxy, across restarts of it: calls go to whatever process runs there now, and end
// UNAVAILABLE while none does, as with a refused connection.
import {
  GrpcStatus,
  type MemoryCallOptions,
  type MemoryGrpcClient,
  type MemorySide,
  type MemoryStream,
  type ResponseHandler,
  type UnaryAnswer,
} from '@rocketmq-ts/grpc'
import type { ProxyProcess } from './service-mains.ts'
import type { ServiceNode } from './service-node.ts'

/** How soon a client learns that nothing listens. */
const REFUSED_AFTER_MS = 2

export interface ProxyChannel {
  /** Name of the proxy. */
  readonly proxy: string
  unary(path: string, request: Uint8Array, options: MemoryCallOptions): Promise<UnaryAnswer>
  serverStreaming(path: string, request: Uint8Array, handler: ResponseHandler, options: MemoryCallOptions): void
  bidirectional(path: string, handler: ResponseHandler, options: MemoryCallOptions): MemoryStream | undefined
  /** The connection is lost; the next call connects anew. */
  disconnect(): void
}

export function createProxyChannel(node: ServiceNode<ProxyProcess>, side: MemorySide): ProxyChannel {
  let client: MemoryGrpcClient | undefined
  let servedBy: ProxyProcess | undefined

  function connected(): MemoryGrpcClient | undefined {
    const process = node.handle
    if (process === undefined) return undefined
    if (process !== servedBy) {
      servedBy = process
      client = process.grpc.connect({ side })
    }
    return client
  }

  function refuseSoon(end: (status: GrpcStatus, detail: string) => void): void {
    side.scheduler.after(REFUSED_AFTER_MS, () => end(GrpcStatus.UNAVAILABLE, 'connection refused'))
  }

  return {
    proxy: node.name,
    unary(path, request, options) {
      const open = connected()
      if (open !== undefined) return open.unary(path, request, options)
      return new Promise((resolve) => {
        refuseSoon((status, detail) => resolve({ status, detail, message: undefined }))
      })
    },
    serverStreaming(path, request, handler, options) {
      const open = connected()
      if (open === undefined) refuseSoon((status, detail) => handler.end(status, detail))
      else open.serverStreaming(path, request, handler, options)
    },
    bidirectional(path, handler, options) {
      const open = connected()
      if (open === undefined) refuseSoon((status, detail) => handler.end(status, detail))
      return open?.bidirectional(path, handler, options)
    },
    disconnect() {
      client?.disconnect()
    },
  }
}
