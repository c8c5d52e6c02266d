// A real grpc-js client behind the interface of the memory client, so that one suite drives both.
import net from 'node:net'
import {
  Client,
  credentials,
  Metadata,
  type CallOptions,
  type ChannelCredentials,
  type ClientReadableStream,
  type ServiceError,
  type StatusObject,
} from '@grpc/grpc-js'
import type { SocketAddress } from '@rocketmq-ts/runtime'
import type { GrpcStatus, MemoryCallOptions, MemoryGrpcClient, ResponseHandler } from '@rocketmq-ts/grpc'

const raw = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** Accepts any certificate, as most official clients do. */
export function anyCertificate(): ChannelCredentials {
  return credentials.createSsl(null, null, null, { rejectUnauthorized: false, checkServerIdentity: () => undefined })
}

export interface GrpcJsClient extends MemoryGrpcClient {
  close(): void
}

/** Connects through a relay of its own, so that the connection can be cut. */
export async function createGrpcJsClient(
  server: SocketAddress,
  security = credentials.createInsecure(),
): Promise<GrpcJsClient> {
  const relay = await openRelay(server)
  const client = new Client(`127.0.0.1:${relay.port}`, security, {
    'grpc.use_local_subchannel_pool': 1,
    'grpc.ssl_target_name_override': 'localhost',
    'grpc.initial_reconnect_backoff_ms': 1,
    'grpc.max_reconnect_backoff_ms': 5,
    'grpc.enable_retries': 0,
    'grpc.max_receive_message_length': -1,
  })

  function follow(call: ClientReadableStream<Buffer>, handler: ResponseHandler): void {
    call.on('metadata', () => handler.headers?.())
    call.on('data', (message: Buffer) => handler.message(message))
    call.on('error', () => {})
    call.on('status', (status: StatusObject) => handler.end(status.code as GrpcStatus, status.details))
  }

  return {
    unary(path, request, options = {}) {
      return new Promise((resolve) => {
        const done = (error: ServiceError | null, message?: Buffer) => {
          resolve({ status: (error?.code ?? 0) as GrpcStatus, detail: error?.details ?? '', message })
        }
        client.makeUnaryRequest(path, raw, (b: Buffer) => b, request, metadataOf(options), optionsOf(options), done)
      })
    },
    serverStreaming(path, request, handler, options = {}) {
      const call = client.makeServerStreamRequest(
        path,
        raw,
        (b: Buffer) => b,
        request,
        metadataOf(options),
        optionsOf(options),
      )
      follow(call, handler)
      return controlsOf(call)
    },
    bidirectional(path, handler, options = {}) {
      const call = client.makeBidiStreamRequest(path, raw, (b: Buffer) => b, metadataOf(options), optionsOf(options))
      follow(call as unknown as ClientReadableStream<Buffer>, handler)
      return {
        ...controlsOf(call),
        write: (message) => void call.write(message),
        halfClose: () => void call.end(),
      }
    },
    disconnect() {
      relay.cut()
    },
    close() {
      client.close()
      relay.close()
    },
  }
}

async function openRelay(server: SocketAddress): Promise<{ port: number; cut(): void; close(): void }> {
  const sockets = new Set<net.Socket>()
  const relay = net.createServer((near) => {
    const far = net.connect(server)
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.setNoDelay(true)
      socket.on('error', () => {})
      socket.once('close', () => {
        sockets.delete(socket)
        near.destroy()
        far.destroy()
      })
    }
    near.pipe(far).pipe(near)
  })
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve))
  const cut = () => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    port: (relay.address() as net.AddressInfo).port,
    cut,
    close() {
      relay.close()
      cut()
    },
  }
}

function controlsOf(call: { cancel(): void; pause(): unknown; resume(): unknown }) {
  return { cancel: () => call.cancel(), pause: () => void call.pause(), resume: () => void call.resume() }
}

function metadataOf(options: MemoryCallOptions): Metadata {
  const metadata = new Metadata()
  for (const [name, value] of options.metadata ?? []) metadata.set(name, value)
  return metadata
}

function optionsOf({ timeoutMs, authority }: MemoryCallOptions): CallOptions {
  return {
    ...(timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs }),
    ...(authority === undefined ? {} : { host: authority }),
  }
}
