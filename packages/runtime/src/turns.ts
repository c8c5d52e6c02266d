// Turns: one pass over everything that has arrived, with fixed phases.
//
//   handle every job  →  seal (encode the journal)  →  one write  →  release 'written'  →  sync, if any waits
//                                                                                       →  release 'flushed'
// State changes only in `handle`. Jobs that arrive during the write belong to the next Turn; a sync runs beside
// later Turns, and one sync covers all Turns written before it starts (group commit).
import assert from 'node:assert'
import type { Clock } from './clock.ts'
import type { Scheduler } from './scheduler.ts'

/** When an effect may leave the process. 'now' is for answers that changed nothing. */
export type Release = 'now' | 'written' | 'flushed'

/** The log as a Turn sees it. Positions are byte offsets of its end. */
export interface TurnLog {
  /** Called once per Turn after all jobs: encodes what the jobs left behind into the batch. What it throws is a defect. */
  seal(): void
  /** End of what has been appended to the batch. */
  readonly appended: number
  /** Writes the batch; resolves when it is in the page cache, rejects for good after a failure. */
  submit(): Promise<void>
  /** Resolves when everything below `position` survives a power loss; shared by all callers of one commit. */
  whenFlushed(position: number): Promise<void>
  /** What a release of 'flushed' waits for: false when the flush mode is asynchronous. */
  readonly flushBeforeRelease: boolean
}

/** Told once: undefined when the promise was kept, else why it can not be. */
export type ReleaseCallback = (failure: Error | undefined) => void

export interface Turns {
  /**
   * Queues a job for the next Turn. False when the bounded queue is full: the caller answers 'busy'.
   * An exception thrown by a job is a programmer error: nothing of its Turn is written, all releases fail, no job is
   * taken any more, and `onDefect` ends the process.
   */
  enter(job: () => void): boolean
  /** Inside a job only: calls back when everything this Turn appended is as safe as `release` says. */
  release(release: Release, callback: ReleaseCallback): void
  /** Jobs that wait for the next Turn. */
  readonly waiting: number
  /** Resolves when no job is queued and every release has been called. */
  idle(): Promise<void>
}

/** The failure of a release of 'flushed' that waited too long: written, and yet not known to be durable. */
export class FlushTimeout extends Error {
  constructor(timeoutMs: number) {
    super(`written, but not flushed within ${timeoutMs} ms: the disk is slow or stalled`)
    this.name = 'FlushTimeout'
  }
}

export interface TurnsOptions {
  readonly scheduler: Scheduler
  readonly log: TurnLog
  /** A release of 'flushed' fails with `FlushTimeout` after so many milliseconds. Without it, it waits for the log. */
  readonly flushTimeoutMs?: number
  /** Jobs waiting for a Turn, at most; beyond, `enter` answers false. */
  readonly jobsMax: number
  /** A job threw: a broken invariant. The owner stops the process. */
  readonly onDefect: (error: unknown) => void
  /** Told of every Turn: its jobs, the time of handling them, and the time until the log write was done. */
  readonly observer?: {
    readonly clock: Pick<Clock, 'monotonicMs'>
    turned(turn: { readonly jobs: number; readonly handledMs: number; readonly tookMs: number }): void
  }
}

function errorOf(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}

/** Creates the Turns of one broker. */
export function createTurns(options: TurnsOptions): Turns {
  const { scheduler, log, jobsMax, flushTimeoutMs, onDefect, observer } = options
  let jobs: (() => void)[] = []
  let writtenWaiters: ReleaseCallback[] = []
  let flushedWaiters: ReleaseCallback[] = []
  let inJob = false
  let running = false
  let pendingReleases = 0
  let idleWaiters: (() => void)[] = []
  /** Set by the first job that threw: what it half changed must never reach the log. */
  let defect: Error | undefined

  function settleIdle(): void {
    if (running || jobs.length > 0 || pendingReleases > 0) return
    const waiters = idleWaiters
    idleWaiters = []
    for (const waiter of waiters) waiter()
  }

  function callAll(callbacks: readonly ReleaseCallback[], failure: Error | undefined): void {
    for (const callback of callbacks) {
      pendingReleases -= 1
      try {
        callback(failure)
      } catch (error) {
        halt(error)
      }
    }
  }

  function halt(error: unknown): void {
    defect ??= errorOf(error)
    jobs = []
    onDefect(error)
  }

  function runJobs(): void {
    const batch = jobs
    jobs = []
    for (const job of batch) {
      inJob = true
      try {
        job()
      } catch (error) {
        halt(error)
        return
      } finally {
        inJob = false
      }
    }
  }

  /** Changes that no record could take must not be built upon: the log would never learn of them. */
  function seal(): void {
    try {
      log.seal()
    } catch (error) {
      halt(error)
    }
  }

  /** Writes what the jobs left behind; the end of the log when it is written, or why it is not. */
  async function write(): Promise<number | Error> {
    if (defect === undefined) seal()
    if (defect !== undefined) return defect
    try {
      const position = log.appended
      await log.submit()
      return position
    } catch (error) {
      return errorOf(error)
    }
  }

  async function runTurn(): Promise<void> {
    const count = jobs.length
    const startedMs = observer?.clock.monotonicMs() ?? 0
    runJobs()
    const handledMs = (observer?.clock.monotonicMs() ?? 0) - startedMs
    const written = writtenWaiters
    const flushed = flushedWaiters
    writtenWaiters = []
    flushedWaiters = []
    const outcome = await write()
    observer?.turned({ jobs: count, handledMs, tookMs: observer.clock.monotonicMs() - startedMs })
    const failure = typeof outcome === 'number' ? undefined : outcome
    callAll(written, failure)
    if (flushed.length === 0) return
    if (typeof outcome === 'number' && log.flushBeforeRelease) void releaseWhenFlushed(outcome, flushed)
    else callAll(flushed, failure)
  }

  async function releaseWhenFlushed(position: number, callbacks: readonly ReleaseCallback[]): Promise<void> {
    const failure = await flushOutcome(position)
    callAll(callbacks, failure)
    settleIdle()
  }

  /** One timer for all that wait for the same flush. */
  function flushOutcome(position: number): Promise<Error | undefined> {
    return new Promise((resolve) => {
      const timer =
        flushTimeoutMs === undefined
          ? undefined
          : scheduler.after(flushTimeoutMs, () => resolve(new FlushTimeout(flushTimeoutMs)))
      const settle = (failure: Error | undefined): void => {
        timer?.cancel()
        resolve(failure)
      }
      // In an async function, so that a log that throws at once is a failure too.
      const flush = async (): Promise<void> => log.whenFlushed(position)
      flush().then(
        () => settle(undefined),
        (error: unknown) => settle(errorOf(error)),
      )
    })
  }

  function startTurn(): void {
    runTurn().then(
      () => {
        if (jobs.length > 0) scheduler.soon(startTurn)
        else running = false
        settleIdle()
      },
      (error: unknown) => onDefect(error),
    )
  }

  return {
    enter(job) {
      if (jobs.length >= jobsMax || defect !== undefined) return false
      jobs.push(job)
      if (!running) {
        running = true
        scheduler.soon(startTurn)
      }
      return true
    },
    release(release, callback) {
      assert(inJob, 'release is called inside a job only')
      if (release === 'now') {
        callback(undefined)
        return
      }
      pendingReleases += 1
      if (release === 'written') writtenWaiters.push(callback)
      else flushedWaiters.push(callback)
    },
    get waiting() {
      return jobs.length
    },
    idle() {
      return new Promise((resolve) => {
        idleWaiters.push(resolve)
        settleIdle()
      })
    },
  }
}
