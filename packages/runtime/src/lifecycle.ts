// Starting and stopping in order. What was started last is stopped first, each with its share of the deadline.
import type { Clock } from './clock.ts'
import type { Scheduler } from './scheduler.ts'

/** Something that runs until it is stopped. `stop` may be called twice and also after a failed start. */
export interface Service {
  start(): Promise<void>
  /** Drains and stops. Must settle by itself; the owner enforces the deadline. */
  stop(): Promise<void>
}

export interface NamedService {
  /** For errors and logs. */
  readonly name: string
  readonly service: Service
  /** Its part of the time for all stops, in comparison with the others; 1 unless it is said. */
  readonly stopWeight?: number
}

export interface LifecycleOptions {
  readonly clock: Clock
  readonly scheduler: Scheduler
  /** Milliseconds for all stops together. */
  readonly stopDeadlineMs: number
}

function stopError(name: string, cause: unknown): Error {
  return new Error(`${name} did not stop cleanly: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
}

/**
 * Composes services into one. `start` runs them in order; when one fails, it and those before it are stopped and the
 * failure is thrown. `stop` runs backwards; a service that fails or exceeds its share of the deadline is left behind,
 * the others still stop, and all errors come in one AggregateError.
 */
export function createLifecycle(services: readonly NamedService[], options: LifecycleOptions): Service {
  const { clock, scheduler, stopDeadlineMs } = options
  const started: NamedService[] = []
  let starting: Promise<void> | undefined
  let stopping: Promise<void> | undefined

  /** Resolves when `work` settles or the time is over, whichever is first. */
  function within(limitMs: number, work: () => Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = scheduler.after(Math.max(0, limitMs), () => {
        reject(new Error(`not within ${Math.round(limitMs)} ms`))
      })
      const settle = (end: () => void): void => {
        timer.cancel()
        end()
      }
      // A service that throws instead of rejecting is caught like any other.
      Promise.resolve()
        .then(work)
        .then(
          () => settle(resolve),
          (error: unknown) => settle(() => reject(error)),
        )
    })
  }

  async function startAll(): Promise<void> {
    for (const entry of services) {
      if (stopping !== undefined) throw new Error(`stopped before ${entry.name} was started`)
      started.push(entry)
      await entry.service.start()
    }
  }

  async function stopAll(): Promise<void> {
    const endMs = clock.monotonicMs() + stopDeadlineMs
    const errors: Error[] = []
    if (starting !== undefined) {
      // A failed start was told to whoever called it.
      await within(stopDeadlineMs / 2, () => starting as Promise<void>).catch(() => {})
    }
    for (let entry = started.pop(); entry !== undefined; entry = started.pop()) {
      const { name, service, stopWeight = 1 } = entry
      const following = started.reduce((sum, { stopWeight: weight = 1 }) => sum + weight, 0)
      const shareMs = ((endMs - clock.monotonicMs()) * stopWeight) / (stopWeight + following)
      try {
        await within(shareMs, () => service.stop())
      } catch (error) {
        errors.push(stopError(name, error))
      }
    }
    if (errors.length > 0) throw new AggregateError(errors, errors.map((error) => error.message).join('; '))
  }

  async function startOrUndo(): Promise<void> {
    starting = startAll()
    try {
      await starting
    } catch (failure) {
      starting = undefined
      stopping ??= stopAll()
      try {
        await stopping
      } catch (stopFailure) {
        const message = `${messageOf(failure)}; then ${messageOf(stopFailure)}`
        throw new AggregateError([failure, stopFailure], message, { cause: stopFailure })
      }
      throw failure
    }
  }

  return {
    start: startOrUndo,
    stop() {
      stopping ??= stopAll()
      return stopping
    },
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
