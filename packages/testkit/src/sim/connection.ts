// One simulated connection: two sockets, each with a queue of bytes on their way to the other. Order is kept; when and
// in what pieces the bytes arrive is drawn.
import { crc32 } from 'node:zlib'
import { NetworkError, type Socket, type SocketAddress, type SocketHandler } from '@rocketmq-ts/runtime'
import { EventKind, type Owner } from './event-queue.ts'
import type { NetworkHost } from './sim-network.ts'

/** Bytes under way before `write` answers false. */
const WRITE_MARK_BYTES = 256 * 1024
/** Bytes of one delivery. */
const DELIVERY_BYTES_MAX = 64 * 1024

/** Where a socket lives. */
export interface SocketPlace {
  readonly process: Owner
  /** Name of the machine. */
  readonly machine: string
  readonly address: SocketAddress
}

export class SimSocket implements Socket {
  readonly remoteAddress: SocketAddress
  readonly localAddress: SocketAddress
  readonly place: SocketPlace
  readonly #network: NetworkHost
  #peer: SimSocket | undefined
  #handler: SocketHandler | undefined
  /** On the way to the peer. */
  #queue: Uint8Array[] = []
  #queuedBytes = 0
  #deliveryScheduled = false
  #wantsDrain = false
  #paused = false
  /** No more is written. */
  #ended = false
  #endDelivered = false
  /** The peer's end arrived. */
  #peerEnded = false
  #closed = false
  #silent = false
  #lost = false
  #error: Error | undefined

  constructor(network: NetworkHost, place: SocketPlace, remote: SocketAddress) {
    this.#network = network
    this.place = place
    this.localAddress = place.address
    this.remoteAddress = remote
  }

  get bufferedBytes(): number {
    return this.#queuedBytes
  }

  get closed(): boolean {
    return this.#closed
  }

  get peer(): SimSocket | undefined {
    return this.#peer
  }

  join(peer: SimSocket): void {
    this.#peer = peer
  }

  start(handler: SocketHandler): void {
    this.#handler = handler
    if (this.#closed) this.#tellClose()
    else this.#peer?.deliverSoon()
  }

  write(chunks: readonly Uint8Array[]): boolean {
    if (this.#closed || this.#ended || !this.place.process.alive) return false
    for (const chunk of chunks) {
      if (chunk.length === 0) continue
      this.#queue.push(chunk)
      this.#queuedBytes += chunk.length
    }
    this.deliverSoon()
    this.#wantsDrain ||= this.#queuedBytes > WRITE_MARK_BYTES
    return !this.#wantsDrain
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    this.#peer?.deliverSoon()
  }

  end(): void {
    if (this.#closed || this.#ended) return
    this.#ended = true
    this.deliverSoon()
  }

  destroy(error?: Error): void {
    if (this.#closed || !this.place.process.alive) return
    this.#close(error)
    // What was under way may still arrive, or is overtaken by the reset.
    if (this.#network.random.chance(0.5)) {
      this.#ended = true
      this.deliverSoon()
    } else {
      this.#dropQueue()
      this.#network.resetSoon(this.place, this.#peer)
    }
  }

  /** The machine lost its power: nothing answers from this side any more. */
  silence(): void {
    this.#silent = true
    this.cut(undefined)
  }

  /** The network between forgot it: nothing arrives any more from this side, and nobody is told. */
  lose(): void {
    this.#lost = true
  }

  /** Ends this side at once, as a reset or the death of the process does. */
  cut(reason: string | undefined): void {
    if (this.#closed) return
    if (reason !== undefined) this.#network.counters.resets += 1
    this.#dropQueue()
    this.#close(
      reason === undefined
        ? undefined
        : new NetworkError('reset', `connection with ${this.remoteAddress.host}:${this.remoteAddress.port} ${reason}`),
    )
  }

  /** Schedules the next delivery, when there is something to deliver and the peer takes it. */
  deliverSoon(extraMs = 0): void {
    const peer = this.#peer
    if (peer === undefined || this.#lost || this.#deliveryScheduled) return
    if (this.#queuedBytes === 0 && (!this.#ended || this.#endDelivered)) return
    if (!peer.#closed && (peer.#paused || peer.#handler === undefined)) return
    if (this.#network.isCut(this.place, peer.place)) {
      this.#network.counters.droppedFrames += 1
      return
    }
    this.#deliveryScheduled = true
    this.#network.engine.schedule({
      owner: peer.place.process,
      kind: EventKind.network,
      delayMs: extraMs + this.#network.delayMs(this.place, peer.place),
      detail: this.#queuedBytes,
      run: () => {
        this.#deliveryScheduled = false
        this.#deliver(peer)
      },
    })
  }

  #deliver(peer: SimSocket): void {
    const { engine, random, counters } = this.#network
    if (this.#lost || (!peer.#closed && (peer.#paused || peer.#handler === undefined))) return
    if (this.#network.isCut(this.place, peer.place)) {
      counters.droppedFrames += 1
      return
    }
    if (random.chance(engine.faults.stallConnection)) {
      counters.stalls += 1
      this.deliverSoon(random.within(engine.latencies.stall))
      return
    }
    if (random.chance(engine.faults.resetConnection)) {
      this.cut('was reset')
      peer.cut('was reset')
      return
    }
    if (peer.#closed) {
      this.#deliverToNobody(peer)
      return
    }
    if (this.#queuedBytes === 0) {
      this.#deliverEnd(peer)
      return
    }
    const bytes = this.#take()
    if (this.#wantsDrain && this.#queuedBytes <= WRITE_MARK_BYTES) this.#tellDrain()
    this.deliverSoon()
    peer.#handler?.data(bytes)
    this.#closeIfDone()
  }

  /** The peer has closed: it answers bytes with a reset and ignores an end. */
  #deliverToNobody(peer: SimSocket): void {
    const reset = this.#queuedBytes > 0 && !peer.#silent
    this.#dropQueue()
    this.#endDelivered = true
    if (reset) this.#network.resetSoon(peer.place, this)
  }

  #deliverEnd(peer: SimSocket): void {
    this.#endDelivered = true
    peer.#peerEnded = true
    peer.end()
    peer.#closeIfDone()
    this.#closeIfDone()
  }

  #closeIfDone(): void {
    if (this.#peerEnded && this.#ended && this.#queuedBytes === 0) this.#close(undefined)
  }

  /** The bytes of one delivery, as a copy: the receiver may keep them, the sender must not touch them. */
  #take(): Uint8Array {
    const { engine, random, counters } = this.#network
    let count = Math.min(this.#queuedBytes, DELIVERY_BYTES_MAX)
    if (random.chance(engine.faults.splitChunk)) {
      counters.splits += 1
      count = 1 + random.integer(count)
    }
    const bytes = new Uint8Array(count)
    let filled = 0
    let used = 0
    while (filled < count) {
      const chunk = this.#queue[used] as Uint8Array
      const part = chunk.length <= count - filled ? chunk : chunk.subarray(0, count - filled)
      bytes.set(part, filled)
      filled += part.length
      if (part === chunk) used += 1
      else this.#queue[used] = chunk.subarray(part.length)
    }
    this.#queue.splice(0, used)
    this.#queuedBytes -= count
    engine.mix(crc32(bytes))
    return bytes
  }

  #dropQueue(): void {
    this.#queue = []
    this.#queuedBytes = 0
  }

  #close(error: Error | undefined): void {
    if (this.#closed) return
    this.#closed = true
    this.#error = error
    this.#network.forget(this)
    if (this.#handler !== undefined) this.#tellClose()
  }

  #tellClose(): void {
    const handler = this.#handler
    this.#tell(() => handler?.close(this.#error))
  }

  #tellDrain(): void {
    this.#wantsDrain = false
    this.#tell(() => {
      if (!this.#closed) this.#handler?.drain()
    })
  }

  #tell(run: () => void): void {
    this.#network.engine.schedule({ owner: this.place.process, kind: EventKind.network, delayMs: 0, run })
  }
}
