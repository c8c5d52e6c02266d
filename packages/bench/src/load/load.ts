// What generators share: something that makes calls, and what a window of time saw of them.
import type { LatencySummary } from '../histogram.ts'

/**
 * Makes one call in a slot, of which each runs one call at a time. `done` is called once; false: it was not answered OK.
 * `meantMs` is when the call was meant to start, by the clock of the loop.
 */
export type Caller = (slot: number, done: (ok: boolean) => void, meantMs: number) => void

/** How long: so many milliseconds, or so many calls. */
export type Extent = { readonly ms: number } | { readonly calls: number }

/** What happened within the measured window. */
export interface LoadResult {
  readonly calls: number
  /** Calls of the window that were not answered OK. */
  readonly failed: number
  /** Length of the window. */
  readonly ms: number
  readonly perSecond: number
  /** Undefined where no latency of a single call is measured. */
  readonly latencyUs: LatencySummary | undefined
  /** Offered calls per second; undefined for a closed loop, which offers what is taken. */
  readonly offeredPerSecond?: number
  /** All calls answered OK, warm-up and rest included: what the server must have counted. */
  readonly okInAll: number
  readonly failedInAll: number
}

/** Looks at other things at both ends of the measured window, e.g. the CPU time of the servers. */
export interface WindowObserver {
  begin(): void
  end(): void
}

export const nobody: WindowObserver = { begin() {}, end() {} }
