// Carries out a fault plan in a cluster, and heals everything in the end. Invariant: after `heal` nothing of a fault is
// left but what the services remember of it.
import type { World } from '../sim/index.ts'
import type { FaultKind, FaultPlan, PlannedFault } from './fault-plan.ts'
import type { ServiceNode } from './service-node.ts'
import type { ServiceKind, SimCluster } from './sim-cluster.ts'

/** Free bytes that a disk keeps while it counts as full. */
const SPACE_LEFT_BYTES = 4096
/** How long after its end a disk fault may still fail a start. */
const AFTERMATH_MS = 2000
const COMMIT_LOG = '/commitlog/'

/** A fault that took place. */
export interface FaultRecord {
  readonly kind: FaultKind
  readonly node: string
  readonly atMs: number
}

export class FaultInjector {
  readonly done: FaultRecord[] = []
  readonly #world: World
  readonly #cluster: SimCluster
  readonly #plan: FaultPlan
  readonly #clearings: (() => void)[] = []
  readonly #jumps = new Map<ServiceNode<unknown>, number>()
  #healed = false

  constructor(cluster: SimCluster, plan: FaultPlan) {
    this.#world = cluster.world
    this.#cluster = cluster
    this.#plan = plan
  }

  /** From now on faults happen as planned. */
  start(): void {
    this.#world.setFaults(this.#plan.chances)
    for (const fault of this.#plan.faults) {
      this.#world.after(fault.atMs, () => {
        if (!this.#healed) this.#inject(fault)
      })
    }
  }

  /** Ends all faults and starts what is down. Brokers whose log refuses, or whose clock jumped, begin again. */
  heal(): void {
    this.#healed = true
    this.#world.setFaults({})
    for (const clear of this.#clearings) clear()
    this.#world.network.heal()
    for (const [{ machine }, jumpMs] of this.#jumps) machine.jumpClock(-jumpMs)
    for (const node of this.#cluster.brokers) {
      if (node.life?.refusedMs !== undefined || this.#jumps.has(node)) this.#cluster.crash(node, false)
    }
    for (const node of this.#cluster.nodes) node.start()
  }

  #inject(fault: PlannedFault): void {
    const { kind, forMs } = fault
    const planned = this.#nodeOf(fault.service, fault.index)
    const isCrash = kind === 'kill' || kind === 'kill-in-recovery'
    const node = isCrash && planned.isDown ? this.#anyRunning(planned) : planned
    this.done.push({ kind, node: node.name, atMs: this.#world.nowMs })
    switch (kind) {
      case 'kill':
      case 'power-loss':
        this.#crash(node, kind === 'power-loss', forMs)
        return
      case 'kill-in-recovery':
        this.#crash(node, false, 1)
        this.#later(1 + forMs, () => this.#crash(node, false, 100))
        return
      case 'partition':
      case 'one-way-partition':
        this.#partition(node, this.#nodeOf(fault.other.service, fault.other.index), kind === 'one-way-partition', forMs)
        return
      case 'dropped-connections':
        this.#world.network.dropConnections()
        this.#cluster.disconnectClients()
        return
      case 'stalled-clients': {
        const proxy = this.#cluster.proxies[fault.index % this.#cluster.proxies.length]
        if (proxy !== undefined) this.#cluster.stallClients(proxy, forMs)
        return
      }
      case 'stalled-sync':
        this.#diskFault(node, { on: 'sync', path: COMMIT_LOG, times: 1, delayMs: forMs }, forMs)
        return
      case 'sync-error':
      case 'write-error':
        this.#diskFault(
          node,
          { on: kind === 'sync-error' ? 'sync' : 'write', path: COMMIT_LOG, times: 1, error: 'io' },
          forMs,
        )
        return
      case 'disk-full':
        this.#fillDisk(node, forMs)
        return
      case 'clock-jump':
        node.machine.jumpClock(fault.jumpMs)
        this.#jumps.set(node, (this.#jumps.get(node) ?? 0) + fault.jumpMs)
    }
  }

  #nodeOf(service: ServiceKind, index: number): ServiceNode<unknown> {
    const { nameServers, brokers, proxies } = this.#cluster
    const nodes: readonly ServiceNode<unknown>[] = { nameserver: nameServers, broker: brokers, proxy: proxies }[service]
    return nodes[index % nodes.length] as ServiceNode<unknown>
  }

  #anyRunning(otherwise: ServiceNode<unknown>): ServiceNode<unknown> {
    return this.#cluster.nodes.find(({ isDown }) => !isDown) ?? otherwise
  }

  /** Unless the faults are over by then. */
  #later(delayMs: number, task: () => void): void {
    this.#world.after(delayMs, () => {
      if (!this.#healed) task()
    })
  }

  #crash(node: ServiceNode<unknown>, powerLoss: boolean, downMs: number): void {
    this.#cluster.crash(node, powerLoss)
    this.#later(downMs, () => node.start())
  }

  #partition(one: ServiceNode<unknown>, other: ServiceNode<unknown>, oneWay: boolean, forMs: number): void {
    const { network } = this.#world
    network.partition(one.machine.name, other.machine.name, { oneWay })
    this.#later(forMs, () => network.heal(one.machine.name, other.machine.name))
  }

  #diskFault(node: ServiceNode<unknown>, fault: Parameters<typeof node.machine.disk.fail>[0], forMs: number): void {
    const active = node.machine.disk.fail(fault)
    this.#world.after(forMs, () => {
      active.clear()
      if (this.#healed || active.hits === 0 || fault.error === undefined) return
      // Whatever the broker made of it: an operator starts it again, or the power goes, too.
      this.#crash(node, this.#world.random.chance(0.5), 500)
    })
    this.#clearings.push(() => active.clear())
    node.tolerateFailedStarts(this.#world.nowMs + forMs + AFTERMATH_MS)
  }

  #fillDisk(node: ServiceNode<unknown>, forMs: number): void {
    const { disk } = node.machine
    disk.capacityBytes = disk.usedBytes + SPACE_LEFT_BYTES
    const free = (): void => {
      disk.capacityBytes = Infinity
    }
    this.#clearings.push(free)
    node.tolerateFailedStarts(this.#world.nowMs + forMs + AFTERMATH_MS)
    this.#world.after(forMs, free)
  }
}
