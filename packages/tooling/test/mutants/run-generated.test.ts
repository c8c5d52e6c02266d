import { expect, test } from '@jest/globals'
import { faultsOf } from '../../src/mutants/generate.ts'
import { areEnoughCaught, type GeneratedDeps, runGenerated } from '../../src/mutants/run-generated.ts'
import type { TestsRun } from '../../src/mutants/tests-run.ts'

const FILE = 'packages/a/src/a.ts'
const SOURCE = 'export const sum = (a, b) => a + b\nexport const zero = 0\n'
const FAULTS = faultsOf(FILE, SOURCE)

const GREEN: TestsRun = {
  passed: new Set(['sum']),
  failed: new Map(),
  late: undefined,
  broken: [],
  durationsMs: new Map([
    ['packages/a/test/a.test.ts', 100],
    ['packages/a/test/b.test.ts', 100],
  ]),
}
const RED: TestsRun = { ...GREEN, passed: new Set(), failed: new Map([['sum: two → their sum', 'is wrong']]) }

/** Copies in memory, whose one test sees the sum only. */
function createDeps(overrides: Partial<GeneratedDeps> = {}): GeneratedDeps {
  const copies = new Map<string, string>()
  return {
    createCopy() {
      const root = `/copy-${copies.size}`
      copies.set(root, SOURCE)
      return {
        root,
        read: async () => copies.get(root)!,
        write: async (_path, source) => void copies.set(root, source),
        remove: () => undefined,
      }
    },
    runTests: async (root) => (copies.get(root)!.includes('a + b') ? GREEN : RED),
    testFiles: ['packages/a/test/a.test.ts', 'packages/a/test/b.test.ts'],
    sources: new Map(),
    survivors: [],
    nowMs: () => 0,
    onBaseline: () => undefined,
    onResult: () => undefined,
    ...overrides,
  }
}

test('generated faults: one that a test sees → caught by that test; one that none sees → survived', async () => {
  const results = await runGenerated(FAULTS, createDeps())
  expect(results.map(({ test: name, verdict }) => [verdict.kind, name])).toEqual([
    ['caught', 'sum: two → their sum'],
    ['survived', 'none'],
  ])
  expect(areEnoughCaught(results)).toBe(false)
})

test('generated faults: a survivor whose line is explained → passes without a run, with the reason; it does not count as caught', async () => {
  const survivor = {
    file: FILE,
    line: 'export const zero = 0',
    changed: 'export const zero = 1',
    why: 'nobody reads it',
  }
  const runs: string[][] = []
  const { runTests, ...deps } = createDeps({ survivors: [survivor] })
  const results = await runGenerated(FAULTS, {
    ...deps,
    runTests: (root, request) => (runs.push([...request.testFiles]), runTests(root, request)),
  })
  expect(runs.filter(({ length }) => length === deps.testFiles.length)).toHaveLength(1)
  expect(results[1]?.verdict).toEqual({ kind: 'explained', reason: 'nobody reads it' })
  expect(areEnoughCaught(results)).toBe(false)
})

/** Green in sources without a fault; with one as the test says. */
function withFault(faulty: TestsRun): Partial<GeneratedDeps> {
  let source = SOURCE
  return {
    createCopy: () => ({
      root: '/copy',
      read: async () => source,
      write: async (_path, written) => void (source = written),
      remove: () => undefined,
    }),
    runTests: async () => (source === SOURCE ? GREEN : faulty),
  }
}

test('generated faults: tests that do not load with the fault → caught', async () => {
  const deps = createDeps(withFault({ ...GREEN, broken: ['a.test.ts could not be run'] }))
  const [result] = await runGenerated(FAULTS.slice(0, 1), deps)
  expect(result?.verdict).toEqual({ kind: 'caught', reason: 'a.test.ts could not be run' })
})

test('generated faults: tests that end without the fault only → caught, by the one that hangs', async () => {
  const late = { testFile: 'packages/a/test/a.test.ts', afterMs: 20_500 }
  const [result] = await runGenerated(FAULTS.slice(0, 1), createDeps(withFault({ ...GREEN, late })))
  expect(result).toMatchObject({ test: late.testFile, verdict: { kind: 'caught' } })
  expect(areEnoughCaught([result!])).toBe(true)
})

test('generated faults: each copy runs its share without a fault → what they took is the measure of a hang', async () => {
  const asked: string[] = []
  const { runTests, ...deps } = createDeps()
  await runGenerated(FAULTS, {
    ...deps,
    async runTests(root, request) {
      const run = await runTests(root, request)
      asked.push(request.testFiles.map((path) => `${path.slice(-9)} ${request.deadlineMs(path)}`).join(', '))
      return { ...run, durationsMs: new Map(request.testFiles.map((path) => [path, 100])) }
    },
  })
  expect(asked.toSorted()).toEqual([
    'a.test.ts 20500, b.test.ts 20500',
    'a.test.ts 20500, b.test.ts 20500',
    'a.test.ts 4000',
    'b.test.ts 4000',
  ])
})

test('generated faults: a slow file → asked last, and only about what the others do not see; without a fault once', async () => {
  const [quick, slow] = ['packages/a/test/a.test.ts', 'packages/a/test/b.test.ts']
  const asked: string[] = []
  const { createCopy, ...deps } = createDeps()
  const copies: Record<string, ReturnType<typeof createCopy>> = {}
  const results = await runGenerated([FAULTS[0]!, FAULTS[1]!, FAULTS[1]!], {
    ...deps,
    createCopy() {
      const copy = createCopy()
      copies[copy.root] = copy
      return copy
    },
    async runTests(root, { testFiles, deadlineMs }) {
      const source = (await copies[root]!.read(FILE))!
      const isLate = testFiles.includes(slow!) && deadlineMs(slow!) < 5000
      const what = source === SOURCE ? 'green' : source.includes('a + b') ? 'zero' : 'sum'
      asked.push(`${what}: ${testFiles.map((path) => path.slice(-9)).join()}${isLate ? ' late' : ''}`)
      const durationsMs = new Map(testFiles.filter((path) => !isLate || path === quick).map((path) => [path, 100]))
      if (isLate) return { ...GREEN, durationsMs, late: { testFile: slow!, afterMs: 4000 } }
      const sees = what === 'sum' ? quick : what === 'zero' ? slow : ''
      return { ...(testFiles.includes(sees!) ? RED : GREEN), durationsMs }
    },
  })
  expect(results.map(({ verdict }) => verdict.kind)).toEqual(['caught', 'caught', 'caught'])
  expect(asked.toSorted()).toEqual([
    'green: a.test.ts',
    'green: b.test.ts',
    'green: b.test.ts late',
    'sum: a.test.ts',
    'zero: a.test.ts',
    'zero: a.test.ts',
    'zero: b.test.ts',
    'zero: b.test.ts',
  ])
})

test('generated faults: tests that are red without a fault → nothing is judged', async () => {
  await expect(runGenerated(FAULTS, createDeps({ runTests: async () => RED }))).rejects.toThrow(
    "the tests are not green without a fault: 'sum: two → their sum' fails",
  )
})
