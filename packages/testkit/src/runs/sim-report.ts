// The report of long runs, kept beside those of the benchmark: what was run at one commit, added up over several runs.
import type { Tallies } from './seed-report.ts'
import { addTotals, noTotals, type StoreTotals, weaknessesOf } from './store-totals.ts'
import { CRASH_STEPS } from '../store-world/crash-steps.ts'

const VERSION = 1
const HOUR_MS = 3_600_000

export interface SimReport {
  readonly version: number
  readonly commit: string
  readonly node: string
  readonly machine: string
  /** One entry for each run that was added up. */
  readonly runs: SimRun[]
  readonly store: StoreTotals
  readonly cluster: { seeds: number; failed: number[]; tallies: Partial<Tallies> }
}

export interface SimRun {
  readonly at: string
  readonly seconds: number
  readonly storeSeeds: readonly [from: number, to: number] | undefined
  readonly clusterSeeds: readonly [from: number, to: number] | undefined
}

export function emptyReport(identity: Pick<SimReport, 'commit' | 'node' | 'machine'>): SimReport {
  return { version: VERSION, ...identity, runs: [], store: noTotals(), cluster: { seeds: 0, failed: [], tallies: {} } }
}

/** The report as it was written. Throws where it is of another version. */
export function readReport(text: string): SimReport {
  const report = JSON.parse(text) as SimReport
  if (report.version !== VERSION)
    throw new Error(`the report has version ${report.version}, ${VERSION} is known: remove it`)
  // What older runs did not count is 0.
  return { ...report, store: { ...noTotals(), ...report.store } }
}

export function addRun(report: SimReport, run: SimRun, store: StoreTotals, cluster: SimReport['cluster']): void {
  report.runs.push(run)
  addTotals(report.store, store)
  report.cluster.seeds += cluster.seeds
  report.cluster.failed.push(...cluster.failed)
  const { tallies } = report.cluster
  for (const [name, count] of Object.entries(cluster.tallies)) {
    tallies[name as keyof Tallies] = (tallies[name as keyof Tallies] ?? 0) + count
  }
}

/** The first seed that no run has had. */
export function nextSeeds({ runs }: SimReport): { readonly store: number; readonly cluster: number } {
  const after = (ends: readonly (number | undefined)[]): number => Math.max(0, ...ends.map((end) => end ?? 0)) + 1
  return {
    store: after(runs.map(({ storeSeeds }) => storeSeeds?.[1])),
    cluster: after(runs.map(({ clusterSeeds }) => clusterSeeds?.[1])),
  }
}

/** The report for people. */
export function reportPage(report: SimReport): string {
  const { store, cluster, commit, runs } = report
  const seconds = runs.reduce((sum, run) => sum + run.seconds, 0)
  const failed = store.failed.length + cluster.failed.length
  const weak = weaknessesOf(store)
  return [
    `# Simulation of commit ${commit}`,
    '',
    `${store.seeds} seeds of the store's world with ${store.operations} operations, ${cluster.seeds} seeds of whole clusters; ` +
      `${failed} failed. ${runs.length} runs, ${Math.round(seconds)} s on ${report.machine}, Node ${report.node}; ` +
      `${(store.virtualMs / HOUR_MS).toFixed(0)} simulated hours, ${store.lives} lives of a broker, ${store.events} events.`,
    '',
    `Failed seeds: ${failed === 0 ? 'none' : [...store.failed, ...cluster.failed].join(', ')}.`,
    `Too little: ${weak.length === 0 ? 'nothing' : weak.join('; ')}.`,
    '',
    '## Faults of the store',
    '',
    ...table(['Fault', 'Hits'], Object.entries(store.faults).sort(byName)),
    '',
    '## Steps at which the broker was ended',
    '',
    ...table(
      ['Step', 'Hits'],
      CRASH_STEPS.map((step) => [step, store.steps[step] ?? 0] as const),
    ),
    '',
    '## Operations by their outcome',
    '',
    ...table(['Operation', 'Count'], Object.entries(store.outcomes).sort(byName)),
    '',
    '## Clusters',
    '',
    ...table(['Count of', 'Total'], Object.entries(cluster.tallies)),
    '',
  ].join('\n')
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1
}

function table(head: readonly [string, string], rows: readonly (readonly [string, number])[]): string[] {
  const width = Math.max(head[0].length, ...rows.map(([name]) => name.length))
  const numbers = Math.max(head[1].length, ...rows.map(([, count]) => String(count).length))
  return [
    `| ${head[0].padEnd(width)} | ${head[1].padStart(numbers)} |`,
    `| ${'-'.repeat(width)} | ${'-'.repeat(numbers - 1)}: |`,
    ...rows.map(([name, count]) => `| ${name.padEnd(width)} | ${String(count).padStart(numbers)} |`),
  ]
}
