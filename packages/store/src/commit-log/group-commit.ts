// One sync for everything written before it starts; what is written meanwhile waits for the next one.
// Nothing counts as flushed before its sync returned, and a failed sync is final: it is never repeated.
import type { Scheduler, Timer } from '@rocketmq-ts/runtime'
import { withFastAccessors } from '../fast-accessors.ts'

export interface GroupCommitOptions {
  readonly scheduler: Scheduler
  /** Position flushed at the start. */
  readonly flushed: number
  /** Longest wait of written bytes for a sync that nobody asked for. */
  readonly intervalMs: number
  /** From so many bytes on, written bytes do not wait for the interval. */
  readonly unflushedBytesSoft: number
  /** Makes the bytes of [from, to) survive a power loss. What it rejects with, all waiters get. */
  readonly sync: (from: number, to: number) => Promise<void>
  /** After each sync, before its waiters are told. */
  readonly onFlushed: (end: number) => void
}

export interface GroupCommit {
  readonly flushed: number
  /** Syncs finished so far. */
  readonly syncs: number
  /** The log was written up to `end`. */
  written(end: number): void
  /** Resolves when `position` is flushed; all waiters of one sync share one promise. */
  whenFlushed(position: number): Promise<void>
  /** Refuses every present and future waiter. */
  fail(error: Error): void
  /** No background sync after this. */
  stop(): void
}

interface Commit {
  readonly promise: Promise<void>
  resolve(): void
  reject(error: Error): void
}

function createCommit(): Commit {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  // A commit may fail with nobody waiting any more; the failure itself was reported once.
  promise.catch(() => undefined)
  return { promise, resolve, reject }
}

/** Creates the group commit of one log. Java: CommitLog.GroupCommitService, FlushRealTimeService. */
export function createGroupCommit(options: GroupCommitOptions): GroupCommit {
  const { scheduler, intervalMs, unflushedBytesSoft, sync, onFlushed } = options
  let flushed = options.flushed
  let written = options.flushed
  let syncs = 0
  let failure: Error | undefined
  let timer: Timer | undefined
  let stopped = false
  /** End that the running sync covers; undefined when none runs. */
  let target: number | undefined
  let current: Commit | undefined
  let next: Commit | undefined
  /** Highest position that `next` was asked for. */
  let nextPosition = 0

  function arm(): void {
    if (stopped || timer !== undefined || target !== undefined || written <= flushed) return
    timer = scheduler.after(intervalMs, () => {
      timer = undefined
      start()
    })
  }

  function fail(error: Error): void {
    if (failure !== undefined) return
    failure = error
    timer?.cancel()
    timer = undefined
    const waiting = [current, next]
    current = undefined
    next = undefined
    for (const commit of waiting) commit?.reject(error)
  }

  function finish(end: number): void {
    target = undefined
    if (failure !== undefined) return
    syncs += 1
    flushed = end
    onFlushed(end)
    const done = current
    current = undefined
    done?.resolve()
    if (next !== undefined && written >= nextPosition) start()
    else arm()
  }

  function start(): void {
    if (target !== undefined || failure !== undefined) return
    timer?.cancel()
    timer = undefined
    const end = written
    target = end
    if (next !== undefined && end >= nextPosition) {
      current = next
      next = undefined
      nextPosition = 0
    }
    sync(flushed, end).then(
      () => finish(end),
      (error: unknown) => {
        target = undefined
        fail(error instanceof Error ? error : new Error(String(error)))
      },
    )
  }

  return withFastAccessors({
    get flushed() {
      return flushed
    },
    get syncs() {
      return syncs
    },
    written(end) {
      written = end
      const isAsked = next !== undefined && written >= nextPosition
      if (isAsked || (written - flushed >= unflushedBytesSoft && !stopped)) start()
      else arm()
    },
    whenFlushed(position) {
      if (position <= flushed) return Promise.resolve()
      if (failure !== undefined) return Promise.reject(failure)
      if (target !== undefined && position <= target) {
        current ??= createCommit()
        return current.promise
      }
      next ??= createCommit()
      nextPosition = Math.max(nextPosition, position)
      const { promise } = next
      if (target === undefined && written >= nextPosition) start()
      return promise
    },
    fail,
    stop() {
      stopped = true
      timer?.cancel()
      timer = undefined
    },
  })
}
