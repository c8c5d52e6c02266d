import { expect, test } from '@jest/globals'
import { OTHERS_SHARE_MAX } from '../../src/floor.ts'
import type { StoreFigures } from '../../src/store/figures.ts'
import * as floors from '../../src/store/store-floors.ts'

const latency = { p50: 1, p90: 1, p99: 10, p999: 10, max: 10, mean: 1 }
const probe = { syncsPerSecond: 1000, p50Us: 100, pooledP50Us: 100 }
const single = { inFlight: 1, perSecond: 900, meanBatch: 1, latencyUs: latency, probe, latencyRatio: 1.3, shares: [] }
const many = { ...single, inFlight: 128, perSecond: 64_000, meanBatch: 128, latencyRatio: 1 }

function pointOf(cost: number) {
  return { at: 1, cpuUs: 3 * cost, youngUs: 3 }
}

/** Everything at its limit. */
const figures: Required<StoreFigures> = {
  othersShare: OTHERS_SHARE_MAX,
  append: { userUs: 2, systemUs: 0.5, cpuUs: floors.APPEND_CPU_US_MAX, runs: [], bareCpuUs: 1 },
  commits: [single, many],
  sequential: { mibPerSecond: 70, probeMibPerSecond: 100, ratios: [] },
  cold: {
    mibPerSecond: 50,
    probeMibPerSecond: 100,
    ratios: [],
    probeWay: 'direct',
    cachedProbeMibPerSecond: 90,
    cachedShare: 0,
    messages: 1,
  },
  growth: [{ what: 'queues', unit: 'queues', points: [1, floors.GROWTH_RATIO_MAX].map(pointOf) }],
  drain: {
    sendsPerSecond: 1,
    alone: latency,
    during: { ...latency, p99: 10 * floors.DRAIN_P99_RATIO_MAX },
    drainMibPerSecond: 1,
  },
  scan: { bytes: 1, mibPerSecond: floors.SCAN_MIB_MIN },
  restart: { retainedBytes: 1, cleanMs: floors.CLEAN_START_MS_MAX, killedMs: floors.KILLED_START_MS_MAX },
  manyQueues: [{ topics: 1, queuesPerTopic: 1, messages: 1, rssMib: 100, restartedRssMib: 100, killedRssMib: 100 }],
}

function failedOf(changes: Partial<StoreFigures>): string[] {
  return floors
    .judgeStore({ ...figures, ...changes }, 'full')
    .filter(({ outcome }) => outcome !== 'passed')
    .map(({ name, outcome }) => `${outcome} ${name}`)
}

test('floors of the store: everything exactly at its limit → all pass; a quick run → all skipped', () => {
  expect(failedOf({})).toEqual([])
  const outcomes = floors.judgeStore(figures, 'quick').map(({ outcome }) => outcome)
  expect(outcomes).toEqual(outcomes.map(() => 'skipped'))
})

test('floors of the store: each beyond its limit → that one fails, and no other', () => {
  const { append, sequential, cold, drain, scan, restart, manyQueues } = figures
  const beyond: readonly [Partial<StoreFigures>, string][] = [
    [{ append: { ...append, cpuUs: 2.51 } }, 'append 1 KiB, CPU'],
    [{ commits: [single, { ...many, perSecond: 63_999 }] }, 'group commit, 128 under way ÷ probe'],
    [{ commits: [{ ...single, latencyRatio: 1.31 }, many] }, 'group commit, one under way ÷ one fdatasync'],
    [{ sequential: { ...sequential, mibPerSecond: 69 } }, '16 KiB sequential ÷ write probe'],
    [{ cold: { ...cold, mibPerSecond: 49 } }, 'cold backlog ÷ read probe'],
    [
      { growth: [{ what: 'topics', unit: 'topics', points: [2, 1, 2].map(pointOf) }] },
      'cost per message against topics, dearest ÷ cheapest',
    ],
    [
      { drain: { ...drain, during: { ...latency, p99: 21 } } },
      'p99 of sends at half load, during a cold drain ÷ alone',
    ],
    [{ scan: { ...scan, mibPerSecond: 499 } }, 'full scan, warm'],
    [{ restart: { ...restart, cleanMs: 1001 } }, 'ready after a clean stop'],
    [{ restart: { ...restart, killedMs: 3001 } }, 'ready after SIGKILL'],
    [{ manyQueues: [{ ...manyQueues[0]!, rssMib: 101 }] }, 'resident memory, 1 × 1 queues, after sends'],
    [{ manyQueues: [{ ...manyQueues[0]!, restartedRssMib: 101 }] }, 'resident memory, 1 × 1 queues, started again'],
    [
      { manyQueues: [{ ...manyQueues[0]!, killedRssMib: 101 }] },
      'resident memory, 1 × 1 queues, started after SIGKILL',
    ],
  ]
  for (const [changes, name] of beyond) expect(failedOf(changes)).toEqual([`failed store: ${name}`])
})

test('floors of the store: a slow minute makes one point and the young store beside it dearer → no floor is missed', () => {
  const points = [pointOf(1), { at: 2, cpuUs: 9, youngUs: 9 }]
  expect(failedOf({ growth: [{ what: 'topics', unit: 'topics', points }] })).toEqual([])
})

test('floors of the store: others use the machine → absolute times are skipped, ratios and memory still fail', () => {
  const disturbed = { othersShare: OTHERS_SHARE_MAX + 0.01 }
  expect(failedOf(disturbed)).toEqual([])
  expect(failedOf({ ...disturbed, append: { ...figures.append, cpuUs: 3 } })).toEqual([
    'skipped store: append 1 KiB, CPU',
  ])
  expect(failedOf({ ...disturbed, sequential: { ...figures.sequential, mibPerSecond: 1 } })).toEqual([
    'failed store: 16 KiB sequential ÷ write probe',
  ])
})

test('floors of the store: a cold read out of the page cache → no verdict about it', () => {
  expect(failedOf({ cold: { ...figures.cold, cachedShare: 0.5, mibPerSecond: 1 } })).toEqual([
    'skipped store: cold backlog ÷ read probe',
  ])
})

test('floors of the store: parts that were not asked for → no verdict about them', () => {
  const { othersShare, append, drain } = figures
  const namesOf = (some: StoreFigures) => floors.judgeStore(some, 'full').map(({ name }) => name)
  expect(namesOf({ othersShare })).toEqual([])
  expect(namesOf({ othersShare, append, drain })).toEqual([
    'store: append 1 KiB, CPU',
    'store: p99 of sends at half load, during a cold drain ÷ alone',
  ])
})
