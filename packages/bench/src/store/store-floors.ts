// What the store must keep, against the probes of the same run.
import { dearestToCheapest, type Floor, judgeFloor } from '../floor.ts'
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

/** One verdict for each floor; none for a quick run. */
export function judgeStore(figures: StoreFigures, sizeName: 'full' | 'quick'): Verdict[] {
  return floorsOf(figures).map((floor) =>
    judgeFloor({ ...floor, name: `store: ${floor.name}` }, sizeName, figures.othersShare),
  )
}

/** Ours against the probe, by the syncs of a batch as large as ours. */
export function commitShare({
  perSecond,
  meanBatch,
  probe,
}: Pick<CommitFigures, 'perSecond' | 'meanBatch' | 'probe'>): number {
  return perSecond / meanBatch / probe.syncsPerSecond
}

/** The dearest point against the cheapest, each by the young store of its minute; undefined where the platform does not tell one. */
export function growthRatio({ points }: GrowthCurve): number | undefined {
  return dearestToCheapest(points.map(({ cpuUs, youngUs }) => cpuUs / youngUs))
}

function floorsOf(figures: StoreFigures): Floor[] {
  const { append, commits, sequential, cold, growth = [], drain, scan, restart, manyQueues = [] } = figures
  const ratio = { unit: '', dependsOnOthers: false }
  const speed = { dependsOnOthers: true }
  const floors: Floor[] = []
  if (append !== undefined) {
    floors.push({ ...speed, name: 'append 1 KiB, CPU', value: append.cpuUs, max: APPEND_CPU_US_MAX, unit: ' µs' })
  }
  if (commits !== undefined) {
    const single = commits.find(({ inFlight }) => inFlight === 1)
    const many = commits.at(-1)
    const name = `group commit, ${many?.inFlight} under way ÷ probe`
    floors.push({ ...ratio, name, value: many && commitShare(many), min: COMMIT_SHARE_MIN })
    const singleName = 'group commit, one under way ÷ one fdatasync'
    floors.push({ ...ratio, name: singleName, value: single?.latencyRatio, max: SINGLE_COMMIT_RATIO_MAX })
  }
  if (sequential !== undefined) {
    const value = sequential.mibPerSecond / sequential.probeMibPerSecond
    floors.push({ ...ratio, name: '16 KiB sequential ÷ write probe', value, min: SEQUENTIAL_SHARE_MIN })
  }
  if (cold !== undefined) {
    const value = cold.mibPerSecond / cold.probeMibPerSecond
    const cached = `${(cold.cachedShare * 100).toFixed(0)} % of it was in the page cache`
    const invalid = cold.cachedShare > CACHED_SHARE_MAX ? cached : undefined
    floors.push({ ...ratio, name: 'cold backlog ÷ read probe', value, min: COLD_SHARE_MIN, invalid })
  }
  for (const curve of growth) {
    const name = `cost per message against ${curve.what}, dearest ÷ cheapest`
    floors.push({ ...ratio, name, value: growthRatio(curve), max: GROWTH_RATIO_MAX })
  }
  if (drain !== undefined) {
    const name = 'p99 of sends at half load, during a cold drain ÷ alone'
    floors.push({ ...ratio, name, value: drain.during.p99 / drain.alone.p99, max: DRAIN_P99_RATIO_MAX })
  }
  if (scan !== undefined) {
    floors.push({ ...speed, name: 'full scan, warm', value: scan.mibPerSecond, min: SCAN_MIB_MIN, unit: ' MiB/s' })
  }
  if (restart !== undefined) {
    const { cleanMs, killedMs } = restart
    floors.push({ ...speed, name: 'ready after a clean stop', value: cleanMs, max: CLEAN_START_MS_MAX, unit: ' ms' })
    floors.push({ ...speed, name: 'ready after SIGKILL', value: killedMs, max: KILLED_START_MS_MAX, unit: ' ms' })
  }
  for (const { topics, queuesPerTopic, rssMib, restartedRssMib, killedRssMib } of manyQueues) {
    const name = `resident memory, ${topics} × ${queuesPerTopic} queues`
    const inMib = { max: MANY_QUEUES_RSS_MIB_MAX, unit: ' MiB', dependsOnOthers: false }
    floors.push({ ...inMib, name: `${name}, after sends`, value: rssMib })
    floors.push({ ...inMib, name: `${name}, started again`, value: restartedRssMib })
    floors.push({ ...inMib, name: `${name}, started after SIGKILL`, value: killedRssMib })
  }
  return floors
}
