// Reports as lines for people.
import type { RunRecord } from '../workload/run-seed.ts'
import { type MissedMinimum, minimumOf } from './minimums.ts'
import { addTallies, type SeedReport, TALLIES } from './seed-report.ts'
import type { SeedOrder } from './seed-workers.ts'
import type { Counts, StoreSeedReport } from './store-seed-report.ts'
import type { StoreRunRecord } from '../store-world/run-store-seed.ts'

const WORDS = /([A-Z])/gu
/** Longest text of a violation. */
const DETAIL_CHARS_MAX = 1500

export function replayCommand({ world, seed }: SeedOrder): string {
  return `npm run sim -- ${world === 'store' ? '--world store ' : ''}--seed ${seed}`
}

/** Why a seed failed, and the one command that shows it again. */
export function failureLines(
  world: SeedOrder['world'],
  { seed, violations, traceHash, events }: SeedReport | StoreSeedReport,
): string[] {
  const shown = violations.map(({ rule, detail }) => `  ${rule}: ${detail.slice(0, DETAIL_CHARS_MAX)}`)
  return [
    `FAILED  ${world} seed ${seed} (trace ${traceHash}, ${events} events)`,
    ...shown,
    `  replay: ${replayCommand({ world, seed })}`,
  ]
}

/** The distribution over all seeds: total, per seed, and the least total that is asked for. */
export function tableLines(reports: readonly SeedReport[]): string[] {
  const totals = addTallies(reports)
  const seeds = Math.max(1, reports.length)
  const rows = TALLIES.map((name) => [
    name.replace(WORDS, (letter) => ` ${letter.toLowerCase()}`),
    String(totals[name]),
    (totals[name] / seeds).toFixed(1),
    String(Math.max(0, ...reports.map(({ tallies }) => tallies[name]))),
    String(minimumOf(name, reports.length) || ''),
  ])
  const header = ['', 'total', 'per seed', 'most', 'at least']
  return align([header, ...rows])
}

export function missedLine({ name, total, min }: MissedMinimum): string {
  return `FAILED  ${name}: ${total} in all, at least ${min} are needed for the run to prove anything`
}

/** The faults of one run and the lives of its services. */
export function courseLines({ faults, cluster, plan }: RunRecord): string[] {
  const { nameServers, brokers, proxies, flushDiskType, segmentBytes } = plan.cluster
  const seconds = (ms: number | undefined): string => (ms === undefined ? '' : (ms / 1000).toFixed(3))
  return [
    `${nameServers} nameservers, ${brokers} brokers (${flushDiskType}, segments of ${segmentBytes} bytes), ${proxies} proxies`,
    ...faults.map(({ atMs, kind, node }) => `${seconds(atMs)} s  ${kind}  ${node}`),
    ...cluster.nodes.map(({ name, lives }) => {
      const each = lives.map(
        ({ startedMs, endedMs, end }) => `${seconds(startedMs)} … ${seconds(endedMs)} ${end ?? ''}`,
      )
      return `${name}: ${each.join(', ')}`
    }),
  ]
}

/** The lives of the broker in one run of the store's world. */
export function storeCourseLines({ plan, host }: StoreRunRecord): string[] {
  const { flushDiskType, segmentBytes, atomicBytes } = plan.shape
  return [
    `one broker (${flushDiskType}, segments of ${segmentBytes} bytes, a disk that writes ${atomicBytes} bytes in one piece)`,
    ...host.lives.map(({ startedMs, end, crashStep, recoveredEnd }, index) => {
      const where = crashStep === undefined ? '' : ` ${crashStep}`
      const log = recoveredEnd === undefined ? 'did not recover' : `log of ${recoveredEnd} bytes`
      return `life ${index + 1} from ${(startedMs / 1000).toFixed(3)} s: ${log}, ${end ?? 'to the end of the run'}${where}`
    }),
  ]
}

/** Names and numbers, one below the other. */
export function countLines(counts: Counts): string[] {
  const rows = Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1))
  return align(rows.map(([name, count]) => [name, String(count)]))
}

function align(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? []
  return rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart((widths[column] ?? 0) + 2)))
      .join('')
      .trimEnd(),
  )
}
