// Connections by address, shared by all callers: one connect at a time per address, closed ones replaced on demand. One
// that is silent is replaced, too; what waits on it is given up only when the other side turns out to be well.
import { MqError } from '@rocketmq-ts/model'
import type { Clock, Scheduler, Timer } from '@rocketmq-ts/runtime'
import { encodeHeartbeatData, HeartBeat, type Peer } from '@rocketmq-ts/remoting'

/** Where callers get the peer behind an address. */
export interface PeerSource {
  /** The open peer, where there is one that is not silent: no promise for what is there. */
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
  /**
   * For callers with polls that are held: connections are watched, so that one that is lost is found within seconds also
   * where nothing else is asked. Without it, it is found by the next caller.
   */
  readonly scheduler?: Scheduler | undefined
}

/** Former connections to an address; beyond, the oldest is closed. Each was silent for a timeout: no poll is so long. */
const FORMERS_MAX = 8
/** Once a new connection was answered so long ago, a former one would have been answered, too. */
const WELL_MS = 1000
/** How often connections are looked at. */
const WATCH_MS = 500
const PROBE_MS_MAX = 3000
/** Nobody's: every answer will do, also that this is not supported. */
const PROBE = encodeHeartbeatData({
  clientID: 'probe',
  producerDataSet: [],
  consumerDataSet: [],
  heartbeatFingerprint: 0,
  withoutSub: false,
})

type State =
  | { readonly kind: 'connecting'; readonly peer: Promise<Peer> }
  | { readonly kind: 'open'; readonly peer: Peer; wellSinceMs: number | undefined }
  | { readonly kind: 'failed'; readonly error: unknown; readonly untilMs: number }

type Slot = State & {
  /** Were silent. A side that only hung for a while answers what waits on them, so they are not closed at once. */
  formers: readonly Peer[]
}

/** What it brings is seen in the peer's liveness. */
function probe(peer: Peer): void {
  peer.request(HeartBeat, {}, { timeoutMs: PROBE_MS_MAX, body: PROBE }).catch(() => undefined)
}

function closeAll(peers: readonly Peer[]): void {
  for (const peer of peers) peer.close()
}

/** A pool of peers, see `PeerSource`. */
export function createPeerSource(options: PeerSourceOptions): PeerSource {
  const { connect, clock, scheduler, addressesMax = 4096, failureMs = 200 } = options
  const slots = new Map<string, Slot>()
  let lastUsed: Slot | undefined
  let watching: Timer | undefined
  let closed = false

  function put(address: string, slot: Slot): void {
    slots.set(address, slot)
    lastUsed = undefined
  }

  function closeSlot(slot: Slot): void {
    closeAll(slot.formers)
    if (slot.kind === 'open') slot.peer.close()
  }

  function makeRoom(): void {
    if (slots.size < addressesMax) return
    for (const [address, slot] of slots) {
      if (slot.kind === 'connecting') continue
      slots.delete(address)
      closeSlot(slot)
      return
    }
    throw new MqError('busy', `${addressesMax} connections are being opened already; try again later`)
  }

  function forget(address: string, peer: Peer): void {
    const slot = slots.get(address)
    if (slot === undefined) return
    if (slot.kind === 'open' && slot.peer === peer) {
      slots.delete(address)
      closeAll(slot.formers)
    } else slot.formers = slot.formers.filter((former) => former !== peer)
  }

  async function open(address: string): Promise<Peer> {
    const formers = () => slots.get(address)?.formers ?? []
    try {
      const peer = await connect(address)
      if (closed) {
        peer.close()
        throw closedError(address)
      }
      put(address, { kind: 'open', peer, wellSinceMs: undefined, formers: formers() })
      peer.onClose(() => forget(address, peer))
      return peer
    } catch (error) {
      if (closed) slots.delete(address)
      else put(address, { kind: 'failed', error, untilMs: clock.monotonicMs() + failureMs, formers: formers() })
      throw error
    }
  }

  function closedError(address: string): MqError {
    return new MqError('closed', `no connection to ${address}: this client is closed`)
  }

  /** Those that are still silent when the new connection is answered are gone: callers that wait are told so. */
  function judgeFormers(slot: Extract<Slot, { kind: 'open' }>): void {
    if (slot.peer.liveness === 'new') return
    slot.wellSinceMs ??= clock.monotonicMs()
    if (clock.monotonicMs() - slot.wellSinceMs < WELL_MS) return
    const { formers } = slot
    slot.formers = formers.filter(({ liveness }) => liveness !== 'silent')
    closeAll(formers.filter(({ liveness }) => liveness === 'silent'))
  }

  function opened(address: string): Peer | undefined {
    const slot = closed ? undefined : slots.get(address)
    if (slot?.kind !== 'open' || slot.peer.liveness === 'silent') return undefined
    if (slot.formers.length > 0) judgeFormers(slot)
    // It becomes the most recently used. Moving what is there already would make the map grow anew, call by call.
    if (slot !== lastUsed) {
      slots.delete(address)
      slots.set(address, slot)
      lastUsed = slot
    }
    return slot.peer
  }

  async function peer(address: string): Promise<Peer> {
    if (closed) throw closedError(address)
    const known = opened(address)
    if (known !== undefined) return known
    const slot = slots.get(address)
    if (slot?.kind === 'connecting') return slot.peer
    if (slot?.kind === 'failed' && clock.monotonicMs() < slot.untilMs) throw slot.error
    if (slot === undefined) makeRoom()
    const formers = slot?.kind === 'open' ? [...slot.formers, slot.peer] : (slot?.formers ?? [])
    const opening = open(address)
    put(address, { kind: 'connecting', peer: opening, formers: formers.slice(-FORMERS_MAX) })
    closeAll(formers.slice(0, -FORMERS_MAX))
    watch()
    return opening
  }

  /** Does what callers would do if there were some: they wait for their polls. */
  async function lookAfter(address: string, slot: Slot): Promise<void> {
    const isSilent = slot.kind === 'open' && slot.peer.liveness === 'silent'
    if (isSilent || (slot.kind === 'failed' && slot.formers.length > 0)) {
      probe(await peer(address))
    } else if (slot.kind === 'open') {
      if (slot.formers.length > 0) judgeFormers(slot)
      if (slot.peer.liveness === 'quiet') probe(slot.peer)
    }
  }

  function watch(): void {
    if (closed || watching !== undefined) return
    watching = scheduler?.after(WATCH_MS, () => {
      watching = undefined
      for (const [address, slot] of slots) lookAfter(address, slot).catch(() => undefined)
      if (slots.size > 0) watch()
    })
  }

  return {
    opened,
    peer,
    close() {
      closed = true
      watching?.cancel()
      for (const slot of slots.values()) closeSlot(slot)
      slots.clear()
    },
  }
}
