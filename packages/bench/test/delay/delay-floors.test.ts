import { expect, test } from '@jest/globals'
import type { DelayFigures } from '../../src/delay/delay-bench.ts'
import {
  BESIDE_P99_MS_MAX,
  delayMarkdown,
  DRAIN_RATIO_MAX,
  judgeDelay,
  LATE_P99_MS_MAX,
  PENDING_RATIO_MAX,
  PENDING_RSS_MIB_MAX,
} from '../../src/delay/delay-floors.ts'
import { OTHERS_SHARE_MAX } from '../../src/floor.ts'
import type { LatencySummary } from '../../src/histogram.ts'

interface Told {
  readonly rssMostMiB?: number | undefined
  readonly plainCpuUs?: readonly (number | undefined)[]
  readonly delayedCpuUs?: readonly number[]
  readonly p99Ms?: number
  readonly early?: number
  readonly besideMs?: readonly number[]
  readonly drainMs?: number
  readonly othersShare?: number
}

function latency(p99Ms: number): LatencySummary {
  return { p50: 100, p90: 200, p99: p99Ms * 1000, p999: p99Ms * 1000, max: p99Ms * 1000, mean: 100 }
}

function figuresOf(told: Told): DelayFigures {
  const { plainCpuUs = [10, 10], delayedCpuUs = [20, 20], p99Ms = 1, early = 0, besideMs = [1], drainMs = 1000 } = told
  return {
    othersShare: told.othersShare ?? OTHERS_SHARE_MAX,
    rssBeforeMiB: 100,
    rssMostMiB: 'rssMostMiB' in told ? told.rssMostMiB : 101,
    costs: plainCpuUs.map((us, index) => ({
      pending: 1000 * 10 ** index,
      plainCpuUs: us,
      delayedCpuUs: delayedCpuUs[index],
      rssMiB: 101,
    })),
    lateness: { messages: 10, early, receivedUs: latency(p99Ms), storedUs: latency(1) },
    bursts: besideMs.map((ms) => ({
      messages: 10,
      dueMs: 1000,
      drainMs,
      aloneUs: latency(1),
      besideUs: latency(1 + ms),
      cpuUs: 10,
      early: 0,
    })),
  }
}

function failedBy(told: Told): string[] {
  return judgeDelay(figuresOf(told), 'full').flatMap(({ name, outcome }) => (outcome === 'failed' ? [name] : []))
}

test('floors of delay: each at its limit → none failed; one beyond → that one failed', () => {
  const limits = {
    rssMostMiB: 100 + PENDING_RSS_MIB_MAX,
    plainCpuUs: [10 * PENDING_RATIO_MAX, 10],
    delayedCpuUs: [20, 20 * PENDING_RATIO_MAX],
    p99Ms: LATE_P99_MS_MAX,
    besideMs: [99, BESIDE_P99_MS_MAX, 0],
    drainMs: 1000 * DRAIN_RATIO_MAX,
  }
  expect(failedBy(limits)).toEqual([])
  const beyond: readonly [Told, string][] = [
    [{ rssMostMiB: 101 + PENDING_RSS_MIB_MAX }, 'resident memory'],
    [{ plainCpuUs: [10 * PENDING_RATIO_MAX + 1, 10] }, 'CPU per send'],
    [{ delayedCpuUs: [20, 20 * PENDING_RATIO_MAX + 1] }, 'CPU per delayed send'],
    [{ p99Ms: LATE_P99_MS_MAX + 1 }, 'lateness'],
    [{ early: 1 }, 'early'],
    [{ besideMs: [99, BESIDE_P99_MS_MAX + 1, 0] }, 'p99 of sends'],
    [{ drainMs: 1000 * DRAIN_RATIO_MAX + 1 }, 'delivered'],
  ]
  for (const [told, name] of beyond) expect(failedBy({ ...limits, ...told })).toEqual([expect.stringContaining(name)])
})

test('floors of delay: a quick run, what the platform does not tell, and slow while others used the machine → skipped', () => {
  for (const { outcome } of judgeDelay(figuresOf({ early: 1 }), 'quick')) expect(outcome).toBe('skipped')
  const untold = judgeDelay(figuresOf({ rssMostMiB: undefined, plainCpuUs: [10, undefined] }), 'full')
  expect(untold.filter(({ outcome }) => outcome === 'skipped')).toHaveLength(2)
  const busy = judgeDelay(figuresOf({ p99Ms: 101, early: 1, othersShare: 0.3 }), 'full')
  expect(busy.filter(({ outcome }) => outcome !== 'passed')).toMatchObject([
    { outcome: 'skipped', detail: expect.stringContaining('others used 30 % of the cores') },
    { outcome: 'failed', name: expect.stringContaining('early') },
  ])
})

test('report of delay: every count of pending and every burst, also where the platform does not tell', () => {
  const text = delayMarkdown(figuresOf({ rssMostMiB: undefined, besideMs: [1, 2] })).join('\n')
  expect(text).toContain('10 000')
  expect(text).toContain('– MiB at most')
  expect(text.match(/are due +\|/g)).toHaveLength(2)
})
