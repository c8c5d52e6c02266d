import { expect, test } from '@jest/globals'
import type { Mutant } from '../../src/mutants/mutant.ts'
import { countsOf, formatJson, formatProgress, formatTable } from '../../src/mutants/report.ts'
import { COPIES, type MutantResult, type MutantsDeps, runMutants } from '../../src/mutants/run-mutants.ts'
import { type TestsRun } from '../../src/mutants/tests-run.ts'

const SOURCE = 'export const sum = (a, b) => a + b\nexport const zero = 0\n'
const FILE = 'packages/a/src/a.ts'
const TEST_FILE = 'packages/a/test/a.test.ts'

const WRONG_SUM: Mutant = {
  name: 'Sums are differences',
  file: FILE,
  text: 'a + b',
  replacement: 'a - b',
  testFile: TEST_FILE,
  test: 'sum: two numbers → their sum',
}
const UNNOTICED: Mutant = { ...WRONG_SUM, name: 'Zero is one', text: 'zero = 0', replacement: 'zero = 1' }
const SAME: Mutant = { ...WRONG_SUM, name: 'Zero is minus zero', text: 'zero = 0', replacement: 'zero = -0' }

function ended(run: { passed?: string[]; failed?: string[]; broken?: string[] }): TestsRun {
  const { passed = [], failed = [], broken = [] } = run
  const durationsMs = new Map([[TEST_FILE, 1000]])
  return {
    passed: new Set(passed),
    failed: new Map(failed.map((name) => [name, 'is wrong'])),
    broken,
    durationsMs,
    late: undefined,
  }
}

/** Copies in memory, whose one test sees the sum only. */
function createDeps(runOf?: (source: string) => TestsRun) {
  const copies = new Map<string, string>()
  const told: string[] = []
  let running = 0
  const seen = { runningMax: 0, left: () => copies.size, told, asked: new Set<string>() }
  const deps: MutantsDeps = {
    createCopy() {
      const root = `/copy-${copies.size}`
      copies.set(root, SOURCE)
      return {
        root,
        read: async () => copies.get(root)!,
        write: async (_path, source) => void copies.set(root, source),
        remove: () => void copies.delete(root),
      }
    },
    async runTests(root, { testFiles, tests = ['all'] }) {
      expect(testFiles).toEqual([TEST_FILE])
      seen.asked.add(tests.join())
      running += 1
      seen.runningMax = Math.max(seen.runningMax, running)
      await Promise.resolve()
      running -= 1
      const source = copies.get(root)!
      if (runOf !== undefined) return runOf(source)
      return ended({ [source.includes('a + b') ? 'passed' : 'failed']: [WRONG_SUM.test] })
    },
    nowMs: () => 0,
    onBaseline: (files) => told.push(`${files} files`),
    onResult: (result, done, of) => told.push(formatProgress(result, done, of)),
  }
  return { deps, seen }
}

async function verdicts(mutants: readonly Mutant[], deps: MutantsDeps): Promise<readonly string[]> {
  return (await runMutants(mutants, deps)).map(({ verdict }) => `${verdict.kind}: ${verdict.reason}`)
}

test('mutants: the named test fails → caught; the next one starts from the source as it was', async () => {
  const { deps, seen } = createDeps()
  const results = await runMutants([WRONG_SUM, WRONG_SUM, WRONG_SUM], deps)
  expect(results.map(({ verdict }) => verdict.kind)).toEqual(['caught', 'caught', 'caught'])
  expect(countsOf(results)).toEqual({ passed: 3, failed: 0, skipped: 0 })
  expect([seen.left(), seen.runningMax]).toEqual([0, COPIES])
  expect(seen.told[0]).toBe('1 files')
  expect([...seen.asked]).toEqual([WRONG_SUM.test])
})

test('mutants: no test notices it → the run fails, and says that the test stays green', async () => {
  const { deps, seen } = createDeps()
  const results = await runMutants([WRONG_SUM, UNNOTICED], deps)
  expect(countsOf(results)).toEqual({ passed: 1, failed: 1, skipped: 0 })
  expect(seen.told.join('\n')).toContain('survived   Zero is one')
  expect(results[1]?.verdict).toEqual({
    kind: 'survived',
    reason: 'its test stays green',
  })
})

test('mutants: its text is gone, or there twice → the run fails, and says what to do', async () => {
  const { deps } = createDeps()
  const gone = { ...WRONG_SUM, text: 'a * b' }
  const twice = { ...WRONG_SUM, text: 'export const' }
  expect(await verdicts([gone, twice], deps)).toEqual([
    `rotten: its text is gone from ${FILE}: bring the mutant up to date`,
    `rotten: its text occurs more than once in ${FILE}: make it longer`,
  ])
})

test('mutants: the file can not be loaded with the fault → not caught: no test has judged it', async () => {
  const { deps } = createDeps((source) =>
    source.includes('a + b') ? ended({ passed: [WRONG_SUM.test] }) : ended({ broken: ['a syntax error'] }),
  )
  expect(await verdicts([WRONG_SUM], deps)).toEqual(['rotten: no test could judge it: a syntax error'])
})

test.each([
  ['the named test fails', { failed: [WRONG_SUM.test] }, `without the fault: '${WRONG_SUM.test}' fails`],
  ['another one fails', { passed: [WRONG_SUM.test], failed: ['b'] }, "without the fault: 'b' fails"],
  ['the test does not exist', { passed: ['b'] }, `${TEST_FILE} has no test '${WRONG_SUM.test}'`],
  ['the file does not load', { broken: ['no such module'] }, 'without the fault: no such module'],
])('mutants: %s without a fault → nothing counts as caught', async (_name, run, reason) => {
  const { deps } = createDeps(() => ended(run))
  const [verdict] = await verdicts([WRONG_SUM], deps)
  expect(verdict).toMatch(/^rotten: /u)
  expect(verdict).toContain(reason)
})

test('mutants: without a fault, one test of each of many files at once; one is red there → each alone', async () => {
  const others = ['b', 'c', 'd'].map((name) => ({
    ...WRONG_SUM,
    testFile: `packages/a/test/${name}.test.ts`,
    test: `${name}: the sum → is right`,
  }))
  const second = { ...WRONG_SUM, test: 'sum: a second test of the file' }
  const asked: string[] = []
  const { deps } = createDeps()
  const results = await runMutants([WRONG_SUM, ...others, second], {
    ...deps,
    async runTests(root, { testFiles, tests = [] }) {
      asked.push(testFiles.map((path) => path.slice(-9, -8)).join(''))
      const red = tests.filter((title) => title.startsWith('c'))
      const run = ended({ passed: tests.filter((title) => !red.includes(title)), failed: red })
      return (await deps.runTests(root, { testFiles: [TEST_FILE], deadlineMs: () => 1, untilFailure: true })).failed
        .size > 0
        ? ended({ failed: [...tests] })
        : run
    },
  })
  expect(results.map(({ verdict }) => verdict.kind)).toEqual(['caught', 'caught', 'rotten', 'caught', 'caught'])
  expect(asked.slice(0, 5).toSorted()).toEqual(['a', 'a', 'ac', 'bd', 'c'])
})

test('mutants: a runner that fails → the copies are gone all the same', async () => {
  const { deps, seen } = createDeps(() => {
    throw new Error('no jest here')
  })
  await expect(runMutants([WRONG_SUM], deps)).rejects.toThrow('no jest here')
  expect(seen.left()).toBe(0)
})

test('mutants: a table of tests → one case that fails is enough, one of another title is not', async () => {
  const [small, large, other] = ['sum of small (ones)', 'sum of large (ones)', 'sum of small (twos)']
  const runOf = (source: string): TestsRun =>
    source.includes('a + b')
      ? ended({ passed: [small, large, other] })
      : ended({ passed: [small, other], failed: [large] })
  const table = { ...WRONG_SUM, test: 'sum of %s (ones)' }
  const stranger = { ...WRONG_SUM, test: 'sum of %s (twos)' }
  const results = await runMutants([table, stranger], createDeps(runOf).deps)
  expect(results.map(({ verdict }) => verdict.kind)).toEqual(['caught', 'survived'])
})

test('report: a table for people, JSON for programs', () => {
  const results: MutantResult[] = [
    { mutant: WRONG_SUM, test: WRONG_SUM.test, verdict: { kind: 'caught', reason: 'expected 3' }, durationMs: 1234 },
    { mutant: UNNOTICED, test: UNNOTICED.test, verdict: { kind: 'survived', reason: 'is green' }, durationMs: 10 },
    { mutant: SAME, test: 'none', verdict: { kind: 'explained', reason: 'it is the same' }, durationMs: 10 },
  ]
  expect(formatTable(results).split('\n')).toEqual([
    'mutant                caught  by the test',
    'Sums are differences  yes     sum: two numbers → their sum',
    'Zero is one           NO      sum: two numbers → their sum',
    'Zero is minus zero    no      it is the same',
  ])
  expect(JSON.parse(formatJson(results))).toMatchObject({
    passed: 2,
    failed: 1,
    mutants: [
      { name: 'Sums are differences', verdict: 'caught', reason: 'expected 3', durationMs: 1234 },
      { verdict: 'survived' },
      { verdict: 'explained' },
    ],
  })
})
