// What the runner of mutants prints: a line of progress for each, then a table, or JSON.
import type { Counts } from '../counts.ts'
import type { MutantResult, Verdict } from './run-mutants.ts'

/** Columns of the table: what it is wide at most. */
const NAME_CHARS_MAX = 72

const OUTCOMES: Readonly<Record<Verdict['kind'], string>> = {
  caught: 'yes',
  explained: 'no',
  survived: 'NO',
  rotten: 'ROTTEN',
}

function isGood({ kind }: Verdict): boolean {
  return kind === 'caught' || kind === 'explained'
}

export function countsOf(results: readonly MutantResult[]): Counts {
  const passed = results.filter(({ verdict }) => isGood(verdict)).length
  return { passed, failed: results.length - passed, skipped: 0 }
}

function seconds(durationMs: number): string {
  return (durationMs / 1000).toFixed(1)
}

/** One line while it runs; why, when it was not caught. */
export function formatProgress({ mutant, verdict, durationMs }: MutantResult, done: number, of: number): string {
  const head = `${String(done).padStart(String(of).length)}/${of}  ${verdict.kind.padEnd(9)}  ${mutant.name}`
  const line = `${head} (${seconds(durationMs)} s)`
  return verdict.kind === 'caught' ? line : `${line}\n    ${verdict.reason}`
}

function shortened(text: string): string {
  return text.length <= NAME_CHARS_MAX ? text : `${text.slice(0, NAME_CHARS_MAX - 1)}…`
}

/** Mutant, outcome and test, one line each. */
export function formatTable(results: readonly MutantResult[]): string {
  const rows = [
    ['mutant', 'caught', 'by the test'],
    ...results.map(({ mutant, test, verdict }) => [
      mutant.name,
      OUTCOMES[verdict.kind],
      verdict.kind === 'explained' ? verdict.reason : test,
    ]),
  ].map((row) => row.map(shortened))
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]!.length)))
  return rows
    .map(([name = '', caught = '', test = '']) => `${name.padEnd(widths[0]!)}  ${caught.padEnd(widths[1]!)}  ${test}`)
    .join('\n')
}

/** Everything about each mutant, for programs. */
export function formatJson(results: readonly MutantResult[]): string {
  const { passed, failed } = countsOf(results)
  const mutants = results.map(({ mutant, test, verdict, durationMs }) => ({
    name: mutant.name,
    file: mutant.file,
    test,
    verdict: verdict.kind,
    reason: verdict.reason,
    durationMs: Math.round(durationMs),
  }))
  return JSON.stringify({ passed, failed, mutants }, undefined, 1)
}
