// What a filter costs a broker: a backlog of which one message in a hundred is wanted, popped by groups that nobody else is
// in. Judged is the CPU time of the broker per message that it looked at, answers to the pops included.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { decodeRecords, encodeProperties } from '@rocketmq-ts/model'
import { type Peer, PopInitMode, PopMessage, ResponseCode } from '@rocketmq-ts/remoting'
import { connectPeers, sendByPeer } from '../load/remoting-calls.ts'
import { prepareBroker } from '../servers/broker-alone.ts'
import { busyShareOfOthers } from '../servers/others.ts'
import { cpuCostOf } from '../servers/usage.ts'

/** One message in so many is wanted. */
export const ONE_IN = 100
const TOPIC = 'bench-filter'
const QUEUES = 8
const BODY_BYTES = 1024
const SENDS_UNDER_WAY = 64
const POP_MESSAGES = 32
const INVISIBLE_MS = 600_000
const POLL_MS = 1000
const TIMEOUT_MS = 30_000
const US_PER_SECOND = 1_000_000

const FILTERS = {
  tag: { expType: 'TAG', exp: 'rare' },
  sql: { expType: 'SQL92', exp: `price >= ${ONE_IN - 1} AND region IN ('eu', 'us')` },
} as const
export type FilterKind = keyof typeof FILTERS

export interface FilterSpeed {
  readonly kind: FilterKind
  readonly expression: string
  /** Looked at in each run. */
  readonly messages: number
  /** Of each run; undefined where the platform does not tell. The median is judged. */
  readonly cpuUsPerMessage: readonly (number | undefined)[]
  /** Messages per second of CPU time. */
  readonly perCpuSecond: number | undefined
}

export interface FilterFigures {
  readonly othersShare: number
  readonly speeds: readonly FilterSpeed[]
}

export interface FilterSize {
  readonly messages: number
  /** Measured runs, after one to warm up. */
  readonly repeats: number
  readonly probeMs: number
}

export const FILTER_FULL: FilterSize = { messages: 150_000, repeats: 5, probeMs: 400 }
export const FILTER_QUICK: FilterSize = { messages: 1000, repeats: 1, probeMs: 10 }

/** Runs both. Rejects when a message is missing; slow is no reason to. */
export async function runFilterBench(options: {
  readonly bundles: string
  readonly folder: string
  readonly cores: string | undefined
  readonly size: FilterSize
  readonly tell: (line: string) => void
}): Promise<FilterFigures> {
  const { bundles, folder, cores, size, tell } = options
  mkdirSync(folder, { recursive: true })
  const broker = await prepareBroker({ bundles, folder, store: join(folder, 'store'), cores })
  try {
    const othersBefore = await busyShareOfOthers(size.probeMs)
    const server = await broker.start()
    const peers = await connectPeers(broker.address, 1)
    const peer = peers[0]!
    tell(`filters: ${size.messages} messages …`)
    await fill(peer, size.messages)
    const speeds: FilterSpeed[] = []
    for (const kind of ['tag', 'sql'] as const) {
      tell(`filters: ${kind} …`)
      const { messages, repeats } = size
      const { each: cpuUsPerMessage, median } = await cpuCostOf(server.pid, { repeats, units: messages }, (run) =>
        drain(peer, kind, run, Math.floor(messages / ONE_IN)),
      )
      const perCpuSecond = median === undefined ? undefined : US_PER_SECOND / median
      speeds.push({ kind, expression: FILTERS[kind].exp, messages, cpuUsPerMessage, perCpuSecond })
    }
    peer.close()
    await server.stop()
    return { othersShare: Math.max(othersBefore, await busyShareOfOthers(size.probeMs)), speeds }
  } finally {
    await broker.stop()
  }
}

async function fill(peer: Peer, messages: number): Promise<void> {
  const body = Buffer.alloc(BODY_BYTES, 0x78)
  let next = 0
  let stored = 0
  async function slot(): Promise<void> {
    for (let index = next; index < messages; index = next) {
      next += 1
      const place = { topic: TOPIC, queueId: index % QUEUES, properties: propertiesOf(index) }
      if (await sendByPeer(peer, place, body)) stored += 1
    }
  }
  await Promise.all(Array.from({ length: SENDS_UNDER_WAY }, slot))
  if (stored !== messages) throw new Error(`${stored} of ${messages} messages were stored`)
}

function propertiesOf(index: number): string {
  const price = index % ONE_IN
  return encodeProperties([
    ['UNIQ_KEY', `01A1B2C3D4E5F60123456789AB${String(index).padStart(10, '0')}`],
    ['KEYS', `order-${index}`],
    ['region', index % 2 === 0 ? 'eu' : 'us'],
    ['price', String(price)],
    ['WAIT', 'true'],
    ['TAGS', price === ONE_IN - 1 ? 'rare' : 'common'],
  ])
}

/** Pops until a new group has everything that it wants. */
async function drain(peer: Peer, kind: FilterKind, run: number, wanted: number): Promise<void> {
  const header = {
    ...FILTERS[kind],
    consumerGroup: `bench-filter-${kind}-${run}`,
    topic: TOPIC,
    queueId: -1,
    maxMsgNums: POP_MESSAGES,
    invisibleTimeMs: INVISIBLE_MS,
    pollTimeMs: POLL_MS,
    bornTimeMs: 0,
    initMode: PopInitMode.MIN,
  }
  let got = 0
  while (got < wanted) {
    const { code, body, remark } = await peer.request(PopMessage, header, { timeoutMs: TIMEOUT_MS })
    if (code !== ResponseCode.SUCCESS || body === undefined) {
      throw new Error(`${got} of ${wanted} messages for ${header.exp}, then ${code} ${remark ?? ''}`)
    }
    got += decodeRecords(body).length
  }
}
