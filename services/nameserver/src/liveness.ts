// Who is still alive: each key has a time-out, and silence beyond it means gone. One timer for the next deadline
// instead of a scan; a sign of life only moves a number.
import type { Clock, Scheduler, Timer } from '@rocketmq-ts/runtime'

interface Deadline {
  readonly timeoutMs: number
  atMs: number
}

/** Deadlines by key, in monotonic milliseconds. Pure. */
export class DeadlineTable {
  readonly #deadlines = new Map<string, Deadline>()

  get size(): number {
    return this.#deadlines.size
  }

  /** Watches a key from now on, with a new time-out. */
  watch(key: string, timeoutMs: number, nowMs: number): void {
    this.#deadlines.set(key, { timeoutMs, atMs: nowMs + timeoutMs })
  }

  /** A sign of life. False for a key that is not watched. */
  refresh(key: string, nowMs: number): boolean {
    const deadline = this.#deadlines.get(key)
    if (deadline === undefined) return false
    deadline.atMs = nowMs + deadline.timeoutMs
    return true
  }

  forget(key: string): void {
    this.#deadlines.delete(key)
  }

  /** Takes out and returns the keys that were silent too long. */
  takeExpired(nowMs: number): string[] {
    const expired: string[] = []
    for (const [key, { atMs }] of this.#deadlines) if (atMs <= nowMs) expired.push(key)
    for (const key of expired) this.#deadlines.delete(key)
    return expired
  }

  /** The earliest deadline; undefined when nothing is watched. */
  nextMs(): number | undefined {
    let next: number | undefined
    for (const { atMs } of this.#deadlines.values()) if (next === undefined || atMs < next) next = atMs
    return next
  }
}

export interface Liveness {
  watch(key: string, timeoutMs: number): void
  /** False for a key that is not watched. */
  refresh(key: string): boolean
  forget(key: string): void
  /** Keys that are watched. */
  readonly size: number
  /** Ends all watching. */
  stop(): void
}

export interface LivenessDeps {
  readonly clock: Clock
  readonly scheduler: Scheduler
  readonly onExpired: (key: string) => void
}

/** Watches keys and tells of each that expires, once. */
export function createLiveness({ clock, scheduler, onExpired }: LivenessDeps): Liveness {
  const table = new DeadlineTable()
  let timer: { readonly timer: Timer; readonly atMs: number } | undefined
  let stopped = false

  /** The timer may come too early, because signs of life do not move it; then it is set again. */
  function arm(atMs: number): void {
    if (stopped || (timer !== undefined && timer.atMs <= atMs)) return
    timer?.timer.cancel()
    timer = { atMs, timer: scheduler.after(Math.max(0, atMs - clock.monotonicMs()), expire) }
  }

  function expire(): void {
    timer = undefined
    for (const key of table.takeExpired(clock.monotonicMs())) onExpired(key)
    const nextMs = table.nextMs()
    if (nextMs !== undefined) arm(nextMs)
  }

  return {
    watch(key, timeoutMs) {
      const nowMs = clock.monotonicMs()
      table.watch(key, timeoutMs, nowMs)
      arm(nowMs + timeoutMs)
    },
    refresh: (key) => table.refresh(key, clock.monotonicMs()),
    forget: (key) => table.forget(key),
    get size() {
      return table.size
    },
    stop() {
      stopped = true
      timer?.timer.cancel()
    },
  }
}
