// One sync for everything written before it starts; what is written meanwhile waits for the next one, which may begin
// beside it. Nothing counts as flushed before its sync and all older ones returned; a failed sync is final, never repeated.
import type { Scheduler, Timer } from '@rocketmq-ts/runtime'
import { withFastAccessors } from '../fast-accessors.ts'

/** At once: while one is on its way through a thread and back, the disk has the other one. */
const SYNCS_MAX = 2

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
  /** Whether the sync of what lies before `to` may begin while that of what lies behind `from` is under way. */
  readonly mayOverlap: (from: number, to: number) => boolean
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

/** One sync that is under way, or that ended before an older one. */
interface Sync {
  /** What it covers, together with the older ones. */
  readonly end: number
  readonly commit: Commit
  isDone: boolean
}

/** Creates the group commit of one log. Java: CommitLog.GroupCommitService, FlushRealTimeService. */
export function createGroupCommit(options: GroupCommitOptions): GroupCommit {
  const { scheduler, intervalMs, unflushedBytesSoft, sync, mayOverlap, onFlushed } = options
  let flushed = options.flushed
  let written = options.flushed
  let syncs = 0
  let failure: Error | undefined
  let timer: Timer | undefined
  let stopped = false
  /** The oldest first. */
  const running: Sync[] = []
  let next: Commit | undefined
  /** Highest position that `next` was asked for. */
  let nextPosition = 0

  function arm(): void {
    if (stopped || failure !== undefined || timer !== undefined || running.length > 0 || written <= flushed) return
    timer = scheduler.after(intervalMs, () => {
      timer = undefined
      if (running.length === 0) start()
    })
  }

  function fail(error: Error): void {
    if (failure !== undefined) return
    failure = error
    timer?.cancel()
    timer = undefined
    const waiting = [...running.map(({ commit }) => commit), next]
    running.length = 0
    next = undefined
    for (const commit of waiting) commit?.reject(error)
  }

  /** In order: what ended before an older sync has counts when that one has ended, too. */
  function finish(): void {
    for (let done = running[0]; done?.isDone === true; done = running[0]) {
      running.shift()
      syncs += 1
      flushed = done.end
      onFlushed(flushed)
      done.commit.resolve()
    }
    startAsked()
    arm()
  }

  function startAsked(): void {
    if (next === undefined || written < nextPosition || running.length >= SYNCS_MAX) return
    if (running.length === 0 || mayOverlap(flushed, written)) start()
  }

  function start(): void {
    if (failure !== undefined) return
    timer?.cancel()
    timer = undefined
    const isAsked = next !== undefined && written >= nextPosition
    const own: Sync = { end: written, commit: (isAsked ? next : undefined) ?? createCommit(), isDone: false }
    if (isAsked) {
      next = undefined
      nextPosition = 0
    }
    const from = running.at(-1)?.end ?? flushed
    running.push(own)
    sync(from, own.end).then(
      () => {
        own.isDone = true
        finish()
      },
      (error: unknown) => fail(error instanceof Error ? error : new Error(String(error))),
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
      startAsked()
      if (running.length > 0) return
      if (written - flushed >= unflushedBytesSoft && !stopped) start()
      else arm()
    },
    whenFlushed(position) {
      if (position <= flushed) return Promise.resolve()
      if (failure !== undefined) return Promise.reject(failure)
      const covering = running.find(({ end }) => position <= end)
      if (covering !== undefined) return covering.commit.promise
      next ??= createCommit()
      nextPosition = Math.max(nextPosition, position)
      const { promise } = next
      startAsked()
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
