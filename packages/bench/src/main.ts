// `npm run bench [-- --only store --part append --quick --json --out FOLDER --bundle FOLDER]`: what the system costs on this
// machine, and whether the floors hold. Ends with `N passed, N failed` over floors and counts; exit code 1 when one failed.
import { mkdirSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type Part, PARTS, runBench } from './bench.ts'
import { slugOf } from './machine.ts'
import { CELL_COLUMNS, cellRow, markdownOf, verdictLine } from './report/markdown.ts'
import type { Cell, Report, Verdict } from './report/report.ts'
import { FULL, QUICK } from './sizes.ts'
import { STORE_PARTS, type StorePart } from './store/store-bench.ts'

const USAGE = `Usage: npm run bench -- [flags]

  --quick          Shows in seconds that everything works; no figure of it means anything.
  --only PART      'load' (servers under load), 'store' (the store alone), 'filter', 'order', 'in-flight' or
                   'delay'; all without it.
  --part NAME      With '--only store', one part of it: ${STORE_PARTS.join(', ')}. Its report is
                   written only where --out says.
  --json           The report as JSON on standard output, everything else on standard error.
  --out FOLDER     Where the report is written as Markdown and JSON; default packages/bench/reports.
  --bundle FOLDER  Measures the bundle there (main.mjs, and nameserver.mjs, broker.mjs and proxy.mjs) instead of the sources.
  --help           Shows this.`
const REPORTS = fileURLToPath(new URL('../reports', import.meta.url))

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    part: { type: 'string' },
    json: { type: 'boolean', default: false },
    out: { type: 'string' },
    bundle: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})

function tell(line: string): void {
  if (values.json) console.error(line)
  else console.log(line)
}

/** As the table in the report, but at once and one cell to a line. */
function cellDone(cell: Cell): void {
  const row = cellRow(cell)
  const named = CELL_COLUMNS.slice(2).flatMap((name, at) => (row[at + 2] === '' ? [] : [`${name} ${row[at + 2]}`]))
  tell(`  ${row[0]}, ${row[1]}: ${named.join(' · ')}`)
}

function countOf(verdicts: readonly Verdict[], outcome: Verdict['outcome']): number {
  return verdicts.filter((verdict) => verdict.outcome === outcome).length
}

function write(report: Report): void {
  // A quick run or a part must not take the place of figures.
  if ((values.quick || values.part !== undefined) && values.out === undefined) return
  const folder = resolve(values.out ?? REPORTS)
  mkdirSync(folder, { recursive: true })
  const part = values.only === undefined ? '' : `-${values.only}`
  const file = join(folder, `${slugOf(report.machine)}${part}`)
  writeFileSync(`${file}.md`, markdownOf(report))
  writeFileSync(`${file}.json`, `${JSON.stringify(report, undefined, 2)}\n`)
  tell(`Report: ${file}.md and .json`)
}

function isPart(only: string | undefined): only is Part | undefined {
  return only === undefined || (PARTS as readonly string[]).includes(only)
}

function isStorePart(part: string | undefined): part is StorePart | undefined {
  return part === undefined || (values.only === 'store' && (STORE_PARTS as readonly string[]).includes(part))
}

// Without these a signal would leave the servers under test behind: they end when this process exits.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => process.exit(128 + constants.signals[signal]))
}

const { only, part } = values
if (values.help) {
  console.log(USAGE)
} else if (!isPart(only)) {
  console.error(`--only '${only}': there is ${PARTS.join(', ')}\n\n${USAGE}`)
  process.exitCode = 2
} else if (!isStorePart(part)) {
  console.error(`--part '${part}': with --only store there is ${STORE_PARTS.join(', ')}\n\n${USAGE}`)
  process.exitCode = 2
} else {
  const size = values.quick ? QUICK : FULL
  const bundles = values.bundle && resolve(values.bundle)
  const report = await runBench({ size, bundles, only, storePart: part, tell, cellDone })
  tell(`\n${markdownOf(report)}`)
  write(report)
  if (values.json) console.log(JSON.stringify(report, undefined, 2))
  for (const verdict of report.verdicts) tell(verdictLine(verdict))
  const [passed, failed, skipped] = (['passed', 'failed', 'skipped'] as const).map((outcome) =>
    countOf(report.verdicts, outcome),
  )
  tell(`${passed} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`)
  process.exitCode = failed === 0 ? 0 : 1
}
