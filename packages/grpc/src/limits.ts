// Bounds of a gRPC server, whatever carries it.

const KIB = 1024
const MIB = 1024 * KIB

export interface GrpcLimits {
  /** Longest request message: a body of 4 MiB, its properties, and room for what goes with them. */
  readonly requestBytesMax: number
  /** Answers of one call that its client has not yet taken; above, `write` says false. */
  readonly unreadBytesMax: number
  /** Connections at a time, of all clients; further ones are closed at once. */
  readonly connectionsMax: number
  /** Calls at a time on one connection: each queue of a push consumer holds one open poll. */
  readonly streamsPerConnectionMax: number
  /** How long a new connection may take to show what it speaks, and to finish its TLS handshake. */
  readonly handshakeTimeoutMs: number
  /** How long a client may take to send the whole request of a call; its own deadline ends it sooner. */
  readonly requestTimeoutMs: number
  /**
   * Messages of all calls that have come in part. At the bound streams are paused, and while some are, a message that is
   * not whole within `unfinishedPatienceMs` ends its call with RESOURCE_EXHAUSTED, the oldest first.
   */
  readonly unfinishedBytesMax: number
  readonly unfinishedPatienceMs: number
  /** A silent connection is asked for a sign of life this often, and closed when none comes in time. */
  readonly keepaliveIntervalMs: number
  readonly keepaliveTimeoutMs: number
}

export const DEFAULT_GRPC_LIMITS: GrpcLimits = {
  requestBytesMax: 4 * MIB + 256 * KIB,
  unreadBytesMax: 256 * KIB,
  connectionsMax: 10_000,
  streamsPerConnectionMax: 4096,
  handshakeTimeoutMs: 10_000,
  requestTimeoutMs: 60_000,
  unfinishedBytesMax: 64 * MIB,
  unfinishedPatienceMs: 2_000,
  keepaliveIntervalMs: 120_000,
  keepaliveTimeoutMs: 20_000,
}
