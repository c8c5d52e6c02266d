// One simulated process: a service with effects of its own. It can be killed between any two events; from then on
// nothing it left behind runs, and nothing it calls has an effect.
import assert from 'node:assert'
import type { Clock, Effects, Scheduler } from '@rocketmq-ts/runtime'
import type { Engine } from './engine.ts'
import { EventKind, type Owner } from './event-queue.ts'
import type { Prng } from './prng.ts'
import type { SimMachine } from './sim-machine.ts'

export type ProcessState = 'starting' | 'running' | 'failed' | 'ended'

export interface CrashOptions {
  /** The whole machine goes down, and loses of its disk what was not synced. */
  readonly powerLoss: boolean
}

/** What `machine.start` answers. */
export interface SimProcess<Handle = unknown> extends Owner {
  readonly machine: SimMachine
  readonly effects: Effects
  readonly state: ProcessState
  /** What the process' main resolved with; throws while it has not. */
  readonly handle: Handle
  /** Why it failed. */
  readonly failure: unknown
  /** Kills it, as `kill -9` does, or by the loss of the machine's power. */
  crash(options?: CrashOptions): void
  /** Ends it after an orderly stop: the same to the world, but not counted as a crash. */
  exit(): void
}

/** Tasks keep their order within a process, as immediates do. */
export function createSimScheduler(engine: Engine, owner: Owner, random: Prng): Scheduler {
  let lastSoonMs = 0
  let soonTie = 0
  return {
    soon(task) {
      if (!owner.alive) return
      const dueMs = engine.nowMs + random.within(engine.latencies.soon)
      if (dueMs > lastSoonMs) {
        lastSoonMs = dueMs
        soonTie = random.uint32()
      }
      engine.schedule({ owner, kind: EventKind.soon, delayMs: lastSoonMs - engine.nowMs, tie: soonTie, run: task })
    },
    after(delayMs, task) {
      assert(Number.isFinite(delayMs) && delayMs >= 0, `not a delay in milliseconds: ${delayMs}`)
      if (!owner.alive) return { cancel() {} }
      const late = random.chance(engine.faults.lateTimer)
      if (late) engine.counters.lateTimers += 1
      const lateMs = late ? random.within(engine.latencies.lateTimer) : 0
      const event = engine.schedule({ owner, kind: EventKind.timer, delayMs: delayMs + lateMs, run: task })
      return {
        cancel() {
          event.run = undefined
        },
      }
    },
  }
}

export function createSimClock(engine: Engine, wallMs: () => number): Clock {
  return { nowMs: wallMs, monotonicMs: () => engine.nowMs }
}

/** What a machine hands to a new process. */
export interface ProcessOptions<Handle> {
  readonly engine: Engine
  readonly machine: SimMachine
  readonly name: string
  readonly main: (effects: Effects) => Promise<Handle> | Handle
  readonly effectsOf: (owner: Owner) => Effects
  /** A failed start belongs to the test. */
  readonly mayFail: boolean
  readonly onFailure: (process: Owner, error: unknown) => void
  readonly onEnd: (process: Owner, reason: 'exit' | 'crash') => void
}

export class RunningProcess<Handle> implements SimProcess<Handle> {
  readonly id: number
  readonly name: string
  readonly machine: SimMachine
  readonly effects: Effects
  state: ProcessState = 'starting'
  failure: unknown
  #alive = true
  #handle: { readonly value: Handle } | undefined
  readonly #options: ProcessOptions<Handle>

  constructor(options: ProcessOptions<Handle>) {
    this.#options = options
    this.id = options.engine.nextOwnerId()
    this.name = options.name
    this.machine = options.machine
    this.effects = options.effectsOf(this)
    options.engine.schedule({ owner: this, kind: EventKind.process, delayMs: 0, run: () => void this.#run() })
  }

  get alive(): boolean {
    return this.#alive
  }

  get handle(): Handle {
    assert(this.#handle !== undefined, `${this.name} is ${this.state}: it has no handle`)
    return this.#handle.value
  }

  crash(options: CrashOptions = { powerLoss: false }): void {
    if (options.powerLoss) this.machine.losePower()
    else this.end('crash')
  }

  exit(): void {
    this.end('exit')
  }

  end(reason: 'exit' | 'crash'): void {
    if (!this.#alive) return
    this.#alive = false
    if (this.state !== 'failed') this.state = 'ended'
    this.#options.onEnd(this, reason)
  }

  async #run(): Promise<void> {
    try {
      const value = await this.#options.main(this.effects)
      if (!this.#alive) return
      this.#handle = { value }
      this.state = 'running'
    } catch (error) {
      if (!this.#alive) return
      this.failure = error
      this.state = 'failed'
      this.end('exit')
      if (!this.#options.mayFail) this.#options.onFailure(this, error)
    }
  }
}
