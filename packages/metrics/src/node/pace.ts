// How long the text of a scrape may hold up the event loop in one go.
import { performance } from 'node:perf_hooks'
import { setImmediate } from 'node:timers/promises'
import type { Pace } from '../registry.ts'

/** About the time of one Turn under load. */
const HELD_UP_MS_MAX = 2

/** Lets messages pass after every `HELD_UP_MS_MAX` of work. */
export function createNodePace(): Pace {
  let sinceMs = 0
  return () => {
    const nowMs = performance.now()
    if (nowMs - sinceMs < HELD_UP_MS_MAX) return undefined
    return setImmediate().then(() => {
      sinceMs = performance.now()
    })
  }
}
