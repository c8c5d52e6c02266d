// `npm run mutants [-- --only NAME] [--generated N] [--seed N] [--json]`: are the faults that must never happen noticed by
// the tests that are there for them? Then as many generated ones in the store. Ends with `N passed, N failed`; with
// --json that line and the progress go to stderr.
import { globSync, readFileSync } from 'node:fs'
import { constants } from 'node:os'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { formatCounts } from '../counts.ts'
import { endRuns, runJest } from './jest-run.ts'
import { generateFaults } from './generate.ts'
import { MUTANTS } from './list/index.ts'
import { SURVIVORS } from './list/survivors.ts'
import type { Mutant } from './mutant.ts'
import { countsOf, formatJson, formatProgress, formatTable } from './report.ts'
import { areEnoughCaught, CAUGHT_SHARE_MIN, runGenerated } from './run-generated.ts'
import { type MutantResult, type MutantsDeps, runMutants } from './run-mutants.ts'
import { copySources, type SourceCopy } from './source-copy.ts'

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url))

/** Where faults are generated: what keeps the messages. */
const GENERATED_IN = 'packages/store'
/** Types and texts alone: nothing in them can be wrong at run time. */
const GENERATED_NOT_IN = new Set(['index.ts', 'events.ts', 'message-store.ts'])
const GENERATED_DEFAULT = 20
const SEED_DEFAULT = 1

/** The name of `--only` for all that are generated. */
const ONLY_GENERATED = 'generated'

/** Those whose name contains the text; throws when there is none: a run of nothing proves nothing. */
function chosen(only: string | undefined): readonly Mutant[] {
  if (only === undefined) return MUTANTS
  const wanted = only.toLowerCase()
  const found = MUTANTS.filter(({ name }) => name.toLowerCase().includes(wanted))
  if (found.length > 0) return found
  throw new Error(`no mutant is named '${only}'; there are:\n${MUTANTS.map(({ name }) => `  ${name}`).join('\n')}`)
}

/** Copies that exist: a signal must not leave them behind. */
const copies = new Set<SourceCopy>()

function createCopy(): SourceCopy {
  const copy = copySources(ROOT)
  copies.add(copy)
  return copy
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    endRuns()
    for (const copy of copies) copy.remove()
    process.exit(128 + constants.signals[signal])
  })
}

const OPTIONS = {
  only: { type: 'string' },
  generated: { type: 'string', default: String(GENERATED_DEFAULT) },
  seed: { type: 'string', default: String(SEED_DEFAULT) },
  json: { type: 'boolean', default: false },
} as const

function naturalOf(name: string, text: string): number {
  if (/^\d{1,9}$/u.test(text)) return Number(text)
  throw new Error(`--${name} is '${text}'; a whole number from 0 on is expected`)
}

function readAll(paths: readonly string[]): ReadonlyMap<string, string> {
  return new Map(paths.toSorted().map((path) => [path, readFileSync(`${ROOT}/${path}`, 'utf8')]))
}

async function runGeneratedOnes(count: number, seed: number, deps: Omit<MutantsDeps, 'runTests'>) {
  const files = globSync(`${GENERATED_IN}/src/**/*.ts`, { cwd: ROOT }).filter(
    (path) => !GENERATED_NOT_IN.has(path.slice(`${GENERATED_IN}/src/`.length)),
  )
  const testFiles = globSync(`${GENERATED_IN}/test/**/*.test.ts`, { cwd: ROOT }).toSorted()
  return runGenerated(generateFaults(readAll(files), { seed, count }), {
    ...deps,
    runTests: runJest,
    testFiles,
    sources: readAll(globSync(`${GENERATED_IN}/{src,test}/**/*.ts`, { cwd: ROOT })),
    survivors: SURVIVORS,
  })
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: OPTIONS })
  const tell = values.json ? console.error : console.log
  const deps = {
    createCopy,
    nowMs: () => performance.now(),
    onBaseline: (runs: number, durationMs: number) =>
      tell(`without a fault: ${runs} runs of tests (${(durationMs / 1000).toFixed(1)} s)`),
    onResult: (result: MutantResult, done: number, of: number) => tell(formatProgress(result, done, of)),
  }
  const isGeneratedOnly = values.only === ONLY_GENERATED
  const count = values.only === undefined || isGeneratedOnly ? naturalOf('generated', values.generated) : 0
  const named = isGeneratedOnly ? [] : await runMutants(chosen(values.only), { ...deps, runTests: runJest })
  const generated = count === 0 ? [] : await runGeneratedOnes(count, naturalOf('seed', values.seed), deps)
  const results = [...named, ...generated]
  console.log(values.json ? formatJson(results) : `\n${formatTable(results)}\n`)
  const { passed, failed } = countsOf(results)
  const tooFew = areEnoughCaught(generated) ? 0 : 1
  if (tooFew > 0) tell(`fewer than ${CAUGHT_SHARE_MIN * 100} % of the generated faults were caught`)
  tell(formatCounts({ passed, failed: failed + tooFew, skipped: 0 }))
  process.exitCode = failed + tooFew === 0 ? 0 : 1
}

await main()
