// One direction of a connection in memory: steps arrive in the order they were sent, each in a pass of its own,
// in the process that owns the scheduler.
import type { Scheduler } from '@rocketmq-ts/runtime'

export class Pipe {
  readonly #scheduler: Scheduler
  readonly #latencyMs: () => number
  #steps: (() => void)[] = []
  #cut = false

  /** `latencyMs` is asked once per step; 0 is the next pass. Later steps never overtake earlier ones. */
  constructor(scheduler: Scheduler, latencyMs: () => number) {
    this.#scheduler = scheduler
    this.#latencyMs = latencyMs
  }

  send(step: () => void): void {
    if (this.#cut) return
    this.#steps.push(step)
    const latencyMs = this.#latencyMs()
    // Whichever timer comes first runs the oldest step, so order holds for any latencies.
    const arrive = () => this.#steps.shift()?.()
    if (latencyMs > 0) this.#scheduler.after(latencyMs, arrive)
    else this.#scheduler.soon(arrive)
  }

  /** Loses what is under way and everything later. */
  cut(): void {
    this.#cut = true
    this.#steps = []
  }
}
