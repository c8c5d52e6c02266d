// What is known of a call before grpc-js sees it: its connection, which grpc-js only half shows; its headers, which
// grpc-js would copy three times; its deadline, which grpc-js cuts to 32 bits, so that one of a year passes within days.
// grpc-js gets the few headers that it looks at itself, always in the same shape.
import assert from 'node:assert'
import type { Http2Server, IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from 'node:http2'
import type { ServerInterceptingCallInterface } from '@grpc/grpc-js'
import type { SocketAddress } from '@rocketmq-ts/runtime'
import { parseGrpcTimeout } from '../grpc-timeout.ts'
import type { Metadata } from '../transport.ts'
import { plainHost } from './sniffed-port.ts'

interface Connection {
  readonly remoteAddress: SocketAddress
  readonly localAddress: SocketAddress
  readonly secure: boolean
}

/** A call as its stream shows it. */
export interface CallOrigin {
  readonly connection: Connection
  /** As the client sent them; the transport's own headers are left out. */
  readonly metadata: Metadata
  readonly authority: string
  /** Undefined without a deadline. */
  readonly timeoutMs: number | undefined
}

export interface CallOrigins {
  /** Takes the place of grpc-js in front of its server; called once, before the first connection. */
  watch(http2Server: Http2Server): void
  /** The origin of a call that grpc-js hands to its handler. */
  of(surface: object): CallOrigin
}

const MALFORMED_TIMEOUT = 'malformed'
/** Headers of gRPC and HTTP, which are no metadata. */
const TRANSPORT_HEADERS: ReadonlySet<string> = new Set([
  'accept-encoding',
  'content-type',
  'grpc-accept-encoding',
  'grpc-encoding',
  'grpc-timeout',
  'te',
])
const BINARY_SUFFIX = '-bin'

type StreamListener = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void

/** `onCall` is told of each call, before grpc-js. */
export function createCallOrigins(
  onCall: (stream: ServerHttp2Stream, path: string, timeoutMs: number | undefined) => void,
): CallOrigins {
  const origins = new WeakMap<ServerHttp2Stream, CallOrigin>()
  const connections = new WeakMap<ServerHttp2Session, Connection>()

  function connectionOf(session: ServerHttp2Session | undefined): Connection {
    if (session === undefined) return LOST_CONNECTION
    let connection = connections.get(session)
    if (connection === undefined) {
      connection = describe(session)
      connections.set(session, connection)
    }
    return connection
  }

  /** Notes the origin; gives the headers that grpc-js gets. */
  function note(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): IncomingHttpHeaders {
    const timeout = headers['grpc-timeout']
    const timeoutMs = typeof timeout === 'string' ? parseGrpcTimeout(timeout) : undefined
    const authority = headers[':authority'] ?? headers.host
    origins.set(stream, {
      connection: connectionOf(stream.session as ServerHttp2Session | undefined),
      metadata: new HeaderMetadata(headers),
      authority: authority ?? '',
      timeoutMs,
    })
    const path = headers[':path']
    onCall(stream, path ?? '', timeoutMs)
    const seen: IncomingHttpHeaders = {
      ':path': path,
      ':authority': authority,
      'content-type': headers['content-type'],
    }
    const encoding = headers['grpc-encoding']
    if (encoding !== undefined) seen['grpc-encoding'] = encoding
    // A malformed one is left for grpc-js to refuse, which would find '1S' in '-1S'.
    if (timeout !== undefined && timeoutMs === undefined) seen['grpc-timeout'] = MALFORMED_TIMEOUT
    return seen
  }

  return {
    watch(http2Server) {
      const [grpcJs] = http2Server.listeners('stream') as StreamListener[]
      assert(grpcJs !== undefined && http2Server.listenerCount('stream') === 1, 'this grpc-js listens in another way')
      http2Server.removeAllListeners('stream')
      http2Server.on('stream', (stream, headers) => grpcJs.call(http2Server, stream, note(stream, headers)))
    },
    of(surface) {
      const origin = origins.get(callBehind(surface).stream)
      assert(origin !== undefined, 'a call came past its origin')
      return origin
    },
  }
}

/** A call behind what grpc-js shows of it. */
type CallBehind = Pick<ServerInterceptingCallInterface, 'sendMessage'> & { readonly stream: ServerHttp2Stream }

/** grpc-js keeps this to itself; the version is pinned, and this fails loudly when that changes. */
export function callBehind(surface: object): CallBehind {
  const { call } = surface as { readonly call?: CallBehind }
  assert(call?.stream !== undefined, 'this version of grpc-js keeps the stream of a call elsewhere')
  assert(typeof call.sendMessage === 'function', 'this version of grpc-js sends the messages of a call elsewhere')
  return call
}

function isMetadata(name: string): boolean {
  return !name.startsWith(':') && !TRANSPORT_HEADERS.has(name) && !name.endsWith(BINARY_SUFFIX)
}

/** Headers as metadata. The map of all is made when somebody asks for all: most methods look at the client id alone. */
class HeaderMetadata implements Metadata {
  readonly #headers: IncomingHttpHeaders
  #map: Map<string, string> | undefined

  constructor(headers: IncomingHttpHeaders) {
    this.#headers = headers
  }

  get(name: string): string | undefined {
    const value = this.#headers[name]
    return typeof value === 'string' && isMetadata(name) ? value : undefined
  }

  has(name: string): boolean {
    return this.get(name) !== undefined
  }

  get #all(): Map<string, string> {
    if (this.#map === undefined) {
      this.#map = new Map()
      for (const name in this.#headers) {
        const value = this.get(name)
        if (value !== undefined) this.#map.set(name, value)
      }
    }
    return this.#map
  }

  get size(): number {
    return this.#all.size
  }

  forEach(callback: (value: string, name: string, map: Metadata) => void): void {
    for (const [name, value] of this.#all) callback(value, name, this)
  }

  entries(): MapIterator<[string, string]> {
    return this.#all.entries()
  }

  keys(): MapIterator<string> {
    return this.#all.keys()
  }

  values(): MapIterator<string> {
    return this.#all.values()
  }

  [Symbol.iterator](): MapIterator<[string, string]> {
    return this.#all.entries()
  }
}

const UNKNOWN_ADDRESS: SocketAddress = { host: 'unknown', port: 0 }
const LOST_CONNECTION: Connection = { remoteAddress: UNKNOWN_ADDRESS, localAddress: UNKNOWN_ADDRESS, secure: false }

function describe(session: ServerHttp2Session): Connection {
  const { socket } = session
  return {
    remoteAddress: { host: plainHost(socket.remoteAddress), port: socket.remotePort ?? 0 },
    localAddress: { host: plainHost(socket.localAddress), port: socket.localPort ?? 0 },
    secure: session.encrypted === true,
  }
}
