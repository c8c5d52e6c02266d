// One simulated machine: an address, a disk that outlives its processes, a wall clock of its own.
import type { Effects } from '@rocketmq-ts/runtime'
import { Disk } from './disk.ts'
import type { Engine } from './engine.ts'
import type { Owner } from './event-queue.ts'
import type { Prng } from './prng.ts'
import { createSimFiles } from './sim-files.ts'
import type { NetworkMachine, SimNetwork } from './sim-network.ts'
import { createSimOffload } from './sim-offload.ts'
import { createSimClock, createSimScheduler, RunningProcess, type SimProcess } from './sim-process.ts'

export interface StartOptions {
  /** The test looks at `state` and `failure` itself; else a failed start ends the run. */
  readonly mayFail?: boolean
}

export interface MachineOptions {
  readonly engine: Engine
  readonly network: SimNetwork
  readonly name: string
  /** Its address in the simulated network. */
  readonly host: string
  readonly wallStartMs: number
  readonly onFailure: (process: Owner, error: unknown) => void
}

export class SimMachine implements NetworkMachine {
  readonly name: string
  readonly host: string
  readonly disk: Disk
  readonly #options: MachineOptions
  readonly #random: Prng
  readonly #locks = new Map<string, { readonly owner: Owner; readonly holder: string }>()
  readonly #processes = new Set<RunningProcess<unknown>>()
  /** By process, what it asked of the disk and is not done yet. */
  readonly #pending = new Map<Owner, Set<() => void>>()
  #powered = true
  #wallOffsetMs: number

  constructor(options: MachineOptions) {
    const { engine } = options
    this.#options = options
    this.name = options.name
    this.host = options.host
    this.#random = engine.random.fork()
    this.disk = new Disk(engine.random.fork(), engine.counters)
    this.#wallOffsetMs = options.wallStartMs + Math.round(this.#random.within(engine.latencies.clockSkew))
  }

  /** Processes that run now. */
  get processes(): readonly SimProcess[] {
    return [...this.#processes]
  }

  /** The wall clock of this machine. */
  get nowMs(): number {
    return this.#wallOffsetMs + Math.floor(this.#options.engine.nowMs)
  }

  /** Moves the wall clock; the monotonic clock goes on as before. */
  jumpClock(deltaMs: number): void {
    this.#wallOffsetMs += deltaMs
    this.#options.engine.counters.clockJumps += 1
  }

  /**
   * Starts a process. `main` gets its effects and resolves with a handle when it runs; a rejection ends the process.
   */
  start<Handle>(
    name: string,
    main: (effects: Effects) => Promise<Handle> | Handle,
    options?: StartOptions,
  ): SimProcess<Handle> {
    const { engine, onFailure } = this.#options
    const process = new RunningProcess<Handle>({
      engine,
      machine: this,
      name,
      main,
      effectsOf: (owner) => this.#effectsOf(owner),
      mayFail: options?.mayFail ?? false,
      onFailure,
      onEnd: (owner, reason) => {
        this.#processes.delete(process)
        this.#endPending(owner)
        this.#options.network.dropProcess(owner, !this.#powered)
        if (reason === 'crash') this.#count(name)
      },
    })
    this.#processes.add(process)
    return process
  }

  /** All processes die at once, and the disk keeps what was durable, and by chance some of the rest. */
  losePower(): void {
    this.#powered = false
    for (const process of this.#processes) process.end('crash')
    this.disk.losePower()
    this.#locks.clear()
    this.#options.engine.counters.powerLosses += 1
    this.#powered = true
  }

  /** A killed process is gone only when its system calls have ended: each is done by then, or was never begun. */
  #endPending(process: Owner): void {
    const pending = this.#pending.get(process) ?? []
    this.#pending.delete(process)
    for (const perform of pending) {
      if (!this.#powered || this.#random.chance(0.5)) continue
      try {
        perform()
      } catch {
        // There is nobody left to be told of the failure.
      }
    }
  }

  #count(name: string): void {
    const { crashes } = this.#options.engine.counters
    crashes.set(name, (crashes.get(name) ?? 0) + 1)
  }

  #effectsOf(process: Owner): Effects {
    const { engine, network } = this.#options
    const random = this.#random.fork()
    const pending = new Set<() => void>()
    this.#pending.set(process, pending)
    return {
      clock: createSimClock(engine, () => this.nowMs),
      random,
      scheduler: createSimScheduler(engine, process, random.fork()),
      files: createSimFiles({
        engine,
        random: random.fork(),
        disk: this.disk,
        process,
        pending,
        locks: this.#locks,
      }),
      network: network.networkOf(process, this),
      offload: createSimOffload({ engine, process, random: () => random.fork() }),
    }
  }
}
