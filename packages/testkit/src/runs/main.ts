// `npm run sim [-- --world cluster|store] [--seeds N | --minutes N] [--from N] [--seed N] [--workers N] [--report] [--json]`:
// services under faults, one world for each seed. Ends with `N passed, N failed` over the seeds; with --json that line and
// the progress go to stderr.
import { availableParallelism } from 'node:os'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { runStoreSeed } from '../store-world/run-store-seed.ts'
import { storePlanOf } from '../store-world/store-plan.ts'
import { runAndJudge } from './judged-run.ts'
import { countLines, courseLines, failureLines, replayCommand, storeCourseLines, tableLines } from './report-text.ts'
import { reportOfCommit } from './report-files.ts'
import { Results } from './results.ts'
import { seedSource, type SeedSource } from './seed-source.ts'
import { runInWorkers, type SeedOrder, serveSeeds, type WorkerAnswer } from './seed-workers.ts'
import { reportOf, runStoreAndJudge } from './store-seed-report.ts'

const SEEDS_DEFAULT = 200
const SEEDS_MAX = 1_000_000
const WORKERS_MAX = 2
/** Without a terminal, a line of progress for so many seeds of clusters, or for this time. */
const PROGRESS_EVERY = 20
const PROGRESS_EVERY_MS = 10_000
const MINUTE_MS = 60_000
const WORKER_FLAG = '--serve-seeds'

const OPTIONS = {
  world: { type: 'string' },
  seeds: { type: 'string' },
  minutes: { type: 'string' },
  from: { type: 'string' },
  seed: { type: 'string' },
  workers: { type: 'string' },
  report: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
} as const

type Tell = (line: string) => void

function naturalOf(name: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise
  const value = Number(text)
  if (/^\d+$/u.test(text) && value <= Number.MAX_SAFE_INTEGER) return value
  throw new Error(`--${name} is '${text}'; a whole number from 0 on is expected`)
}

function worldOf(text: string | undefined): SeedOrder['world'] | undefined {
  if (text === undefined || text === 'cluster' || text === 'store') return text
  throw new Error(`--world is '${text}'; it is cluster or store`)
}

async function run({ world, seed }: SeedOrder): Promise<WorkerAnswer> {
  return world === 'store'
    ? { world, report: await runStoreAndJudge(seed) }
    : { world, report: (await runAndJudge(seed)).report }
}

/** One seed with everything that can be said about it. */
async function showSeed({ world, seed }: SeedOrder, tell: Tell): Promise<boolean> {
  if (world === 'store') {
    const record = await runStoreSeed(storePlanOf(seed), tell)
    const report = reportOf(record)
    for (const line of storeCourseLines(record)) tell(line)
    for (const counts of [report.outcomes, report.faults, report.steps])
      for (const line of countLines(counts)) tell(line)
    return conclude(world, report, tell)
  }
  const { run: record, report } = await runAndJudge(seed)
  for (const line of courseLines(record)) tell(line)
  for (const line of tableLines([report])) tell(line)
  return conclude(world, report, tell)
}

function conclude(world: SeedOrder['world'], report: Parameters<typeof failureLines>[1], tell: Tell): boolean {
  const { seed, traceHash, events, virtualMs, violations } = report
  tell(`seed ${seed}: ${events} events in ${(virtualMs / 1000).toFixed(1)} simulated seconds, trace ${traceHash}`)
  if (violations.length > 0) for (const line of failureLines(world, report)) tell(line)
  return violations.length === 0
}

async function runSeeds(source: SeedSource, workers: number, tell: Tell): Promise<Results> {
  const results = new Results()
  let toldMs = performance.now()

  function take(answer: WorkerAnswer): void {
    const lines = results.take(answer)
    if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${lines.length > 0 ? '' : progress()}`)
    for (const line of lines) tell(line)
    const isDue =
      source.count === undefined ? performance.now() - toldMs >= PROGRESS_EVERY_MS : results.done % PROGRESS_EVERY === 0
    if (process.stderr.isTTY || !(isDue || results.done === source.count)) return
    toldMs = performance.now()
    tell(progress())
  }

  function progress(): string {
    const of = source.count === undefined ? source.timeLeft() : `of ${source.count} seeds`
    return `${results.done} ${of}, ${results.failures.length} failed`
  }

  if (workers > 1) {
    const script = fileURLToPath(import.meta.url)
    await runInWorkers({ script, args: [WORKER_FLAG], workers, next: () => source.next(), onAnswer: take })
  } else {
    for (let order = source.next(); order !== undefined; order = source.next()) take(await run(order))
  }
  if (process.stderr.isTTY) process.stderr.write('\n')
  return results
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: OPTIONS })
  const tell = values.json ? console.error : console.log
  const world = worldOf(values.world)
  if (values.seed !== undefined) {
    const passed = await showSeed({ world: world ?? 'cluster', seed: naturalOf('seed', values.seed, 0) }, tell)
    finish(passed ? 1 : 0, passed ? 0 : 1, tell)
    return
  }
  const minutes = values.minutes === undefined ? undefined : naturalOf('minutes', values.minutes, 0)
  const count = Math.min(SEEDS_MAX, naturalOf('seeds', values.seeds, SEEDS_DEFAULT))
  if (count === 0 || minutes === 0) throw new Error('--seeds or --minutes is 0: a run of nothing proves nothing')
  const from = values.from === undefined ? undefined : naturalOf('from', values.from, 1)
  const kept = values.report ? reportOfCommit() : undefined
  const first = kept?.next ?? { store: 1, cluster: 1 }
  const source = seedSource({
    world: world ?? (minutes === undefined ? 'cluster' : undefined),
    from: { store: from ?? first.store, cluster: from ?? first.cluster },
    ...(minutes === undefined ? { count } : { forMs: minutes * MINUTE_MS }),
  })
  const workers = naturalOf('workers', values.workers, Math.min(WORKERS_MAX, availableParallelism()))
  const results = await runSeeds(source, workers, tell)
  const missed = results.missed()
  if (values.json) console.log(JSON.stringify(results.asJson()))
  else for (const line of results.tableLines()) console.log(line)
  for (const line of missed) tell(line)
  if (kept !== undefined) for (const line of kept.keep(results)) tell(line)
  if (results.failures[0] !== undefined) tell(`replay the first failure: ${replayCommand(results.failures[0])}`)
  finish(results.done - results.failures.length, results.failures.length + missed.length, tell)
}

function finish(passed: number, failed: number, tell: Tell): void {
  process.exitCode = failed === 0 ? 0 : 1
  tell(`${passed} passed, ${failed} failed`)
}

if (process.argv.includes(WORKER_FLAG)) serveSeeds(run, process)
else await main()
