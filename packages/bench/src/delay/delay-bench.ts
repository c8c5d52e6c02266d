// What delayed messages cost a broker: its memory and the cost of sends with few and with many of them pending, how late
// they come, and what sends notice of very many that are due at once. All of it with everything pending that is.
import { setTimeout as sleep } from 'node:timers/promises'
import type { LatencySummary } from '../histogram.ts'
import { nobody } from '../load/load.ts'
import { runOpenLoop } from '../load/open-loop.ts'
import { sendByPeer } from '../load/remoting-calls.ts'
import { type BrokerBenchOptions, type MeasuredBroker, measureBroker } from '../servers/measured-broker.ts'
import { cpuUsPerUnit, medianOfKnown, rssMiBOf } from '../servers/usage.ts'
import { consumeAll, type Lateness, messageOf, sendAll, storedIn } from './delay-load.ts'

/** Pending messages are due from here on, spread over as much: nothing of them comes while it runs. */
const FAR_MS = 24 * 3_600_000
/** Half of the messages to warm up are due so soon: their delivery is compiled, too. */
const WARM_UP_DELAY_MS = 200
const RSS_POLL_MS = 50
const DRAIN_POLL_MS = 5
/** What is due must have been sent by then. */
const LATE_MS_MAX = 120_000

export interface PendingCost {
  /** Pending when it was measured. */
  readonly pending: number
  /** CPU of the broker for a message that is not delayed, the median of the runs; undefined where it is not told. */
  readonly plainCpuUs: number | undefined
  /** The same for one that is, over all that were sent to come to the next count. */
  readonly delayedCpuUs: number | undefined
  readonly rssMiB: number | undefined
}

export interface DelayFigures {
  readonly othersShare: number
  /** Resident before the first delayed message, and the most while they were sent. */
  readonly rssBeforeMiB: number | undefined
  readonly rssMostMiB: number | undefined
  /** Ascending by what is pending. */
  readonly costs: readonly PendingCost[]
  /** Of messages that are due one after the other. */
  readonly lateness: Lateness
  readonly bursts: readonly Burst[]
}

/** Very many messages that are due in a short time, beside sends at a fixed rate. */
export interface Burst {
  readonly messages: number
  /** They are due in so many milliseconds … */
  readonly dueMs: number
  /** … and all were stored so long after the first of them was due. */
  readonly drainMs: number
  /** Latencies of the sends, with nothing beside them and while the messages are due. */
  readonly aloneUs: LatencySummary
  readonly besideUs: LatencySummary
  /** CPU of the broker for each of the messages, the sends beside them included. */
  readonly cpuUs: number | undefined
  readonly early: number
}

export interface DelaySize {
  readonly warmUp: number
  /** Counts of pending messages, ascending. */
  readonly pending: readonly number[]
  readonly plain: number
  readonly repeats: number
  readonly punctual: { readonly messages: number; readonly leadMs: number; readonly dueMs: number }
  readonly burst: { readonly messages: number; readonly leadMs: number; readonly dueMs: number }
  readonly sendsPerSecond: number
  readonly probeMs: number
}

export const DELAY_FULL: DelaySize = {
  warmUp: 60_000,
  pending: [10_000, 100_000, 1_000_000],
  plain: 20_000,
  repeats: 5,
  punctual: { messages: 20_000, leadMs: 4000, dueMs: 10_000 },
  burst: { messages: 50_000, leadMs: 6000, dueMs: 1000 },
  sendsPerSecond: 1000,
  probeMs: 400,
}
export const DELAY_QUICK: DelaySize = {
  warmUp: 50,
  pending: [50, 200],
  plain: 50,
  repeats: 1,
  punctual: { messages: 50, leadMs: 300, dueMs: 100 },
  burst: { messages: 100, leadMs: 300, dueMs: 50 },
  sendsPerSecond: 400,
  probeMs: 10,
}

interface Run extends MeasuredBroker {
  readonly size: DelaySize
  readonly tell: (line: string) => void
}

/** Runs it. Rejects when a message is missing or comes twice; slow, large and early are no reason to. */
export async function runDelayBench(options: BrokerBenchOptions<DelaySize>): Promise<DelayFigures> {
  const { size, tell } = options
  return measureBroker(options, async (broker) => {
    const run: Run = { ...broker, size, tell }
    const soon = (index: number) => (index % 2 === 0 ? undefined : Date.now() + WARM_UP_DELAY_MS)
    await sendAll(run.peer, 'bench-delay-warm-up', size.warmUp, soon)
    // What is due of them is delivered.
    await sleep(2 * WARM_UP_DELAY_MS)
    const memory = watchMemory(broker.server.pid)
    const costs = await runPending(run)
    const { beforeMiB: rssBeforeMiB, mostMiB: rssMostMiB } = memory.end()
    const lateness = await runPunctual(run)
    const bursts: Burst[] = []
    for (let number = 0; number < size.repeats; number += 1) bursts.push(await runBurst(run, number))
    return { rssBeforeMiB, rssMostMiB, costs, lateness, bursts }
  })
}

function watchMemory(pid: number): { end(): { beforeMiB: number | undefined; mostMiB: number | undefined } } {
  const beforeMiB = rssMiBOf(pid)
  let mostMiB = beforeMiB
  const look = () => {
    const nowMiB = rssMiBOf(pid)
    if (nowMiB !== undefined) mostMiB = Math.max(mostMiB ?? 0, nowMiB)
  }
  const timer = setInterval(look, RSS_POLL_MS)
  return {
    end() {
      clearInterval(timer)
      look()
      return { beforeMiB, mostMiB }
    },
  }
}

async function runPending(run: Run): Promise<PendingCost[]> {
  const { size, peer, server, tell } = run
  const costs: PendingCost[] = []
  const firstDueMs = Date.now() + FAR_MS
  const sendPending = (messages: number) =>
    sendAll(peer, 'bench-delay-pending', messages, () => Math.floor(firstDueMs + Math.random() * FAR_MS))
  // Code that is not compiled yet would make the first point the dearest.
  let pending = size.pending[0]! / 2
  await sendPending(pending)
  for (const count of size.pending) {
    tell(`delay: ${count} messages pending …`)
    const added = count - pending
    pending = count
    const delayedCpuUs = await cpuUsPerUnit(server.pid, added, () => sendPending(added))
    const plain: (number | undefined)[] = []
    for (let repeat = 0; repeat < size.repeats; repeat += 1) {
      const send = () => sendAll(peer, 'bench-delay-plain', size.plain, () => undefined)
      plain.push(await cpuUsPerUnit(server.pid, size.plain, send))
    }
    costs.push({ pending, plainCpuUs: medianOfKnown(plain), delayedCpuUs, rssMiB: rssMiBOf(server.pid) })
  }
  return costs
}

/** Due one after the other, while consumers wait for them. */
async function runPunctual(run: Run): Promise<Lateness> {
  const { messages, leadMs, dueMs } = run.size.punctual
  const topic = 'bench-delay-punctual'
  run.tell(`delay: ${messages} messages, due over ${dueMs} ms …`)
  const firstDueMs = Date.now() + leadMs
  const consumed = consumeAll(run.client, { address: run.address, topic, messages })
  await sendAll(run.peer, topic, messages, (index) => Math.floor(firstDueMs + (index * dueMs) / messages))
  sentInTime(firstDueMs)
  return consumed
}

async function runBurst(run: Run, number: number): Promise<Burst> {
  const { client, address, peer, server } = run
  const { messages, leadMs, dueMs } = run.size.burst
  const topic = `bench-delay-burst-${number}`
  run.tell(`delay: ${messages} messages, due within ${dueMs} ms, beside sends …`)
  const aloneUs = await sendsAtRate(run, dueMs)
  const firstDueMs = Date.now() + leadMs
  await sendAll(peer, topic, messages, () => Math.floor(firstDueMs + Math.random() * dueMs))
  sentInTime(firstDueMs)
  await sleep(firstDueMs - Date.now())
  let besideUs = aloneUs
  let drainMs = 0
  const cpuUs = await cpuUsPerUnit(server.pid, messages, async () => {
    besideUs = await sendsAtRate(run, dueMs)
    while ((await storedIn(client, address, topic)) < messages) {
      if (Date.now() > firstDueMs + LATE_MS_MAX) throw new Error(`${topic}: not all were delivered in time`)
      await sleep(DRAIN_POLL_MS)
    }
    drainMs = Date.now() - firstDueMs
  })
  const { early } = await consumeAll(client, { address, topic, messages })
  return { messages, dueMs, drainMs, aloneUs, besideUs, cpuUs, early }
}

async function sendsAtRate({ peer, size }: Run, ms: number): Promise<LatencySummary> {
  let index = 0
  const { latencyUs, failedInAll } = await runOpenLoop({
    caller(_slot, done) {
      index += 1
      const { place, body } = messageOf('bench-delay-beside', index, undefined)
      sendByPeer(peer, place, body).then(done, () => done(false))
    },
    perSecond: size.sendsPerSecond,
    warmUpMs: 0,
    measureMs: ms,
    observer: nobody,
    nowMs: () => performance.now(),
    soon: setImmediate,
  })
  if (failedInAll > 0 || latencyUs === undefined) throw new Error(`${failedInAll} sends were not stored`)
  return latencyUs
}

function sentInTime(firstDueMs: number): void {
  if (Date.now() >= firstDueMs) throw new Error('the first message was due before all of them were sent')
}
