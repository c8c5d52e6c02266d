// Limits of time on a machine that others use too: a second try is fair, and both figures are shown.
import { loadavg } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { expectThat } from '../steps.ts'

const PAUSE_MS = 3_000

/** Measures once, and once more when the limit was missed. Returns what to show; throws when both missed it. */
export async function within(limitMs: number, measure: () => Promise<number>): Promise<string> {
  const firstMs = await measure()
  if (firstMs <= limitMs) return `${Math.round(firstMs)} ms`
  const load = loadavg()[0]?.toFixed(1)
  await delay(PAUSE_MS)
  const secondMs = await measure()
  const figures = `${Math.round(firstMs)} ms at load ${load}, then ${Math.round(secondMs)} ms at load ${loadavg()[0]?.toFixed(1)}`
  expectThat(secondMs <= limitMs, `${figures}; the limit is ${limitMs} ms`)
  return figures
}
