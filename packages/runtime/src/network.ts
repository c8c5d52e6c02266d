// Byte streams between processes. TLS, sniffing and fault injection wrap these interfaces.

export interface SocketAddress {
  readonly host: string
  readonly port: number
}

/** What the owner of a socket is told. Calls are never nested inside a call to the socket itself. */
export interface SocketHandler {
  /** Bytes as they arrived; the chunk may be kept without a copy. */
  data(chunk: Uint8Array): void
  /** The write buffer fell below its mark after `write` returned false. */
  drain(): void
  /** The connection is gone; called exactly once. `error` is absent after an orderly end. */
  close(error?: Error): void
}

export interface Socket {
  readonly remoteAddress: SocketAddress
  readonly localAddress: SocketAddress
  /** Sets the receiver and starts the flow of events. Called once. */
  start(handler: SocketHandler): void
  /** Queues the chunks in order as one write; the caller must not change them afterwards. False: wait for `drain`. */
  write(chunks: readonly Uint8Array[]): boolean
  /** Bytes written but not yet handed to the system. */
  readonly bufferedBytes: number
  pause(): void
  resume(): void
  /** Sends what is buffered, then closes. */
  end(): void
  /** Closes at once. */
  destroy(error?: Error): void
}

export interface Listener {
  readonly address: SocketAddress
  /** Stops accepting. Accepted sockets stay open. */
  close(): Promise<void>
}

/** Code of a `NetworkError`. */
export type NetworkErrorCode = 'address-in-use' | 'refused' | 'timeout' | 'reset' | 'unreachable' | 'other'

export class NetworkError extends Error {
  readonly code: NetworkErrorCode
  constructor(code: NetworkErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'NetworkError'
    this.code = code
  }
}

export interface Network {
  /** Port 0 takes a free one. Rejects with `NetworkError` 'address-in-use' naming host and port. */
  listen(options: SocketAddress & { readonly accept: (socket: Socket) => void }): Promise<Listener>
  /** Rejects with `NetworkError`; 'timeout' after `timeoutMs`. */
  connect(options: SocketAddress & { readonly timeoutMs: number }): Promise<Socket>
}
