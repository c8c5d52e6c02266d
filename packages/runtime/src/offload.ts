// Work for another thread: batches only, never single messages, for handing over costs more than a message's work.
// A job is pure, so one that is lost was merely not done.

/** Jobs that wait for a thread, at most; beyond, `run` rejects with 'busy'. */
export const OFFLOAD_WAITING_MAX = 16

/**
 * A job, declared once in a module `<what>.job.ts` that exports it. Inputs and outputs are structured-clonable; a Buffer
 * arrives as a Uint8Array.
 */
export interface OffloadJob<Input, Output> {
  /** Unique: `<package>/<what>`. */
  readonly name: string
  /** Where a thread finds it: `moduleBeside(import.meta.url, '<what>.job')`. */
  readonly module: string
  /** Pure and synchronous. */
  readonly run: (input: Input) => Output
  /** Buffers of the output that move to the caller instead of being copied. */
  readonly transfer?: (output: Output) => readonly ArrayBuffer[]
}

/**
 * 'busy': too many wait. 'closed': before it was done. 'not-clonable': the input can not be handed over. 'job-failed':
 * it threw, or its output can not be handed back. 'thread-died': its thread ended, or was ended for it took too long.
 */
export type OffloadErrorCode = 'busy' | 'closed' | 'not-clonable' | 'job-failed' | 'thread-died'

export class OffloadError extends Error {
  readonly code: OffloadErrorCode
  readonly job: string
  /** `reason` is a text, or what was thrown. */
  constructor(code: OffloadErrorCode, job: string, reason: unknown) {
    const message = reason instanceof Error ? reason.message : String(reason)
    super(`job ${job}: ${message}`, reason instanceof Error ? { cause: reason } : undefined)
    this.name = 'OffloadError'
    this.code = code
    this.job = job
  }
}

export interface Offload {
  /**
   * Runs the job on another thread and resolves with its output; rejects with `OffloadError`. From the call on the input
   * belongs to the job: it is copied, and the buffers in `transfer` are moved, when a thread is free.
   */
  run<Input, Output>(job: OffloadJob<Input, Output>, input: Input, transfer?: readonly ArrayBuffer[]): Promise<Output>
  /** Ends the threads. What is not done rejects with 'closed', and so does every later job. May be called twice. */
  close(): Promise<void>
}

/** One job with its input. */
export interface JobCall {
  readonly job: OffloadJob<unknown, unknown>
  readonly input: unknown
  readonly transfer: readonly ArrayBuffer[]
}

/** What an Offload runs on. */
export interface Threads {
  readonly count: number
  /** Does one job; called for at most `count` at a time. Rejects with `OffloadError`. */
  perform(call: JobCall): Promise<unknown>
  /** Ends them all at once. Jobs under way need not settle any more. */
  end(): Promise<void>
}

interface Task extends JobCall {
  readonly resolve: (output: unknown) => void
  readonly reject: (error: OffloadError) => void
}

/** An Offload over `threads`: the bounded queue in front of them, in order of the calls. */
export function createOffload(threads: Threads): Offload {
  const waiting: Task[] = []
  const running = new Set<Task>()
  let closing: Promise<void> | undefined

  function start(task: Task): void {
    running.add(task)
    const leave = (settle: () => void): void => {
      running.delete(task)
      settle()
      const next = waiting.shift()
      if (next !== undefined) start(next)
    }
    threads.perform(task).then(
      (output) => leave(() => task.resolve(output)),
      (error: OffloadError) => leave(() => task.reject(error)),
    )
  }

  function enter(task: Task): void {
    const { name } = task.job
    if (closing !== undefined) task.reject(closedError(name))
    else if (running.size < threads.count) start(task)
    else if (waiting.length < OFFLOAD_WAITING_MAX) waiting.push(task)
    else task.reject(new OffloadError('busy', name, `${waiting.length} jobs wait already; ask again when one is done`))
  }

  return {
    run<Input, Output>(job: OffloadJob<Input, Output>, input: Input, transfer: readonly ArrayBuffer[] = []) {
      return new Promise<Output>((resolve, reject) => {
        const untyped = job as unknown as OffloadJob<unknown, unknown>
        enter({ job: untyped, input, transfer, resolve: resolve as (output: unknown) => void, reject })
      })
    },
    close() {
      closing ??= threads.end()
      for (const task of [...running, ...waiting.splice(0)]) task.reject(closedError(task.job.name))
      return closing
    },
  }
}

function closedError(job: string): OffloadError {
  return new OffloadError('closed', job, 'not done, the process is stopping')
}

/**
 * URL of the module `name` in the folder of `here`, an `import.meta.url`. It ends as `here` does: in the sources both are
 * `.ts`, and in a bundle, one flat folder, both are `.mjs`.
 */
export function moduleBeside(here: string, name: string): string {
  return new URL(`${name}${here.slice(here.lastIndexOf('.'))}`, here).href
}
