// One seed of the store's world: one broker, many short lives, each ended at a step of its own, and after each start the
// checker. In the end everything is delivered, and the books must say the same.
import { createWorld, type Counters, Prng, type World, WorldError } from '../sim/index.ts'
import { AtRest, CLOCK_JUMP } from './at-rest.ts'
import { BrokerHost, type HostEvent, STORE_ROOT } from './broker-host.ts'
import { closeBooks } from './close-books.ts'
import { forgetBehind } from './check-deliveries.ts'
import { LifeFault } from './disk-faults.ts'
import { noteDeadLetters } from './check-end.ts'
import { checkRecoveredLog, notePlaces } from './check-recovery.ts'
import { noteArrived } from './check-waits.ts'
import { checkSettings } from './check-settings.ts'
import { checkStopped, stoppedFiles } from './check-stop.ts'
import { type LogImage, LogReader } from './log-image.ts'
import { deadKeyOf, GroupModel, Model, TopicModel } from './model.ts'
import { Operations } from './operations.ts'
import { checkResets, forgetResets } from './resetting.ts'
import { type LifePlan, OPERATIONS_MIN, type StorePlan } from './store-plan.ts'
import { checkMins } from './topic-rules.ts'
import { blurWaits, forgetOvers, forgetQuestions } from './waiting.ts'
import { Verdict, type Violation } from './verdict.ts'

/** Operations asked for at once, at most, but for bursts. */
const TOGETHER_MAX = 6
const BURST_CHANCE = 0.04
const BURST_MAX = 40
const ROUND_MS_MAX = 600_000
/** Pauses between rounds; long ones let timers of the broker come. */
const PAUSES_MS = [0, 0, 0, 1, 20, 200, 6000] as const
/** From what is asked for to the stop: about the time of some calls to a disk. */
const ON_THE_WAY_MS = [0, 0.02, 0.05, 0.1, 0.2, 0.4, 1] as const
/** Until a step in the background comes by itself. */
const IDLE_MS = 15_000
const STARTS_MAX = 12
/** Why files are cut back that a crash left longer than the log. */
const AHEAD = 'was ahead of the log'

/** What a run left behind. */
export interface StoreRunRecord {
  readonly plan: StorePlan
  readonly violations: readonly Violation[]
  readonly operations: Operations
  readonly host: BrokerHost
  readonly model: Model
  readonly counters: Counters
  readonly traceHash: string
  readonly events: number
  readonly virtualMs: number
}

/** Runs a seed. Never rejects: what the run itself can not go on with is a violation, too. */
export async function runStoreSeed(plan: StorePlan, tell?: (line: string) => void): Promise<StoreRunRecord> {
  const replay = `npm run sim -- --world store --seed ${plan.seed}`
  const world = createWorld({ seed: plan.seed, replay })
  const run = new StoreRun(world, plan, tell)
  await run.all().catch((error: unknown) => {
    const cause = error instanceof WorldError ? error.cause : error
    run.verdict.add('broken', `${String(error)}${cause instanceof Error ? `\n${cause.stack}` : ''}`)
  })
  for (const defect of run.host.defects) run.verdict.add('defect', defect)
  const { verdict, operations, host, model } = run
  return {
    plan,
    violations: verdict.violations,
    operations,
    host,
    model,
    counters: world.counters,
    traceHash: world.traceHash,
    events: world.eventCount,
    virtualMs: world.nowMs,
  }
}

interface DeadEvent {
  readonly group: string
  readonly topic: string
  readonly queueId: number
  readonly queueOffset: number
}

interface RebuiltEvent {
  readonly file: string
  readonly reason: string
}

class StoreRun {
  readonly verdict = new Verdict()
  readonly host: BrokerHost
  readonly model: Model
  readonly operations: Operations
  readonly #world: World
  readonly #plan: StorePlan
  readonly #random: Prng
  readonly #logReader: LogReader
  #image: LogImage | undefined
  #fault: LifeFault | undefined
  /** Mirrors were changed from outside: settings may be anything. */
  #isForeign = false
  readonly #rest: AtRest

  constructor(world: World, plan: StorePlan, tell?: (line: string) => void) {
    this.#world = world
    this.#plan = plan
    this.#random = world.random.fork()
    this.host = new BrokerHost(world, plan.shape)
    this.#logReader = new LogReader(this.host.machine.disk, STORE_ROOT, plan.shape.segmentBytes)
    this.model = new Model(
      plan.topics.map(({ name, dedup, isRuled }) => new TopicModel(name, { dedup, isRuled })),
      plan.groups.map(({ name, filter, order }) => new GroupModel(name, filter, order)),
      plan.checkBack,
    )
    const { host, model, verdict } = this
    model.areFilesForced = host.areFilesForced
    this.#rest = new AtRest({ host, model, random: this.#random, log: this.#logReader, foreign: () => this.#foreign() })
    verdict.place = () => ` [life ${host.lives.length}, ${world.nowMs.toFixed(1)} ms]`
    // A copy may expire before the log is read: then only the broker's word is left.
    host.onRemoval = () => {
      const image = this.#logReader.read()
      noteArrived(model, image, verdict)
      notePlaces(model, image, host.log.flushed)
    }
    host.onEvent = (event) => {
      tell?.(`life ${host.lives.length}, ${world.nowMs.toFixed(1)} ms: ${JSON.stringify(event)}`)
      if (event.event === 'timers.unbalanced') verdict.add('ledger', `delayed messages: ${JSON.stringify(event)}`)
      if (event.event === 'store.foreign') this.#foreign()
      if (event.event === 'store.rebuilt') this.#judgeRebuilt(event as HostEvent & RebuiltEvent)
      if (event.event !== 'message.dead') return
      const { group, topic, queueId, queueOffset } = event as HostEvent & DeadEvent
      const key = deadKeyOf(group, topic, queueId, queueOffset)
      model.toldDead.add(key)
      if (model.min > 0) model.dead.add(key)
    }
    this.operations = new Operations({ plan, host, model, random: this.#random, verdict, tell })
  }

  async all(): Promise<void> {
    for (const life of this.#plan.lives) {
      await this.#start()
      await this.#live(life)
      if (this.verdict.violations.length > 0) return
    }
    const left = OPERATIONS_MIN - this.operations.total
    if (left > 0) {
      await this.#start()
      await this.#live({ operations: left, crash: undefined })
      if (this.verdict.violations.length > 0) return
    }
    await this.#start()
    await this.#close()
  }

  /** Until it runs; it may be ended on the way, then it is started again. */
  async #start(): Promise<void> {
    const { host } = this
    for (let tries = 0; !host.isUp; tries += 1) {
      if (tries === STARTS_MAX) {
        this.verdict.add('start', `the broker does not start: ${String(host.life.startFailure)}`)
        throw new WorldError('the broker does not start')
      }
      // What a start must still find: a kill takes nothing that was written.
      const floor = host.log.written
      const last = host.lives.at(-1)
      if (last !== undefined && (last.hasLostPower || last.isRefusing || last.wasFaulty || this.#fault?.hasHit))
        forgetQuestions(this.model)
      const wasStopped = last?.end === 'stopped' && !last.hasFailed && !last.wasFaulty && this.#fault === undefined
      await host.start()
      this.operations.ended()
      const { recoveredEnd } = host.life
      if (recoveredEnd !== undefined) this.#recovered(recoveredEnd, floor)
      if (host.isUp && wasStopped && !this.#rest.isDamaged && host.life.rebuilt === 0 && host.life.scannedBytes !== 0) {
        this.verdict.add('clean', `after an orderly stop ${host.life.scannedBytes} bytes were read again`)
      }
      this.#rest.isDamaged = false
      if (host.life.end === 'start-failed') this.#judgeFailedStart()
    }
    this.#heal()
    host.order(undefined)
    const { model, verdict } = this
    const facts = {
      host,
      model,
      verdict,
      image: this.#image,
      log: this.#logReader,
      isForeign: this.#isForeign,
    }
    if (host.isUp) this.operations.connected()
    await this.#whileUp(() => checkSettings(facts))
    await this.#whileUp(() => checkResets(host, model, verdict))
    await this.#whileUp(() => checkMins(host, model, verdict))
  }

  /** A start may fail only where the disk fails; then it is well again. */
  #judgeFailedStart(): void {
    const { startFailure } = this.host.life
    if (this.#fault?.hasHit === true) this.host.count('failed starts', 1)
    else
      this.verdict.add(
        'start',
        `the broker did not start: ${startFailure instanceof Error ? startFailure.stack : String(startFailure)}`,
      )
    this.#heal()
  }

  /** A crash alone leaves nothing that has to be built again: a file may only be ahead of the log that is left. */
  #judgeRebuilt({ file, reason }: RebuiltEvent): void {
    const wasHit = Array.from(this.host.faults).some(([name, hits]) => hits > 0 && name !== CLOCK_JUMP)
    if (wasHit || this.#fault?.hasHit === true || this.#rest.isDamaged || reason === AHEAD) return
    // A file of the key index that no checkpoint speaks of yet may have any length after a power loss.
    if (file.startsWith('index') && this.host.lives.at(-2)?.end !== 'stopped') return
    this.verdict.add('rebuilt', `${file} ${reason}, and nothing had happened to it`)
  }

  #recovered(end: number, floor: number): void {
    const { model, verdict } = this
    this.#image = this.#logReader.read()
    forgetOvers(model, end)
    checkRecoveredLog(model, { image: this.#image, end, floor }, verdict)
    noteDeadLetters(model, this.#image)
    forgetBehind(model, end)
    forgetResets(model, end)
  }

  /** Runs the world until `work` is done, or the broker is ended. */
  async #whileUp(work: () => Promise<unknown>): Promise<void> {
    const { host } = this
    let isOver = false
    let failure: unknown
    void work().then(
      () => (isOver = true),
      (error: unknown) => {
        failure = error
        isOver = true
      },
    )
    await this.#world.run(() => isOver || !host.isUp, { forMsMax: ROUND_MS_MAX })
    if (failure !== undefined) throw failure
  }

  async #live(life: LifePlan): Promise<void> {
    const { operations, crash, fault, floodBytes = 0, asksAtStop = 0, doesDeleteTopics = false, faultStays } = life
    const { host } = this
    this.#fault = new LifeFault(fault, host.machine, () => this.#world.counters.diskFull)
    const random = this.#random
    if (host.lives.length === 1 || this.operations.total === 0) this.operations.prepare()
    const first = this.operations.total
    const target = first + operations
    if (crash?.phase === 'running') host.order({ ...crash })
    this.operations.flood(floodBytes)
    let rounds = 0
    while (host.isUp && this.operations.total < target) {
      rounds += 1
      host.level.look(host.machine.nowMs)
      this.#fault.reached(this.operations.total - first)
      host.level.look(host.machine.nowMs)
      if (rounds > 10 * operations) throw new WorldError('no operation is possible any more')
      if (random.chance(BURST_CHANCE)) this.operations.burst(1 + random.integer(BURST_MAX))
      else for (let count = 1 + random.integer(TOGETHER_MAX); count > 0; count -= 1) this.operations.next()
      const waitsForAll = random.chance(0.9)
      if (waitsForAll) await this.#world.run(() => this.operations.open === 0 || !host.isUp, { forMsMax: ROUND_MS_MAX })
      if (host.isUp) await this.#pause(random.pick(PAUSES_MS))
      if (this.verdict.violations.length > 0) return
    }
    await this.#end(crash, { asksAtStop, doesDeleteTopics })
    if (faultStays !== true) this.#heal()
    this.#rest.pass(life, this.#isLogSure)
  }

  #heal(): void {
    const [name, hits] = this.#fault?.heal() ?? []
    if (name !== undefined && hits !== undefined) {
      this.host.count(name, hits)
      if (this.#fault?.hasHit === true) this.host.life.wasFaulty = true
    }
    this.#fault = undefined
  }

  /** Without an orderly stop only the store knows up to where damage is not the end of the log. */
  get #isLogSure(): boolean {
    const { life } = this.host
    return life.end === 'stopped' && !life.hasFailed && !life.wasFaulty && this.#fault?.hasHit !== true
  }

  /** What was consumed is forgotten then: messages may come again. */
  #foreign(): void {
    this.#isForeign = true
    blurWaits(this.model)
    for (const setting of [...this.model.topics, ...this.model.groups]) setting.isFuzzy = true
  }

  async #pause(forMs: number): Promise<void> {
    const endMs = this.#world.nowMs + forMs
    this.#world.after(forMs, () => undefined)
    await this.#world.run(() => this.#world.nowMs >= endMs || !this.host.isUp)
  }

  async #end(
    crash: LifePlan['crash'],
    { asksAtStop, doesDeleteTopics }: { readonly asksAtStop: number; readonly doesDeleteTopics: boolean },
  ): Promise<void> {
    const { host } = this
    if (host.isUp && crash?.phase === 'running' && host.isOrdered) await this.#pause(IDLE_MS)
    if (!host.isUp) return
    if (crash?.phase === 'running' || crash?.phase === 'recovering') host.crash(crash.powerLoss)
    else {
      if (crash !== undefined) host.order({ ...crash })
      await this.#ask(asksAtStop)
      if (doesDeleteTopics) await this.#deleteTopics()
      await this.#stop()
      host.order(undefined)
      // What an orderly stop leaves behind needs no power.
      if (this.#random.chance(0.5)) this.#losePower()
    }
    if (crash?.phase === 'recovering') host.order({ ...crash })
  }

  /** Some are answered before the stop, some meet it on their way. */
  async #ask(count: number): Promise<void> {
    if (count === 0) return
    const burst = this.#random.integer(BURST_MAX)
    this.operations.burst(burst)
    for (let left = count - burst; left > 0; left -= 1) this.operations.next()
    const forMs = this.#random.pick(ON_THE_WAY_MS)
    if (forMs > 0) await this.#pause(forMs)
  }

  /** Their files go in the background: the stop may meet that on its way. */
  async #deleteTopics(): Promise<void> {
    const { operations, host } = this
    await this.#world.run(() => operations.open === 0 || !host.isUp, { forMsMax: ROUND_MS_MAX })
    operations.deleteTopics()
    const forMs = this.#random.pick(ON_THE_WAY_MS)
    if (forMs > 0) await this.#pause(forMs)
  }

  #losePower(): void {
    const { host, verdict } = this
    const { disk } = host.machine
    const isClean = host.life.end === 'stopped' && !host.life.hasFailed && !host.life.wasFaulty
    const before = stoppedFiles(disk, STORE_ROOT)
    host.losePower()
    if (isClean && this.#fault?.hasHit !== true) checkStopped(before, stoppedFiles(disk, STORE_ROOT), verdict)
  }

  /** In order: nothing of the log is left to chance. Only a disk that fails keeps it from its end. */
  async #stop(): Promise<void> {
    const { host, verdict } = this
    const end = await host.stop()
    if (this.#fault?.hasHit === true) return
    if (end === 'late') verdict.add('stop', 'the broker does not stop')
    const { flushed, written } = host.log
    if (end === 'stopped' && !host.life.hasFailed && flushed < written) {
      verdict.add('stop', `the log was stopped in order and is safe up to ${flushed} of ${written} only`)
    }
  }

  /** Everything that is left comes to every group, and then the books are closed. */
  #close(): Promise<void> {
    const { host, model, operations, verdict } = this
    return closeBooks({
      plan: this.#plan,
      host,
      model,
      operations,
      verdict,
      random: this.#random,
      log: this.#logReader,
      start: () => {
        this.#rest.isDamaged = true
        return this.#start()
      },
      restart: async (jumpMs = 0) => {
        await this.#stop()
        if (jumpMs > 0) host.machine.jumpClock(jumpMs)
        await this.#start()
      },
      stop: () => this.#stop(),
      pause: (forMs) => this.#pause(forMs),
      whileUp: (work) => this.#whileUp(work),
    })
  }
}
