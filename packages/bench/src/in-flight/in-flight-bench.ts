// What a receive with its acks costs a broker that has very many deliveries in flight, and one that has very many groups.
// Judged is that the CPU time per message, pop and ack together, grows with neither.
import { join } from 'node:path'
import type { BrokerClient } from '@rocketmq-ts/cluster-client'
import { encodeProperties, PropertyName, topicConfig } from '@rocketmq-ts/model'
import type { Peer } from '@rocketmq-ts/remoting'
import {
  type BacklogMessage,
  fill,
  POP_MESSAGES,
  popHeaderOf,
  QUEUES,
  TIMEOUT_MS,
  uniqueKeyOf,
} from '../load/backlog.ts'
import { BROKER_NAME } from '../servers/broker-alone.ts'
import { type BrokerBenchOptions, measureBroker } from '../servers/measured-broker.ts'
import { cpuUsOf, meanOfKnown, rssMiBOf } from '../servers/usage.ts'

const BODY = Buffer.alloc(256, 0x78)
const CONSUMERS = 8
/** A queue of a group has a bound of entries, so what is held is spread over more queues than a new topic has. */
const HELD_QUEUES = 16
const HOLDERS = 64
const WARM_UP_RUNS = 10
/** What is held comes again when all is over, each at another time: neighbours of the same time would be one entry. */
const HELD_MS = 3_600_000
const HELD_SPREAD_MS = 1000

interface Cost {
  /** Of each run; undefined where the platform does not tell. */
  readonly cpuUsPerMessage: readonly (number | undefined)[]
  /**
   * The mean of the runs: an image of all states is written every five seconds, and so in one run of several, which no median
   * sees.
   */
  readonly cpuUs: number | undefined
  /** Of the broker, afterwards. */
  readonly rssMiB: number | undefined
}

export interface EntriesCost extends Cost {
  /** Deliveries in flight, each an entry of its own. */
  readonly entries: number
}

export interface GroupsCost extends Cost {
  readonly groups: number
}

export interface InFlightFigures {
  readonly othersShare: number
  /** Received and acknowledged in each run. */
  readonly messages: number
  /** Before anything was held. */
  readonly rssBeforeMiB: number | undefined
  /** Ascending. */
  readonly entries: readonly EntriesCost[]
  /** Ascending. */
  readonly groups: readonly GroupsCost[]
}

export interface InFlightSize {
  /** In each run; whole pops. */
  readonly messages: number
  readonly entries: readonly number[]
  readonly groups: readonly number[]
  /** Measured runs, after one to warm up. */
  readonly repeats: number
  readonly probeMs: number
}

export const IN_FLIGHT_FULL: InFlightSize = {
  messages: 24_000,
  entries: [1000, 10_000, 100_000, 1_000_000],
  groups: [1, 10, 100, 1000],
  repeats: 9,
  probeMs: 400,
}
export const IN_FLIGHT_QUICK: InFlightSize = {
  messages: 256,
  entries: [50, 200],
  groups: [1, 4],
  repeats: 1,
  probeMs: 10,
}

interface Run {
  readonly size: InFlightSize
  readonly pid: number
  readonly address: string
  readonly client: BrokerClient
  readonly peer: Peer
  readonly tell: (line: string) => void
}

/** Runs both. Rejects when a message is missing or comes twice; slow and large are no reason to. */
export async function runInFlightBench(options: BrokerBenchOptions<InFlightSize>): Promise<InFlightFigures> {
  const { entries, messages } = options.size
  const held = await withBrokers(
    options,
    entries.map((count) => `entries-${count}`),
    runEntries,
  )
  const shared = await withBrokers(options, ['groups'], ([run]) => runGroups(run!))
  const othersShare = Math.max(held.othersShare, shared.othersShare)
  return { ...held.figures, groups: shared.figures, messages, othersShare }
}

/** Brokers that are there at the same time, each warm; they stop when the work is done. */
async function withBrokers<Figures>(
  options: BrokerBenchOptions<InFlightSize>,
  [name, ...others]: readonly string[],
  work: (runs: readonly Run[]) => Promise<Figures>,
  runs: readonly Run[] = [],
): Promise<{ readonly figures: Figures; readonly othersShare: number }> {
  if (name === undefined) return { figures: await work(runs), othersShare: 0 }
  const { size, tell } = options
  const own = { ...options, folder: join(options.folder, name) }
  const { inner, othersShare } = await measureBroker(own, async ({ server: { pid }, address, client, peer }) => {
    const run: Run = { size, pid, address, client, peer, tell }
    await warmUp(run)
    return { inner: await withBrokers(options, others, work, [...runs, run]) }
  })
  return { figures: inner.figures, othersShare: Math.max(othersShare, inner.othersShare) }
}

/** What is measured, some times before that: the first runs of new code are the dearest. */
async function warmUp(run: Run): Promise<void> {
  const { messages } = run.size
  const topic = 'bench-in-flight-warm-up'
  await fill(run.peer, messages, (index) => messageOf(topic, QUEUES, index))
  const pops = { from: 0, to: messages / POP_MESSAGES }
  for (let number = 0; number < WARM_UP_RUNS; number += 1) await takeInTurns(run, topic, [`${topic}-${number}`], pops)
}

/** At each broker one group, that holds so many and goes on to receive and to acknowledge. */
async function runEntries(runs: readonly Run[]): Promise<Pick<InFlightFigures, 'entries' | 'rssBeforeMiB'>> {
  const { size, tell, pid } = runs[0]!
  const topic = 'bench-in-flight'
  const queues = { readQueueNums: HELD_QUEUES, writeQueueNums: HELD_QUEUES }
  const rssBeforeMiB = rssMiBOf(pid)
  for (const [at, run] of runs.entries()) {
    const held = size.entries[at]!
    tell(`in flight: ${held} entries …`)
    await run.client.createTopic(run.address, topicConfig(topic, queues), { timeoutMs: TIMEOUT_MS })
    await fill(run.peer, held + backlogOf(size), (index) => messageOf(topic, HELD_QUEUES, index))
    await hold(run, topic, held)
  }
  const costs = await costsOf(runs.map((run) => ({ run, topic, groups: [topic] })))
  const entries = costs.map((cost, at) => ({ entries: size.entries[at]!, ...cost, rssMiB: rssMiBOf(runs[at]!.pid) }))
  return { entries, rssBeforeMiB }
}

/** Of all runs with one number. */
function backlogOf({ messages, repeats }: InFlightSize): number {
  return messages * (repeats + 1)
}

interface Point {
  readonly run: Run
  readonly topic: string
  readonly groups: readonly string[]
}

/**
 * What the groups of each point together pay to receive and to acknowledge the messages of a run. The points take turns: a
 * machine that is slow for half a minute is so for all of them. What a broker does until its next run counts as well: the
 * image of its states comes seconds later.
 */
async function costsOf(points: readonly Point[]): Promise<Omit<Cost, 'rssMiB'>[]> {
  const { messages, repeats } = points[0]!.run.size
  const pops = messages / POP_MESSAGES
  /** Of each point, the CPU time of its broker when each of its runs began and when the next one of that broker did. */
  const spans = points.map((): { fromUs: number | undefined; toUs: number | undefined }[] => [])
  const lastOf = new Map<number, { toUs: number | undefined }>()
  for (let round = 0; round <= repeats; round += 1) {
    for (const [at, { run, topic, groups }] of points.entries()) {
      const nowUs = cpuUsOf(run.pid)
      const last = lastOf.get(run.pid)
      if (last !== undefined) last.toUs = nowUs
      const span = { fromUs: nowUs, toUs: undefined }
      spans[at]!.push(span)
      lastOf.set(run.pid, span)
      await takeInTurns(run, topic, groups, { from: round * pops, to: (round + 1) * pops })
    }
  }
  for (const [pid, last] of lastOf) last.toUs = cpuUsOf(pid)
  return spans.map((all) => {
    // The first one warms up.
    const cpuUsPerMessage = all
      .slice(1)
      .map(({ fromUs, toUs }) => (fromUs === undefined || toUs === undefined ? undefined : (toUs - fromUs) / messages))
    return { cpuUsPerMessage, cpuUs: meanOfKnown(cpuUsPerMessage) }
  })
}

/** The group takes so many messages one by one and does not answer. */
async function hold({ address, client }: Run, topic: string, messages: number): Promise<void> {
  let next = 0
  async function holder(): Promise<void> {
    for (let index = next; index < messages; index = next) {
      next += 1
      const invisibleTimeMs = HELD_MS + (index % HELD_SPREAD_MS)
      const header = { ...popHeaderOf({ topic, consumerGroup: topic }), maxMsgNums: 1, invisibleTimeMs }
      const result = await client.pop({ address, brokerName: BROKER_NAME }, header, { timeoutMs: TIMEOUT_MS })
      if (result.kind !== 'found') throw new Error(`${topic}: no message is left to hold`)
    }
  }
  await Promise.all(Array.from({ length: HOLDERS }, holder))
}

/** More and more groups on the broker share the same work: all take from one backlog, in turns. */
async function runGroups(run: Run): Promise<GroupsCost[]> {
  const { size, pid, tell } = run
  const topic = 'bench-groups'
  // Groups begin with a message of each queue.
  await fill(run.peer, backlogOf(size) + QUEUES, (index) => messageOf(topic, QUEUES, index))
  const points: Point[] = []
  const rss: (number | undefined)[] = []
  for (const count of size.groups) {
    tell(`in flight: ${count} groups …`)
    const groups = Array.from({ length: count }, (_, index) => `${topic}-${count}-${index}`)
    await begin(run, topic, groups)
    points.push({ run, topic, groups })
    rss.push(rssMiBOf(pid))
  }
  const costs = await costsOf(points)
  return costs.map((cost, at) => ({ groups: size.groups[at]!, ...cost, rssMiB: rss[at] }))
}

/** Each group takes one message of each queue, so that it consumes all of them from here on. */
async function begin(run: Run, topic: string, groups: readonly string[]): Promise<void> {
  for (const consumerGroup of groups) {
    const header = { ...popHeaderOf({ topic, consumerGroup }), maxMsgNums: 1 }
    const firsts = Array.from({ length: QUEUES }, (_, queueId) => takeOnce(run, { ...header, queueId }, 1))
    await Promise.all(firsts)
  }
}

/** Consumers make one pop after the other, each for the next group, and acknowledge what comes. */
async function takeInTurns(
  run: Run,
  topic: string,
  groups: readonly string[],
  pops: { readonly from: number; readonly to: number },
): Promise<void> {
  let next = pops.from
  async function consumer(): Promise<void> {
    for (let pop = next; pop < pops.to; pop = next) {
      next += 1
      const consumerGroup = groups[pop % groups.length]!
      await takeOnce(run, popHeaderOf({ topic, consumerGroup }), POP_MESSAGES)
    }
  }
  await Promise.all(Array.from({ length: CONSUMERS }, consumer))
}

/** One pop, and an acknowledgement for each message. Rejects when it gets another number of them. */
async function takeOnce(
  { address, client }: Run,
  header: ReturnType<typeof popHeaderOf>,
  wanted: number,
): Promise<void> {
  const { topic, consumerGroup } = header
  const result = await client.pop({ address, brokerName: BROKER_NAME }, header, { timeoutMs: TIMEOUT_MS })
  const messages = result.kind === 'found' ? result.messages : []
  if (messages.length !== wanted) throw new Error(`${consumerGroup}: ${messages.length} messages came, not ${wanted}`)
  await Promise.all(
    messages.map(({ handle }) => client.ack(address, { consumerGroup, topic, handle }, { timeoutMs: TIMEOUT_MS })),
  )
}

function messageOf(topic: string, queues: number, index: number): BacklogMessage {
  const properties = encodeProperties([
    [PropertyName.UNIQ_KEY, uniqueKeyOf(index)],
    [PropertyName.WAIT, 'true'],
  ])
  return { place: { topic, queueId: index % queues, properties }, body: BODY }
}
