// Connections by address, shared by all callers: one connect at a time per address, closed ones replaced on demand.
import { MqError } from '@rocketmq-ts/model'
import type { Clock } from '@rocketmq-ts/runtime'
import type { Peer } from '@rocketmq-ts/remoting'

/** Where callers get the peer behind an address. */
export interface PeerSource {
  /** The open peer, where there is one: no promise for what is there. */
  opened(address: string): Peer | undefined
  /** An open peer. Rejects with MqError 'unavailable' when it can not be reached, 'closed' after `close`. */
  peer(address: string): Promise<Peer>
  /** Closes all peers. */
  close(): void
}

export interface PeerSourceOptions {
  /** Opens a connection; also the place where addresses of the same process become direct peers. */
  readonly connect: (address: string) => Promise<Peer>
  readonly clock: Clock
  /** Addresses with a connection; beyond, the least recently used one is closed. */
  readonly addressesMax?: number
  /** How long a failed connect is remembered: callers in that time get its error without a new attempt. */
  readonly failureMs?: number
}

type Slot =
  | { readonly kind: 'connecting'; readonly peer: Promise<Peer> }
  | { readonly kind: 'open'; readonly peer: Peer }
  | { readonly kind: 'failed'; readonly error: unknown; readonly untilMs: number }

/** A pool of peers, see `PeerSource`. */
export function createPeerSource(options: PeerSourceOptions): PeerSource {
  const { connect, clock, addressesMax = 4096, failureMs = 200 } = options
  const slots = new Map<string, Slot>()
  let lastUsed: Slot | undefined
  let closed = false

  function put(address: string, slot: Slot): void {
    slots.set(address, slot)
    lastUsed = undefined
  }

  function makeRoom(): void {
    if (slots.size < addressesMax) return
    for (const [address, slot] of slots) {
      if (slot.kind === 'connecting') continue
      slots.delete(address)
      if (slot.kind === 'open') slot.peer.close()
      return
    }
    throw new MqError('busy', `${addressesMax} connections are being opened already; try again later`)
  }

  async function open(address: string): Promise<Peer> {
    try {
      const peer = await connect(address)
      if (closed) {
        peer.close()
        throw closedError(address)
      }
      const slot: Slot = { kind: 'open', peer }
      put(address, slot)
      peer.onClose(() => {
        if (slots.get(address) === slot) slots.delete(address)
      })
      return peer
    } catch (error) {
      if (closed) slots.delete(address)
      else put(address, { kind: 'failed', error, untilMs: clock.monotonicMs() + failureMs })
      throw error
    }
  }

  function closedError(address: string): MqError {
    return new MqError('closed', `no connection to ${address}: this client is closed`)
  }

  function opened(address: string): Peer | undefined {
    const slot = closed ? undefined : slots.get(address)
    if (slot?.kind !== 'open') return undefined
    // It becomes the most recently used. Moving what is there already would make the map grow anew, call by call.
    if (slot !== lastUsed) {
      slots.delete(address)
      slots.set(address, slot)
      lastUsed = slot
    }
    return slot.peer
  }

  return {
    opened,
    async peer(address) {
      if (closed) throw closedError(address)
      const peer = opened(address)
      if (peer !== undefined) return peer
      const slot = slots.get(address)
      if (slot?.kind === 'connecting') return slot.peer
      if (slot?.kind === 'failed' && clock.monotonicMs() < slot.untilMs) throw slot.error
      if (slot === undefined) makeRoom()
      const opening = open(address)
      put(address, { kind: 'connecting', peer: opening })
      return opening
    },
    close() {
      closed = true
      for (const slot of slots.values()) if (slot.kind === 'open') slot.peer.close()
      slots.clear()
    },
  }
}
