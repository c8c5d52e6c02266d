import { expect, test } from '@jest/globals'
import { faultsOf } from '../../src/mutants/generate.ts'
import type { TestsRun } from '../../src/mutants/jest-run.ts'
import { areEnoughCaught, type GeneratedDeps, runGenerated } from '../../src/mutants/run-generated.ts'

const FILE = 'packages/a/src/a.ts'
const SOURCE = 'export const sum = (a, b) => a + b\nexport const zero = 0\n'
const FAULTS = faultsOf(FILE, SOURCE)

const GREEN: TestsRun = { passed: new Set(['sum']), failed: new Map(), broken: [] }
const RED: TestsRun = { passed: new Set(), failed: new Map([['sum: two → their sum', 'is wrong']]), broken: [] }

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

test('generated faults: a survivor whose line is explained → passes, with the reason; it does not count as caught', async () => {
  const survivor = {
    file: FILE,
    line: 'export const zero = 0',
    changed: 'export const zero = 1',
    why: 'nobody reads it',
  }
  const results = await runGenerated(FAULTS, createDeps({ survivors: [survivor] }))
  expect(results[1]?.verdict).toEqual({ kind: 'explained', reason: 'nobody reads it' })
  expect(areEnoughCaught(results)).toBe(false)
})

test('generated faults: tests that never end, or do not load, with the fault → caught', async () => {
  let runs = 0
  const runTests = async () => (runs++ === 0 ? GREEN : { ...GREEN, broken: ['ended by SIGKILL'] })
  const results = await runGenerated(FAULTS, createDeps({ runTests }))
  expect(results.map(({ verdict }) => verdict)).toEqual([
    { kind: 'caught', reason: 'ended by SIGKILL' },
    { kind: 'caught', reason: 'ended by SIGKILL' },
  ])
  expect(areEnoughCaught(results)).toBe(true)
})

test('generated faults: tests that are red without a fault → nothing is judged', async () => {
  await expect(runGenerated(FAULTS, createDeps({ runTests: async () => RED }))).rejects.toThrow(
    'the tests are not green without a fault: sum: two → their sum',
  )
})

test('generated faults: the test file that mirrors the changed one runs first → all others only when it is green', async () => {
  const told: string[] = []
  const { runTests, ...deps } = createDeps()
  await runGenerated(FAULTS, {
    ...deps,
    async runTests(root, testFiles) {
      const run = await runTests(root, testFiles)
      told.push(`${testFiles.length} files: ${run.failed.size === 0 ? 'green' : 'red'}`)
      return run
    },
  })
  expect(told.toSorted()).toEqual(['1 files: green', '1 files: red', '2 files: green', '2 files: green'])
})
