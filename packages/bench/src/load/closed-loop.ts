// Closed loop: every slot has one call under way and starts the next when it is answered. Measures what a server can do;
// its latencies are those of a full server.
import { Histogram } from '../histogram.ts'
import type { Caller, Extent, LoadResult, WindowObserver } from './load.ts'

export interface ClosedLoopOptions {
  readonly caller: Caller
  readonly slots: number
  readonly warmUp: Extent
  readonly measure: Extent
  readonly observer: WindowObserver
  readonly nowMs: () => number
}

type Phase = 'warm-up' | 'measure' | 'drain'

/** Warms up, measures, and waits for the last answers. A call belongs to the window that its answer comes in. */
export function runClosedLoop(options: ClosedLoopOptions): Promise<LoadResult> {
  const { caller, slots, observer, nowMs } = options
  const latencies = new Histogram()
  let phase: Phase = 'warm-up'
  let phaseStartMs = nowMs()
  let phaseCalls = 0
  let failed = 0
  let okInAll = 0
  let failedInAll = 0
  let underWay = 0
  let measuredMs = 0
  let measuredCalls = 0

  function isOver(extent: Extent, now: number): boolean {
    return 'ms' in extent ? now - phaseStartMs >= extent.ms : phaseCalls >= extent.calls
  }

  function advance(now: number): void {
    if (phase === 'warm-up' && isOver(options.warmUp, now)) {
      phase = 'measure'
      phaseStartMs = now
      phaseCalls = 0
      observer.begin()
    } else if (phase === 'measure' && isOver(options.measure, now)) {
      phase = 'drain'
      measuredMs = now - phaseStartMs
      measuredCalls = phaseCalls
      observer.end()
    }
  }

  return new Promise((resolve) => {
    function ended(startedMs: number, ok: boolean): void {
      const now = nowMs()
      underWay -= 1
      phaseCalls += 1
      if (ok) okInAll += 1
      else failedInAll += 1
      if (phase === 'measure') {
        latencies.record(now - startedMs)
        if (!ok) failed += 1
      }
      advance(now)
    }

    function start(slot: number): void {
      const startedMs = nowMs()
      underWay += 1
      caller(
        slot,
        (ok) => {
          ended(startedMs, ok)
          if (phase !== 'drain') start(slot)
          else if (underWay === 0) resolve(result())
        },
        startedMs,
      )
    }

    for (let slot = 0; slot < slots; slot += 1) start(slot)
  })

  function result(): LoadResult {
    return {
      calls: measuredCalls,
      failed,
      ms: measuredMs,
      perSecond: (measuredCalls * 1000) / measuredMs,
      latencyUs: latencies.summary(),
      okInAll,
      failedInAll,
    }
  }
}
