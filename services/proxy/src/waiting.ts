// Waiting with an owner: a pause ends early when its signal aborts, and paced work keeps a bound on what is under way.
import type { Scheduler } from '@rocketmq-ts/runtime'

/** Resolves after `delayMs`, or at once when `signal` aborts. */
export function pause(scheduler: Scheduler, delayMs: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const stop = () => {
      timer.cancel()
      resolve()
    }
    const timer = scheduler.after(delayMs, () => {
      signal?.removeEventListener('abort', stop)
      resolve()
    })
    signal?.addEventListener('abort', stop, { once: true })
  })
}

/** Runs `work` for every item, at most `parallel` at the same time. `work` handles its own failures. */
export async function paced<Item>(
  items: Iterable<Item>,
  parallel: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const queue = items[Symbol.iterator]()
  async function lane(): Promise<void> {
    for (let step = queue.next(); !step.done; step = queue.next()) await work(step.value)
  }
  await Promise.all(Array.from({ length: parallel }, lane))
}
