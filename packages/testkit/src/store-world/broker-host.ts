// One broker on one machine: started, stopped in order, and killed at any call to its disk. Requests go over direct peers;
// nameservers are a stub that always agrees.
import { type Broker, brokerConfig, createBroker } from '@rocketmq-ts/broker'
import { type BrokerClient, createBrokerClient } from '@rocketmq-ts/cluster-client'
import { defaultConfig } from '@rocketmq-ts/config'
import type { Peer } from '@rocketmq-ts/remoting'
import type { Effects, LogEvent, Logger } from '@rocketmq-ts/runtime'
import type { DiskCall, DiskRange, DiskWatcher, SimMachine, SimProcess, World } from '../sim/index.ts'
import { WARNING_MARK } from './disk-faults.ts'
import { DiskLevel } from './disk-level.ts'
import { purposeOf } from './log-purpose.ts'
import { LogWatch } from './log-watch.ts'
import type { LogRange } from './rest-damage.ts'
import type { StoreShape } from './store-plan.ts'
import { fileKindOf, type LogPurpose, type Phase, type Side, type StepParts, stepOf } from './steps.ts'

export const STORE_ROOT = '/data/broker'
export const BROKER_HOST = '10.0.0.1'
export const BROKER_ADDRESS = 'broker'
const START_MS_MAX = 3_600_000
/** A stop that takes longer is ended by a kill, as the command does it. */
const STOP_MS_MAX = 60_000
/** What a broker without a setting keeps: jumps of the clock may be longer. */
const RESERVED_HOURS = 72
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** Few messages fill a file. */
const TIMER_LIMITS = { freshInImage: 4, freshSoft: 16, fresh: 10_000, removed: 16, tierEntries: 8 }
/** Between two looks at the disk, where no setting says it. */
const LOOK_INTERVAL_MS = 10_000
const SHORT = { recovering: 'r', running: 'u', stopping: 's', before: 'b', after: 'a' } as const

/** Where a broker is to be ended. */
export interface CrashOrder {
  /** Name of the step; any step of the phase without it. */
  readonly step: string | undefined
  readonly phase: Phase
  /** Times that it is let pass first. */
  skip: number
  readonly powerLoss: boolean
}

export type LifeEnd = 'killed' | 'power-lost' | 'stopped' | 'start-failed'

/** What one life of the broker left behind. */
export interface LifeRecord {
  readonly startedMs: number
  end: LifeEnd | undefined
  /** End of the log after its recovery, as its own log line says. */
  recoveredEnd: number | undefined
  /** Bytes of the log that its recovery read. */
  scannedBytes: number | undefined
  /** The log takes nothing, for good or until there is room: what changes meanwhile may be in memory only. */
  readonly isRefusing: boolean
  hasFailed: boolean
  /** Parts of the store for which the disk is full: the log, the watermark of retention. Each tells by itself when it no longer is. */
  fullFor: number
  /** Its key index takes and finds nothing more. */
  hasIndexFailed: boolean
  /** The files of its delayed messages are damaged: none is delivered until it is started again. */
  areTimersOver: boolean
  /** Files that its recovery had to build again. */
  rebuilt: number
  /** The machine has lost its power, while it ran or after that. */
  hasLostPower: boolean
  /** A fault of the disk has hit it. */
  wasFaulty: boolean
  /** Where it was killed. */
  crashStep: string | undefined
  startFailure: unknown
}

export interface HostEvent extends LogEvent {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
}

export class BrokerHost implements DiskWatcher {
  readonly world: World
  readonly machine: SimMachine
  readonly log = new LogWatch(`${STORE_ROOT}/commitlog`)
  readonly level: DiskLevel
  readonly lives: LifeRecord[] = []
  readonly events: HostEvent[] = []
  readonly defects: string[] = []
  /** Steps that were passed, and those at which it was killed, by name. */
  readonly stepsSeen = new Map<string, number>()
  readonly stepsHit = new Map<string, number>()
  /** Faults that truly hit, by name. */
  readonly faults = new Map<string, number>()
  /** What a record that is written now is for, as far as the driver knows. */
  purpose: LogPurpose = 'messages'
  /** What lay behind this was cut by a start since somebody last looked, also by one that was ended on its way. */
  cutFrom = Infinity
  onEvent: (event: HostEvent) => void = () => undefined
  /** Records of the log are about to go for good. */
  onRemoval: () => void = () => undefined
  /** Messages whose entries in the key index were changed at rest: Apache's files have no checksum that would show it. */
  readonly damagedIndex: LogRange[] = []
  readonly #shape: StoreShape
  /** Kinds of files by path. */
  readonly #kinds = new Map<string, string>()
  /** Names of steps by what they are made of, see `#stepOf`. */
  readonly #steps = new Map<string, Map<string, string | undefined>>()
  #process: SimProcess<Broker> | undefined
  #client: BrokerClient | undefined
  #peer: Peer | undefined
  #order: CrashOrder | undefined
  #isStopping = false
  #isRolling = false

  constructor(world: World, shape: StoreShape) {
    this.world = world
    this.#shape = shape
    this.machine = world.machine('broker')
    this.level = new DiskLevel(this.machine.disk, shape.settings.cleanResourceInterval ?? LOOK_INTERVAL_MS)
    this.machine.disk.atomicBytes = shape.atomicBytes
    this.machine.disk.watcher = this
  }

  get isUp(): boolean {
    return this.#process?.state === 'running'
  }

  get life(): LifeRecord {
    const life = this.lives.at(-1)
    if (life === undefined) throw new Error('the broker was never started')
    return life
  }

  get client(): BrokerClient {
    if (this.#client === undefined) throw new Error('the broker does not run')
    return this.#client
  }

  /** The same connection, for requests that the client does not know. */
  get peer(): Peer {
    if (this.#peer === undefined) throw new Error('the broker does not run')
    return this.#peer
  }

  /** Files of the log may go before their time. */
  get areFilesForced(): boolean {
    return this.#shape.settings.cleanFileForciblyEnable === true
  }

  /** Messages younger than this never expire, where no files are forced. */
  get reservedMs(): number {
    return (this.#shape.settings.fileReservedTime ?? RESERVED_HOURS) * HOUR_MS
  }

  /** Position of the first byte of the log that is on the disk. */
  logMin(): number {
    const [first] = this.machine.disk.list(`${STORE_ROOT}/commitlog`).filter(({ name }) => /^\d{20}$/u.test(name))
    return Number(first?.name ?? 0)
  }

  get broker(): Broker {
    if (this.#process === undefined) throw new Error('the broker does not run')
    return this.#process.handle
  }

  /** Notes that a fault has hit. */
  count(fault: string, hits: number): void {
    this.faults.set(fault, (this.faults.get(fault) ?? 0) + hits)
  }

  /** Ends the broker at a step; a new order replaces the one before. */
  order(order: CrashOrder | undefined): void {
    this.#order = order
  }

  /** True while an order waits for its step. */
  get isOrdered(): boolean {
    return this.#order !== undefined
  }

  /** Starts it, and waits until it runs, has failed, or was ended on the way. */
  async start(): Promise<void> {
    const { world, machine } = this
    const life: LifeRecord = {
      startedMs: world.nowMs,
      end: undefined,
      recoveredEnd: undefined,
      scannedBytes: undefined,
      get isRefusing() {
        return this.hasFailed || this.fullFor > 0
      },
      hasFailed: false,
      fullFor: 0,
      hasLostPower: false,
      wasFaulty: false,
      areTimersOver: false,
      rebuilt: 0,
      hasIndexFailed: false,
      crashStep: undefined,
      startFailure: undefined,
    }
    this.lives.push(life)
    this.#isStopping = false
    this.#isRolling = false
    this.log.starts()
    this.level.starts()
    const process = machine.start('broker', (effects) => this.#main(effects, life), { mayFail: true })
    this.#process = process
    await world.run(() => process.state !== 'starting', { forMsMax: START_MS_MAX })
    if (process.state === 'failed') {
      life.end = 'start-failed'
      life.startFailure = process.failure
      return
    }
    if (!process.alive) return
    const peer = process.handle.connectLocal()
    this.#peer = peer
    this.#client = createBrokerClient({
      peers: { opened: () => peer, peer: () => Promise.resolve(peer), close() {} },
    })
  }

  /** Stops it in order. An order may end it on the way, and one that takes too long is killed. */
  async stop(): Promise<'stopped' | 'ended' | 'late'> {
    const process = this.#process
    if (process === undefined || !process.alive) return 'ended'
    this.#isStopping = true
    let isOver = false
    let isLate = false
    void process.handle.stop().then(() => (isOver = true))
    this.world.after(STOP_MS_MAX, () => (isLate = true))
    await this.world.run(() => isOver || isLate || !process.alive)
    if (!process.alive) return 'ended'
    if (!isOver) {
      this.crash(false)
      return 'late'
    }
    process.exit()
    this.life.end = 'stopped'
    return 'stopped'
  }

  crash(powerLoss: boolean, step?: string): void {
    const process = this.#process
    if (process === undefined || !process.alive) return
    const { life } = this
    life.end = powerLoss ? 'power-lost' : 'killed'
    life.crashStep = step
    this.#order = undefined
    process.crash({ powerLoss })
    if (powerLoss) this.#powerLost()
  }

  /** The machine loses its power while nothing runs on it. */
  losePower(): void {
    this.machine.losePower()
    this.#powerLost()
  }

  #powerLost(): void {
    this.life.hasLostPower = true
    this.log.powerLost()
  }

  before(call: DiskCall, path: string, range?: DiskRange): void {
    this.log.before(call, path, range)
    if (call === 'remove' && this.lives.at(-1)?.recoveredEnd !== undefined && this.#kindOf(path) === 'log')
      this.onRemoval()
    this.#pass('before', call, path, range)
  }

  after(call: DiskCall, path: string, range?: DiskRange): void {
    this.log.after(call, path, range)
    if (call === 'remove' || call === 'rename' || call === 'truncate') this.level.look(this.machine.nowMs)
    this.#pass('after', call, path, range)
  }

  #pass(side: Side, call: DiskCall, path: string, range: DiskRange | undefined): void {
    if (this.#process === undefined || !this.#process.alive) return
    const phase: Phase = this.#isStopping ? 'stopping' : this.isUp ? 'running' : 'recovering'
    const kind = this.#kindOf(path)
    const purpose = kind === 'log' && call === 'write' ? this.#purposeOf(phase, range) : undefined
    const step = this.#stepOf({ phase, side, call, kind, purpose })
    if (step === undefined) return
    this.stepsSeen.set(step, (this.stepsSeen.get(step) ?? 0) + 1)
    const order = this.#order
    if (order === undefined || order.phase !== phase || (order.step ?? step) !== step) return
    order.skip -= 1
    if (order.skip >= 0) return
    this.stepsHit.set(step, (this.stepsHit.get(step) ?? 0) + 1)
    this.crash(order.powerLoss, step)
  }

  #stepOf(parts: StepParts): string | undefined {
    const { phase, side, call, kind, purpose } = parts
    const place = purpose ?? kind
    let steps = this.#steps.get(place)
    if (steps === undefined) this.#steps.set(place, (steps = new Map()))
    const key = SHORT[phase] + SHORT[side] + call
    if (!steps.has(key)) steps.set(key, stepOf(parts))
    return steps.get(key)
  }

  #kindOf(path: string): string {
    let kind = this.#kinds.get(path)
    if (kind === undefined) this.#kinds.set(path, (kind = fileKindOf(STORE_ROOT, path)))
    return kind
  }

  #purposeOf(phase: Phase, range: DiskRange | undefined): LogPurpose | undefined {
    if (phase !== 'running') return undefined
    if (range?.isZero === true) return 'zeros'
    return purposeOf(range?.chunks ?? []) ?? (this.#isRolling ? 'states' : this.purpose)
  }

  async #main(effects: Effects, life: LifeRecord): Promise<Broker> {
    const { flushDiskType, segmentBytes } = this.#shape
    const note =
      (level: HostEvent['level']) =>
      (event: LogEvent): void =>
        this.#note({ ...event, level }, life)
    const logger: Logger<LogEvent> = {
      debug: note('debug'),
      info: note('info'),
      warn: note('warn'),
      error: note('error'),
    }
    const broker = createBroker(
      {
        ...defaultConfig(brokerConfig),
        listenHost: '0.0.0.0',
        brokerIP1: BROKER_HOST,
        storePathRootDir: STORE_ROOT,
        flushDiskType,
        mappedFileSizeCommitLog: segmentBytes,
        registerNameServerPeriod: DAY_MS,
        ...this.#shape.settings,
      },
      {
        ...effects,
        logger,
        timerLimits: TIMER_LIMITS,
        nameServers: { addresses: [], register: () => Promise.resolve(), unregister: () => Promise.resolve() },
        onDefect: (error) => this.#defect(error),
      },
    )
    await broker.start()
    return broker
  }

  #defect(error: unknown): void {
    this.defects.push(error instanceof Error ? (error.stack ?? error.message) : String(error))
    this.crash(false)
  }

  #note(event: HostEvent, life: LifeRecord): void {
    if (this.life !== life) return
    if (event.event === 'store.opened') {
      const { end, scannedBytes } = event as HostEvent & { readonly end: number; readonly scannedBytes: number }
      life.scannedBytes = scannedBytes
      life.recoveredEnd = end
      this.log.endAt(life.recoveredEnd)
    }
    if (event.event === 'store.cut')
      this.cutFrom = Math.min(this.cutFrom, (event as HostEvent & { readonly from: number }).from)
    if (event.event === 'timer.index-damaged') life.areTimersOver = true
    if (event.event === 'timer.index-rebuilt') life.areTimersOver = false
    if (event.event === 'store.index-failed') life.hasIndexFailed = true
    if (event.event === 'store.rebuilt') life.rebuilt += 1
    if (event.event === 'store.failed') life.hasFailed = true
    if (event.event === 'store.disk-full') {
      life.fullFor += 1
      if (!(event as HostEvent & { readonly message: string }).message.includes(WARNING_MARK)) this.level.wasFull()
    }
    if (event.event === 'store.disk-freed') life.fullFor -= 1
    if (event.event === 'segment.rolled') this.#isRolling = true
    if (event.event === 'states.complete') this.#isRolling = false
    if (event.level === 'warn' || event.level === 'error') this.events.push(event)
    this.onEvent(event)
  }
}
