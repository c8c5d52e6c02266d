// Limits of time on a machine that others use too: other tries are fair while it is busy, and all figures are shown.
import { availableParallelism, loadavg } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { expectThat } from '../steps.ts'

const BUSY_TRIES_MAX = 3
const PAUSE_MS = 8_000

/** Measures once, and again while the limit is missed on a busy machine. Returns what to show; throws when all missed. */
export async function within(limitMs: number, measure: () => Promise<number>): Promise<string> {
  const figures: string[] = []
  for (let tried = 1; ; tried += 1) {
    const ms = await measure()
    const load = loadavg()[0] ?? 0
    figures.push(`${Math.round(ms)} ms at load ${load.toFixed(1)}`)
    if (ms <= limitMs) return figures.join(', then ')
    // A second try is fair in any case: the first may have met a short burst.
    const isLast = tried >= (load > availableParallelism() ? BUSY_TRIES_MAX : 2)
    expectThat(!isLast, `${figures.join(', then ')}; the limit is ${limitMs} ms`)
    await delay(PAUSE_MS)
  }
}
