// One service of the cluster on its machine: it is started, killed and started again on the same disk. What happened
// to it and when is kept, since the checker's rules depend on it.
import type { LogEvent } from '@rocketmq-ts/runtime'
import type { SimMachine, SimProcess, World } from '../sim/index.ts'
import type { ServiceDeps } from './service-mains.ts'

/** Pause of the supervisor before it starts again what could not start. */
const START_RETRY_MS = 500

/** One life of the process, in milliseconds of the world. */
export interface Life {
  readonly startedMs: number
  /** Undefined while it runs. */
  endedMs: number | undefined
  end: 'killed' | 'power-lost' | 'stopped' | 'defect' | 'start-failed' | undefined
  /** When the store began to refuse appends. */
  refusedMs: number | undefined
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** A log line of a service. */
export interface NodeEvent extends LogEvent {
  readonly node: string
  readonly atMs: number
}

export interface ServiceNodeOptions<Handle> {
  readonly world: World
  readonly machine: SimMachine
  readonly name: string
  readonly main: (deps: ServiceDeps) => Promise<Handle>
  readonly onEvent: (event: NodeEvent, level: LogLevel) => void
  /** A service found one of its own invariants broken, or did not start although nothing was wrong around it. */
  readonly onDefect: (node: string, error: unknown) => void
}

/** After it a broker keeps changes in memory only, until it is restarted. */
const REFUSING_EVENT = 'store.failed'

export class ServiceNode<Handle> {
  readonly name: string
  readonly machine: SimMachine
  readonly lives: Life[] = []
  /** While it is false, a failed start is not tried again. */
  wanted = false
  readonly #options: ServiceNodeOptions<Handle>
  #process: SimProcess<Handle> | undefined
  #tolerantUntilMs = 0

  constructor(options: ServiceNodeOptions<Handle>) {
    this.#options = options
    this.name = options.name
    this.machine = options.machine
  }

  get process(): SimProcess<Handle> | undefined {
    return this.#process
  }

  /** What runs; undefined while it starts or is down. */
  get handle(): Handle | undefined {
    return this.#process?.state === 'running' ? this.#process.handle : undefined
  }

  get isDown(): boolean {
    return this.#process === undefined || !this.#process.alive
  }

  get life(): Life | undefined {
    return this.lives.at(-1)
  }

  /** Until then a failed start is the work of an injected fault. */
  tolerateFailedStarts(untilMs: number): void {
    this.#tolerantUntilMs = Math.max(this.#tolerantUntilMs, untilMs)
  }

  start(): void {
    const { world, machine, name, main, onDefect } = this.#options
    this.wanted = true
    if (!this.isDown) return
    const life: Life = { startedMs: world.nowMs, endedMs: undefined, end: undefined, refusedMs: undefined }
    this.lives.push(life)
    const started = machine.start(
      name,
      async (effects) => {
        const log = (level: LogLevel) => (event: LogEvent) => this.#note(event, level, life)
        const logger = { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') }
        try {
          return await main({
            effects,
            logger,
            onDefect: (error) => {
              if (life.end === undefined) onDefect(name, error)
              this.#die(life, 'defect')
            },
          })
        } catch (error) {
          this.#startFailed(life, error)
          throw error
        }
      },
      { mayFail: true },
    )
    this.#process = started
  }

  /** `kill -9`, or the loss of the machine's power. */
  crash(powerLoss: boolean): void {
    const process = this.#process
    if (process === undefined || !process.alive) {
      if (powerLoss) this.#losePowerWhileDown()
      return
    }
    process.crash({ powerLoss })
    this.#end(powerLoss ? 'power-lost' : 'killed')
  }

  /** An orderly stop was done by the caller. */
  stopped(): void {
    this.wanted = false
    this.#process?.exit()
    this.#end('stopped')
  }

  /** What the last process had not synced goes now. */
  #losePowerWhileDown(): void {
    this.machine.losePower()
    if (this.life !== undefined) this.life.end = 'power-lost'
  }

  #die(life: Life, end: 'defect'): void {
    if (this.life !== life || life.end !== undefined) return
    this.#process?.crash()
    this.#end(end)
  }

  #startFailed(life: Life, error: unknown): void {
    const { world, onDefect, name } = this.#options
    if (this.life !== life || life.end !== undefined) return
    if (world.nowMs > this.#tolerantUntilMs) onDefect(name, error)
    this.#end('start-failed')
    world.after(START_RETRY_MS, () => {
      if (this.wanted) this.start()
    })
  }

  #end(end: Life['end']): void {
    const life = this.life
    if (life === undefined || life.end !== undefined) return
    life.end = end
    life.endedMs = this.#options.world.nowMs
  }

  #note(event: LogEvent, level: LogLevel, life: Life): void {
    const { world, name, onEvent } = this.#options
    if (event.event === REFUSING_EVENT) life.refusedMs ??= world.nowMs
    onEvent({ ...event, node: name, atMs: world.nowMs }, level)
  }
}
