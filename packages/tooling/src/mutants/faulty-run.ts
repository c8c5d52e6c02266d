// Runs tests while a fault is in a copy of the sources. Invariant: what ran out of time is the fault's doing only where
// the same file, at the same moment and without the fault, needs a small part of that time: load must catch nothing.
import { type Fault, mutate } from './mutant.ts'
import type { SourceCopy } from './source-copy.ts'
import { type Late, type RunTests, type TestsRequest, type TestsRun, whyNotGreen } from './tests-run.ts'

/** What a file may take with a fault: so many times what it took without, and a start under load. */
const SLOWER_MAX = 5
const START_MS_MAX = 20_000
/** A hang is at least so many times slower than the same file without the fault. */
const HANG_FACTOR = 3
/** How often a deadline is doubled on a machine that is too slow to tell. */
const DOUBLINGS_MAX = 2

export type FaultyRun =
  | { readonly kind: 'ended'; readonly run: TestsRun }
  /** It did not end, and does without the fault. */
  | { readonly kind: 'hung'; readonly late: Late }
  /** Nothing could be found out. */
  | { readonly kind: 'rotten'; readonly reason: string }

/** How long a file may take with a fault, by what it took without. */
export function faultyDeadlineMs(greenMs: number): number {
  return START_MS_MAX + SLOWER_MAX * greenMs
}

/** Puts the fault into the copy, runs the tests until one fails, and takes it out again. */
export async function runFaulty(
  fault: Fault,
  copy: SourceCopy,
  request: Omit<TestsRequest, 'untilFailure'>,
  runTests: RunTests,
): Promise<FaultyRun> {
  const source = await copy.read(fault.file)
  if (source === undefined) return { kind: 'rotten', reason: `there is no file ${fault.file} any more` }
  const mutation = mutate(source, fault)
  if (mutation.kind === 'rotten') return mutation
  let { testFiles } = request
  for (let doublings = 0; ; doublings += 1) {
    const deadlineMs = (testFile: string) => request.deadlineMs(testFile) * 2 ** doublings
    const wanted = { ...request, testFiles, deadlineMs, untilFailure: true }
    const run = await withSource(copy, { file: fault.file, source, changed: mutation.source }, () =>
      runTests(copy.root, wanted),
    )
    if (run.late === undefined) return { kind: 'ended', run }
    const { late } = run
    if (await endsWithout(late, copy.root, request, runTests)) return { kind: 'hung', late }
    if (doublings === DOUBLINGS_MAX) {
      return { kind: 'rotten', reason: `the machine is too slow to tell a hang: ${whyNotGreen(run)}` }
    }
    testFiles = testFiles.slice(testFiles.indexOf(late.testFile))
  }
}

async function endsWithout(
  { testFile, afterMs }: Late,
  root: string,
  request: Omit<TestsRequest, 'untilFailure'>,
  runTests: RunTests,
): Promise<boolean> {
  const run = await runTests(root, {
    ...request,
    testFiles: [testFile],
    deadlineMs: () => afterMs,
    untilFailure: true,
  })
  const tookMs = run.durationsMs.get(testFile) ?? Number.POSITIVE_INFINITY
  return whyNotGreen(run) === undefined && tookMs * HANG_FACTOR <= afterMs
}

async function withSource<Result>(
  copy: SourceCopy,
  { file, source, changed }: { file: string; source: string; changed: string },
  work: () => Promise<Result>,
): Promise<Result> {
  await copy.write(file, changed)
  try {
    return await work()
  } finally {
    await copy.write(file, source)
  }
}
