// What all connections of one listener may hold together: requests that have arrived in part, requests that wait for
// their answers, and answers that nobody takes. Invariant: a connection that has left holds nothing.
import {
  type Clock,
  createInputBudget,
  type InputAccount,
  type InputBudget,
  type InputStream,
  type Scheduler,
} from '@rocketmq-ts/runtime'
import type { RemotingLimits } from './limits.ts'

/** A connection, as its listener steers it. */
export interface BoundConnection extends InputStream {
  /** Bytes of answers that the other side has not taken. */
  readonly unsentBytes: number
  /** It has taken the least of its answers while those of all connections are too many. */
  tooSlow(): void
}

/** What one connection holds of it. */
export interface ListenerShare {
  /** Bytes of a request that has arrived in part; `isNew` after one that became whole. */
  unfinished(bytes: number, isNew: boolean): void
  /** False when all requests in work would be too large with this one. */
  hasRoomFor(bytes: number): boolean
  began(bytes: number): void
  ended(bytes: number): void
  /** The other side does not take what is sent, or takes it again. */
  isSlow(slow: boolean): void
  leave(): void
}

export interface ListenerBoundsOptions {
  readonly limits: RemotingLimits
  readonly clock: Clock
  readonly scheduler: Scheduler
}

export class ListenerBounds {
  readonly #limits: RemotingLimits
  readonly #input: InputBudget
  readonly #slow = new Set<BoundConnection>()
  #requestBytes = 0

  constructor({ limits, clock, scheduler }: ListenerBoundsOptions) {
    this.#limits = limits
    this.#input = createInputBudget({
      bytesMax: limits.unfinishedBytesMax,
      requestBytesMax: limits.frameBytesMax,
      patienceMs: limits.unfinishedPatienceMs,
      clock,
      scheduler,
    })
  }

  join(connection: BoundConnection): ListenerShare {
    const account: InputAccount = this.#input.connection().open(connection)
    let requestBytes = 0
    let isGone = false
    const change = (bytes: number): void => {
      if (isGone) return
      requestBytes += bytes
      this.#requestBytes += bytes
    }
    return {
      unfinished: (bytes, isNew) => account.hold(bytes, isNew),
      hasRoomFor: (bytes) => this.#requestBytes + bytes <= this.#limits.requestBytesMax,
      began: (bytes) => change(bytes),
      ended: (bytes) => change(-bytes),
      isSlow: (slow) => {
        if (slow) this.#becameSlow(connection)
        else this.#slow.delete(connection)
      },
      leave: () => {
        account.close()
        this.#slow.delete(connection)
        change(-requestBytes)
        isGone = true
      },
    }
  }

  /** Only connections that are slow are looked at: the others hold no more than a socket's mark each. */
  #becameSlow(connection: BoundConnection): void {
    this.#slow.add(connection)
    let bytes = 0
    let slowest = connection
    for (const each of this.#slow) {
      bytes += each.unsentBytes
      if (each.unsentBytes > slowest.unsentBytes) slowest = each
    }
    if (bytes <= this.#limits.unsentBytesMax) return
    this.#slow.delete(slowest)
    slowest.tooSlow()
  }
}
