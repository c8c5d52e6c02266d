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
import { cpuCostOf, meanOfKnown, rssMiBOf } from '../servers/usage.ts'

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
  const { size, tell } = options
  function measure<Figures>(name: string, work: (run: Run) => Promise<Figures>) {
    const own = { ...options, folder: join(options.folder, name) }
    return measureBroker(own, async ({ server: { pid }, address, client, peer }) => {
      const run: Run = { size, pid, address, client, peer, tell }
      await warmUp(run)
      const rssBeforeMiB = rssMiBOf(pid)
      return { rssBeforeMiB, ...(await work(run)) }
    })
  }
  // A broker for each curve: what is held for the one would be a load beside the other.
  const held = await measure('entries', async (run) => ({ entries: await runEntries(run) }))
  const shared = await measure('groups', async (run) => ({ groups: await runGroups(run) }))
  const othersShare = Math.max(held.othersShare, shared.othersShare)
  return { ...held, groups: shared.groups, messages: size.messages, othersShare }
}

/** What is measured, some times before that: the first runs of new code are the dearest. */
async function warmUp(run: Run): Promise<void> {
  const { messages } = run.size
  const topic = 'bench-in-flight-warm-up'
  await fill(run.peer, messages, (index) => messageOf(topic, QUEUES, index))
  const pops = { from: 0, to: messages / POP_MESSAGES }
  for (let number = 0; number < WARM_UP_RUNS; number += 1) await takeInTurns(run, topic, [`${topic}-${number}`], pops)
}

/** One group, that holds more and more and goes on to receive and to acknowledge. */
async function runEntries(run: Run): Promise<EntriesCost[]> {
  const { size, pid, address, client, tell } = run
  const topic = 'bench-in-flight'
  const queues = { readQueueNums: HELD_QUEUES, writeQueueNums: HELD_QUEUES }
  await client.createTopic(address, topicConfig(topic, queues), { timeoutMs: TIMEOUT_MS })
  const costs: EntriesCost[] = []
  let held = 0
  for (const entries of size.entries) {
    tell(`in flight: ${entries} entries …`)
    const added = entries - held
    held = entries
    await fill(run.peer, added + backlogOf(size), (index) => messageOf(topic, HELD_QUEUES, index))
    await hold(run, topic, added)
    const cost = await costOf(run, topic, [topic])
    costs.push({ entries, ...cost, rssMiB: rssMiBOf(pid) })
  }
  return costs
}

/** Of all runs with one number. */
function backlogOf({ messages, repeats }: InFlightSize): number {
  return messages * (repeats + 1)
}

/** What the groups together pay to receive and to acknowledge the messages of a run. */
async function costOf(run: Run, topic: string, groups: readonly string[]): Promise<Omit<Cost, 'rssMiB'>> {
  const { messages, repeats } = run.size
  const pops = messages / POP_MESSAGES
  const { each } = await cpuCostOf(run.pid, { repeats, units: messages }, (number) =>
    takeInTurns(run, topic, groups, { from: number * pops, to: (number + 1) * pops }),
  )
  return { cpuUsPerMessage: each, cpuUs: meanOfKnown(each) }
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
  const costs: GroupsCost[] = []
  for (const groups of size.groups) {
    tell(`in flight: ${groups} groups …`)
    const names = Array.from({ length: groups }, (_, index) => `${topic}-${groups}-${index}`)
    await begin(run, topic, names)
    costs.push({ groups, ...(await costOf(run, topic, names)), rssMiB: rssMiBOf(pid) })
  }
  return costs
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
