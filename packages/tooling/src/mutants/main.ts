// `npm run mutants [-- --only NAME] [-- --json]`: are the faults that must never happen noticed by the tests that are
// there for them? Ends with `N passed, N failed`; with --json that line and the progress go to stderr.
import { constants } from 'node:os'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { formatCounts } from '../counts.ts'
import { runJest } from './jest-run.ts'
import { MUTANTS } from './list/index.ts'
import type { Mutant } from './mutant.ts'
import { countsOf, formatJson, formatProgress, formatTable } from './report.ts'
import { runMutants } from './run-mutants.ts'
import { copySources, type SourceCopy } from './source-copy.ts'

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url))

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
    for (const copy of copies) copy.remove()
    process.exit(128 + constants.signals[signal])
  })
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { only: { type: 'string' }, json: { type: 'boolean', default: false } } })
  const tell = values.json ? console.error : console.log
  const results = await runMutants(chosen(values.only), {
    createCopy,
    runTests: runJest,
    nowMs: () => performance.now(),
    onBaseline: (files, durationMs) =>
      tell(`without a fault: ${files} test files (${(durationMs / 1000).toFixed(1)} s)`),
    onResult: (result, done, of) => tell(formatProgress(result, done, of)),
  })
  console.log(values.json ? formatJson(results) : `\n${formatTable(results)}\n`)
  const counts = countsOf(results)
  tell(formatCounts(counts))
  process.exitCode = counts.failed === 0 ? 0 : 1
}

await main()
