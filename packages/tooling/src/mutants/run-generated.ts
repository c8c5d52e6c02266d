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
import { createTestOrder, SLOW_MS } from './test-order.ts'
import { type TestsRun, whyNotGreen } from './tests-run.ts'

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
    const slowMsOf = createSlowBaseline(deps)
    const orderFor = createTestOrder({ testFiles, sources, durationMs: (file) => greenMs.get(file) ?? SLOW_MS + 1 })
    return judgeAll(faults, copies, deps, async (fault, copy) => {
      const why = explanationOf(fault, survivors)
      if (why !== undefined) return { test: 'none', verdict: { kind: 'explained', reason: why } }
      const inOrder = orderFor(fault.file)
      const quick = inOrder.filter((testFile) => greenMs.has(testFile))
      const slow = inOrder.filter((testFile) => !greenMs.has(testFile))
      const deadlineMs = (testFile: string) => faultyDeadlineMs(greenMs.get(testFile) ?? 0)
      let ran = await runFaulty(fault, copy, { testFiles: quick, deadlineMs }, runTests)
      for (const testFile of slow) {
        if (verdictOf(ran).kind !== 'survived') break
        const slowMs = await slowMsOf(testFile, copy.root)
        const request = { testFiles: [testFile], deadlineMs: () => faultyDeadlineMs(slowMs) }
        ran = await runFaulty(fault, copy, request, runTests)
      }
      return { test: noticedBy(ran), verdict: verdictOf(ran) }
    })
  })
}

/** What each file takes without a fault; those that are slow are left out. Throws when a test is not green. */
async function runBaseline(roots: readonly string[], deps: GeneratedDeps): Promise<ReadonlyMap<string, number>> {
  const startedMs = deps.nowMs()
  const greenMs = new Map<string, number>()
  await Promise.all(
    roots.map(async (root, share) => {
      let testFiles = deps.testFiles.filter((_file, index) => index % roots.length === share)
      while (testFiles.length > 0) {
        const run = await deps.runTests(root, { testFiles, deadlineMs: () => SLOW_MS, untilFailure: true })
        const { late } = run
        throwNotGreen({ ...run, late: undefined })
        for (const [testFile, durationMs] of run.durationsMs) greenMs.set(testFile, durationMs)
        testFiles = late === undefined ? [] : testFiles.slice(testFiles.indexOf(late.testFile) + 1)
      }
    }),
  )
  deps.onBaseline(greenMs.size, deps.nowMs() - startedMs)
  return greenMs
}

/** What a slow file takes without a fault, found out when it is asked for the first time: few faults come so far. */
function createSlowBaseline({ runTests }: GeneratedDeps): (testFile: string, root: string) => Promise<number> {
  const known = new Map<string, Promise<number>>()
  async function slowMsOf(testFile: string, root: string): Promise<number> {
    const deadlineMs = () => BASELINE_DEADLINE_MS
    const run = await runTests(root, { testFiles: [testFile], deadlineMs, untilFailure: true })
    throwNotGreen(run)
    return run.durationsMs.get(testFile) ?? 0
  }
  return (testFile, root) => {
    const ms = known.get(testFile) ?? slowMsOf(testFile, root)
    known.set(testFile, ms)
    return ms
  }
}

function throwNotGreen(run: TestsRun): void {
  const notGreen = whyNotGreen(run)
  if (notGreen !== undefined) throw new Error(`the tests are not green without a fault: ${notGreen}`)
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
