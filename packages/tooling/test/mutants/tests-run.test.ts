import { expect, test } from '@jest/globals'
import { type TestEvent, TestsLog, whyNotGreen } from '../../src/mutants/tests-run.ts'

function logOf(...events: readonly TestEvent[]): TestsLog {
  const log = new TestsLog()
  for (const event of events) log.add(event)
  return log
}

function ended(name: string, messages: readonly string[] = []): TestEvent {
  const status = messages.length === 0 ? 'passed' : 'failed'
  return { kind: 'test', path: 'a.test.ts', name, status, messages }
}

test('run of tests: failures are told in one line, without their stack', () => {
  const log = logOf(ended('good'), ended('bad', ['Error: \u001b[31mexpected\u001b[39m\n\n  3\n    at x.ts']))
  expect([...log.passed]).toEqual(['good'])
  expect([...log.failed]).toEqual([['bad', 'Error: expected 3']])
  expect([log.isDecided, whyNotGreen(log)]).toEqual([true, "'bad' fails"])
})

test('run of tests: a file without tests → it could not be run', () => {
  const log = logOf({ kind: 'file', path: 'b.test.ts', durationMs: 7, broken: ' SyntaxError ' })
  expect(log.broken).toEqual(['b.test.ts could not be run: SyntaxError'])
  expect([log.isDecided, log.durationsMs.get('b.test.ts')]).toEqual([true, 7])
})

test('run of tests: a file that did not end in its time → not green, and nothing has failed', () => {
  const log = logOf(ended('good'))
  log.late = { testFile: 'a.test.ts', afterMs: 60_000 }
  expect([...log.failed]).toEqual([])
  expect([log.isDecided, whyNotGreen(log)]).toEqual([true, 'a.test.ts did not end in 60000 ms'])
})

test('run of tests: all passed → green, and nothing is decided yet', () => {
  const log = logOf(ended('good'), { kind: 'file', path: 'a.test.ts', durationMs: 7 })
  expect([log.isDecided, whyNotGreen(log)]).toEqual([false, undefined])
})
