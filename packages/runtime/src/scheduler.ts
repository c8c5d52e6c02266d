// Who runs next. Every deferred step of a service goes through here, so that the simulator owns the order.

/** A scheduled task that can still be cancelled. */
export interface Timer {
  /** Cancelling a task that has run, or twice, does nothing. */
  cancel(): void
}

export interface Scheduler {
  /** Runs `task` in a later pass, after the I/O that has already arrived was delivered (Node: `setImmediate`). */
  soon(task: () => void): void
  /**
   * Runs `task` once, not before `delayMs` milliseconds of monotonic time have passed. Any finite delay ≥ 0 is
   * allowed, also above 2^31. A pending timer does not keep a stopping process alive.
   */
  after(delayMs: number, task: () => void): Timer
}
