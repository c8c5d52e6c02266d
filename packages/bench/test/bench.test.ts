// The whole benchmark at its smallest: everything runs, everything is in the report, and all counts add up. No figure of
// such a run means anything.
import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { DELAY_QUICK } from '../src/delay/delay-bench.ts'
import { FILTER_QUICK } from '../src/filter/filter-bench.ts'
import { IN_FLIGHT_QUICK } from '../src/in-flight/in-flight-bench.ts'
import { ORDER_QUICK } from '../src/order/order-bench.ts'
import type { Cell, LoadReport, Report } from '../src/report/report.ts'
import { QUICK } from '../src/sizes.ts'
import type { StoreFigures } from '../src/store/figures.ts'
import { STORE_QUICK } from '../src/store/store-size.ts'
import { CLUSTER_ASYNC, REPEATED, STANDALONE_ASYNC, STANDALONE_SYNC } from '../src/workloads.ts'

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url))
/** Seconds on a quiet machine; it starts nine processes. */
const RUN_MS_MAX = 240_000
const LOAD_FLOORS = 6
/** Three are about growth, and each plan of many queues has three. */
const STORE_FLOORS = 12 + 3 * STORE_QUICK.manyQueues.length
const FILTER_FLOORS = 2
const ORDER_FLOORS = 1
const IN_FLIGHT_FLOORS = 2
const DELAY_FLOORS = 7
const JSON_BYTES_MAX = 16 * 1024 * 1024

let folder: string
let report: Report
let load: LoadReport
let progress: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rocketmq-ts-bench-test-'))
  const args = [MAIN, '--quick', '--json', '--out', folder]
  const run = await promisify(execFile)(process.execPath, args, { timeout: RUN_MS_MAX, maxBuffer: JSON_BYTES_MAX })
  report = JSON.parse(run.stdout) as Report
  load = report.load!
  progress = run.stderr
}, RUN_MS_MAX)

afterAll(() => rmSync(folder, { recursive: true, force: true }))

function cellsOf(deployment: Cell['deployment'], flush?: Cell['flush']): Cell[] {
  return load.cells.filter((cell) => cell.deployment === deployment && (flush === undefined || cell.flush === flush))
}

test('bench: a quick run → every workload of every deployment, each with calls and none failed', () => {
  const h2load = load.cells.filter(({ generator }) => generator !== 'own').length
  expect(cellsOf('bare grpc-js')).toHaveLength(1)
  expect(cellsOf('standalone', 'async')).toHaveLength(REPEATED.length + STANDALONE_ASYNC.length - 1 + h2load)
  expect(cellsOf('standalone', 'sync')).toHaveLength(STANDALONE_SYNC.length)
  expect(cellsOf('cluster')).toHaveLength(CLUSTER_ASYNC.length)
  for (const { runs } of load.cells) {
    for (const { calls, failed, failedInAll, perSecond } of runs) {
      expect(calls).toBeGreaterThan(0)
      expect(perSecond).toBeGreaterThan(0)
      expect([failed, failedInAll]).toEqual([0, 0])
    }
  }
})

test('bench: a quick run → what was acknowledged is what the broker counted', () => {
  for (const { median, deployment } of load.cells) {
    if (deployment === 'bare grpc-js') continue
    expect(median.counted?.stored).toBe(median.counted?.acknowledged)
    expect(median.okInAll).toBeGreaterThanOrEqual(median.calls - median.failed)
  }
})

test('bench: a quick run → latencies in order, and a process for each service', () => {
  for (const { median } of load.cells) {
    if (median.latencyUs === undefined) continue
    const { p50, p90, p99, p999, max } = median.latencyUs
    expect([p50, p90, p99, p999, max]).toEqual([p50, p90, p99, p999, max].sort((a, b) => a - b))
    expect(p50).toBeGreaterThan(0)
  }
  const names = cellsOf('cluster')[0]?.median.processes.map(({ name }) => name)
  expect(names).toEqual(['nameserver', 'broker', 'proxy'])
})

test('bench: a quick run → the machine alone, a start, and ratios', () => {
  const { machine } = report
  const { probes, start } = load
  expect(probes.syncs.map(({ batch }) => batch)).toEqual(QUICK.syncBatches)
  for (const { syncsPerSecond } of probes.syncs) expect(syncsPerSecond).toBeGreaterThan(0)
  expect(probes.sequential.writeMiBPerSecond).toBeGreaterThan(0)
  expect(probes.memory.crcGiBPerSecond).toBeGreaterThan(0)
  expect(probes.roundTripUs.p50).toBeGreaterThan(0)
  expect(start.readyMs).toHaveLength(QUICK.starts)
  expect(start.readyMsMedian).toBeGreaterThan(0)
  expect(machine.cores).toBeGreaterThan(0)
  expect(load.ratios.length).toBeGreaterThan(3)
})

test('bench: a quick run → every part of the store has figures', () => {
  const { append, commits, sequential, cold, growth, drain, scan, restart, manyQueues } =
    report.store as Required<StoreFigures>
  expect(append.cpuUs).toBeGreaterThan(0)
  expect(commits.map(({ inFlight }) => inFlight)).toEqual(STORE_QUICK.inFlight)
  for (const { perSecond, meanBatch, inFlight, probe } of commits) {
    expect(perSecond).toBeGreaterThan(0)
    expect(meanBatch).toBeGreaterThan(0)
    expect(meanBatch).toBeLessThanOrEqual(2 * inFlight)
    expect(probe.syncsPerSecond).toBeGreaterThan(0)
  }
  expect(sequential.ratios).toHaveLength(STORE_QUICK.sequentialRounds)
  expect(cold.ratios).toHaveLength(STORE_QUICK.coldRounds)
  expect(cold.messages).toBe(STORE_QUICK.coldBytes / 1024)
  expect(growth.map(({ what }) => what)).toEqual(['retained bytes', 'queues', 'topics'])
  for (const { points } of growth) for (const { cpuUs } of points) expect(cpuUs).toBeGreaterThan(0)
  expect(drain.drainMibPerSecond).toBeGreaterThan(0)
  expect(drain.during.p99).toBeGreaterThan(0)
  expect(scan.bytes).toBeGreaterThan(STORE_QUICK.retainedBytes + STORE_QUICK.unflushedBytes)
  expect(restart.killedMs).toBeGreaterThan(0)
  expect(manyQueues.map(({ messages }) => messages)).toEqual([16])
})

test('bench: a quick run → both filters found what was wanted', () => {
  expect(report.filter?.speeds.map(({ kind, messages }) => [kind, messages])).toEqual([
    ['tag', FILTER_QUICK.messages],
    ['sql', FILTER_QUICK.messages],
  ])
})

test('bench: a quick run → every message group came in order', () => {
  expect(report.order?.costs.map(({ messageGroups }) => messageGroups)).toEqual(ORDER_QUICK.messageGroups)
})

test('bench: a quick run → all that was not held was received, with every number of entries and of groups', () => {
  const { messages, entries, groups } = report.inFlight!
  expect(messages).toBe(IN_FLIGHT_QUICK.messages)
  expect(entries.map((cost) => cost.entries)).toEqual(IN_FLIGHT_QUICK.entries)
  expect(groups.map((cost) => cost.groups)).toEqual(IN_FLIGHT_QUICK.groups)
})

test('bench: a quick run → every delayed message came, none early', () => {
  const { costs, lateness, bursts } = report.delay!
  expect(costs.map(({ pending }) => pending)).toEqual(DELAY_QUICK.pending)
  expect([lateness, ...bursts].map(({ messages, early }) => [messages, early])).toEqual([
    [DELAY_QUICK.punctual.messages, 0],
    [DELAY_QUICK.burst.messages, 0],
  ])
})

test('bench: a quick run → no floor is judged, and the last line counts the verdicts', () => {
  const of = (outcome: string) => report.verdicts.filter((verdict) => verdict.outcome === outcome).length
  expect(of('failed')).toBe(0)
  const skipped = LOAD_FLOORS + STORE_FLOORS + FILTER_FLOORS + ORDER_FLOORS + IN_FLIGHT_FLOORS + DELAY_FLOORS
  expect(of('skipped')).toBe(skipped)
  expect(progress.trim().split('\n').at(-1)).toBe(`${of('passed')} passed, 0 failed, ${skipped} skipped`)
})

test('bench: --out → the report as Markdown and as the same JSON', () => {
  const files = readdirSync(folder).sort()
  expect(files).toHaveLength(2)
  const [json = '', markdown = ''] = files
  expect(JSON.parse(readFileSync(join(folder, json), 'utf8'))).toEqual(report)
  const text = readFileSync(join(folder, markdown), 'utf8')
  for (const heading of ['# Benchmark', '## Floors', '## Load', '## Start', '## Ratios', '## Filters'])
    expect(text).toContain(heading)
  expect(text).toContain('| bare grpc-js')
})
