// Applies every mutant to a copy of the sources and asks whether its test notices. First the copy as it is: only tests
// that are green without a fault can tell about one. Two copies, each with one jest process at a time.
import { faultyDeadlineMs, type FaultyRun, runFaulty } from './faulty-run.ts'
import { type Fault, isNamed, type Mutant } from './mutant.ts'
import type { SourceCopy } from './source-copy.ts'
import { type RunTests, type TestsRun, whyNotGreen } from './tests-run.ts'

/** A jest process keeps a core busy. */
export const COPIES = 2

/** Of one test file without a fault, however slow the machine is. */
export const BASELINE_DEADLINE_MS = 600_000

export type Verdict =
  /** The named test failed, saying so. */
  | { readonly kind: 'caught'; readonly reason: string }
  /** The named test did not fail. */
  | { readonly kind: 'survived'; readonly reason: string }
  /** No test failed, and none can: the reason says why. Of generated ones only. */
  | { readonly kind: 'explained'; readonly reason: string }
  /** Nothing could be found out: the mutant or its test is not what it was. */
  | { readonly kind: 'rotten'; readonly reason: string }

export interface MutantResult {
  readonly mutant: Fault
  /** The test that noticed it, or was to notice it. */
  readonly test: string
  readonly verdict: Verdict
  readonly durationMs: number
}

export interface MutantsDeps {
  readonly createCopy: () => SourceCopy
  /** Runs tests of a copy. */
  readonly runTests: RunTests
  readonly nowMs: () => number
  readonly onBaseline: (files: number, durationMs: number) => void
  readonly onResult: (result: MutantResult, done: number, of: number) => void
}

/** One result for each mutant, in their order. */
export async function runMutants(mutants: readonly Mutant[], deps: MutantsDeps): Promise<readonly MutantResult[]> {
  return withCopies(mutants.length, deps, async (copies) => {
    const baseline = await runBaseline(mutants, copies, deps)
    return judgeAll(mutants, copies, deps, async (mutant, copy) => ({
      test: mutant.test,
      verdict: await judge(mutant, copy, baseline.get(keyOf(mutant)), deps),
    }))
  })
}

/** Copies for so many faults, removed whatever happens. */
export async function withCopies<Result>(
  faults: number,
  { createCopy }: Pick<MutantsDeps, 'createCopy'>,
  work: (copies: readonly SourceCopy[]) => Promise<Result>,
): Promise<Result> {
  const copies: SourceCopy[] = []
  try {
    for (let index = 0; index < Math.min(COPIES, faults); index += 1) copies.push(createCopy())
    return await work(copies)
  } finally {
    for (const copy of copies) copy.remove()
  }
}

/** Judges each fault in whichever copy is free; one result for each, in their order. */
export async function judgeAll<Each extends Fault>(
  faults: readonly Each[],
  copies: readonly SourceCopy[],
  deps: Pick<MutantsDeps, 'nowMs' | 'onResult'>,
  judgeOne: (fault: Each, copy: SourceCopy) => Promise<Pick<MutantResult, 'test' | 'verdict'>>,
): Promise<readonly MutantResult[]> {
  const results = new Map<Fault, MutantResult>()
  const waiting = [...faults]
  await Promise.all(
    copies.map(async (copy) => {
      for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
        const startedMs = deps.nowMs()
        const judged = await judgeOne(mutant, copy)
        const result = { mutant, ...judged, durationMs: deps.nowMs() - startedMs }
        results.set(mutant, result)
        deps.onResult(result, results.size, faults.length)
      }
    }),
  )
  return faults.flatMap((mutant) => results.get(mutant) ?? [])
}

function keyOf({ testFile, test }: Mutant): string {
  return `${testFile} ${test}`
}

/**
 * Every test of the mutants in sources without a fault, alone in its file, as it runs with one: a process runs one test of
 * each of many files. Where not all of it is green, each one has a process of its own, and an answer of its own.
 */
async function runBaseline(
  mutants: readonly Mutant[],
  copies: readonly SourceCopy[],
  deps: MutantsDeps,
): Promise<ReadonlyMap<string, TestsRun>> {
  const startedMs = deps.nowMs()
  const runs = new Map<string, TestsRun>()
  const waiting = roundsOf(mutants).flatMap((round) => sharesOf(round, copies.length))
  async function run(root: string, share: readonly Mutant[]): Promise<void> {
    const ran = await deps.runTests(root, requestOf(share, BASELINE_DEADLINE_MS))
    if (share.length === 1 || whyNotGreen(ran) === undefined) for (const mutant of share) runs.set(keyOf(mutant), ran)
    else for (const mutant of share) await run(root, [mutant])
  }
  await Promise.all(
    copies.map(async ({ root }) => {
      for (let share = waiting.shift(); share !== undefined; share = waiting.shift()) await run(root, share)
    }),
  )
  deps.onBaseline(runs.size, deps.nowMs() - startedMs)
  return runs
}

/** Those of one round have neither a test file nor the name of a test in common. */
function roundsOf(mutants: readonly Mutant[]): Mutant[][] {
  const rounds: Mutant[][] = []
  for (const mutant of new Map(mutants.map((each) => [keyOf(each), each])).values()) {
    const isApart = (other: Mutant) => other.testFile !== mutant.testFile && other.test !== mutant.test
    const round = rounds.find((others) => others.every(isApart))
    if (round === undefined) rounds.push([mutant])
    else round.push(mutant)
  }
  return rounds
}

function sharesOf<Each>(all: readonly Each[], shares: number): Each[][] {
  const split = Array.from({ length: shares }, (_, share) => all.filter((_each, index) => index % shares === share))
  return split.filter(({ length }) => length > 0)
}

function requestOf(mutants: readonly Mutant[], deadlineMs: number) {
  const testFiles = mutants.map(({ testFile }) => testFile)
  return { testFiles, tests: mutants.map(({ test }) => test), deadlineMs: () => deadlineMs, untilFailure: true }
}

async function judge(
  mutant: Mutant,
  copy: SourceCopy,
  baseline: TestsRun | undefined,
  { runTests }: MutantsDeps,
): Promise<Verdict> {
  const notGreen = faultOfBaseline(mutant, baseline)
  if (notGreen !== undefined) return { kind: 'rotten', reason: notGreen }
  const deadlineMs = faultyDeadlineMs(baseline?.durationsMs.get(mutant.testFile) ?? 0)
  return verdictOf(mutant, await runFaulty(mutant, copy, requestOf([mutant], deadlineMs), runTests))
}

function faultOfBaseline({ test, testFile }: Mutant, baseline: TestsRun | undefined): string | undefined {
  const notGreen = baseline && whyNotGreen(baseline)
  if (notGreen !== undefined) return `without the fault: ${notGreen}`
  if (![...(baseline?.passed ?? [])].some((name) => isNamed(test, name))) return `${testFile} has no test '${test}'`
  return undefined
}

function verdictOf({ test }: Mutant, ran: FaultyRun): Verdict {
  if (ran.kind === 'rotten') return ran
  if (ran.kind === 'hung') return { kind: 'caught', reason: 'it does not end, and does without the fault' }
  const { passed, failed, broken } = ran.run
  const caught = [...failed].find(([name]) => isNamed(test, name))
  if (caught !== undefined) return { kind: 'caught', reason: caught[1] }
  if (broken.length > 0) return { kind: 'rotten', reason: `no test could judge it: ${broken.join('; ')}` }
  if (![...passed].some((name) => isNamed(test, name))) return { kind: 'rotten', reason: 'its test was not run' }
  return { kind: 'survived', reason: 'its test stays green' }
}
