// `npm run sim [-- --seeds N] [--from N] [--seed N] [--workers N] [--json]`: whole clusters under faults, one for each
// seed. Ends with `N passed, N failed` over the seeds; with --json that line and the progress go to stderr.
import { availableParallelism } from 'node:os'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { runAndJudge } from './judged-run.ts'
import { missedMinimums } from './minimums.ts'
import { courseLines, failureLines, missedLine, replayCommand, tableLines } from './report-text.ts'
import { addTallies, type SeedReport } from './seed-report.ts'
import { runInWorkers, serveSeeds, type WorkerAnswer } from './seed-workers.ts'

const SEEDS_DEFAULT = 200
const SEEDS_MAX = 1_000_000
const WORKERS_MAX = 2
/** Without a terminal, a line of progress for so many seeds. */
const PROGRESS_EVERY = 20
const WORKER_FLAG = '--serve-seeds'

const OPTIONS = {
  seeds: { type: 'string' },
  from: { type: 'string' },
  seed: { type: 'string' },
  workers: { type: 'string' },
  json: { type: 'boolean', default: false },
} as const

function naturalOf(name: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise
  const value = Number(text)
  if (/^\d+$/u.test(text) && value <= Number.MAX_SAFE_INTEGER) return value
  throw new Error(`--${name} is '${text}'; a whole number from 0 on is expected`)
}

/** One seed with everything that can be said about it. */
async function showSeed(seed: number, tell: (line: string) => void): Promise<boolean> {
  const { run, report } = await runAndJudge(seed)
  for (const line of courseLines(run)) tell(line)
  for (const line of tableLines([report])) tell(line)
  const { traceHash, events, virtualMs, violations } = report
  tell(`seed ${seed}: ${events} events in ${(virtualMs / 1000).toFixed(1)} simulated seconds, trace ${traceHash}`)
  if (violations.length > 0) for (const line of failureLines(report)) tell(line)
  return violations.length === 0
}

interface Outcome {
  readonly reports: readonly SeedReport[]
  readonly failed: readonly number[]
}

async function runSeeds(seeds: readonly number[], workers: number, tell: (line: string) => void): Promise<Outcome> {
  const reports: SeedReport[] = []
  const failed: number[] = []
  let done = 0

  function take(answer: WorkerAnswer): void {
    done += 1
    const lines = 'report' in answer ? linesOf(answer.report) : [`FAILED  seed ${answer.seed}: ${answer.crashed}`]
    if ('report' in answer) reports.push(answer.report)
    if (lines.length > 0) failed.push('report' in answer ? answer.report.seed : answer.seed)
    if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${lines.length > 0 ? '' : progress()}`)
    for (const line of lines) tell(line)
    if (!process.stderr.isTTY && (done % PROGRESS_EVERY === 0 || done === seeds.length)) tell(progress())
  }

  function linesOf(report: SeedReport): string[] {
    return report.violations.length === 0 ? [] : failureLines(report)
  }

  function progress(): string {
    return `${done} of ${seeds.length} seeds, ${failed.length} failed`
  }

  if (workers > 1) {
    const script = fileURLToPath(import.meta.url)
    await runInWorkers({ script, args: [WORKER_FLAG], workers, seeds, onAnswer: take })
  } else {
    for (const seed of seeds) take({ report: (await runAndJudge(seed)).report })
  }
  if (process.stderr.isTTY) process.stderr.write('\n')
  return { reports: reports.sort((a, b) => a.seed - b.seed), failed: failed.sort((a, b) => a - b) }
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: OPTIONS })
  const tell = values.json ? console.error : console.log
  if (values.seed !== undefined) {
    const passed = await showSeed(naturalOf('seed', values.seed, 0), tell)
    finish(passed ? 1 : 0, passed ? 0 : 1, tell)
    return
  }
  const from = naturalOf('from', values.from, 1)
  const count = Math.min(SEEDS_MAX, naturalOf('seeds', values.seeds, SEEDS_DEFAULT))
  if (count === 0) throw new Error('--seeds is 0: a run of nothing proves nothing')
  const workers = naturalOf('workers', values.workers, Math.min(WORKERS_MAX, availableParallelism()))
  const seeds = Array.from({ length: count }, (_, index) => from + index)
  const { reports, failed } = await runSeeds(seeds, workers, tell)
  const missed = missedMinimums(addTallies(reports), count)
  if (values.json) console.log(JSON.stringify({ from, count, failed, missed, totals: addTallies(reports), reports }))
  else for (const line of tableLines(reports)) console.log(line)
  for (const each of missed) tell(missedLine(each))
  if (failed[0] !== undefined) tell(`replay the first failure: ${replayCommand(failed[0])}`)
  finish(count - failed.length, failed.length + missed.length, tell)
}

function finish(passed: number, failed: number, tell: (line: string) => void): void {
  process.exitCode = failed === 0 ? 0 : 1
  tell(`${passed} passed, ${failed} failed`)
}

if (process.argv.includes(WORKER_FLAG)) serveSeeds(async (seed) => (await runAndJudge(seed)).report, process)
else await main()
