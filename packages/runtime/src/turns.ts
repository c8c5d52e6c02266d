// Turns: one pass over everything that has arrived, with fixed phases.
//
//   handle every job  →  seal (encode the journal)  →  one write  →  release 'written'  →  sync, if any waits
//                                                                                       →  release 'flushed'
// State changes only in `handle`. Jobs that arrive during the write belong to the next Turn; a sync runs beside
// later Turns, and one sync covers all Turns written before it starts (group commit).
import assert from 'node:assert'
import type { Scheduler } from './scheduler.ts'

/** When an effect may leave the process. 'now' is for answers that changed nothing. */
export type Release = 'now' | 'written' | 'flushed'

/** The log as a Turn sees it. Positions are byte offsets of its end. */
export interface TurnLog {
  /** Called once per Turn after all jobs: encodes what the jobs left behind into the batch. */
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
   * An exception thrown by a job is a programmer error and ends the process through `onDefect`.
   */
  enter(job: () => void): boolean
  /** Inside a job only: calls back when everything this Turn appended is as safe as `release` says. */
  release(release: Release, callback: ReleaseCallback): void
  /** Resolves when no job is queued and every release has been called. */
  idle(): Promise<void>
}

export interface TurnsOptions {
  readonly scheduler: Scheduler
  readonly log: TurnLog
  /** Jobs waiting for a Turn, at most; beyond, `enter` answers false. */
  readonly jobsMax: number
  /** A job threw: a broken invariant. The owner stops the process. */
  readonly onDefect: (error: unknown) => void
}

/** Creates the Turns of one broker. */
export function createTurns(options: TurnsOptions): Turns {
  const { scheduler, log, jobsMax, onDefect } = options
  let jobs: (() => void)[] = []
  let writtenWaiters: ReleaseCallback[] = []
  let flushedWaiters: ReleaseCallback[] = []
  let inJob = false
  let running = false
  let pendingReleases = 0
  let idleWaiters: (() => void)[] = []

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
        onDefect(error)
      }
    }
  }

  function runJobs(): void {
    const batch = jobs
    jobs = []
    for (const job of batch) {
      inJob = true
      try {
        job()
      } catch (error) {
        onDefect(error)
      } finally {
        inJob = false
      }
    }
  }

  async function runTurn(): Promise<void> {
    runJobs()
    const written = writtenWaiters
    const flushed = flushedWaiters
    writtenWaiters = []
    flushedWaiters = []
    try {
      log.seal()
      const position = log.appended
      await log.submit()
      callAll(written, undefined)
      if (flushed.length > 0 && log.flushBeforeRelease) releaseWhenFlushed(position, flushed)
      else callAll(flushed, undefined)
    } catch (error) {
      const failure = error instanceof Error ? error : new Error(String(error))
      callAll(written, failure)
      callAll(flushed, failure)
    }
  }

  function releaseWhenFlushed(position: number, callbacks: readonly ReleaseCallback[]): void {
    log.whenFlushed(position).then(
      () => {
        callAll(callbacks, undefined)
        settleIdle()
      },
      (error: unknown) => {
        callAll(callbacks, error instanceof Error ? error : new Error(String(error)))
        settleIdle()
      },
    )
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
      if (jobs.length >= jobsMax) return false
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
    idle() {
      return new Promise((resolve) => {
        idleWaiters.push(resolve)
        settleIdle()
      })
    },
  }
}
