import { expect, test } from '@jest/globals'
import { missedMinimums, TOTALS_MIN, weaknessesOf } from '../../src/runs/minimums.ts'
import { failureLines, tableLines } from '../../src/runs/report-text.ts'
import { noTallies, type SeedReport } from '../../src/runs/seed-report.ts'

function report(changes: Partial<SeedReport> = {}): SeedReport {
  const tallies = { ...noTallies(), messages: 500, brokerCrashes: 1, proxyCrashes: 1 }
  const run = { traceHash: 'abc', events: 9, virtualMs: 1 }
  return { seed: 17, violations: [], tallies, faultKinds: ['kill', 'partition', 'splits'], ...run, ...changes }
}

test('minimums: a seed with too few crashes, kinds of fault or messages → each is named', () => {
  expect(weaknessesOf(report())).toEqual([])
  expect(weaknessesOf(report({ tallies: noTallies(), faultKinds: [] }))).toEqual([
    '0 crashes, at least 2',
    '0 kinds of fault, at least 3',
    '0 messages, at least 500',
  ])
})

test('minimums: totals → judged by the share of the seeds, and not for a handful of them', () => {
  const totals = { ...noTallies(), ...TOTALS_MIN }
  expect(missedMinimums(totals, 200)).toEqual([])
  expect(missedMinimums(totals, 400).length).toBe(Object.keys(TOTALS_MIN).length)
  expect(missedMinimums(noTallies(), 100).length).toBe(Object.keys(TOTALS_MIN).length)
  expect(missedMinimums(noTallies(), 19)).toEqual([])
})

test('report: a failed seed → its rule, its trace and the one command that shows it again', () => {
  const lines = failureLines('cluster', report({ violations: [{ rule: 'after-ack', detail: 'offset 4' }] }))
  expect(lines).toEqual([
    'FAILED  cluster seed 17 (trace abc, 9 events)',
    '  after-ack: offset 4',
    '  replay: npm run sim -- --seed 17',
  ])
})

test('report: the table → one line per tally, with total, mean and most of a seed', () => {
  const line = tableLines([report(), report()]).find((text) => text.startsWith('broker crashes'))
  expect(line?.split(/\s{2,}/u)).toEqual(['broker crashes', '2', '1.0', '1'])
})
