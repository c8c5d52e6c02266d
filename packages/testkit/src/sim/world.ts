// The simulated world: machines, their network, and one virtual time. A seed determines every event; a failing run names
// the command that replays it.
import { Engine } from './engine.ts'
import { EventKind, type Owner } from './event-queue.ts'
import { type Counters, type FaultChances, type Latencies, NO_FAULTS, USUAL_LATENCIES } from './faults.ts'
import { later, pump } from './node/pump.ts'
import type { Prng } from './prng.ts'
import { SimMachine } from './sim-machine.ts'
import { SimNetwork } from './sim-network.ts'

/** 2026-01-01T00:00:00Z: where wall clocks start. */
const WALL_START_MS = 1_767_225_600_000
const EVENTS_MAX = 10_000_000
const WAIT_MS_MAX = 24 * 3600 * 1000

export interface WorldOptions {
  readonly seed: number
  /** Chances of faults; what is not named does not happen. */
  readonly faults?: Partial<FaultChances>
  readonly latencies?: Partial<Latencies>
  /** One line that runs this again, printed with every failure. */
  readonly replay?: string
  readonly wallStartMs?: number
  /** What is due at the present time runs by itself, without `run`: for unit tests that simply await. */
  readonly eager?: boolean
  /** Told about each event. */
  readonly trace?: (line: string) => void
}

export interface RunLimits {
  /** Events of this run before it counts as endless. */
  readonly eventsMax?: number
  /** Virtual milliseconds to wait for a condition. */
  readonly forMsMax?: number
}

/** A run that ended otherwise than it should. */
export class WorldError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'WorldError'
  }
}

/** One event on the way of a run. */
interface Course {
  readonly until: (() => boolean) | undefined
  readonly endMs: number
  readonly eventsMax: number
}

export class World {
  readonly network: SimNetwork
  readonly #options: WorldOptions
  readonly #engine: Engine
  readonly #owner: Owner
  readonly #machines = new Map<string, SimMachine>()
  #failure: { readonly process: Owner; readonly error: unknown } | undefined
  #running = false
  /** The run that `eager` started, or is about to start. */
  #eagerRun: Promise<void> | undefined

  constructor(options: WorldOptions) {
    this.#options = options
    this.#engine = new Engine({
      seed: options.seed,
      faults: { ...NO_FAULTS, ...options.faults },
      latencies: { ...USUAL_LATENCIES, ...options.latencies },
      trace: options.trace,
      onSchedule: options.eager === true ? () => this.#runEagerly() : undefined,
    })
    this.#owner = { id: this.#engine.nextOwnerId(), name: 'world', alive: true }
    this.network = new SimNetwork(this.#engine, this.#owner)
  }

  get seed(): number {
    return this.#options.seed
  }

  /** Virtual milliseconds since the world began. */
  get nowMs(): number {
    return this.#engine.nowMs
  }

  get eventCount(): number {
    return this.#engine.eventCount
  }

  /** Equal for equal runs. */
  get traceHash(): string {
    return this.#engine.traceHash
  }

  get counters(): Counters {
    return this.#engine.counters
  }

  /** For the decisions of the workload, so that the seed determines them too. */
  get random(): Prng {
    return this.#engine.random
  }

  /** Chances of faults from now on; what is not named does not happen any more. */
  setFaults(faults: Partial<FaultChances>): void {
    this.#engine.faults = { ...NO_FAULTS, ...faults }
  }

  /** The machine of that name, made at first use. Others reach it by its name or its `host`. */
  machine(name: string): SimMachine {
    const known = this.#machines.get(name)
    if (known !== undefined) return known
    const number = this.#machines.size + 1
    const machine = new SimMachine({
      engine: this.#engine,
      network: this.network,
      name,
      host: `10.0.${number >> 8}.${number & 0xff}`,
      wallStartMs: this.#options.wallStartMs ?? WALL_START_MS,
      onFailure: (process, error) => {
        this.#failure ??= { process, error }
      },
    })
    this.#machines.set(name, machine)
    this.network.addMachine(machine)
    return machine
  }

  /** Runs `task` as an event of the world in so many virtual milliseconds: a crash, a partition, its healing. */
  after(delayMs: number, task: () => void): void {
    this.#engine.schedule({ owner: this.#owner, kind: EventKind.world, delayMs, run: task })
  }

  /**
   * Runs until a condition holds, asked after each event, or for a number of virtual milliseconds. Rejects with
   * `WorldError` when nothing can happen any more and the condition does not hold, when a limit is reached, and when
   * code of a process throws, rejects unhandled, or fails to start.
   */
  async run(until: (() => boolean) | number, limits?: RunLimits): Promise<void> {
    while (this.#eagerRun !== undefined) await this.#eagerRun
    await this.#run(until, limits)
  }

  #runEagerly(): void {
    if (this.#running || this.#eagerRun !== undefined) return
    this.#eagerRun = new Promise<void>(later)
      .then(() => (this.#running ? undefined : this.#run(0)))
      .finally(() => {
        this.#eagerRun = undefined
      })
  }

  async #run(until: (() => boolean) | number, limits?: RunLimits): Promise<void> {
    if (this.#running) throw new WorldError('the world runs already')
    const forMs = typeof until === 'number' ? until : (limits?.forMsMax ?? WAIT_MS_MAX)
    const course: Course = {
      until: typeof until === 'number' ? undefined : until,
      endMs: this.#engine.nowMs + forMs,
      eventsMax: this.#engine.eventCount + (limits?.eventsMax ?? EVENTS_MAX),
    }
    this.#running = true
    try {
      await pump(() => this.#step(course))
    } catch (error) {
      throw error instanceof WorldError ? error : this.#error('code of a process failed', error)
    } finally {
      this.#running = false
    }
  }

  /** False when the run is over. */
  #step(course: Course): boolean {
    if (this.#failure !== undefined) {
      const { process, error } = this.#failure
      this.#failure = undefined
      throw this.#error(`${process.name} failed to start`, error)
    }
    const { until, endMs } = course
    if (until?.() === true) return false
    const event = this.#engine.peek()
    if (event === undefined || event.atMs > endMs) {
      if (until === undefined) {
        this.#engine.passTo(endMs)
        return false
      }
      const reason = event === undefined ? 'nothing can happen any more' : 'it did not come in time'
      throw this.#error(`the condition does not hold and ${reason}`)
    }
    if (this.#engine.eventCount >= course.eventsMax) throw this.#error('too many events: does something spin?')
    try {
      this.#engine.runNext()
    } catch (error) {
      throw error instanceof WorldError ? error : this.#error(`code of ${event.owner.name} threw`, error)
    }
    return true
  }

  #error(what: string, cause?: unknown): WorldError {
    const states = [...this.#machines.values()].flatMap((machine) =>
      machine.processes.map((process) => `${process.name} on ${machine.name} ${process.state}`),
    )
    const lines = [
      cause === undefined ? what : `${what}: ${cause instanceof Error ? cause.message : String(cause)}`,
      `  seed ${this.seed}, ${this.nowMs.toFixed(3)} ms, ${this.eventCount} events, trace ${this.traceHash}`,
      `  processes: ${states.length === 0 ? 'none' : states.join(', ')}`,
    ]
    if (this.#options.replay !== undefined) lines.push(`  replay: ${this.#options.replay}`)
    return new WorldError(lines.join('\n'), cause)
  }
}

/** A new world. Nothing happens in it until `run`. */
export function createWorld(options: WorldOptions): World {
  return new World(options)
}
