// Open loop: calls start by the clock, whatever became of the earlier ones, and a latency begins at the moment the call
// was meant to start. A server that stalls is charged for every call it held up (no coordinated omission).
import { Histogram } from '../histogram.ts'
import type { Caller, LoadResult, WindowObserver } from './load.ts'

/** Calls under way at a time; beyond, what is due waits here, and its waiting counts as latency. */
export const UNDER_WAY_MAX = 10_000

export interface OpenLoopOptions {
  /** Called with a slot below UNDER_WAY_MAX that has no call under way. */
  readonly caller: Caller
  readonly perSecond: number
  readonly warmUpMs: number
  readonly measureMs: number
  readonly observer: WindowObserver
  readonly nowMs: () => number
  /** Runs the task as soon as what has arrived was read. */
  readonly soon: (task: () => void) => void
}

/** The calls meant to start within the window are measured, however late they start or end. */
export function runOpenLoop(options: OpenLoopOptions): Promise<LoadResult> {
  const { caller, perSecond, warmUpMs, measureMs, observer, nowMs, soon } = options
  const intervalMs = 1000 / perSecond
  const first = Math.ceil(warmUpMs / intervalMs)
  const last = first + Math.max(1, Math.floor(measureMs / intervalMs)) - 1
  const latencies = new Histogram()
  const freeSlots = Array.from({ length: UNDER_WAY_MAX }, (_, slot) => UNDER_WAY_MAX - 1 - slot)
  const startMs = nowMs()
  let next = 0
  let measured = 0
  let failed = 0
  let okInAll = 0
  let failedInAll = 0
  let endedMs = startMs

  return new Promise((resolve) => {
    function ended(number: number, slot: number, ok: boolean): void {
      freeSlots.push(slot)
      if (ok) okInAll += 1
      else failedInAll += 1
      if (number >= first) {
        endedMs = nowMs()
        latencies.record(endedMs - (startMs + number * intervalMs))
        measured += 1
        if (!ok) failed += 1
      }
      if (okInAll + failedInAll === last + 1) {
        observer.end()
        resolve(result())
      }
    }

    function startDue(): void {
      const due = Math.min(last, Math.floor((nowMs() - startMs) / intervalMs))
      while (next <= due) {
        const slot = freeSlots.pop()
        if (slot === undefined) break
        const number = next
        next += 1
        if (number === first) observer.begin()
        caller(slot, (ok) => ended(number, slot, ok), startMs + number * intervalMs)
      }
      if (next <= last) soon(startDue)
    }
    startDue()
  })

  function result(): LoadResult {
    const ms = endedMs - (startMs + first * intervalMs)
    return {
      calls: measured,
      failed,
      ms,
      perSecond: (measured * 1000) / ms,
      latencyUs: latencies.summary(),
      offeredPerSecond: perSecond,
      okInAll,
      failedInAll,
    }
  }
}
