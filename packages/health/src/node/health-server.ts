// HTTP for probes and scrapes: /livez, /readyz, /metrics, and /metrics/queues where there are queues. Everything is
// bounded: connections, time, sizes; a stop closes what is open.
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import {
  type Listener,
  NetworkError,
  protocolOf,
  type Readiness,
  type Service,
  type SocketAddress,
  wrongPortText,
} from '@rocketmq-ts/runtime'
import { answerWrongPort, portTaken } from '@rocketmq-ts/runtime/node'

// An import would read every export of node:http, and its WebSocket loads undici: 3 MiB and 10 ms that nothing here uses.
const { createServer } = process.getBuiltinModule('node:http')

const CONNECTIONS_MAX = 64
const REQUEST_TIMEOUT_MS = 5_000
const KEEP_ALIVE_TIMEOUT_MS = 60_000
const HEADER_BYTES_MAX = 8 * 1024
const REQUESTS_PER_CONNECTION_MAX = 10_000
const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8'
const JSON_TYPE = 'application/json; charset=utf-8'

export interface HealthServerOptions {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  /** Asked on every /readyz. */
  readonly readiness: () => Readiness
  /** Parts of the text of /metrics, one after the other; concurrent scrapes share one text. */
  readonly metrics: readonly (() => Promise<Uint8Array | string>)[]
  /** Text of /metrics/queues?group=…&topic=…: what is too much for every scrape. Without it there is no such path. */
  readonly queueMetrics?: (filter: ReadonlyMap<string, string>) => Promise<string>
}

export interface HealthServer extends Service {
  /** Where it listens; defined between start and stop. */
  readonly address: Listener['address'] | undefined
}

/** Creates the server. `start` rejects with `NetworkError` 'address-in-use' naming host and port. */
export function createHealthServer({
  host,
  port,
  readiness,
  metrics,
  queueMetrics,
}: HealthServerOptions): HealthServer {
  let server: Server | undefined
  let address: SocketAddress | undefined
  let scrape: Promise<Buffer> | undefined
  const paths = ['/livez', '/readyz', '/metrics', ...(queueMetrics === undefined ? [] : ['/metrics/queues'])]

  async function readMetrics(): Promise<Buffer> {
    const texts: Buffer[] = []
    for (const read of metrics) texts.push(bytesOf(await read()))
    return texts.length === 1 && texts[0] !== undefined ? texts[0] : Buffer.concat(texts)
  }

  const sharedMetrics = (): Promise<Buffer> => {
    scrape ??= readMetrics().finally(() => {
      scrape = undefined
    })
    return scrape
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path = '', query = ''] = (request.url ?? '').split('?', 2)
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD')
      return reply(response, 405, 'Only GET and HEAD are answered.\n')
    }
    if (path === '/livez') return reply(response, 200, 'ok\n')
    if (path === '/readyz') {
      const state = readiness()
      return reply(response, state.ready ? 200 : 503, `${JSON.stringify(state)}\n`, JSON_TYPE)
    }
    if (path === '/metrics') return reply(response, 200, await sharedMetrics(), METRICS_TYPE)
    if (path === '/metrics/queues' && queueMetrics !== undefined) {
      const filter = new Map(new URLSearchParams(query))
      if (filter.has('group')) return reply(response, 200, await queueMetrics(filter), METRICS_TYPE)
      return reply(response, 400, 'group: name one, and perhaps a topic: /metrics/queues?group=G&topic=T\n')
    }
    return reply(response, 404, `Nothing here. There are ${paths.join(', ')}.\n`)
  }

  return {
    get address() {
      return address
    },
    async start() {
      const starting = createServer(
        {
          requestTimeout: REQUEST_TIMEOUT_MS,
          headersTimeout: REQUEST_TIMEOUT_MS,
          keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
          maxHeaderSize: HEADER_BYTES_MAX,
        },
        (request, response) => {
          request.resume()
          answer(request, response).catch((error: unknown) => {
            reply(response, 500, `${error instanceof Error ? error.message : String(error)}\n`)
          })
        },
      )
      evictOldest(starting)
      starting.on('clientError', refuse)
      starting.maxRequestsPerSocket = REQUESTS_PER_CONNECTION_MAX
      await listen(starting, host, port)
      server = starting
      const bound = starting.address()
      address = { host, port: bound !== null && typeof bound === 'object' ? bound.port : port }
    },
    async stop() {
      const stopping = server
      server = undefined
      address = undefined
      if (stopping === undefined) return
      await new Promise<void>((resolve) => {
        stopping.close(() => resolve())
        stopping.closeAllConnections()
      })
    },
  }
}

/** At the limit the oldest connection goes, not the newest: silent ones must not keep a probe out. */
function evictOldest(server: Server): void {
  const open = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
    const [oldest] = open
    if (open.size > CONNECTIONS_MAX) oldest?.destroy()
  })
}

const FAULTS: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
}

/** What is no HTTP/1.1. A gRPC client that has the wrong port is told so in its own words. */
function refuse(error: Error & { readonly code?: string; readonly rawPacket?: Buffer }, socket: Duplex): void {
  const { code = '', rawPacket } = error
  if (!socket.writable || !(socket instanceof Socket)) {
    socket.destroy()
    return
  }
  const protocol = rawPacket === undefined ? undefined : protocolOf(rawPacket)
  if (rawPacket !== undefined && (protocol === 'http2' || protocol === 'remoting')) {
    // Its bytes are ours from now on, not those of the parser of HTTP/1.1.
    socket.removeAllListeners('data')
    answerWrongPort(socket, rawPacket, protocol, wrongPortText('the health port', protocol))
    return
  }
  socket.end(`HTTP/1.1 ${FAULTS[code] ?? '400 Bad Request'}\r\nconnection: close\r\n\r\n`)
  socket.destroySoon()
}

/** Without a copy where there are bytes already. */
function bytesOf(text: Uint8Array | string): Buffer {
  if (typeof text === 'string') return Buffer.from(text)
  return Buffer.from(text.buffer, text.byteOffset, text.byteLength)
}

function reply(
  response: ServerResponse,
  status: number,
  body: string | Buffer,
  type = 'text/plain; charset=utf-8',
): void {
  if (response.headersSent) return
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
  })
  response.end(body)
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const isTaken = error.code === 'EADDRINUSE'
      const other = new NetworkError('other', `${host}:${port} can not be bound: ${error.message}`, error)
      reject(isTaken ? portTaken(host, port, error) : other)
    })
    server.listen({ host, port }, resolve)
  })
}
