// The reference transport: @grpc/grpc-js behind a port of our own that takes TLS and plaintext alike.
import assert from 'node:assert'
import type { Http2Server } from 'node:http2'
import type net from 'node:net'
import { Server, ServerCredentials } from '@grpc/grpc-js'
import { type Clock, createDeadlines, type Logger, type Scheduler, type SocketAddress } from '@rocketmq-ts/runtime'
import { answerWrongPort, nodeClock, nodeScheduler } from '@rocketmq-ts/runtime/node'
import { DEFAULT_GRPC_LIMITS, type GrpcLimits } from '../limits.ts'
import type { ServerCall } from '../server-call.ts'
import { GrpcStatus, type GrpcMethods, type GrpcServer, type GrpcTransport } from '../transport.ts'
import { createCallOrigins } from './call-origins.ts'
import type { GrpcPortEvent } from './events.ts'
import { handlerOf } from './grpc-js-calls.ts'
import { openSniffedPort, refuse, remoteOf, type SpokenProtocol } from './sniffed-port.ts'
import { checkIdentity, createTlsAcceptor, type TlsAcceptor, type TlsIdentity } from './tls-acceptor.ts'
import { createRequestWatch } from './unfinished-requests.ts'

/** 'permissive' takes TLS and plaintext, the others one of them. Official clients differ in what they start with. */
export type TlsOptions = { readonly mode: 'disabled' } | (TlsIdentity & { readonly mode: 'permissive' | 'enforcing' })

export interface GrpcJsTransportOptions extends SocketAddress {
  readonly tls: TlsOptions
  readonly limits?: Partial<GrpcLimits>
  readonly logger: Logger<GrpcPortEvent>
  readonly clock?: Clock
  readonly scheduler?: Scheduler
  /** A method threw. The call was answered INTERNAL; the default only logs. */
  readonly onDefect?: (error: unknown) => void
}

export interface GrpcJsTransport extends GrpcTransport {
  /** Takes a new certificate for connections from now on. Throws MqError 'parameter-invalid', keeping the old one. */
  replaceCertificate(identity: TlsIdentity): void
}

const NO_TLS_HERE =
  'the client speaks TLS and this port takes none (tlsMode is disabled): turn TLS off in the client, or start the ' +
  'proxy with --tls-mode permissive'
const TLS_ONLY =
  'this port takes TLS only (tlsMode is enforcing): turn TLS on in the client, or start the proxy with --tls-mode ' +
  'permissive'
const NO_BYTES = Buffer.alloc(0)

/** After the grace of `close`, how long the last answers may take to leave. */
const FLUSH_MS = 500

/** Creates a transport for one port; port 0 takes a free one. */
export function createGrpcJsTransport(options: GrpcJsTransportOptions): GrpcJsTransport {
  const limits: GrpcLimits = { ...DEFAULT_GRPC_LIMITS, ...options.limits }
  const { logger, tls, clock = nodeClock, scheduler = nodeScheduler } = options
  // One acceptor per served port, and each must hear of a new certificate.
  let identity: TlsIdentity | undefined = tls.mode === 'disabled' ? undefined : tls
  const acceptors = new Set<TlsAcceptor>()

  function onDefect(error: unknown): void {
    logger.error({ event: 'grpc.method.failed', reason: String(error instanceof Error ? error.stack : error) })
    options.onDefect?.(error)
  }

  async function serve(methods: GrpcMethods): Promise<GrpcServer> {
    const calls = new Set<ServerCall>()
    const server = new Server(serverOptions(limits))
    const deadlines = createDeadlines({ clock, scheduler })
    const watchRequest = createRequestWatch({
      bytesMax: limits.unfinishedBytesMax,
      requestBytesMax: limits.requestBytesMax,
      patienceMs: limits.unfinishedPatienceMs,
      clock,
      scheduler,
      deadlines,
      onGivenUp: (reason) => logger.warn({ event: 'grpc.request.given-up', reason }),
    })
    const origins = createCallOrigins((stream, path, timeoutMs = Infinity) => {
      // A bidirectional call may stay open as long as its client likes; an unknown one is answered at once.
      const isTimed = (methods.get(path)?.kind ?? 'bidirectional') !== 'bidirectional'
      watchRequest(stream, isTimed ? Math.min(timeoutMs, limits.requestTimeoutMs) : undefined)
    })
    const adapter = {
      clock,
      deadlines,
      calls,
      onDefect,
      unreadBytesMax: limits.unreadBytesMax,
      originOf: origins.of,
    }
    for (const [path, method] of methods) {
      const { type, handle } = handlerOf(method, adapter)
      server.register(path, handle, toBuffer, (bytes: Buffer) => bytes, type)
    }
    const injector = server.createConnectionInjector(ServerCredentials.createInsecure())
    origins.watch(http2ServerOf(server))
    let closing = false
    const inject = (socket: net.Socket) => {
      if (closing) socket.destroy()
      else injector.injectConnection(socket)
    }
    const acceptor =
      identity &&
      createTlsAcceptor({
        identity,
        timeoutMs: limits.handshakeTimeoutMs,
        ready: inject,
        failed: (socket, reason) => logger.warn({ event: 'grpc.connection.failed', remote: remoteOf(socket), reason }),
      })
    const accept = (socket: net.Socket, protocol: SpokenProtocol) => {
      if (protocol === 'tls' && acceptor !== undefined) acceptor.accept(socket)
      else if (protocol === 'tls') refuse(socket, NO_TLS_HERE, logger)
      else if (tls.mode === 'enforcing') {
        logger.warn({ event: 'grpc.connection.refused', remote: remoteOf(socket), reason: TLS_ONLY })
        answerWrongPort(socket, NO_BYTES, 'http2', TLS_ONLY)
      } else inject(socket)
    }
    const port = await openSniffedPort({
      host: options.host,
      port: options.port,
      connectionsMax: limits.connectionsMax,
      firstBytesTimeoutMs: limits.handshakeTimeoutMs,
      scheduler,
      logger,
      accept,
    })
    if (acceptor !== undefined) acceptors.add(acceptor)
    logger.info({ event: 'grpc.listening', ...port.address, tls: tls.mode })
    return {
      addresses: [port.address],
      async close(graceMs) {
        closing = true
        const gone = port.close()
        server.tryShutdown(() => {})
        const grace = scheduler.after(graceMs, () => {
          for (const call of calls) call.terminate(GrpcStatus.UNAVAILABLE, 'the server is stopping')
        })
        const force = scheduler.after(graceMs + FLUSH_MS, () => {
          server.forceShutdown()
          port.destroyConnections()
        })
        await gone
        if (acceptor !== undefined) acceptors.delete(acceptor)
        grace.cancel()
        force.cancel()
      },
    }
  }

  return {
    serve,
    replaceCertificate(next) {
      assert(identity !== undefined, 'TLS is disabled, so there is no certificate to replace')
      checkIdentity(next)
      identity = next
      for (const acceptor of acceptors) acceptor.replace(next)
      logger.info({ event: 'grpc.certificate.replaced' })
    },
  }
}

function serverOptions(limits: GrpcLimits) {
  return {
    'grpc.max_receive_message_length': limits.requestBytesMax,
    'grpc.max_send_message_length': -1,
    'grpc.max_concurrent_streams': limits.streamsPerConnectionMax,
    'grpc.keepalive_time_ms': limits.keepaliveIntervalMs,
    'grpc.keepalive_timeout_ms': limits.keepaliveTimeoutMs,
    'grpc.enable_channelz': 0,
  }
}

function toBuffer(message: Uint8Array): Buffer {
  return Buffer.from(message.buffer, message.byteOffset, message.byteLength)
}

/** grpc-js keeps its HTTP/2 servers to itself; the version is pinned, and this fails loudly when that changes. */
function http2ServerOf(server: Server): Http2Server {
  const { http2Servers } = server as unknown as { http2Servers: Map<Http2Server, unknown> }
  const [http2Server] = http2Servers.keys()
  assert(http2Server !== undefined, 'this version of grpc-js keeps its HTTP/2 servers elsewhere')
  return http2Server
}
