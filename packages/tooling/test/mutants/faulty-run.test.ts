// A fault, a copy in memory, and tests that take the time that the test says.
import { expect, test } from '@jest/globals'
import { faultyDeadlineMs, runFaulty } from '../../src/mutants/faulty-run.ts'
import type { TestsRequest, TestsRun } from '../../src/mutants/tests-run.ts'

const FAULT = { name: 'wrong', file: 'a.ts', text: 'right', replacement: 'wrong' }
const FILES = ['a.test.ts', 'b.test.ts']
const DEADLINE_MS = 30_000

const GREEN: TestsRun = {
  passed: new Set(['t']),
  failed: new Map(),
  late: undefined,
  broken: [],
  durationsMs: new Map(),
}

function lateAt(testFile: string, afterMs = DEADLINE_MS): TestsRun {
  return { ...GREEN, late: { testFile, afterMs } }
}

/** Runs of the faulty source in their order; without the fault, a file takes `greenMs`. */
async function run(faulty: TestsRun[], greenMs: number) {
  let source = 'right'
  const asked: string[] = []
  const copy = {
    root: '/copy',
    read: async () => source,
    write: async (_path: string, text: string) => void (source = text),
    remove: () => undefined,
  }
  const runTests = async (_root: string, { testFiles, deadlineMs, untilFailure }: TestsRequest) => {
    expect(untilFailure).toBe(true)
    asked.push([source, ...testFiles, deadlineMs(testFiles[0]!)].join(' '))
    if (source === 'wrong') return faulty.shift()!
    return { ...GREEN, durationsMs: new Map(testFiles.map((each) => [each, greenMs])) }
  }
  const outcome = await runFaulty(FAULT, copy, { testFiles: FILES, deadlineMs: () => DEADLINE_MS }, runTests)
  expect(source).toBe('right')
  return { outcome, asked }
}

test('a run with a fault: it ends in time → what it says, and the source is as it was', async () => {
  const { outcome, asked } = await run([GREEN], 10)
  expect(outcome).toEqual({ kind: 'ended', run: GREEN })
  expect(asked).toEqual(['wrong a.test.ts b.test.ts 30000'])
})

test('a run with a fault: a file does not end, and does without it → it hangs', async () => {
  const { outcome, asked } = await run([lateAt('b.test.ts')], DEADLINE_MS / 3)
  expect(outcome).toMatchObject({ kind: 'hung', late: { testFile: 'b.test.ts' } })
  expect(asked).toEqual(['wrong a.test.ts b.test.ts 30000', 'right b.test.ts 30000'])
})

test('a run with a fault: the machine is as slow without it → no verdict, the file has twice the time', async () => {
  const slow = DEADLINE_MS / 3 + 1
  const { outcome, asked } = await run([lateAt('b.test.ts'), GREEN], slow)
  expect(outcome.kind).toBe('ended')
  expect(asked).toEqual(['wrong a.test.ts b.test.ts 30000', 'right b.test.ts 30000', 'wrong b.test.ts 60000'])
})

test('a run with a fault: too slow every time → nothing is caught', async () => {
  const { outcome } = await run(
    [1, 2, 4].map((times) => lateAt('a.test.ts', times * DEADLINE_MS)),
    4 * DEADLINE_MS,
  )
  expect(outcome).toEqual({
    kind: 'rotten',
    reason: 'the machine is too slow to tell a hang: a.test.ts did not end in 120000 ms',
  })
})

test('deadline with a fault: five times what it took without, and the time of a start', () => {
  expect(faultyDeadlineMs(1000)).toBe(25_000)
})
