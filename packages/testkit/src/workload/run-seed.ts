// One seed from beginning to end: a cluster, clients, faults, then a quiet time in which everything must drain, then
// the audit of the brokers' folders and the verdict of the checker.
import type { QueueLedger } from '@rocketmq-ts/broker'
import type { Effects } from '@rocketmq-ts/runtime'
import { FaultInjector, type FaultRecord } from '../cluster/fault-injector.ts'
import { auditStore, type BrokerAudit } from '../cluster/store-audit.ts'
import { SimCluster } from '../cluster/sim-cluster.ts'
import { type Counters, createWorld, Prng, type SimProcess, type World, WorldError } from '../sim/index.ts'
import { prepare } from './admin.ts'
import type { CheckInput } from './checker/check-input.ts'
import { startConsumer } from './consumer.ts'
import { History } from './history.ts'
import { type Producer, startProducer } from './producer.ts'
import type { ClientContext, Mood } from './session.ts'
import type { SeedPlan } from './seed-plan.ts'

/** Time in which everything must drain once the faults are over. */
const DRAIN_MS_MAX = 20 * 60_000
const DRAIN_LOOK_MS = 250
const STOP_MS_MAX = 60_000
const PREPARE_MS_MAX = 60_000
/** Until what the operator made is flushed in every mode. */
const SETTLED_MS = 2000

export interface LedgerOfBroker {
  readonly brokerName: string
  readonly rows: readonly QueueLedger[]
}

/** What a run left behind, for the checker. */
export interface RunRecord {
  readonly plan: SeedPlan
  readonly history: History
  readonly cluster: SimCluster
  readonly ledgers: readonly LedgerOfBroker[]
  readonly audits: readonly BrokerAudit[]
  readonly faults: readonly FaultRecord[]
  readonly counters: Counters
  readonly traceHash: string
  readonly events: number
  readonly virtualMs: number
  /** Why the run did not come to its end. */
  readonly broken: string | undefined
}

export async function runSeed(plan: SeedPlan): Promise<RunRecord> {
  const world = createWorld({ seed: plan.seed, replay: `npm run sim -- --seed ${plan.seed}` })
  const run = new SeedRun(world, plan)
  const broken = await run.all().then(
    () => undefined,
    (error: unknown) => {
      if (error instanceof WorldError)
        return error.cause instanceof Error ? `${error.message}\n${error.cause.stack}` : error.message
      throw error
    },
  )
  const { history, cluster, ledgers, audits } = run
  return {
    plan,
    history,
    cluster,
    ledgers,
    audits,
    faults: run.faults,
    counters: world.counters,
    traceHash: world.traceHash,
    events: world.eventCount,
    virtualMs: world.nowMs,
    broken,
  }
}

/** What the checker is to judge. */
export function checkInputOf(run: RunRecord): CheckInput {
  const { plan, history, cluster, ledgers, audits, broken } = run
  return {
    topics: plan.topics,
    groups: plan.groups,
    isAsync: plan.cluster.flushDiskType === 'ASYNC_FLUSH',
    syncMsMax: plan.faults.syncMsMax,
    history,
    brokers: cluster.brokers.map(({ name, lives }) => ({ name, lives })),
    ledgers,
    audits,
    defects: cluster.defects,
    unanswered: cluster.unanswered,
    broken,
  }
}

class SeedRun {
  readonly history = new History()
  readonly cluster: SimCluster
  ledgers: readonly LedgerOfBroker[] = []
  readonly audits: BrokerAudit[] = []
  readonly #world: World
  readonly #plan: SeedPlan
  readonly #faults: FaultInjector
  readonly #mood: Mood = { careless: true, stopped: false }
  #producers: readonly Producer[] = []

  constructor(world: World, plan: SeedPlan) {
    this.#world = world
    this.#plan = plan
    this.cluster = new SimCluster(world, plan.cluster)
    this.#faults = new FaultInjector(this.cluster, plan.faults)
  }

  get faults(): readonly FaultRecord[] {
    return this.#faults.done
  }

  async all(): Promise<void> {
    const world = this.#world
    await this.cluster.start()
    await this.#prepare()
    await world.run(SETTLED_MS)
    this.#startClients()
    this.#faults.start()
    await world.run(this.#plan.spanMs)
    this.#faults.heal()
    this.#mood.careless = false
    await this.#drain()
    this.ledgers = this.cluster.ledgers()
    this.#mood.stopped = true
    await this.#stop()
    await this.#audit()
  }

  async #prepare(): Promise<void> {
    const { topics, groups } = this.#plan
    const brokerAddresses = this.cluster.brokers.map((_, index) => this.cluster.brokerAddress(index))
    await this.#task(
      this.cluster.clients.start('operator', (effects) => prepare(effects, { brokerAddresses, topics, groups })),
    )
  }

  /** Waits for a process that does something and ends. */
  async #task<Result>(process: SimProcess<Result>): Promise<Result> {
    await this.#world.run(() => process.state !== 'starting', { forMsMax: PREPARE_MS_MAX })
    const { handle } = process
    process.exit()
    return handle
  }

  #startClients(): void {
    const { producers, consumers } = this.#plan
    this.cluster.startClients('clients', (effects: Effects) => {
      const channels = this.cluster.channels(effects)
      const contextOf = (name: string): ClientContext => ({
        world: this.#world,
        effects,
        random: new Prng(this.#world.random.uint32() + name.length),
        history: this.history,
        mood: this.#mood,
      })
      this.#producers = producers.map((producer) => startProducer(contextOf(producer.name), channels, producer))
      for (const consumer of consumers) startConsumer(contextOf(consumer.name), channels, consumer)
    })
  }

  async #drain(): Promise<void> {
    let drained = false
    const look = (): void => {
      drained = this.#isDrained()
      if (!drained) this.#world.after(DRAIN_LOOK_MS, look)
    }
    look()
    await this.#world.run(() => drained, { forMsMax: DRAIN_MS_MAX })
  }

  #isDrained(): boolean {
    const { topics, groups } = this.#plan
    if (!this.#producers.every(({ done }) => done) || !this.cluster.isServing) return false
    return this.cluster.ledgers().every(({ rows }) =>
      groups.every((group) => {
        const queues = topics.find(({ name }) => name === group.topic)?.queues
        const ofGroup = rows.filter((row) => row.group === group.name && row.topic === group.topic)
        return ofGroup.length === queues && ofGroup.every(({ lag }) => lag === 0)
      }),
    )
  }

  async #stop(): Promise<void> {
    const stops: (() => Promise<void>)[] = this.cluster.proxies.map((node) => async () => node.handle?.proxy.stop())
    stops.push(...this.cluster.brokers.map((node) => async () => node.handle?.stop()))
    if (this.#plan.endsByKill) stops.length = this.cluster.proxies.length
    let left = stops.length
    for (const stop of stops) void stop().then(() => (left -= 1))
    await this.#world.run(() => left === 0, { forMsMax: STOP_MS_MAX })
    for (const node of this.cluster.nodes) node.stopped()
  }

  async #audit(): Promise<void> {
    const topics = new Set(this.#plan.topics.map(({ name }) => name))
    for (const { name } of this.#plan.groups) topics.add(`%DLQ%${name}`)
    for (const { machine, name } of this.cluster.brokers) {
      const { segmentBytes } = this.#plan.cluster
      const options = { brokerName: name, segmentBytes, isWanted: (topic: string) => topics.has(topic) }
      this.audits.push(await this.#task(machine.start('audit', (effects) => auditStore(effects, options))))
    }
  }
}
