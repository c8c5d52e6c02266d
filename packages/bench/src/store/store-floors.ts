// What the store must keep, against the probes of the same run.
import { OTHERS_SHARE_MAX } from '../floors.ts'
import type { Verdict } from '../report/report.ts'
import type { CommitFigures, GrowthCurve, StoreFigures } from './figures.ts'

/** CPU of one append of 1 KiB with its share of everything that follows. */
export const APPEND_CPU_US_MAX = 2.5
/** Of the syncs that the disk makes of batches as large as ours. */
export const COMMIT_SHARE_MIN = 0.5
/** One send under way: its median against that of one write with fdatasync. */
export const SINGLE_COMMIT_RATIO_MAX = 1.3
export const SEQUENTIAL_SHARE_MIN = 0.7
export const COLD_SHARE_MIN = 0.5
/** The dearest point of a curve against its cheapest. */
export const GROWTH_RATIO_MAX = 1.5
/** p99 of sends at half load, with a cold drain beside them. */
export const DRAIN_P99_RATIO_MAX = 2
export const SCAN_MIB_MIN = 500
export const CLEAN_START_MS_MAX = 1000
export const KILLED_START_MS_MAX = 3000
export const MANY_QUEUES_RSS_MIB_MAX = 100
/** More of the log than this in the page cache, and a read was no cold one. */
const CACHED_SHARE_MAX = 0.02

interface Floor {
  readonly name: string
  readonly value: number | undefined
  readonly limit: number
  readonly isMax: boolean
  /** Empty for a ratio, which others on the machine change less than an absolute figure. */
  readonly unit: string
  /** Why it says nothing this time. */
  readonly invalid?: string | undefined
}

/** One verdict for each floor; none for a quick run. */
export function judgeStore(figures: StoreFigures, sizeName: 'full' | 'quick'): Verdict[] {
  return floorsOf(figures).map((floor) => judgeFloor(floor, sizeName, figures.othersShare))
}

/** Ours against the probe, by the syncs of a batch as large as ours. */
export function commitShare({ perSecond, meanBatch, probe }: Omit<CommitFigures, 'latencyRatio'>): number {
  return perSecond / meanBatch / probe.syncsPerSecond
}

export function growthRatio({ points }: GrowthCurve): number {
  const costs = points.map(({ cpuUs }) => cpuUs)
  return Math.max(...costs) / Math.min(...costs)
}

function floorsOf(figures: StoreFigures): Floor[] {
  const { append, commits, sequential, cold, growth, drain, scan, restart, manyQueues } = figures
  const single = commits.find(({ inFlight }) => inFlight === 1)
  const many = commits.at(-1)
  const invalid =
    cold.cachedShare > CACHED_SHARE_MAX
      ? `${(cold.cachedShare * 100).toFixed(0)} % of it was in the page cache`
      : undefined
  const atLeast = { isMax: false, unit: '' }
  const atMost = { isMax: true, unit: '' }
  return [
    { ...atMost, name: 'append 1 KiB, CPU', value: append.cpuUs, limit: APPEND_CPU_US_MAX, unit: ' µs' },
    {
      ...atLeast,
      name: `group commit, ${many?.inFlight} under way ÷ probe`,
      value: many && commitShare(many),
      limit: COMMIT_SHARE_MIN,
    },
    {
      ...atMost,
      name: 'group commit, one under way ÷ one fdatasync',
      value: single?.latencyRatio,
      limit: SINGLE_COMMIT_RATIO_MAX,
    },
    {
      ...atLeast,
      name: '16 KiB sequential ÷ write probe',
      value: sequential.mibPerSecond / sequential.probeMibPerSecond,
      limit: SEQUENTIAL_SHARE_MIN,
    },
    {
      ...atLeast,
      name: 'cold backlog ÷ read probe',
      value: cold.mibPerSecond / cold.probeMibPerSecond,
      limit: COLD_SHARE_MIN,
      invalid,
    },
    ...growth.map((curve) => ({
      ...atMost,
      name: `cost per message against ${curve.what}, dearest ÷ cheapest`,
      value: growthRatio(curve),
      limit: GROWTH_RATIO_MAX,
    })),
    {
      ...atMost,
      name: 'p99 of sends at half load, during a cold drain ÷ alone',
      value: drain.during.p99 / drain.alone.p99,
      limit: DRAIN_P99_RATIO_MAX,
    },
    { ...atLeast, name: 'full scan, warm', value: scan.mibPerSecond, limit: SCAN_MIB_MIN, unit: ' MiB/s' },
    { ...atMost, name: 'ready after a clean stop', value: restart.cleanMs, limit: CLEAN_START_MS_MAX, unit: ' ms' },
    { ...atMost, name: 'ready after SIGKILL', value: restart.killedMs, limit: KILLED_START_MS_MAX, unit: ' ms' },
    ...manyQueues.flatMap(({ topics, queuesPerTopic, rssMib, restartedRssMib, killedRssMib }) =>
      [
        { when: 'after sends', value: rssMib },
        { when: 'started again', value: restartedRssMib },
        { when: 'started after SIGKILL', value: killedRssMib },
      ].map(({ when, value }) => ({
        ...atMost,
        name: `resident memory, ${topics} × ${queuesPerTopic} queues, ${when}`,
        value,
        limit: MANY_QUEUES_RSS_MIB_MAX,
        unit: ' MiB',
      })),
    ),
  ]
}

function judgeFloor(
  { name, value, limit, isMax, unit, invalid }: Floor,
  sizeName: 'full' | 'quick',
  othersShare: number,
): Verdict {
  const named = `store: ${name}`
  if (sizeName === 'quick') return { name: named, outcome: 'skipped', detail: 'a quick run is no measurement' }
  if (invalid !== undefined) return { name: named, outcome: 'skipped', detail: invalid }
  if (value === undefined || Number.isNaN(value)) {
    return { name: named, outcome: 'skipped', detail: 'this platform does not tell it' }
  }
  const isKept = isMax ? value <= limit : value >= limit
  const digits = unit === '' || unit === ' µs' ? 2 : 0
  const detail = `${value.toFixed(digits)}${unit}, at ${isMax ? 'most' : 'least'} ${limit}${unit}`
  if (isKept) return { name: named, outcome: 'passed', detail }
  if (unit === '' || unit === ' MiB' || othersShare <= OTHERS_SHARE_MAX) {
    return { name: named, outcome: 'failed', detail }
  }
  const others = `others used ${(othersShare * 100).toFixed(0)} % of the cores just before or after`
  return { name: named, outcome: 'skipped', detail: `${detail}, but ${others}: run it on a quiet machine` }
}
