// Time that tests move. `soon` runs by itself, since callers await what it does; timers run when time reaches them.
import type { Clock, Scheduler } from '@rocketmq-ts/runtime'
import { nodeScheduler } from '@rocketmq-ts/runtime/node'

export interface ManualTime {
  readonly clock: Clock
  readonly scheduler: Scheduler
  advance(ms: number): void
}

export function createManualTime(): ManualTime {
  let nowMs = 0
  const timers = new Map<object, { dueMs: number; task: () => void }>()
  return {
    clock: { nowMs: () => nowMs, monotonicMs: () => nowMs },
    scheduler: {
      soon: (task) => nodeScheduler.soon(task),
      after(delayMs, task) {
        const timer = { cancel: () => void timers.delete(timer) }
        timers.set(timer, { dueMs: nowMs + delayMs, task })
        return timer
      },
    },
    advance(ms) {
      nowMs += ms
      for (const [timer, { dueMs, task }] of timers) {
        if (dueMs > nowMs) continue
        timers.delete(timer)
        task()
      }
    },
  }
}
