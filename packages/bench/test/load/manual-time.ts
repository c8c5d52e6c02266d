// Time that stands still while tasks run, and jumps from task to task.

export interface ManualTime {
  readonly nowMs: () => number
  after(ms: number, task: () => void): void
  /** Runs everything, also what tasks add. */
  run(): void
}

export function createManualTime(): ManualTime {
  let now = 0
  let added = 0
  let tasks: { readonly atMs: number; readonly order: number; readonly task: () => void }[] = []
  return {
    nowMs: () => now,
    after(ms, task) {
      tasks.push({ atMs: now + ms, order: added, task })
      added += 1
    },
    run() {
      while (tasks.length > 0) {
        tasks = tasks.sort((a, b) => a.atMs - b.atMs || a.order - b.order)
        const next = tasks.shift()
        now = next?.atMs ?? now
        next?.task()
      }
    },
  }
}
