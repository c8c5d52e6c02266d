// What a filter costs a broker: a backlog of which one message in a hundred is wanted, popped by groups that nobody else is
// in. Judged is the CPU time of the broker per message that it looked at, answers to the pops included.
import { decodeRecords, encodeProperties, PropertyName } from '@rocketmq-ts/model'
import { type Peer, PopMessage, ResponseCode } from '@rocketmq-ts/remoting'
import { type BacklogMessage, fill, popHeaderOf, QUEUES, TIMEOUT_MS, uniqueKeyOf } from '../load/backlog.ts'
import { type BrokerBenchOptions, measureBroker } from '../servers/measured-broker.ts'
import { cpuCostOf } from '../servers/usage.ts'

/** One message in so many is wanted. */
export const ONE_IN = 100
const TOPIC = 'bench-filter'
const BODY = Buffer.alloc(1024, 0x78)
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
export async function runFilterBench(options: BrokerBenchOptions<FilterSize>): Promise<FilterFigures> {
  const { tell } = options
  const { messages, repeats } = options.size
  return measureBroker(options, async ({ server, peer }) => {
    tell(`filters: ${messages} messages …`)
    await fill(peer, messages, messageOf)
    const speeds: FilterSpeed[] = []
    for (const kind of ['tag', 'sql'] as const) {
      tell(`filters: ${kind} …`)
      const { each: cpuUsPerMessage, median } = await cpuCostOf(server.pid, { repeats, units: messages }, (run) =>
        popWanted(peer, kind, run, Math.floor(messages / ONE_IN)),
      )
      const perCpuSecond = median === undefined ? undefined : US_PER_SECOND / median
      speeds.push({ kind, expression: FILTERS[kind].exp, messages, cpuUsPerMessage, perCpuSecond })
    }
    return { speeds }
  })
}

function messageOf(index: number): BacklogMessage {
  const price = index % ONE_IN
  const properties = encodeProperties([
    [PropertyName.UNIQ_KEY, uniqueKeyOf(index)],
    [PropertyName.KEYS, `order-${index}`],
    ['region', index % 2 === 0 ? 'eu' : 'us'],
    ['price', String(price)],
    [PropertyName.WAIT, 'true'],
    [PropertyName.TAGS, price === ONE_IN - 1 ? 'rare' : 'common'],
  ])
  return { place: { topic: TOPIC, queueId: index % QUEUES, properties }, body: BODY }
}

/** Pops until a new group has everything that it wants. */
async function popWanted(peer: Peer, kind: FilterKind, run: number, wanted: number): Promise<void> {
  const consumerGroup = `bench-filter-${kind}-${run}`
  const header = popHeaderOf({ topic: TOPIC, consumerGroup }, FILTERS[kind])
  let got = 0
  while (got < wanted) {
    const { code, body, remark } = await peer.request(PopMessage, header, { timeoutMs: TIMEOUT_MS })
    if (code !== ResponseCode.SUCCESS || body === undefined) {
      throw new Error(`${got} of ${wanted} messages for ${header.exp}, then ${code} ${remark ?? ''}`)
    }
    got += decodeRecords(body).length
  }
}
