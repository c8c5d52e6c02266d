// Turns the raw side of a TLS connection into its plain side, with whatever certificate is current.
import type net from 'node:net'
import tls from 'node:tls'
import { MqError } from '@rocketmq-ts/model'
import type { Scheduler } from '@rocketmq-ts/runtime'

/** PEM texts: the chain, leaf first, and its private key. */
export interface TlsIdentity {
  readonly certificate: string
  readonly key: string
}

/** Told once how a handshake ended. */
export interface HandshakeOutcome {
  /** Plain bytes are read from and written to `socket`. */
  ready(socket: tls.TLSSocket): void
  failed(reason: string): void
}

export interface TlsAcceptor {
  accept(raw: net.Socket, outcome: HandshakeOutcome): void
  /** For connections from now on. Throws MqError 'parameter-invalid', keeping the old one, if it is unusable. */
  replace(identity: TlsIdentity): void
}

/** `timeoutMs` bounds the handshake. Clients are not asked for certificates; they authenticate by signature. */
export function createTlsAcceptor(identity: TlsIdentity, timeoutMs: number, scheduler: Scheduler): TlsAcceptor {
  let secureContext = contextOf(identity)
  return {
    accept(raw, outcome) {
      const socket = new tls.TLSSocket(raw, { isServer: true, secureContext, ALPNProtocols: ['h2'] })
      const timer = scheduler.after(timeoutMs, () => fail(`no TLS handshake within ${timeoutMs} ms`))
      let settled = false
      function fail(reason: string): void {
        if (settled) return
        settled = true
        timer.cancel()
        socket.destroy()
        outcome.failed(reason)
      }
      // Stays for the life of the connection: its later errors end its calls, and must not end the process.
      socket.on('error', (error) => fail(error.message))
      socket.once('close', () => fail('closed during the TLS handshake'))
      socket.once('secure', () => {
        // gRPC over TLS is HTTP/2 by agreement only (RFC 9113, 3.3).
        if (socket.alpnProtocol !== 'h2') return fail('the client did not offer h2 (ALPN)')
        settled = true
        timer.cancel()
        outcome.ready(socket)
      })
    },
    replace(next) {
      secureContext = contextOf(next)
    },
  }
}

function contextOf(identity: TlsIdentity): tls.SecureContext {
  try {
    return tls.createSecureContext({ cert: identity.certificate, key: identity.key, minVersion: 'TLSv1.2' })
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error)
    throw new MqError('parameter-invalid', `the TLS certificate and key do not work together: ${cause}`, error)
  }
}
