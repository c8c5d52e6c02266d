// Virtual time and the order of events: what all parts of the world share.
import { EventKind, EventQueue, type Owner, type SimEvent } from './event-queue.ts'
import { type Counters, createCounters, type FaultChances, type Latencies } from './faults.ts'
import { Prng } from './prng.ts'

export interface EngineOptions {
  readonly seed: number
  readonly faults: FaultChances
  readonly latencies: Latencies
  /** Told about each event, for a look into a failing run. */
  readonly trace?: ((line: string) => void) | undefined
  /** Told about each event that was scheduled. */
  readonly onSchedule?: (() => void) | undefined
}

/** A task to be scheduled. */
export interface Task {
  readonly owner: Owner
  readonly kind: EventKind
  readonly delayMs: number
  readonly detail?: number
  /** Set by whoever needs an order among events of the same time; random without it. */
  readonly tie?: number
  run(): void
}

const KIND_NAMES = Object.entries(EventKind).reduce<string[]>((names, [name, kind]) => {
  names[kind] = name
  return names
}, [])

/** The time, the queue and the trace of one world. */
export class Engine {
  readonly random: Prng
  faults: FaultChances
  readonly latencies: Latencies
  readonly counters: Counters = createCounters()
  readonly #queue = new EventQueue()
  readonly #ties: Prng
  readonly #trace: ((line: string) => void) | undefined
  readonly #onSchedule: (() => void) | undefined
  #nowMs = 0
  #sequence = 0
  #ran = 0
  #hashLow = 0x811c9dc5 | 0
  #hashHigh = 0x01000193 | 0
  #owners = 0

  constructor(options: EngineOptions) {
    this.random = new Prng(options.seed)
    this.#ties = this.random.fork()
    this.faults = options.faults
    this.latencies = options.latencies
    this.#trace = options.trace
    this.#onSchedule = options.onSchedule
  }

  /** Milliseconds since the world began. */
  get nowMs(): number {
    return this.#nowMs
  }

  /** Events that ran. */
  get eventCount(): number {
    return this.#ran
  }

  /** Differs, as good as surely, between two runs that did not do exactly the same. */
  get traceHash(): string {
    const hex = (word: number): string => (word >>> 0).toString(16).padStart(8, '0')
    return hex(this.#hashHigh) + hex(this.#hashLow)
  }

  nextOwnerId(): number {
    this.#owners += 1
    return this.#owners
  }

  schedule(task: Task): SimEvent {
    this.#sequence += 1
    const event: SimEvent = {
      atMs: this.#nowMs + task.delayMs,
      tie: task.tie ?? this.#ties.uint32(),
      sequence: this.#sequence,
      owner: task.owner,
      kind: task.kind,
      detail: task.detail ?? 0,
      run: task.run,
    }
    this.#queue.push(event)
    this.#onSchedule?.()
    return event
  }

  peek(): SimEvent | undefined {
    return this.#queue.peek()
  }

  /** Runs the event that `peek` showed. */
  runNext(): void {
    const event = this.#queue.pop()
    if (event?.run === undefined) return
    this.#nowMs = event.atMs
    this.#ran += 1
    this.mix(event.kind * 0x10000 + event.owner.id)
    this.mix(Math.floor(event.atMs * 1000))
    this.mix(event.detail)
    this.#trace?.(`${event.atMs.toFixed(3)} ${event.owner.name} ${KIND_NAMES[event.kind] ?? ''} ${event.detail}`)
    event.run()
  }

  /** Moves the time forward over nothing. */
  passTo(atMs: number): void {
    if (atMs > this.#nowMs) this.#nowMs = atMs
  }

  /** Adds a value to the trace. */
  mix(value: number): void {
    this.#hashLow = Math.imul(this.#hashLow ^ value, 0x01000193)
    this.#hashHigh = Math.imul(this.#hashHigh ^ (value / 0x1_0000_0000) ^ this.#hashLow, 0x85ebca6b)
    this.#hashHigh ^= this.#hashHigh >>> 13
  }
}
