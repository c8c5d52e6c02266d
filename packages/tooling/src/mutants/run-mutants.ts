// Applies every mutant to a copy of the sources and asks whether its test notices. First the copy as it is: only tests
// that are green without a fault can tell about one. Two copies, each with one jest process at a time.
import type { TestsRun } from './jest-run.ts'
import { type Fault, isNamed, mutate, type Mutant } from './mutant.ts'
import type { SourceCopy } from './source-copy.ts'

/** A jest process keeps a core busy. */
export const COPIES = 2

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
  /** Runs test files of a copy. */
  readonly runTests: (root: string, testFiles: readonly string[]) => Promise<TestsRun>
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
      verdict: await judge(mutant, copy, baseline.get(mutant.testFile), deps),
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

/** Every test file of the mutants in sources without a fault. */
async function runBaseline(
  mutants: readonly Mutant[],
  copies: readonly SourceCopy[],
  deps: MutantsDeps,
): Promise<ReadonlyMap<string, TestsRun>> {
  const startedMs = deps.nowMs()
  const waiting = [...new Set(mutants.map(({ testFile }) => testFile))]
  const files = waiting.length
  const runs = new Map<string, TestsRun>()
  await Promise.all(
    copies.map(async ({ root }) => {
      for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
        runs.set(file, await deps.runTests(root, [file]))
      }
    }),
  )
  deps.onBaseline(files, deps.nowMs() - startedMs)
  return runs
}

async function judge(
  mutant: Mutant,
  copy: SourceCopy,
  baseline: TestsRun | undefined,
  deps: MutantsDeps,
): Promise<Verdict> {
  const notGreen = faultOfBaseline(mutant, baseline)
  if (notGreen !== undefined) return { kind: 'rotten', reason: notGreen }
  return withFault(mutant, copy, async () => verdictOf(mutant, await deps.runTests(copy.root, [mutant.testFile])))
}

/** Puts the fault into the copy, lets it be judged, and takes it out again. */
export async function withFault(fault: Fault, copy: SourceCopy, judgeIt: () => Promise<Verdict>): Promise<Verdict> {
  const source = await copy.read(fault.file)
  if (source === undefined) return { kind: 'rotten', reason: `there is no file ${fault.file} any more` }
  const mutation = mutate(source, fault)
  if (mutation.kind === 'rotten') return mutation
  await copy.write(fault.file, mutation.source)
  try {
    return await judgeIt()
  } finally {
    await copy.write(fault.file, source)
  }
}

function faultOfBaseline({ test, testFile }: Mutant, baseline: TestsRun | undefined): string | undefined {
  const [broken] = baseline?.broken ?? []
  if (broken !== undefined) return `without the fault: ${broken}`
  const [red] = baseline?.failed.keys() ?? []
  if (red !== undefined) return `without the fault, ${testFile} is not green: '${red}' fails`
  if (![...(baseline?.passed ?? [])].some((name) => isNamed(test, name))) return `${testFile} has no test '${test}'`
  return undefined
}

function verdictOf({ test }: Mutant, { passed, failed, broken }: TestsRun): Verdict {
  const caught = [...failed].find(([name]) => isNamed(test, name))
  if (caught !== undefined) return { kind: 'caught', reason: caught[1] }
  if (broken.length > 0) return { kind: 'rotten', reason: `no test could judge it: ${broken.join('; ')}` }
  if (![...passed].some((name) => isNamed(test, name))) return { kind: 'rotten', reason: 'its test was not run' }
  const others = failed.size === 0 ? 'no test of the file fails' : `others fail: ${[...failed.keys()].join('; ')}`
  return { kind: 'survived', reason: `its test stays green; ${others}` }
}
