// Time that a test moves. Tasks run one by one, in the order of their time; promises settle in between.
import type { Clock, Scheduler } from '@rocketmq-ts/runtime'
import { setImmediate as afterIo } from 'node:timers/promises'

const WALL_START_MS = Date.UTC(2026, 0, 1)

export interface FakeTime {
  readonly clock: Clock
  readonly scheduler: Scheduler
  /** Runs everything due within the next `ms`, and what follows from it. */
  advance(ms: number): Promise<void>
  /** Lets everything happen that needs no time. */
  settle(): Promise<void>
  /** Timers that wait. */
  readonly timers: number
}

interface Task {
  readonly dueMs: number
  readonly order: number
  readonly run: () => void
}

export function createFakeTime(): FakeTime {
  let nowMs = 0
  let order = 0
  let soon: (() => void)[] = []
  const waiting = new Set<Task>()

  async function settle(): Promise<void> {
    do {
      const tasks = soon
      soon = []
      for (const task of tasks) task()
      await afterIo()
    } while (soon.length > 0)
  }

  function earliest(untilMs: number): Task | undefined {
    let first: Task | undefined
    for (const task of waiting) {
      if (task.dueMs > untilMs) continue
      if (first === undefined || task.dueMs < first.dueMs || (task.dueMs === first.dueMs && task.order < first.order)) {
        first = task
      }
    }
    return first
  }

  return {
    clock: { nowMs: () => WALL_START_MS + nowMs, monotonicMs: () => nowMs },
    scheduler: {
      soon: (task) => void soon.push(task),
      after(delayMs, run) {
        const task = { dueMs: nowMs + delayMs, order: (order += 1), run }
        waiting.add(task)
        return { cancel: () => void waiting.delete(task) }
      },
    },
    async advance(ms) {
      const untilMs = nowMs + ms
      await settle()
      for (let task = earliest(untilMs); task !== undefined; task = earliest(untilMs)) {
        waiting.delete(task)
        nowMs = Math.max(nowMs, task.dueMs)
        task.run()
        await settle()
      }
      nowMs = untilMs
    },
    settle,
    get timers() {
      return waiting.size
    },
  }
}
