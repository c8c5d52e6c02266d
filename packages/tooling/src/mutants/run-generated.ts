// Applies generated faults: any test of the package may notice one. A survivor passes only where it is explained: the
// changed line can not be told from the original by anything that the package promises.
import type { TestsRun } from './jest-run.ts'
import type { Fault } from './mutant.ts'
import { judgeAll, type MutantResult, type MutantsDeps, withCopies, withFault, type Verdict } from './run-mutants.ts'

/** Of twenty; below, the tests of the package see too little. */
export const CAUGHT_SHARE_MIN = 0.8

/** Why no test can notice a change. Matched by its file and by the changed line. */
export interface Survivor {
  readonly file: string
  /** The line as it is, without the blanks around it. */
  readonly line: string
  /** The line with the fault. */
  readonly changed: string
  readonly why: string
}

export interface GeneratedDeps extends MutantsDeps {
  /** All test files of the package. */
  readonly testFiles: readonly string[]
  readonly survivors: readonly Survivor[]
}

/** One result for each fault, in their order. */
export async function runGenerated(faults: readonly Fault[], deps: GeneratedDeps): Promise<readonly MutantResult[]> {
  return withCopies(faults.length, deps, async (copies) => {
    const [first] = copies
    if (first === undefined) return []
    const startedMs = deps.nowMs()
    const baseline = await deps.runTests(first.root, deps.testFiles)
    const notGreen = [...baseline.broken, ...baseline.failed.keys()][0]
    if (notGreen !== undefined) throw new Error(`the tests are not green without a fault: ${notGreen}`)
    deps.onBaseline(deps.testFiles.length, deps.nowMs() - startedMs)
    return judgeAll(faults, copies, deps, async (fault, copy) => {
      let test = 'none'
      const verdict = await withFault(fault, copy, async () => {
        const run = await runNearestFirst(fault, copy.root, deps)
        test = [...run.failed.keys()][0] ?? test
        return verdictOf(fault, run, deps.survivors)
      })
      return { test, verdict }
    })
  })
}

/** The tests that mirror the changed file usually notice it, in a fraction of the time of all. */
async function runNearestFirst({ file }: Fault, root: string, deps: GeneratedDeps): Promise<TestsRun> {
  const mirror = file.replace('/src/', '/test/').replace(/\.ts$/u, '.test.ts')
  const nearest = deps.testFiles.filter((path) => path === mirror)
  if (nearest.length > 0) {
    const run = await deps.runTests(root, nearest)
    if (run.failed.size + run.broken.length > 0) return run
  }
  return deps.runTests(root, deps.testFiles)
}

/** True when enough of the faults were caught for the tests to be believed. */
export function areEnoughCaught(results: readonly MutantResult[]): boolean {
  const caught = results.filter(({ verdict }) => verdict.kind === 'caught').length
  return caught >= CAUGHT_SHARE_MIN * results.length
}

function verdictOf(fault: Fault, { failed, broken }: TestsRun, survivors: readonly Survivor[]): Verdict {
  const [failure] = failed.values()
  if (failure !== undefined) return { kind: 'caught', reason: failure }
  // Tests that do not load, or never end, are noticed by whoever runs them.
  if (broken.length > 0) return { kind: 'caught', reason: broken.join('; ') }
  const known = survivors.find(({ file, line, changed }) => {
    return file === fault.file && fault.name.endsWith(` ${line} → ${changed}`)
  })
  if (known !== undefined) return { kind: 'explained', reason: known.why }
  return { kind: 'survived', reason: 'no test of the package fails: test it, or explain it in list/survivors.ts' }
}
