// Offload on worker threads. Unused it costs nothing: a thread starts with the first job that finds none idle, and ends
// when none came for a while. An idle thread does not keep a stopping process alive, one at work does.
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { createOffload, type JobCall, moduleBeside, type Offload, OffloadError } from '../offload.ts'
import type { Scheduler, Timer } from '../scheduler.ts'
import type { JobAnswer, JobRequest } from './offload-worker.ts'

/** Threads at most; one core is left to the event loop where there are several. */
export const OFFLOAD_THREADS_MAX = 2
/** A thread without work ends after so many milliseconds. */
export const OFFLOAD_IDLE_MS = 30_000
/** A job that takes longer loops: its thread is ended. */
export const OFFLOAD_JOB_MS_MAX = 60_000

const WORKER_URL = new URL(moduleBeside(import.meta.url, 'offload-worker'))

export interface NodeOffloadOptions {
  readonly scheduler: Scheduler
  /** Threads at most. */
  readonly threads?: number
}

/** The pool of this process. */
export function createNodeOffload({ scheduler, threads = defaultThreads() }: NodeOffloadOptions): Offload {
  const all = new Set<Thread>()
  /** The one used last is used next, so that the others come to their end. */
  const idle: { readonly thread: Thread; readonly timer: Timer }[] = []

  function startThread(job: string): Thread {
    try {
      const thread = new Thread(() => all.delete(thread))
      all.add(thread)
      return thread
    } catch (error) {
      throw new OffloadError('thread-died', job, error)
    }
  }

  /** An idle thread that lives, or a new one. */
  function take(job: string): Thread {
    for (let entry = idle.pop(); entry !== undefined; entry = idle.pop()) {
      entry.timer.cancel()
      if (all.has(entry.thread)) return entry.thread
    }
    return startThread(job)
  }

  function putBack(thread: Thread): void {
    if (!all.has(thread)) return
    const timer = scheduler.after(OFFLOAD_IDLE_MS, () => {
      idle.splice(
        idle.findIndex((entry) => entry.thread === thread),
        1,
      )
      void thread.end()
    })
    idle.push({ thread, timer })
  }

  return createOffload({
    count: threads,
    async perform(call) {
      const thread = take(call.job.name)
      const overdue = scheduler.after(OFFLOAD_JOB_MS_MAX, () => {
        void thread.end(`not done within ${OFFLOAD_JOB_MS_MAX} ms`)
      })
      try {
        return await thread.perform(call)
      } finally {
        overdue.cancel()
        putBack(thread)
      }
    },
    async end() {
      for (const { timer } of idle.splice(0)) timer.cancel()
      await Promise.all([...all].map((thread) => thread.end()))
    },
  })
}

function defaultThreads(): number {
  return Math.max(1, Math.min(OFFLOAD_THREADS_MAX, availableParallelism() - 1))
}

interface Pending {
  readonly job: string
  readonly resolve: (output: unknown) => void
  readonly reject: (error: OffloadError) => void
}

/** One worker, which does one job at a time. */
class Thread {
  readonly #worker: Worker
  readonly #onEnd: () => void
  #pending: Pending | undefined
  /** Why it ended, as far as it is known. */
  #reason: unknown

  /** `onEnd` is told when no job is to be given to it any more. */
  constructor(onEnd: () => void) {
    this.#onEnd = onEnd
    // No heap limit of its own: at one, a single large allocation ends the whole process instead of the thread.
    this.#worker = new Worker(WORKER_URL, { name: 'offload' })
    this.#worker.unref()
    this.#worker.on('message', (answer: JobAnswer) => {
      this.#settle(({ job, resolve, reject }) => {
        if (answer.ok) resolve(answer.output)
        else reject(new OffloadError('job-failed', job, answer.error))
      })
    })
    this.#worker.on('messageerror', (error) => {
      this.#settle(({ job, reject }) => reject(new OffloadError('job-failed', job, error)))
    })
    this.#worker.on('error', (error) => {
      this.#reason ??= error
    })
    this.#worker.on('exit', (code) => {
      onEnd()
      const reason = this.#reason ?? `its thread ended with code ${code}`
      this.#settle(({ job, reject }) => reject(new OffloadError('thread-died', job, reason)))
    })
  }

  perform({ job: { module, name }, input, transfer }: JobCall): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#pending = { job: name, resolve, reject }
      this.#worker.ref()
      try {
        this.#worker.postMessage({ module, name, input } satisfies JobRequest, [...transfer])
      } catch (error) {
        this.#settle(() => reject(new OffloadError('not-clonable', name, error)))
      }
    })
  }

  async end(reason?: string): Promise<void> {
    this.#reason ??= reason
    this.#onEnd()
    await this.#worker.terminate()
  }

  #settle(how: (pending: Pending) => void): void {
    const pending = this.#pending
    if (pending === undefined) return
    this.#pending = undefined
    this.#worker.unref()
    how(pending)
  }
}
