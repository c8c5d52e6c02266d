// Turns the raw side of a TLS connection into its plain side, with whatever certificate is current.
import type net from 'node:net'
import tls from 'node:tls'
import { MqError } from '@rocketmq-ts/model'

/** PEM texts: the chain, leaf first, and its private key. */
export interface TlsIdentity {
  readonly certificate: string
  readonly key: string
}

export interface TlsAcceptorOptions {
  readonly identity: TlsIdentity
  /** Bounds a handshake. */
  readonly timeoutMs: number
  /** A handshake succeeded; plain bytes are read from and written to the socket. */
  readonly ready: (socket: tls.TLSSocket) => void
  /** A handshake failed; the connection is closed. */
  readonly failed: (socket: net.Socket, reason: string) => void
}

export interface TlsAcceptor {
  accept(raw: net.Socket): void
  /** For connections from now on. */
  replace(identity: TlsIdentity): void
}

/** Clients are not asked for certificates; they authenticate by signature. */
export function createTlsAcceptor(options: TlsAcceptorOptions): TlsAcceptor {
  checkIdentity(options.identity)
  const { certificate: cert, key } = options.identity
  // Never listens: it is handed its connections, as 'connection' of net.Server documents.
  const server = tls.createServer({
    cert,
    key,
    minVersion: 'TLSv1.2',
    ALPNProtocols: ['h2'],
    handshakeTimeout: options.timeoutMs,
  })
  server.on('tlsClientError', (error, socket) => {
    options.failed(socket, handshakeFailure(error))
    // Not everything that is reported here has closed the connection, a handshake out of time has not.
    socket.destroy()
  })
  server.on('secureConnection', (socket) => {
    // Without a listener a later error of the connection would end the process; it ends the connection's calls.
    socket.on('error', () => {})
    // gRPC over TLS is HTTP/2 by agreement only (RFC 9113, 3.3).
    if (socket.alpnProtocol === 'h2') {
      options.ready(socket)
    } else {
      options.failed(socket, 'the client did not offer h2 (ALPN)')
      socket.destroy()
    }
  })
  return {
    accept: (raw) => void server.emit('connection', raw),
    replace(identity) {
      server.setSecureContext({ cert: identity.certificate, key: identity.key, minVersion: 'TLSv1.2' })
    },
  }
}

const DISTRUST =
  'it may not trust the certificate: name one that it trusts with tlsCertPath and tlsKeyPath, give it the authority of ' +
  'this one, or let it use plaintext'

/** What the client made of the handshake, as far as it shows: most just hang up on a certificate that they do not trust. */
function handshakeFailure(error: Error & { readonly code?: string }): string {
  const { code = '', message } = error
  if (code === 'ECONNRESET') return `the client ended the TLS handshake; ${DISTRUST}`
  return /UNKNOWN_CA|CERTIFICATE/.test(code) ? `${message}; ${DISTRUST}` : message
}

/** Throws MqError 'parameter-invalid' unless the certificate can be parsed and belongs to the key. */
export function checkIdentity(identity: TlsIdentity): void {
  try {
    tls.createSecureContext({ cert: identity.certificate, key: identity.key })
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error)
    throw new MqError('parameter-invalid', `the TLS certificate and key do not work together: ${cause}`, error)
  }
}
