import { expect, test } from '@jest/globals'
import { OTHERS_SHARE_MAX } from '../src/floor.ts'
import {
  DRAIN_RATIO_MAX,
  IDLE_RSS_MIB_MAX,
  judge,
  type Judged,
  READY_MS_MAX,
  SEND_CPU_RATIO_MAX,
  SEND_CPU_US_MAX,
  TRANSACTION_RATIO_MAX,
} from '../src/floors.ts'
import type { Cell, CellRun, Start } from '../src/report/report.ts'
import { FULL, QUICK } from '../src/sizes.ts'
import { DRAIN, FLOOR_SEND, titleOf, TRANSACTION, type Workload } from '../src/workloads.ts'

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
  othersShare: OTHERS_SHARE_MAX,
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

const bareRun: CellRun = { ...run, cpuUsPerMessage: SEND_CPU_US_MAX / SEND_CPU_RATIO_MAX + 1e-9, counted: undefined }
const bare: Cell = {
  ...cellOf({}),
  deployment: 'bare grpc-js',
  flush: undefined,
  runs: [bareRun],
  median: bareRun,
}
/** Another load of the standalone server, at so many times the cost of a send. */
function costing(workload: Workload, ratio: number): Cell {
  const changed = { ...run, cpuUsPerMessage: SEND_CPU_US_MAX * ratio, counted: undefined }
  return { ...cellOf({}), workload: titleOf(workload), runs: [changed], median: changed }
}

const others = [costing(DRAIN, DRAIN_RATIO_MAX), costing(TRANSACTION, TRANSACTION_RATIO_MAX)]

function verdictsOf(changes: Partial<Judged>) {
  return judge({ start, size: FULL, ...changes, cells: [...(changes.cells ?? [cellOf({}), bare]), ...others] })
}

function outcomes(changes: Partial<Judged>): string[] {
  return verdictsOf(changes).map(({ outcome }) => outcome)
}

const PASSED = ['passed', 'passed', 'passed', 'passed', 'passed', 'passed', 'passed']

test('floors: everything exactly at its limit → all pass', () => {
  expect(outcomes({})).toEqual(PASSED)
})

test('floors: each beyond its limit → that one fails, with both figures', () => {
  const slow = cellOf({ cpuUsPerMessage: SEND_CPU_US_MAX + 0.1 })
  expect(outcomes({ cells: [slow, bare] })).toEqual(['failed', 'failed', ...PASSED.slice(2)])
  expect(outcomes({ start: { ...start, readyMsMedian: READY_MS_MAX + 1 } })[2]).toBe('failed')
  expect(outcomes({ start: { ...start, idleRssMiB: IDLE_RSS_MIB_MAX + 1 } })[3]).toBe('failed')
  const details = verdictsOf({ cells: [cellOf({ cpuUsPerMessage: 210.04 }), bare] }).map(({ detail }) => detail)
  expect(details.slice(0, 2)).toEqual(['210.0 µs, at most 105 µs', '5.20, at most 2.6'])
})

test('floors: consuming or a transaction costs more sends than it may → that one fails, with both figures', () => {
  const dear = [costing(DRAIN, DRAIN_RATIO_MAX + 0.01), costing(TRANSACTION, TRANSACTION_RATIO_MAX + 0.01)]
  const [drain, transaction] = verdictsOf({ cells: [cellOf({}), bare, ...dear] }).slice(4, 6)
  expect(drain).toMatchObject({ outcome: 'failed', detail: '1.51, at most 1.5' })
  expect(transaction).toMatchObject({ outcome: 'failed', detail: '3.01, at most 3' })
})

test('floors: others use the machine too → what they slow down is skipped beyond its limit; the ratio still fails', () => {
  const disturbed = { othersShare: OTHERS_SHARE_MAX + 0.01 }
  const slow = cellOf({ ...disturbed, cpuUsPerMessage: SEND_CPU_US_MAX + 0.1 })
  const late = { ...start, readyMsMedian: READY_MS_MAX + 1, idleRssMiB: IDLE_RSS_MIB_MAX + 1 }
  expect(outcomes({ cells: [cellOf(disturbed), bare] })).toEqual(PASSED)
  const expected = ['skipped', 'failed', 'skipped', 'failed', ...PASSED.slice(4)]
  expect(outcomes({ cells: [slow, bare], start: late })).toEqual(expected)
  expect(verdictsOf({ cells: [slow, bare] })[0]?.detail).toContain('others used 6 % of the cores')
})

test('floors: what the platform does not tell, and a quick run → skipped, never passed', () => {
  expect(outcomes({ cells: [cellOf({ cpuUsPerMessage: undefined }), bare] }).slice(0, 2)).toEqual([
    'skipped',
    'skipped',
  ])
  expect(outcomes({ cells: [] }).slice(0, 2)).toEqual(['skipped', 'skipped'])
  expect(outcomes({ size: QUICK }).slice(0, 4)).toEqual(['skipped', 'skipped', 'skipped', 'skipped'])
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
    expect(outcomes({ cells: [cellOf(changes)] })[6]).toBe('failed')
    expect(outcomes({ cells: [cellOf(changes)], size: QUICK })[6]).toBe('failed')
  }
})

test('counts: a server that stores nothing → no verdict', () => {
  expect(verdictsOf({ cells: [bare] })).toHaveLength(6)
})
