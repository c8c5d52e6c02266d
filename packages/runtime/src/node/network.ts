// TCP of the machine as Network.
import net from 'node:net'
import {
  type Listener,
  type Network,
  NetworkError,
  type NetworkErrorCode,
  type Socket,
  type SocketAddress,
  type SocketHandler,
} from '../network.ts'
import { errnoOf } from './file-errors.ts'
import { portTaken } from './port-holder.ts'

/** Bytes buffered for a slow reader before `write` answers false. */
const WRITE_MARK_BYTES = 256 * 1024
/** Bytes that a paused socket still takes in, in units of one read (64 KiB). */
const READ_MARK_BYTES = 1
const BACKLOG = 1024
const IPV4_IN_IPV6 = '::ffff:'

const CODES: Readonly<Record<string, NetworkErrorCode>> = {
  EADDRINUSE: 'address-in-use',
  ECONNREFUSED: 'refused',
  ETIMEDOUT: 'timeout',
  ECONNRESET: 'reset',
  ECONNABORTED: 'reset',
  EPIPE: 'reset',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  ENOTFOUND: 'unreachable',
  EAI_AGAIN: 'unreachable',
}

function networkError(error: unknown, what: string): NetworkError {
  if (error instanceof NetworkError) return error
  const errno = errnoOf(error)
  return new NetworkError(CODES[errno] ?? 'other', `${what} (${errno === '' ? String(error) : errno})`, error)
}

function addressOf(host: string | undefined, port: number | undefined): SocketAddress {
  const plain = host?.startsWith(IPV4_IN_IPV6) === true ? host.slice(IPV4_IN_IPV6.length) : (host ?? '')
  return { host: plain, port: port ?? 0 }
}

/** One option of Node's sets the marks of both directions; a paused socket would take in as much as may be unsent. */
function readNoFurther(socket: net.Socket): void {
  const { _readableState: state } = socket as unknown as { readonly _readableState?: { highWaterMark: number } }
  if (state !== undefined) state.highWaterMark = READ_MARK_BYTES
}

class NodeSocket implements Socket {
  readonly remoteAddress: SocketAddress
  readonly localAddress: SocketAddress
  readonly #socket: net.Socket
  #error: Error | undefined

  constructor(socket: net.Socket) {
    this.#socket = socket
    this.remoteAddress = addressOf(socket.remoteAddress, socket.remotePort)
    this.localAddress = addressOf(socket.localAddress, socket.localPort)
    readNoFurther(socket)
    socket.on('error', (error) => {
      const { host, port } = this.remoteAddress
      this.#error ??= networkError(error, `connection with ${host}:${port} failed`)
    })
  }

  get bufferedBytes(): number {
    return this.#socket.writableLength
  }

  start(handler: SocketHandler): void {
    this.#socket.on('drain', () => handler.drain())
    this.#socket.on('data', (chunk: Uint8Array) => handler.data(chunk))
    if (this.#socket.closed) {
      setImmediate(() => handler.close(this.#error))
      return
    }
    this.#socket.once('close', () => handler.close(this.#error))
    this.#socket.resume()
  }

  write(chunks: readonly Uint8Array[]): boolean {
    const socket = this.#socket
    if (socket.destroyed || socket.writableEnded) return false
    if (chunks.length === 1) return socket.write(chunks[0] as Uint8Array)
    socket.cork()
    for (const chunk of chunks) socket.write(chunk)
    socket.uncork()
    return !socket.writableNeedDrain
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  end(): void {
    this.#socket.end()
  }

  destroy(error?: Error): void {
    this.#error ??= error
    this.#socket.destroy()
  }
}

function listen(options: SocketAddress & { readonly accept: (socket: Socket) => void }): Promise<Listener> {
  const { host, port, accept } = options
  return new Promise((resolve, reject) => {
    const server = net.createServer(
      { noDelay: true, pauseOnConnect: true, highWaterMark: WRITE_MARK_BYTES },
      (socket) => {
        // Gone before we looked at it: there is nobody to tell.
        if (socket.remoteAddress === undefined) socket.destroy()
        else accept(new NodeSocket(socket))
      },
    )
    server.once('error', (error) => {
      const isTaken = errnoOf(error) === 'EADDRINUSE'
      reject(isTaken ? portTaken(host, port, error) : networkError(error, `can not listen on ${host}:${port}`))
    })
    server.listen({ host, port, backlog: BACKLOG }, () => {
      server.removeAllListeners('error')
      // Errors after this are of single accepts (out of descriptors, aborted): the listener goes on.
      server.on('error', () => {})
      const bound = server.address() as net.AddressInfo
      resolve({
        address: addressOf(bound.address, bound.port),
        close: () => new Promise((closed) => server.close(() => closed())),
      })
    })
  })
}

function connect(options: SocketAddress & { readonly timeoutMs: number }): Promise<Socket> {
  const { host, port, timeoutMs } = options
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host, port, noDelay: true, highWaterMark: WRITE_MARK_BYTES } as net.NetConnectOpts)
    const timer = setTimeout(() => {
      socket.destroy()
      reject(new NetworkError('timeout', `no connection with ${host}:${port} within ${timeoutMs} ms`))
    }, timeoutMs)
    const fail = (error: Error): void => {
      clearTimeout(timer)
      reject(networkError(error, `can not connect to ${host}:${port}`))
    }
    socket.once('error', fail)
    socket.once('connect', () => {
      clearTimeout(timer)
      const connected = new NodeSocket(socket)
      socket.off('error', fail)
      socket.pause()
      resolve(connected)
    })
  })
}

/** TCP without delay. */
export function createNodeNetwork(): Network {
  return { listen, connect }
}
