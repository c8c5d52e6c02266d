// A whole cluster in one simulated world: nameservers, brokers and proxies, each on a machine of its own, and the
// machine of the clients.
import { type Broker, type QueueLedger } from '@rocketmq-ts/broker'
import type { MemorySide } from '@rocketmq-ts/grpc'
import { createNameServerClient, createPeerSource, type NameServerClient } from '@rocketmq-ts/cluster-client'
import type { NameServer } from '@rocketmq-ts/nameserver'
import { connectPeer } from '@rocketmq-ts/remoting'
import type { Effects } from '@rocketmq-ts/runtime'
import type { Prng, SimMachine, World } from '../sim/index.ts'
import { createProxyChannel, type ProxyChannel } from './proxy-channel.ts'
import {
  BROKER_PORT,
  type FlushDiskType,
  NAMESERVER_PORT,
  type ProxyProcess,
  startBroker,
  startNameServer,
  startProxy,
} from './service-mains.ts'
import { type NodeEvent, ServiceNode } from './service-node.ts'

export interface ClusterShape {
  readonly nameServers: number
  readonly brokers: number
  readonly proxies: number
  readonly flushDiskType: FlushDiskType
  readonly segmentBytes: number
  /** Brokers without topics take over those of the others; default: they do not. */
  readonly joinCluster?: boolean
}

/** A pop of a proxy that no broker answered, in milliseconds of the world. */
export interface UnansweredPop {
  readonly group: string
  readonly startMs: number
  readonly endMs: number
}

export type ServiceKind = 'nameserver' | 'broker' | 'proxy'

/** A service broke one of its own promises. */
export interface Defect {
  readonly node: string
  readonly atMs: number
  readonly message: string
}

/** Lines that only a damaged or broken service writes; nothing here flips bits, so none may come. */
const DEFECT_EVENTS: ReadonlySet<string> = new Set(['broker.defect', 'rpc.defect', 'message.damaged', 'store.damaged'])
/** Lines kept for a look into a failing run. */
const EVENTS_MAX = 5000

export class SimCluster {
  readonly world: World
  readonly shape: ClusterShape
  readonly nameServers: readonly ServiceNode<NameServer>[]
  readonly brokers: readonly ServiceNode<Broker>[]
  readonly proxies: readonly ServiceNode<ProxyProcess>[]
  readonly clients: SimMachine
  readonly defects: Defect[] = []
  /** Warnings and errors. */
  readonly events: NodeEvent[] = []
  /** Pops that got no answer: what they popped is hidden from the clients. */
  readonly unanswered: UnansweredPop[] = []
  /** Log lines of all levels by name. */
  readonly eventCounts = new Map<string, number>()
  readonly #random: Prng
  readonly #channels: ProxyChannel[] = []
  /** Until then what clients and the proxy tell each other is under way. */
  readonly #stalledUntilMs = new Map<string, number>()

  constructor(world: World, shape: ClusterShape) {
    this.world = world
    this.shape = shape
    this.#random = world.random.fork()
    const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index)
    const nameServers = range(shape.nameServers).map((index) => world.machine(`nameserver-${index}`))
    const addresses = nameServers.map(({ host }) => `${host}:${NAMESERVER_PORT}`)
    this.nameServers = nameServers.map((machine) => this.#node(machine, startNameServer))
    this.brokers = range(shape.brokers).map((index) => {
      const machine = world.machine(`broker-${index}`)
      const { flushDiskType, segmentBytes, joinCluster = false } = shape
      const place = {
        brokerName: machine.name,
        host: machine.host,
        nameServers: addresses,
        flushDiskType,
        segmentBytes,
        joinCluster,
      }
      return this.#node(machine, (deps) => startBroker(place, deps))
    })
    this.proxies = range(shape.proxies).map((index) => {
      const machine = world.machine(`proxy-${index}`)
      const latencyMs = (): number => this.#latencyMs(machine.name)
      const place = { host: machine.host, nameServers: addresses, latencyMs }
      return this.#node(machine, (deps) => startProxy(place, deps))
    })
    this.clients = world.machine('clients')
  }

  get nodes(): readonly ServiceNode<unknown>[] {
    return [...this.nameServers, ...this.brokers, ...this.proxies]
  }

  /** Starts everything, or some of it, and waits until its brokers are known and its proxies serve. */
  async start(nodes: readonly ServiceNode<unknown>[] = this.nodes): Promise<void> {
    for (const node of nodes) node.start()
    await this.world.run(() => this.#areServing(nodes) || this.defects.length > 0, { forMsMax: 60_000 })
  }

  /** An orderly stop, as by SIGTERM; resolves when the process has ended. */
  async stop(node: ServiceNode<Pick<Broker, 'stop'>>): Promise<void> {
    let isOver = false
    void node.handle?.stop().then(() => (isOver = true))
    await this.world.run(() => isOver, { forMsMax: 60_000 })
    node.stopped()
  }

  /** What an operator does at the nameservers. */
  async operate(work: (nameServers: NameServerClient) => Promise<unknown>): Promise<void> {
    const addresses = this.nameServers.map(({ machine }) => `${machine.host}:${NAMESERVER_PORT}`)
    const operator = this.clients.start('operator', async ({ network, clock, scheduler }) => {
      const connect = (address: string) => connectPeer(network, address, { clock, scheduler })
      const peers = createPeerSource({ connect, clock })
      await work(createNameServerClient({ addresses, peers, scheduler }))
      peers.close()
    })
    await this.world.run(() => operator.state !== 'starting', { forMsMax: 60_000 })
    operator.exit()
  }

  get isServing(): boolean {
    return this.#areServing(this.nodes)
  }

  #areServing(nodes: readonly ServiceNode<unknown>[]): boolean {
    return (
      nodes.every((node) => node.handle !== undefined) &&
      this.brokers.every((node) => !nodes.includes(node) || node.handle?.readiness().ready === true)
    )
  }

  brokerAddress(index: number): string {
    return `${this.brokers[index]?.machine.host ?? ''}:${BROKER_PORT}`
  }

  /** Starts a process on the machine of the clients. */
  startClients(name: string, main: (effects: Effects) => void): void {
    this.clients.start(name, main)
  }

  /** A channel to each proxy. */
  channels(side: MemorySide): readonly ProxyChannel[] {
    const channels = this.proxies.map((node) => createProxyChannel(node, side))
    this.#channels.push(...channels)
    return channels
  }

  /** Kills a service, or takes the power of its machine. */
  crash(node: ServiceNode<unknown>, powerLoss: boolean): void {
    const proxy = this.proxies.find((candidate) => candidate === node)
    const door = proxy?.handle?.grpc
    node.crash(powerLoss)
    // Clients of a machine without power notice later; until then their calls wait.
    if (door !== undefined) this.world.after(powerLoss ? this.#random.within([500, 4000]) : 0, () => door.crash())
  }

  /** Between all clients and one proxy, everything is late. */
  stallClients(proxy: ServiceNode<ProxyProcess>, forMs: number): void {
    this.#stalledUntilMs.set(proxy.name, this.world.nowMs + forMs)
  }

  /** Clients lose their connections to one proxy, or to all. */
  disconnectClients(proxy?: ServiceNode<ProxyProcess>): void {
    for (const channel of this.#channels) {
      if (proxy === undefined || channel.proxy === proxy.name) channel.disconnect()
    }
  }

  /** The ledgers of all brokers that run. */
  ledgers(): { readonly brokerName: string; readonly rows: readonly QueueLedger[] }[] {
    return this.brokers.flatMap((node) =>
      node.handle === undefined ? [] : [{ brokerName: node.name, rows: node.handle.ledger() }],
    )
  }

  #node<Handle>(
    machine: SimMachine,
    main: ConstructorParameters<typeof ServiceNode<Handle>>[0]['main'],
  ): ServiceNode<Handle> {
    return new ServiceNode<Handle>({
      world: this.world,
      machine,
      name: machine.name,
      main,
      onEvent: (event, level) => {
        this.eventCounts.set(event.event, (this.eventCounts.get(event.event) ?? 0) + 1)
        if (event.event === 'pop.unanswered') this.unanswered.push(unansweredOf(event))
        if (level === 'debug' || level === 'info') return
        if (this.events.length < EVENTS_MAX) this.events.push(event)
        if (DEFECT_EVENTS.has(event.event)) this.#defect(event.node, JSON.stringify(event))
      },
      onDefect: (node, error) => {
        this.#defect(node, error instanceof Error ? (error.stack ?? error.message) : String(error))
      },
    })
  }

  #defect(node: string, message: string): void {
    this.defects.push({ node, atMs: this.world.nowMs, message })
  }

  #latencyMs(proxy: string): number {
    const stallMs = Math.max(0, (this.#stalledUntilMs.get(proxy) ?? 0) - this.world.nowMs)
    return stallMs + this.#random.within([0.2, 2])
  }
}

function unansweredOf(event: NodeEvent): UnansweredPop {
  const { group, waitedMs, atMs } = event as NodeEvent & { readonly group: string; readonly waitedMs: number }
  return { group, startMs: atMs - waitedMs, endMs: atMs }
}
