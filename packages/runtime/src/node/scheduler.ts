// The event loop as a Scheduler. A delay is measured against the monotonic clock: Node's own timers fire up to a
// millisecond early and overflow above 2^31 - 1, so a timer that wakes before its time sleeps again.
import assert from 'node:assert'
import type { Scheduler, Timer } from '../scheduler.ts'
import { nodeClock } from './clock.ts'

const TIMEOUT_MS_MAX = 2 ** 31 - 1

class NodeTimer implements Timer {
  readonly #dueMs: number
  readonly #task: () => void
  #handle: NodeJS.Timeout | undefined

  constructor(delayMs: number, task: () => void) {
    this.#dueMs = nodeClock.monotonicMs() + delayMs
    this.#task = task
    this.#sleep(delayMs)
  }

  #sleep(remainingMs: number): void {
    this.#handle = setTimeout(() => this.#wake(), Math.min(Math.ceil(remainingMs), TIMEOUT_MS_MAX))
    this.#handle.unref()
  }

  #wake(): void {
    const remainingMs = this.#dueMs - nodeClock.monotonicMs()
    if (remainingMs > 0) this.#sleep(remainingMs)
    else this.#task()
  }

  cancel(): void {
    clearTimeout(this.#handle)
  }
}

/** The event loop. Pending timers do not keep a stopping process alive; listeners and connections do. */
export const nodeScheduler: Scheduler = {
  soon(task) {
    setImmediate(task)
  },
  after(delayMs, task) {
    assert(Number.isFinite(delayMs) && delayMs >= 0, `not a delay in milliseconds: ${delayMs}`)
    return new NodeTimer(delayMs, task)
  },
}
