// What order by message group costs a broker: the same backlog in one message group, in some, and in as many as there are
// messages, taken by several consumers. Judged is that the CPU time per message, pop and ack together, does not grow.
import type { BrokerClient } from '@rocketmq-ts/cluster-client'
import { encodeProperties, ORDER_UNIT_ATTRIBUTE, PropertyName, subscriptionGroupConfig } from '@rocketmq-ts/model'
import { type BacklogMessage, drain, fill, QUEUES, TIMEOUT_MS, uniqueKeyOf } from '../load/backlog.ts'
import { type BrokerBenchOptions, measureBroker } from '../servers/measured-broker.ts'
import { cpuCostOf } from '../servers/usage.ts'

const BODY_BYTES = 256
const CONSUMERS = 8

export interface OrderCost {
  readonly messageGroups: number
  /** Of each run; undefined where the platform does not tell. */
  readonly cpuUsPerMessage: readonly (number | undefined)[]
  /** The median of the runs. */
  readonly cpuUs: number | undefined
}

export interface OrderFigures {
  readonly othersShare: number
  /** In each run. */
  readonly messages: number
  /** Ascending by message groups. */
  readonly costs: readonly OrderCost[]
}

export interface OrderSize {
  readonly messages: number
  readonly messageGroups: readonly number[]
  /** Measured runs, after one to warm up. */
  readonly repeats: number
  readonly probeMs: number
}

export const ORDER_FULL: OrderSize = {
  messages: 100_000,
  messageGroups: [1, 1000, 100_000],
  repeats: 3,
  probeMs: 400,
}
export const ORDER_QUICK: OrderSize = { messages: 200, messageGroups: [1, 200], repeats: 1, probeMs: 10 }

/** Runs it. Rejects when a message is missing, comes twice or out of its order; slow is no reason to. */
export async function runOrderBench(options: BrokerBenchOptions<OrderSize>): Promise<OrderFigures> {
  const { messages, repeats, messageGroups: counts } = options.size
  return measureBroker(options, async ({ address, server, client, peer }) => {
    const costs: OrderCost[] = []
    for (const messageGroups of counts) {
      options.tell(`order: ${messages} messages in ${messageGroups} message groups …`)
      const topic = `bench-order-${messageGroups}`
      await fill(peer, messages, (index) => messageOf(topic, index, messageGroups))
      const consume = async (consumerGroup: string): Promise<void> => {
        await createGroup(client, address, consumerGroup)
        const all = { address, topic, consumerGroup, messages, consumers: CONSUMERS }
        await drain(client, all, inOrder(messageGroups))
      }
      // Code that is not compiled yet would make the first point the dearest.
      await consume(`${topic}-warm-up`)
      const cost = await cpuCostOf(server.pid, { repeats, units: messages }, (run) => consume(`${topic}-${run}`))
      costs.push({ messageGroups, cpuUsPerMessage: cost.each, cpuUs: cost.median })
    }
    return { messages, costs }
  })
}

/** Message `index` is of group index mod groups, and says so; a group lies in one queue. */
function messageOf(topic: string, index: number, messageGroups: number): BacklogMessage {
  const messageGroup = index % messageGroups
  const properties = encodeProperties([
    [PropertyName.UNIQ_KEY, uniqueKeyOf(index)],
    [PropertyName.SHARDING_KEY, `order-${messageGroup}`],
    [PropertyName.WAIT, 'true'],
  ])
  const body = Buffer.alloc(BODY_BYTES)
  body.writeUInt32BE(index)
  return { place: { topic, queueId: messageGroup % QUEUES, properties }, body }
}

async function createGroup(client: BrokerClient, address: string, group: string): Promise<void> {
  const attributes = new Map([[ORDER_UNIT_ATTRIBUTE, 'MESSAGE_GROUP']])
  const config = subscriptionGroupConfig(group, { consumeMessageOrderly: true, attributes })
  await client.createSubscriptionGroup(address, config, { timeoutMs: TIMEOUT_MS })
}

/** Throws for a message that comes again, or behind a later one of its message group. */
function inOrder(messageGroups: number): (record: { readonly body: Uint8Array }) => void {
  const lastOf = new Float64Array(messageGroups).fill(-1)
  return ({ body }) => {
    const index = Buffer.from(body).readUInt32BE()
    const messageGroup = index % messageGroups
    if (lastOf[messageGroup]! >= index) throw new Error(`message ${index} came behind ${lastOf[messageGroup]}`)
    lastOf[messageGroup] = index
  }
}
