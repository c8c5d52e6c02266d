// The reference transport: @grpc/grpc-js behind a port of our own that takes TLS and plaintext alike.
import assert from 'node:assert'
import type { Http2Server, IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from 'node:http2'
import type net from 'node:net'
import { Server, ServerCredentials, type Metadata as GrpcMetadata } from '@grpc/grpc-js'
import type { Clock, Logger, Scheduler, SocketAddress } from '@rocketmq-ts/runtime'
import { answerWrongPort, nodeClock, nodeScheduler } from '@rocketmq-ts/runtime/node'
import { parseGrpcTimeout } from '../grpc-timeout.ts'
import { DEFAULT_GRPC_LIMITS, type GrpcLimits } from '../limits.ts'
import type { ServerCall } from '../server-call.ts'
import { GrpcStatus, type GrpcMethods, type GrpcServer, type GrpcTransport } from '../transport.ts'
import type { GrpcPortEvent } from './events.ts'
import { handlerOf, type CallOrigin } from './grpc-js-calls.ts'
import { openSniffedPort, plainHost, refuse, remoteOf, type SpokenProtocol } from './sniffed-port.ts'
import { checkIdentity, createTlsAcceptor, type TlsAcceptor, type TlsIdentity } from './tls-acceptor.ts'
import { createRequestBudget, watchRequest } from './unfinished-requests.ts'

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

/** Leads from a call's metadata to its origin. Set by us on every call, whatever the client sent under this name. */
const ORIGIN_HEADER = 'rocketmq-ts-origin'

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
    const holdWithin = createRequestBudget({
      bytesMax: limits.unfinishedBytesMax,
      requestBytesMax: limits.requestBytesMax,
      patienceMs: limits.unfinishedPatienceMs,
      clock,
      scheduler,
      onGivenUp: (reason) => logger.warn({ event: 'grpc.request.given-up', reason }),
    })
    const origins = watchOrigins((stream, path, timeoutMs = Infinity) => {
      holdWithin(stream)
      // A bidirectional call may stay open as long as its client likes; an unknown one is answered at once.
      const kind = methods.get(path)?.kind ?? 'bidirectional'
      if (kind === 'bidirectional') return
      watchRequest(stream, Math.min(timeoutMs, limits.requestTimeoutMs), scheduler)
    })
    const adapter = {
      clock,
      scheduler,
      calls,
      onDefect,
      unreadBytesMax: limits.unreadBytesMax,
      originOf: origins.take,
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

const MALFORMED_TIMEOUT = 'malformed'

/** grpc-js keeps its HTTP/2 servers to itself; the version is pinned, and this fails loudly when that changes. */
function http2ServerOf(server: Server): Http2Server {
  const { http2Servers } = server as unknown as { http2Servers: Map<Http2Server, unknown> }
  const [http2Server] = http2Servers.keys()
  assert(http2Server !== undefined, 'this version of grpc-js keeps its HTTP/2 servers elsewhere')
  return http2Server
}

interface Connection {
  readonly remoteAddress: SocketAddress
  readonly localAddress: SocketAddress
  readonly secure: boolean
}

/**
 * Sees each call before grpc-js does. It notes the connection, which grpc-js only half shows, and takes the deadline
 * out: grpc-js cuts it to 32 bits, so that a deadline of a year passes within days, or at once.
 */
function watchOrigins(onCall: (stream: ServerHttp2Stream, path: string, timeoutMs: number | undefined) => void) {
  const connections = new Map<number, Connection>()
  const numbers = new WeakMap<ServerHttp2Session, number>()
  let lastNumber = 0

  function numberOf(session: ServerHttp2Session): number {
    const known = numbers.get(session)
    if (known !== undefined) return known
    lastNumber += 1
    const number = lastNumber
    numbers.set(session, number)
    connections.set(number, connectionOf(session))
    session.once('close', () => connections.delete(number))
    return number
  }

  function mark(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    const { session } = stream
    const timeout = headers['grpc-timeout']
    const timeoutMs = typeof timeout === 'string' ? parseGrpcTimeout(timeout) : undefined
    // A malformed one is left for grpc-js to refuse, which would find '1S' in '-1S'.
    if (timeoutMs !== undefined) delete headers['grpc-timeout']
    else if (timeout !== undefined) headers['grpc-timeout'] = MALFORMED_TIMEOUT
    const number = session === undefined ? 0 : numberOf(session as ServerHttp2Session)
    headers[ORIGIN_HEADER] = `${number} ${timeoutMs ?? ''}`
    onCall(stream, headers[':path'] ?? '', timeoutMs)
  }

  return {
    watch(http2Server: Http2Server) {
      http2Server.prependListener('stream', mark)
    },
    take(metadata: GrpcMetadata): CallOrigin {
      const [number, timeout] = String(metadata.get(ORIGIN_HEADER)[0]).split(' ')
      metadata.remove(ORIGIN_HEADER)
      const connection = connections.get(Number(number)) ?? LOST_CONNECTION
      return { ...connection, timeoutMs: timeout === '' || timeout === undefined ? undefined : Number(timeout) }
    },
  }
}

const UNKNOWN_ADDRESS: SocketAddress = { host: 'unknown', port: 0 }
const LOST_CONNECTION: Connection = { remoteAddress: UNKNOWN_ADDRESS, localAddress: UNKNOWN_ADDRESS, secure: false }

function connectionOf(session: ServerHttp2Session): Connection {
  const { socket } = session
  return {
    remoteAddress: { host: plainHost(socket.remoteAddress), port: socket.remotePort ?? 0 },
    localAddress: { host: plainHost(socket.localAddress), port: socket.localPort ?? 0 },
    secure: session.encrypted === true,
  }
}
