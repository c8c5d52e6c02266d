import type { Clock } from '@rocketmq-ts/runtime'

/**
 * A wall clock that never jumps while the process runs: its start plus monotonic time. Invisible times and store
 * timestamps depend on it; a step of the machine's clock shows only after a restart.
 * @param notBeforeMs latest time that the log has seen: a clock set back between two runs must not repeat pop times
 */
export function createSteadyClock(clock: Clock, notBeforeMs: number): Clock {
  const wallStart = Math.max(clock.nowMs(), notBeforeMs)
  const monotonicStart = clock.monotonicMs()
  return {
    nowMs: () => Math.floor(wallStart + (clock.monotonicMs() - monotonicStart)),
    monotonicMs: () => clock.monotonicMs(),
  }
}
