// The network between simulated machines: who listens where, which links are cut, and all connections.
import { type Listener, type Network, NetworkError, type Socket, type SocketAddress } from '@rocketmq-ts/runtime'
import { SimSocket, type SocketPlace } from './connection.ts'
import type { Engine } from './engine.ts'
import { EventKind, type Owner } from './event-queue.ts'
import type { Counters } from './faults.ts'
import type { Prng } from './prng.ts'

const EPHEMERAL_PORT_FIRST = 32_768
const PORT_MAX = 65_535
/** How long a lost connection attempt waits before it is sent again. */
const CONNECT_RETRY_MS = 1000
/** What is sent again over a healed link takes at most this longer. */
const HEAL_DELAY_MS_MAX = 1000
const LOOPBACK_HOSTS: ReadonlySet<string> = new Set(['127.0.0.1', 'localhost', '::1'])
const ANY_HOSTS: ReadonlySet<string> = new Set(['0.0.0.0', '::', ''])

/** What sockets need of the network. */
export interface NetworkHost {
  readonly engine: Engine
  readonly random: Prng
  readonly counters: Counters
  readonly world: Owner
  isCut(from: SocketPlace, to: SocketPlace): boolean
  delayMs(from: SocketPlace, to: SocketPlace): number
  /** The other side learns of a reset, unless the link is cut: then when it heals. */
  resetSoon(from: SocketPlace, socket: SimSocket | undefined): void
  forget(socket: SimSocket): void
}

/** A machine as the network sees it. */
export interface NetworkMachine {
  readonly name: string
  readonly host: string
}

interface Listening {
  readonly process: Owner
  readonly machine: string
  readonly address: SocketAddress
  readonly accept: (socket: Socket) => void
}

/** A connection that is being made. */
interface Attempt {
  readonly target: NetworkMachine
  readonly from: SocketPlace
  readonly to: SocketPlace
  over: boolean
  /** False when it was over before. */
  end(outcome: Socket | NetworkError): boolean
}

type ConnectOptions = SocketAddress & { readonly timeoutMs: number }
type ListenOptions = SocketAddress & { readonly accept: (socket: Socket) => void }

export interface PartitionOptions {
  /** Only what the first sends to the second is lost. */
  readonly oneWay?: boolean
}

export class SimNetwork implements NetworkHost {
  readonly engine: Engine
  readonly random: Prng
  readonly world: Owner
  readonly counters: Counters
  readonly #machines: NetworkMachine[] = []
  readonly #listening = new Set<Listening>()
  readonly #sockets = new Set<SimSocket>()
  readonly #cutLinks = new Set<string>()
  /** Resets that wait for a link to heal. */
  #heldResets: { readonly from: SocketPlace; readonly socket: SimSocket }[] = []
  #lastPort = EPHEMERAL_PORT_FIRST - 1

  constructor(engine: Engine, world: Owner) {
    this.engine = engine
    this.random = engine.random.fork()
    this.counters = engine.counters
    this.world = world
  }

  addMachine(machine: NetworkMachine): void {
    this.#machines.push(machine)
  }

  /** Cuts the link between two machines, by name. What is under way waits; some connections give up. */
  partition(one: string, other: string, options?: PartitionOptions): void {
    this.#cutLinks.add(`${one}>${other}`)
    if (options?.oneWay !== true) this.#cutLinks.add(`${other}>${one}`)
    this.counters.partitions += 1
    for (const socket of [...this.#sockets].filter((candidate) => this.#isBetween(candidate, one, other))) {
      if (this.random.chance(0.5)) this.#giveUpIfStillCut(socket, one, other)
    }
  }

  /** Restores the link between two machines; without names, all links. */
  heal(one?: string, other?: string): void {
    if (one === undefined || other === undefined) this.#cutLinks.clear()
    this.#cutLinks.delete(`${one}>${other}`)
    this.#cutLinks.delete(`${other}>${one}`)
    const held = this.#heldResets
    this.#heldResets = []
    for (const { from, socket } of held) this.resetSoon(from, socket)
    for (const socket of this.#sockets) {
      const { peer } = socket
      if (peer !== undefined && !this.isCut(socket.place, peer.place)) {
        socket.deliverSoon(this.random.within([0, HEAL_DELAY_MS_MAX]))
      }
    }
  }

  /** Resets the connections between two machines; without names, all. Returns how many sockets there were. */
  dropConnections(one?: string, other?: string): number {
    const chosen = [...this.#sockets].filter(
      (socket) => one === undefined || other === undefined || this.#isBetween(socket, one, other),
    )
    for (const socket of chosen) socket.cut('was reset')
    return chosen.length
  }

  /** The connections between two machines pass nothing any more and stay open for both; new ones work. */
  loseConnections(one: string, other: string): void {
    for (const socket of this.#sockets) if (this.#isBetween(socket, one, other)) socket.lose()
  }

  /** The process died: its listeners are gone, its peers see resets; without power they see nothing for a while. */
  dropProcess(process: Owner, withoutPower: boolean): void {
    for (const listening of this.#listening) if (listening.process === process) this.#listening.delete(listening)
    for (const socket of [...this.#sockets].filter((candidate) => candidate.place.process === process)) {
      const { peer } = socket
      if (!withoutPower) {
        socket.cut(undefined)
        this.resetSoon(socket.place, peer)
        continue
      }
      socket.silence()
      if (peer !== undefined) this.#resetAfter(this.random.within(this.engine.latencies.deadPeer), socket.place, peer)
    }
  }

  isCut(from: SocketPlace, to: SocketPlace): boolean {
    return this.#cutLinks.size > 0 && this.#cutLinks.has(`${from.machine}>${to.machine}`)
  }

  delayMs(from: SocketPlace, to: SocketPlace): number {
    const { latencies } = this.engine
    return this.random.within(from.machine === to.machine ? latencies.loopback : latencies.network)
  }

  resetSoon(from: SocketPlace, socket: SimSocket | undefined): void {
    if (socket !== undefined) this.#resetAfter(this.delayMs(from, socket.place), from, socket)
  }

  forget(socket: SimSocket): void {
    this.#sockets.delete(socket)
  }

  /** `Network` as one process sees it. */
  networkOf(process: Owner, machine: NetworkMachine): Network {
    return {
      listen: (options) => this.#listen(process, machine, options),
      connect: (options) => this.#connect(process, machine, options),
    }
  }

  #resetAfter(delayMs: number, from: SocketPlace, socket: SimSocket): void {
    this.#schedule(this.world, delayMs, () => {
      if (socket.closed) return
      if (this.isCut(from, socket.place)) this.#heldResets.push({ from, socket })
      else socket.cut('was reset by the other side')
    })
  }

  #giveUpIfStillCut(socket: SimSocket, one: string, other: string): void {
    this.#schedule(this.world, this.random.within(this.engine.latencies.cutLink), () => {
      if (this.#cutLinks.has(`${one}>${other}`) || this.#cutLinks.has(`${other}>${one}`)) socket.cut('timed out')
    })
  }

  #isBetween(socket: SimSocket, one: string, other: string): boolean {
    const { machine } = socket.place
    const peer = socket.peer?.place.machine
    return (machine === one && peer === other) || (machine === other && peer === one)
  }

  #schedule(owner: Owner, delayMs: number, run: () => void): void {
    this.engine.schedule({ owner, kind: EventKind.network, delayMs, run })
  }

  #nextPort(): number {
    this.#lastPort = this.#lastPort >= PORT_MAX ? EPHEMERAL_PORT_FIRST : this.#lastPort + 1
    return this.#lastPort
  }

  #listen(process: Owner, machine: NetworkMachine, options: ListenOptions): Promise<Listener> {
    return new Promise((resolve, reject) => {
      this.#schedule(process, this.random.within(this.engine.latencies.loopback), () => {
        const { host, accept } = options
        const port = options.port === 0 ? this.#nextPort() : options.port
        for (const other of this.#listening) {
          if (other.machine !== machine.name || other.address.port !== port) continue
          if (other.address.host !== host && !ANY_HOSTS.has(host) && !ANY_HOSTS.has(other.address.host)) continue
          const message = `can not listen on ${host}:${port}; stop what uses it or set another port`
          reject(new NetworkError('address-in-use', message))
          return
        }
        const listening = { process, machine: machine.name, address: { host, port }, accept }
        this.#listening.add(listening)
        resolve({
          address: listening.address,
          close: async () => {
            this.#listening.delete(listening)
          },
        })
      })
    })
  }

  /** The machine that a name or address means to this one, and the address it is reached at. */
  #targetOf(
    machine: NetworkMachine,
    host: string,
  ): { readonly machine: NetworkMachine; readonly host: string } | undefined {
    if (LOOPBACK_HOSTS.has(host) || ANY_HOSTS.has(host)) return { machine, host: '127.0.0.1' }
    const found = this.#machines.find((candidate) => candidate.name === host || candidate.host === host)
    return found === undefined ? undefined : { machine: found, host: found.host }
  }

  #listeningAt(machine: NetworkMachine, host: string, port: number): Listening | undefined {
    for (const listening of this.#listening) {
      if (listening.machine !== machine.name || listening.address.port !== port || !listening.process.alive) continue
      const bound = listening.address.host
      const boundHost = LOOPBACK_HOSTS.has(bound) ? '127.0.0.1' : bound === machine.name ? machine.host : bound
      if (ANY_HOSTS.has(bound) || boundHost === host) return listening
    }
    return undefined
  }

  #connect(process: Owner, machine: NetworkMachine, options: ConnectOptions): Promise<Socket> {
    const { host, port, timeoutMs } = options
    return new Promise((resolve, reject) => {
      const name = `${host}:${port}`
      const target = this.#targetOf(machine, host)
      if (target === undefined) {
        const error = new NetworkError('unreachable', `no machine is known as ${host}`)
        this.#schedule(process, 0, () => reject(error))
        return
      }
      const near = target.machine === machine ? target.host : machine.host
      const attempt: Attempt = {
        target: target.machine,
        from: { process, machine: machine.name, address: { host: near, port: this.#nextPort() } },
        to: { process: this.world, machine: target.machine.name, address: { host: target.host, port } },
        over: false,
        end(outcome) {
          if (attempt.over) return false
          attempt.over = true
          timeout.run = undefined
          if (outcome instanceof NetworkError) reject(outcome)
          else resolve(outcome)
          return true
        },
      }
      const timeout = this.engine.schedule({
        owner: process,
        kind: EventKind.timer,
        delayMs: timeoutMs,
        run: () => attempt.end(new NetworkError('timeout', `no connection with ${name} within ${timeoutMs} ms`)),
      })
      this.#knock(attempt)
    })
  }

  /** Asks the other machine for a connection, again and again while the link is cut. */
  #knock(attempt: Attempt): void {
    const { from, to } = attempt
    this.#schedule(from.process, this.delayMs(from, to), () => {
      if (attempt.over) return
      if (this.isCut(from, to) || this.isCut(to, from)) {
        this.counters.droppedFrames += 1
        this.#schedule(from.process, CONNECT_RETRY_MS, () => this.#knock(attempt))
        return
      }
      this.#answer(attempt)
    })
  }

  #answer(attempt: Attempt): void {
    const { from, to } = attempt
    const listening = this.#listeningAt(attempt.target, to.address.host, to.address.port)
    const byChance = this.random.chance(this.engine.faults.refuseConnection)
    if (byChance) this.counters.refusals += 1
    const socket =
      listening === undefined || byChance
        ? undefined
        : this.#open(from, { ...to, process: listening.process }, listening)
    this.#schedule(from.process, this.delayMs(to, from), () => {
      const name = `${to.address.host}:${to.address.port}`
      if (socket === undefined) attempt.end(new NetworkError('refused', `can not connect to ${name} (nothing listens)`))
      else if (!attempt.end(socket)) socket.destroy()
    })
  }

  #open(from: SocketPlace, to: SocketPlace, listening: Listening): SimSocket {
    const near = new SimSocket(this, from, to.address)
    const far = new SimSocket(this, to, from.address)
    near.join(far)
    far.join(near)
    this.#sockets.add(near).add(far)
    this.#schedule(listening.process, 0, () => {
      if (!far.closed) listening.accept(far)
    })
    return near
  }
}
