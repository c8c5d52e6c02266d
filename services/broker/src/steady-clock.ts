import type { Clock } from '@rocketmq-ts/runtime'

/** A wall clock that never jumps while the process runs. */
export interface SteadyClock extends Clock {
  /** From now on it shows at least this time: the latest one that the log has seen. */
  notBefore(ms: number): void
}

/**
 * The machine's time at the start plus monotonic time. Invisible times and store timestamps depend on it, so a step of
 * the machine's clock shows only after a restart, and a clock that was set back between two runs repeats no pop times.
 */
export function createSteadyClock(clock: Clock): SteadyClock {
  let offsetMs = clock.nowMs() - clock.monotonicMs()
  return {
    nowMs: () => Math.floor(offsetMs + clock.monotonicMs()),
    monotonicMs: () => clock.monotonicMs(),
    notBefore(ms) {
      offsetMs = Math.max(offsetMs, ms - clock.monotonicMs())
    },
  }
}
