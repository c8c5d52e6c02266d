// Applies generated faults: any test of the package may notice one. A survivor passes only where it is explained: the
// changed line can not be told from the original by anything that the package promises.
import { faultyDeadlineMs, type FaultyRun, runFaulty } from './faulty-run.ts'
import type { Fault } from './mutant.ts'
import {
  BASELINE_DEADLINE_MS,
  judgeAll,
  type MutantResult,
  type MutantsDeps,
  withCopies,
  type Verdict,
} from './run-mutants.ts'
import { createTestOrder } from './test-order.ts'
import { whyNotGreen } from './tests-run.ts'

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
  /** All sources and tests of the package, by path. */
  readonly sources: ReadonlyMap<string, string>
  readonly survivors: readonly Survivor[]
}

/** One result for each fault, in their order. */
export async function runGenerated(faults: readonly Fault[], deps: GeneratedDeps): Promise<readonly MutantResult[]> {
  const { runTests, testFiles, sources, survivors } = deps
  return withCopies(faults.length, deps, async (copies) => {
    const greenMs = await runBaseline(
      copies.map(({ root }) => root),
      deps,
    )
    const durationMs = (testFile: string) => greenMs.get(testFile) ?? 0
    const orderFor = createTestOrder({ testFiles, sources, durationMs })
    return judgeAll(faults, copies, deps, async (fault, copy) => {
      const why = explanationOf(fault, survivors)
      if (why !== undefined) return { test: 'none', verdict: { kind: 'explained', reason: why } }
      const deadlineMs = (testFile: string) => faultyDeadlineMs(durationMs(testFile))
      const ran = await runFaulty(fault, copy, { testFiles: orderFor(fault.file), deadlineMs }, runTests)
      return { test: noticedBy(ran), verdict: verdictOf(ran) }
    })
  })
}

/** What each file takes without a fault. Throws when a test is not green. */
async function runBaseline(roots: readonly string[], deps: GeneratedDeps): Promise<ReadonlyMap<string, number>> {
  const startedMs = deps.nowMs()
  const durations = await Promise.all(
    roots.map(async (root, share) => {
      const testFiles = deps.testFiles.filter((_file, index) => index % roots.length === share)
      const deadlineMs = () => BASELINE_DEADLINE_MS
      const run = await deps.runTests(root, { testFiles, deadlineMs, untilFailure: true })
      const notGreen = whyNotGreen(run)
      if (notGreen !== undefined) throw new Error(`the tests are not green without a fault: ${notGreen}`)
      return [...run.durationsMs]
    }),
  )
  deps.onBaseline(deps.testFiles.length, deps.nowMs() - startedMs)
  return new Map(durations.flat())
}

/** True when enough of the faults were caught for the tests to be believed. */
export function areEnoughCaught(results: readonly MutantResult[]): boolean {
  const caught = results.filter(({ verdict }) => verdict.kind === 'caught').length
  return caught >= CAUGHT_SHARE_MIN * results.length
}

function noticedBy(ran: FaultyRun): string {
  if (ran.kind === 'hung') return ran.late.testFile
  return (ran.kind === 'ended' ? [...ran.run.failed.keys()][0] : undefined) ?? 'none'
}

/** Those that are explained do not run: all tests would, to say nothing new. */
function explanationOf(fault: Fault, survivors: readonly Survivor[]): string | undefined {
  return survivors.find(({ file, line, changed }) => {
    return file === fault.file && fault.name.endsWith(` ${line} → ${changed}`)
  })?.why
}

function verdictOf(ran: FaultyRun): Verdict {
  if (ran.kind === 'rotten') return ran
  if (ran.kind === 'hung') return { kind: 'caught', reason: 'does not end, and does without the fault' }
  const [failure] = ran.run.failed.values()
  if (failure !== undefined) return { kind: 'caught', reason: failure }
  // Tests that do not load are noticed by whoever runs them.
  if (ran.run.broken.length > 0) return { kind: 'caught', reason: ran.run.broken.join('; ') }
  return { kind: 'survived', reason: 'no test of the package fails: test it, or explain it in list/survivors.ts' }
}
