// Where reports of long runs lie: packages/bench/reports/sim-<commit>.json for the next run, .md for people.
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import type { Results } from './results.ts'
import { addTallies } from './seed-report.ts'
import { addRun, emptyReport, nextSeeds, readReport, reportPage, type SimReport } from './sim-report.ts'

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url))
const FOLDER = `${ROOT}packages/bench/reports`

function git(...args: string[]): string {
  return execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).trim()
}

/**
 * The commit that runs. Reports beside it are no change; throws for any other, since what is added up under the name of a
 * commit must be of that commit.
 */
function commitOf(): string {
  const changes = git('status', '--porcelain', '--untracked-files=no', '--', '.', ':!packages/bench/reports')
  if (changes !== '')
    throw new Error(`--report names a commit, and this tree has changes: commit them first\n${changes}`)
  return git('rev-parse', '--short=10', 'HEAD')
}

function pathOf(commit: string, kind: 'json' | 'md'): string {
  return `${FOLDER}/sim-${commit}.${kind}`
}

function load(commit: string): SimReport {
  const path = pathOf(commit, 'json')
  if (existsSync(path)) return readReport(readFileSync(path, 'utf8'))
  const [cpu] = cpus()
  return emptyReport({
    commit,
    node: process.version,
    machine: `${cpus().length} cores (${cpu?.model.trim() ?? 'unknown'})`,
  })
}

export interface KeptReport {
  /** The first seeds that no run of the commit has had. */
  readonly next: { readonly store: number; readonly cluster: number }
  /** Adds the run; answers with what to tell about it. */
  keep(results: Results): string[]
}

/** The report that a run is added to. Asked for before the run: what happens to the tree meanwhile is not what runs. */
export function reportOfCommit(): KeptReport {
  const commit = commitOf()
  return { next: nextSeeds(load(commit)), keep: (results) => keepReport(commit, results) }
}

function keepReport(commit: string, results: Results): string[] {
  const report = load(commit)
  const seconds = Math.round((performance.now() - results.startedMs) / 1000)
  const { cluster } = results
  addRun(
    report,
    {
      at: new Date().toISOString(),
      seconds,
      storeSeeds: results.range('store'),
      clusterSeeds: results.range('cluster'),
    },
    results.store,
    {
      seeds: cluster.length,
      failed: results.failures.filter(({ world }) => world === 'cluster').map(({ seed }) => seed),
      tallies: addTallies(cluster),
    },
  )
  writeFileSync(pathOf(commit, 'json'), `${JSON.stringify(report, undefined, 2)}\n`)
  writeFileSync(pathOf(commit, 'md'), reportPage(report))
  const { store } = report
  return [
    `${store.seeds} seeds of the store so far, ${store.failed.length} of them failed: ${pathOf(commit, 'md').slice(ROOT.length)}`,
  ]
}
