// What a stranger speaks, by its first bytes, and what it is told. Pure.

/** Protocols that people send to a port of another one. */
export type Protocol = 'http1' | 'http2' | 'tls' | 'remoting'

const HTTP2_PREFACE = 'PRI * HTTP/2'
const HTTP1_REQUEST_LINE = /^[A-Z]{3,7} [/*]/
const TLS_HANDSHAKE = 0x16
const TLS_MAJOR_VERSION = 3
/** Length, serialization type and header length of a remoting frame. */
const REMOTING_PREFIX_BYTES = 8
const REMOTING_SERIALIZATION_MAX = 1

/** Undefined: none of them, or too few bytes to tell. A person's client sends enough in its first packet. */
export function protocolOf(first: Uint8Array): Protocol | undefined {
  const bytes = Buffer.from(first.buffer, first.byteOffset, first.byteLength)
  const text = bytes.toString('latin1', 0, HTTP2_PREFACE.length)
  if (text === HTTP2_PREFACE) return 'http2'
  if (HTTP1_REQUEST_LINE.test(text)) return 'http1'
  if (bytes[0] === TLS_HANDSHAKE && bytes[1] === TLS_MAJOR_VERSION) return 'tls'
  return isRemoting(bytes) ? 'remoting' : undefined
}

function isRemoting(bytes: Buffer): boolean {
  if (bytes.length < REMOTING_PREFIX_BYTES) return false
  const headerBytes = bytes.readUIntBE(5, 3)
  const isKnownType = (bytes[4] ?? Infinity) <= REMOTING_SERIALIZATION_MAX
  return isKnownType && headerBytes > 0 && headerBytes <= bytes.readUInt32BE(0) - 4
}

const REMEDIES: Readonly<Record<Protocol, string>> = {
  http1: 'it answers no HTTP; /livez, /readyz and /metrics are on the health port',
  http2: 'gRPC clients (5.x SDKs) connect to the gRPC port of a proxy, 8081 unless it was changed',
  tls: 'it speaks no TLS; 5.x SDKs connect to the gRPC port of a proxy, 8081 unless it was changed',
  remoting: 'clients of 4.x and rmq connect to a nameserver, 9876 unless it was changed',
}

/** The sentence for a client that is wrong here. `what` is the port: 'the remoting port of a broker'. */
export function wrongPortText(what: string, protocol: Protocol): string {
  return `this is ${what}: ${REMEDIES[protocol]}`
}
