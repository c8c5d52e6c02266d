// What every part of the suite works on: the cluster, what runs on it, and steps that end with a judgement of the loads.
import { setTimeout as sleep } from 'node:timers/promises'
import { type Checks, someOf } from '../checks.ts'
import { expectThat, runCheck } from '../steps.ts'
import type { Cluster, Running, Scale } from './cluster.ts'
import type { Load } from './load.ts'
import { readLogs } from './logs.ts'
import { createRmq, type Rmq } from './rmq.ts'

/** Without an acknowledged send, in any step. It is some seconds on a quiet machine, where all brokers restart. */
const SEND_GAP_MS_MAX = 30_000
/** Messages that are sent and received before a load is said to go on. */
const STRIDE = 100
const STRIDE_MS_MAX = 60_000
const BACKLOG = 200
const BACKLOG_MS_MAX = 60_000
const ARRIVES_MS_MAX = 60_000
const WATCH_MS = 100

export interface Scene {
  readonly checks: Checks
  readonly cluster: Cluster
  readonly rmq: Rmq
  /** They run during all steps. */
  readonly loads: readonly Load[]
  /** One check; it fails, too, where a load had no send acknowledged for too long, and says how long that was. */
  step(name: string, work: () => Promise<string | void>): Promise<void>
  /** Clients are told where the proxies are when it is up. */
  up(scale: Scale, overlays?: readonly string[]): Promise<void>
  connectAll(): Promise<void>
  container(name: string): Promise<Running>
  /** Every load goes on: so many messages more are acknowledged, and received. */
  goesOn(): Promise<void>
  /** Consumers stop, and so many messages wait. Resolves with how many. */
  leaveBacklog(): Promise<string>
  /** What is acknowledged by now is received, while the loads go on. Resolves with how much that is. */
  allArrives(): Promise<string>
  /** What containers logged that they should not, those included that are gone. */
  complaints(): Promise<string[]>
}

export function createScene(checks: Checks, cluster: Cluster, loads: readonly Load[]): Scene {
  const complaints = new Set<string>()
  let current: Scale = { broker: 1, proxy: 1 }

  async function connectAll(): Promise<void> {
    const proxies = await cluster.proxies()
    for (const load of loads) load.connectTo(proxies)
  }

  /** Logs are lost with their containers. */
  async function noteComplaints(): Promise<void> {
    for (const { container, text, event } of await readLogs(cluster)) {
      const isComplaint = event === undefined || event['level'] === 'error' || event['level'] === 'fatal'
      if (isComplaint) complaints.add(`${container}: ${text}`)
    }
    for (const { name, restarts, ranOutOfMemory } of await cluster.running()) {
      if (restarts > 0) complaints.add(`${name} ended by itself and was started again`)
      if (ranOutOfMemory) complaints.add(`${name} ran out of memory`)
    }
  }

  return {
    checks,
    cluster,
    rmq: createRmq(cluster),
    loads,
    connectAll,
    async step(name, work) {
      await runCheck(checks, name, async () => {
        for (const load of loads) load.startStep()
        const told = await work()
        const gaps = loads.map((load) => load.longestGapMs())
        for (const [index, gapMs] of gaps.entries()) {
          const what = `${loads[index]?.topic} had no send acknowledged for ${Math.round(gapMs)} ms`
          expectThat(gapMs <= SEND_GAP_MS_MAX, what)
        }
        const longest = `longest gap ${gaps.map((gapMs) => (gapMs / 1000).toFixed(1)).join(' and ')} s`
        return told === undefined ? longest : `${told}; ${longest}`
      })
    },
    async up(scale, overlays) {
      if (scale.broker < current.broker || scale.proxy < current.proxy) await noteComplaints()
      await cluster.up(scale, overlays)
      current = scale
      await connectAll()
    },
    async container(name) {
      const found = (await cluster.running()).find((one) => one.name === name)
      expectThat(found !== undefined, `${name} does not run`)
      return found
    },
    async goesOn() {
      const before = loads.map(({ counts }) => counts)
      await until(`${STRIDE} messages more are acknowledged and received`, STRIDE_MS_MAX, () =>
        loads.every(({ counts }, index) => {
          const { acknowledged = 0, received = 0 } = before[index] ?? {}
          return counts.acknowledged >= acknowledged + STRIDE && counts.received >= received + STRIDE
        }),
      )
    },
    async leaveBacklog() {
      for (const load of loads) await load.stopConsuming()
      await until('a backlog', BACKLOG_MS_MAX, () => loads.every((load) => load.missing().length >= BACKLOG))
      return loads.map((load) => load.missing().length).join(' and ')
    },
    async allArrives() {
      const acknowledged = loads.map((load) => load.acknowledged())
      for (const [index, load] of loads.entries()) {
        await until('all arrives', ARRIVES_MS_MAX, () => load.missing(acknowledged[index]).length === 0).catch(() => {})
        const missing = load.missing(acknowledged[index])
        expectThat(missing.length === 0, `lost ${someOf(missing)}`)
      }
      return `${acknowledged.map(({ size }) => size).join(' and ')} acknowledged messages are received`
    },
    async complaints() {
      await noteComplaints()
      return [...complaints]
    },
  }
}

/** Rejects unless it holds in time. */
export async function until(
  what: string,
  limitMs: number,
  holds: () => boolean | Promise<boolean>,
  watchMs = WATCH_MS,
): Promise<void> {
  const endMs = performance.now() + limitMs
  while (!(await holds())) {
    expectThat(performance.now() < endMs, `${what}: not within ${Math.round(limitMs)} ms`)
    await sleep(watchMs)
  }
}
