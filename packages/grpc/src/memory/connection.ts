// A connection in memory: two pipes and the calls that run on it. When it is lost, both ends hear of it, each in
// its own process, and whatever was under way is gone.
import type { Scheduler, SocketAddress } from '@rocketmq-ts/runtime'
import { GrpcStatus, type Metadata } from '../transport.ts'
import { Pipe } from './pipe.ts'

/** What the server tells a call's client; runs in the client's process. */
export interface ClientEnd {
  headers(): void
  message(bytes: Uint8Array): void
  end(status: GrpcStatus, detail: string): void
}

/** What the client tells a call's server; runs in the server's process. */
export interface ServerEnd {
  message(bytes: Uint8Array): void
  halfClose(): void
  /** The client has consumed that much of the answers. */
  taken(bytes: number): void
  /** The client gave the call up, or cannot be reached. */
  lost(reason: string): void
}

export interface OpenRequest {
  readonly path: string
  readonly metadata: Metadata
  readonly remoteAddress: SocketAddress
  readonly timeoutMs: number | undefined
  readonly authority: string | undefined
  readonly client: ClientEnd
}

export interface Connection {
  readonly lost: boolean
  readonly toClient: Pipe
  /** Starts a call; the functions of the result may be called at once, and arrive in order. */
  open(request: Omit<OpenRequest, 'remoteAddress'>): ServerEnd & { forget(): void }
  /** 'link': both ends notice. 'server': its process is gone, only clients notice. */
  lose(cause: 'link' | 'server'): void
  onLoss(callback: () => void): void
}

export interface ConnectionOptions {
  readonly client: { readonly scheduler: Scheduler }
  readonly server: { readonly scheduler: Scheduler }
  readonly latencyMs: () => number
  readonly remoteAddress: SocketAddress
  readonly accept: (request: OpenRequest, connection: Connection) => ServerEnd
}

interface OpenCall {
  readonly client: ClientEnd
  server: ServerEnd | undefined
}

export function createConnection(options: ConnectionOptions): Connection {
  const toServer = new Pipe(options.server.scheduler, options.latencyMs)
  const toClient = new Pipe(options.client.scheduler, options.latencyMs)
  const calls = new Set<OpenCall>()
  const lossCallbacks: (() => void)[] = []
  let lost = false

  const connection: Connection = {
    get lost() {
      return lost
    },
    toClient,
    open(request) {
      const call: OpenCall = { client: request.client, server: undefined }
      calls.add(call)
      toServer.send(() => {
        call.server = options.accept({ ...request, remoteAddress: options.remoteAddress }, connection)
      })
      return {
        message: (bytes) => toServer.send(() => call.server?.message(bytes)),
        halfClose: () => toServer.send(() => call.server?.halfClose()),
        taken: (bytes) => toServer.send(() => call.server?.taken(bytes)),
        lost: (reason) => toServer.send(() => call.server?.lost(reason)),
        forget: () => calls.delete(call),
      }
    },
    lose(cause) {
      if (lost) return
      lost = true
      toServer.cut()
      toClient.cut()
      const open = [...calls]
      calls.clear()
      options.client.scheduler.soon(() => {
        for (const call of open) call.client.end(GrpcStatus.UNAVAILABLE, 'the connection was lost')
      })
      if (cause === 'link') {
        options.server.scheduler.soon(() => {
          for (const call of open) call.server?.lost('the connection was lost')
        })
      }
      for (const callback of lossCallbacks) callback()
    },
    onLoss(callback) {
      lossCallbacks.push(callback)
    },
  }
  return connection
}
