// Every bound of a connection, with the answer at it.

export interface RemotingLimits {
  /** Connections of one listener; more are accepted and closed at once. */
  readonly connectionsMax: number
  /** Requests of one connection that wait for our answer; more are answered SYSTEM_BUSY. */
  readonly requestsInFlightMax: number
  /** Their headers and bodies together; more are answered SYSTEM_BUSY. */
  readonly requestBytesInFlightMax: number
  /** The same for all connections of a listener. */
  readonly requestBytesMax: number
  /**
   * Requests that have arrived in part, of all connections of a listener. At the bound those above 16 KiB are read later,
   * and while some wait, one that is not whole within `unfinishedPatienceMs` closes its connection.
   */
  readonly unfinishedBytesMax: number
  readonly unfinishedPatienceMs: number
  /** Answers that slow readers have not taken, of all connections of a listener; above, the slowest is closed. */
  readonly unsentBytesMax: number
  /** Our own requests waiting for an answer on one connection; more fail with MqError 'busy'. */
  readonly requestsPendingMax: number
  /** Bytes not yet taken by the network: above half of it our requests fail with 'busy', above it we close. */
  readonly writeBufferBytesMax: number
  /** A whole frame; a longer one closes the connection. */
  readonly frameBytesMax: number
  /** Without a byte in either direction for so long, the connection is closed. */
  readonly idleMs: number
  /** How long a stopping server waits for the answers of requests in flight. */
  readonly drainMs: number
  /** How long connecting may take. */
  readonly connectTimeoutMs: number
}

const MiB = 1024 * 1024

export const DEFAULT_LIMITS: RemotingLimits = {
  connectionsMax: 10_000,
  requestsInFlightMax: 65_536,
  requestBytesInFlightMax: 256 * MiB,
  requestBytesMax: 256 * MiB,
  unfinishedBytesMax: 64 * MiB,
  unfinishedPatienceMs: 2_000,
  unsentBytesMax: 256 * MiB,
  requestsPendingMax: 65_536,
  writeBufferBytesMax: 128 * MiB,
  frameBytesMax: 16 * MiB,
  idleMs: 120_000,
  drainMs: 3_000,
  connectTimeoutMs: 3_000,
}

/** The defaults with some values replaced. */
export function limitsOf(changes: Partial<RemotingLimits> = {}): RemotingLimits {
  return { ...DEFAULT_LIMITS, ...changes }
}
