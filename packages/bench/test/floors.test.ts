import { expect, test } from '@jest/globals'
import { IDLE_RSS_MIB_MAX, judge, READY_MS_MAX, SEND_CPU_US_MAX } from '../src/floors.ts'
import type { Cell, CellRun, Start } from '../src/report/report.ts'
import { FULL, QUICK } from '../src/sizes.ts'
import { FLOOR_SEND, titleOf } from '../src/workloads.ts'

const run: CellRun = {
  calls: 100,
  failed: 0,
  ms: 1000,
  perSecond: 100,
  latencyUs: undefined,
  okInAll: 150,
  failedInAll: 0,
  processes: [],
  cpuUsPerMessage: SEND_CPU_US_MAX,
  loadCpuUsPerMessage: 1,
  counted: { stored: 150, acknowledged: 150 },
}
const start: Start = {
  readyMs: [READY_MS_MAX],
  readyMsMedian: READY_MS_MAX,
  idleRssMiB: IDLE_RSS_MIB_MAX,
  idleCpuPercent: 0,
}

function cellOf(changes: Partial<CellRun>): Cell {
  const changed = { ...run, ...changes }
  return {
    deployment: 'standalone',
    flush: 'async',
    workload: titleOf(FLOOR_SEND),
    generator: 'own',
    runs: [changed],
    median: changed,
  }
}

function outcomes(cells: readonly Cell[], judged = start, size = FULL): string[] {
  return judge(cells, judged, size).map(({ outcome }) => outcome)
}

test('floors: everything exactly at its limit → all pass', () => {
  expect(outcomes([cellOf({})])).toEqual(['passed', 'passed', 'passed', 'passed'])
})

test('floors: each beyond its limit → that one fails, with both figures', () => {
  expect(outcomes([cellOf({ cpuUsPerMessage: SEND_CPU_US_MAX + 0.1 })])).toEqual([
    'failed',
    'passed',
    'passed',
    'passed',
  ])
  expect(outcomes([cellOf({})], { ...start, readyMsMedian: READY_MS_MAX + 1 })[1]).toBe('failed')
  expect(outcomes([cellOf({})], { ...start, idleRssMiB: IDLE_RSS_MIB_MAX + 1 })[2]).toBe('failed')
  expect(judge([cellOf({ cpuUsPerMessage: 205.25 })], start, FULL)[0]?.detail).toBe('205.3 µs, at most 105 µs')
})

test('floors: what the platform does not tell, and a quick run → skipped, never passed', () => {
  expect(outcomes([cellOf({ cpuUsPerMessage: undefined })])[0]).toBe('skipped')
  expect(outcomes([], start)[0]).toBe('skipped')
  expect(outcomes([cellOf({})], start, QUICK).slice(0, 3)).toEqual(['skipped', 'skipped', 'skipped'])
})

test('counts: a message that is missing, one too many, a failed call, no call at all → failed, also in a quick run', () => {
  const wrong: Partial<CellRun>[] = [
    { counted: { stored: 149, acknowledged: 150 } },
    { counted: { stored: 151, acknowledged: 150 } },
    { failedInAll: 1 },
    { failed: 1 },
    { calls: 0 },
  ]
  for (const changes of wrong) {
    expect(outcomes([cellOf(changes)])[3]).toBe('failed')
    expect(outcomes([cellOf(changes)], start, QUICK)[3]).toBe('failed')
  }
})

test('counts: a server that stores nothing → no verdict', () => {
  expect(judge([cellOf({ counted: undefined })], start, FULL)).toHaveLength(3)
})
