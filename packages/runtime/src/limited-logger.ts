// A logger for what can repeat without end: warnings and errors of one name are written so often, then counted, and the
// count is told. What an operator must do is added where the event is written, from one list.
import type { Clock } from './clock.ts'
import type { LogEvent, Logger } from './logger.ts'
import type { Scheduler } from './scheduler.ts'

/** What an operator must do, by the name of the event. Every event that is an error has one. */
export type Remedies<E extends LogEvent> = Readonly<Partial<Record<E['event'], string>>>

/** Lines of the event `of` that were left out within `withinMs`. */
export interface LeftOutEvent {
  readonly event: 'log.left-out'
  readonly of: string
  readonly count: number
  readonly withinMs: number
}

/** Lines of one name within `WINDOW_MS`, at most. */
export const LINES_PER_WINDOW_MAX = 20
export const WINDOW_MS = 10_000

export interface LimitedLoggerOptions {
  readonly clock: Pick<Clock, 'monotonicMs'>
  readonly scheduler: Pick<Scheduler, 'after'>
  readonly remedies: Readonly<Record<string, string | undefined>>
  /** Told of every warning and error, left out ones included. */
  readonly onUrgent?: (level: 'warn' | 'error', event: string) => void
}

interface Window {
  startedMs: number
  lines: number
  leftOut: number
}

/** Writes to `inner`, with remedies and within the limit. The names of events come from the code: there are few. */
export function createLimitedLogger<E extends LogEvent>(
  inner: Logger<E | LeftOutEvent>,
  { clock, scheduler, remedies, onUrgent }: LimitedLoggerOptions,
): Logger<E> {
  const windows = new Map<string, Window>()

  function windowOf(name: string): Window {
    const nowMs = clock.monotonicMs()
    let window = windows.get(name)
    if (window === undefined) windows.set(name, (window = { startedMs: nowMs, lines: 0, leftOut: 0 }))
    // While lines are left out, the timer ends the window and tells how many.
    else if (window.leftOut === 0 && nowMs - window.startedMs >= WINDOW_MS)
      Object.assign(window, { startedMs: nowMs, lines: 0 })
    return window
  }

  function tellLeftOut(name: string, window: Window): void {
    const count = window.leftOut
    Object.assign(window, { startedMs: clock.monotonicMs(), lines: 0, leftOut: 0 })
    inner.warn({ event: 'log.left-out', of: name, count, withinMs: WINDOW_MS })
  }

  function write(level: 'warn' | 'error', event: E): void {
    const name = event.event
    onUrgent?.(level, name)
    const window = windowOf(name)
    if (window.lines >= LINES_PER_WINDOW_MAX) {
      window.leftOut += 1
      const leftMs = Math.max(0, window.startedMs + WINDOW_MS - clock.monotonicMs())
      if (window.leftOut === 1) scheduler.after(leftMs, () => tellLeftOut(name, window))
      return
    }
    window.lines += 1
    const remedy = remedies[name]
    inner[level](remedy === undefined || 'remedy' in event ? event : { ...event, remedy })
  }

  return {
    debug: (event) => inner.debug(event),
    info: (event) => inner.info(event),
    warn: (event) => write('warn', event),
    error: (event) => write('error', event),
  }
}
