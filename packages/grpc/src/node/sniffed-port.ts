// One TCP port for TLS and plaintext: the first bytes of a connection tell what its client speaks. Nothing is
// consumed; whoever takes the socket reads it from its first byte. Each connection ends in exactly one of: handed
// over, refused, failed.
import net from 'node:net'
import {
  type Logger,
  NetworkError,
  protocolOf,
  type Scheduler,
  type SocketAddress,
  wrongPortText,
} from '@rocketmq-ts/runtime'
import { answerWrongPort, portTaken } from '@rocketmq-ts/runtime/node'
import type { GrpcPortEvent } from './events.ts'

const TLS_HANDSHAKE = 0x16
const HTTP2_PREFACE = Buffer.from('PRI ')

export type SpokenProtocol = 'tls' | 'http2'

export interface SniffedPortOptions extends SocketAddress {
  readonly connectionsMax: number
  /** How long a client may wait with its first bytes. */
  readonly firstBytesTimeoutMs: number
  readonly scheduler: Scheduler
  readonly logger: Logger<GrpcPortEvent>
  /** Takes the socket over, with everything that has arrived still to be read. */
  readonly accept: (socket: net.Socket, protocol: SpokenProtocol) => void
}

export interface SniffedPort {
  readonly address: SocketAddress
  /** Stops accepting, and closes connections that nobody took yet. Resolves when all the others are gone too. */
  close(): Promise<void>
  /** Closes every connection at once. */
  destroyConnections(): void
}

/** Opens the port; 0 takes a free one. Rejects with NetworkError naming host and port. */
export async function openSniffedPort(options: SniffedPortOptions): Promise<SniffedPort> {
  const connections = new Set<net.Socket>()
  const undecided = new Set<net.Socket>()
  const server = net.createServer({ noDelay: true }, (socket) => {
    // Without a listener an error of a connection nobody owns yet would end the process.
    socket.on('error', () => {})
    if (connections.size >= options.connectionsMax) {
      refuse(socket, `there are ${connections.size} connections already, the limit`, options.logger)
      return
    }
    connections.add(socket)
    undecided.add(socket)
    socket.once('close', () => {
      connections.delete(socket)
      undecided.delete(socket)
    })
    sniff(socket, options, () => undecided.delete(socket))
  })
  await listen(server, options)
  return {
    address: addressOf(server),
    close() {
      return new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of undecided) socket.destroy()
      })
    },
    destroyConnections() {
      for (const socket of connections) socket.destroy()
    },
  }
}

function sniff(socket: net.Socket, options: SniffedPortOptions, decided: () => void): void {
  const timer = options.scheduler.after(options.firstBytesTimeoutMs, () => {
    refuse(socket, `no first bytes within ${options.firstBytesTimeoutMs} ms`, options.logger)
  })
  socket.once('close', () => timer.cancel())
  // Pieces of a preface wait here: put back into the socket at once, they would be announced again and again.
  let head: Buffer = Buffer.alloc(0)
  const read = () => {
    const chunk = socket.read() as Buffer | null
    if (chunk === null) return
    head = Buffer.concat([head, chunk])
    const protocol = spokenIn(head)
    if (protocol === 'undecided') return
    timer.cancel()
    socket.off('readable', read)
    if (protocol === 'unknown') {
      refuseUnknown(socket, head, options.logger)
      return
    }
    socket.unshift(head)
    decided()
    options.accept(socket, protocol)
  }
  socket.on('readable', read)
}

function spokenIn(bytes: Buffer): SpokenProtocol | 'undecided' | 'unknown' {
  if (bytes[0] === TLS_HANDSHAKE) return 'tls'
  const compared = Math.min(bytes.length, HTTP2_PREFACE.length)
  if (bytes.compare(HTTP2_PREFACE, 0, compared, 0, compared) !== 0) return 'unknown'
  return compared === HTTP2_PREFACE.length ? 'http2' : 'undecided'
}

/** Who has the wrong port is told so, in the words of their own protocol. */
function refuseUnknown(socket: net.Socket, head: Buffer, logger: Logger<GrpcPortEvent>): void {
  const protocol = protocolOf(head)
  if (protocol === undefined) {
    refuse(socket, `neither TLS nor HTTP/2: the first byte is 0x${head.toString('hex', 0, 1)}`, logger)
    return
  }
  const reason = wrongPortText('the gRPC port of a proxy', protocol)
  logger.warn({ event: 'grpc.connection.refused', remote: remoteOf(socket), reason })
  answerWrongPort(socket, head, protocol, reason)
}

/** Closes a connection and says why. */
export function refuse(socket: net.Socket, reason: string, logger: Logger<GrpcPortEvent>): void {
  logger.warn({ event: 'grpc.connection.refused', remote: remoteOf(socket), reason })
  socket.destroy()
}

export function remoteOf(socket: net.Socket): string {
  return `${plainHost(socket.remoteAddress)}:${socket.remotePort ?? 0}`
}

/** IPv4 addresses that a dual-stack socket shows as IPv6 come out as IPv4. */
export function plainHost(host: string | undefined): string {
  return host?.replace(/^::ffff:(?=\d+\.)/, '') ?? 'unknown'
}

function listen(server: net.Server, { host, port }: SocketAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const isTaken = error.code === 'EADDRINUSE'
      const other = new NetworkError('other', `can not listen for gRPC on ${host}:${port}: ${error.message}`, error)
      reject(isTaken ? portTaken(host, port, error) : other)
    })
    server.listen({ host, port }, resolve)
  })
}

function addressOf(server: net.Server): SocketAddress {
  const address = server.address() as net.AddressInfo
  return { host: address.address, port: address.port }
}
