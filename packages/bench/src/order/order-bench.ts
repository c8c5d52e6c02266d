// What order by message group costs a broker: the same backlog in one message group, in some, and in as many as there are
// messages, taken by several consumers. Judged is that the CPU time per message, pop and ack together, does not grow.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type BrokerClient, createBrokerClient, createPeerSource } from '@rocketmq-ts/cluster-client'
import { encodeProperties, ORDER_UNIT_ATTRIBUTE, PropertyName, subscriptionGroupConfig } from '@rocketmq-ts/model'
import { connectPeer, PopInitMode } from '@rocketmq-ts/remoting'
import { createNodeNetwork, nodeClock, nodeScheduler } from '@rocketmq-ts/runtime/node'
import { connectPeers, sendByPeer } from '../load/remoting-calls.ts'
import { prepareBroker } from '../servers/broker-alone.ts'
import { busyShareOfOthers } from '../servers/others.ts'
import { cpuCostOf } from '../servers/usage.ts'

const QUEUES = 8
const BODY_BYTES = 256
const SENDS_UNDER_WAY = 64
const CONSUMERS = 8
const POP_MESSAGES = 32
const INVISIBLE_MS = 600_000
const POLL_MS = 500
const TIMEOUT_MS = 30_000
const BROKER_NAME = 'broker-a'

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
export async function runOrderBench(options: {
  readonly bundles: string
  readonly folder: string
  readonly cores: string | undefined
  readonly size: OrderSize
  readonly tell: (line: string) => void
}): Promise<OrderFigures> {
  const { bundles, folder, cores, size, tell } = options
  mkdirSync(folder, { recursive: true })
  const broker = await prepareBroker({ bundles, folder, store: join(folder, 'store'), cores })
  const network = createNodeNetwork()
  const remoting = { clock: nodeClock, scheduler: nodeScheduler }
  const peers = createPeerSource({ clock: nodeClock, connect: (to) => connectPeer(network, to, remoting) })
  try {
    const othersBefore = await busyShareOfOthers(size.probeMs)
    const server = await broker.start()
    const client = createBrokerClient({ peers })
    const costs: OrderCost[] = []
    for (const messageGroups of size.messageGroups) {
      tell(`order: ${size.messages} messages in ${messageGroups} message groups …`)
      const topic = `bench-order-${messageGroups}`
      await fill(broker.address, topic, { messages: size.messages, messageGroups })
      const { messages, repeats } = size
      const cost = await cpuCostOf(server.pid, { repeats, units: messages }, async (run) => {
        const group = `${topic}-${run}`
        await createGroup(client, broker.address, group)
        await drain(client, { address: broker.address, topic, group, messages, messageGroups })
      })
      costs.push({ messageGroups, cpuUsPerMessage: cost.each, cpuUs: cost.median })
    }
    await server.stop()
    const othersShare = Math.max(othersBefore, await busyShareOfOthers(size.probeMs))
    return { othersShare, messages: size.messages, costs }
  } finally {
    peers.close()
    await broker.stop()
  }
}

interface Backlog {
  readonly messages: number
  readonly messageGroups: number
}

/** Message `index` is of group index mod groups, and says so; a group lies in one queue. */
async function fill(address: string, topic: string, { messages, messageGroups }: Backlog): Promise<void> {
  const [peer] = await connectPeers(address, 1)
  let next = 0
  let stored = 0
  async function slot(): Promise<void> {
    for (let index = next; index < messages; index = next) {
      next += 1
      const messageGroup = index % messageGroups
      const properties = encodeProperties([
        ['UNIQ_KEY', `01A1B2C3D4E5F60123456789AB${String(index).padStart(10, '0')}`],
        [PropertyName.SHARDING_KEY, `order-${messageGroup}`],
        ['WAIT', 'true'],
      ])
      const body = Buffer.alloc(BODY_BYTES)
      body.writeUInt32BE(index)
      if (await sendByPeer(peer!, { topic, queueId: messageGroup % QUEUES, properties }, body)) stored += 1
    }
  }
  await Promise.all(Array.from({ length: SENDS_UNDER_WAY }, slot))
  peer!.close()
  if (stored !== messages) throw new Error(`${stored} of ${messages} messages were stored`)
}

async function createGroup(client: BrokerClient, address: string, group: string): Promise<void> {
  const attributes = new Map([[ORDER_UNIT_ATTRIBUTE, 'MESSAGE_GROUP']])
  const config = subscriptionGroupConfig(group, { consumeMessageOrderly: true, attributes })
  await client.createSubscriptionGroup(address, config, { timeoutMs: TIMEOUT_MS })
}

/** Several consumers take and settle everything. */
async function drain(
  client: BrokerClient,
  { address, topic, group, messages, messageGroups }: Backlog & { address: string; topic: string; group: string },
): Promise<void> {
  const header = {
    consumerGroup: group,
    topic,
    queueId: -1,
    maxMsgNums: POP_MESSAGES,
    invisibleTimeMs: INVISIBLE_MS,
    pollTimeMs: POLL_MS,
    bornTimeMs: 0,
    initMode: PopInitMode.MIN,
    expType: 'TAG',
    exp: '*',
  }
  const lastOf = new Float64Array(messageGroups).fill(-1)
  let settled = 0
  async function consumer(): Promise<void> {
    while (settled < messages) {
      const result = await client.pop({ address, brokerName: BROKER_NAME }, header, { timeoutMs: TIMEOUT_MS })
      if (result.kind !== 'found') continue
      await Promise.all(
        result.messages.map(async ({ record, handle }) => {
          const index = Buffer.from(record.body).readUInt32BE()
          const messageGroup = index % messageGroups
          if (lastOf[messageGroup]! >= index) throw new Error(`message ${index} came behind ${lastOf[messageGroup]}`)
          lastOf[messageGroup] = index
          await client.ack(address, { consumerGroup: group, topic, handle }, { timeoutMs: TIMEOUT_MS })
          settled += 1
        }),
      )
    }
  }
  await Promise.all(Array.from({ length: CONSUMERS }, consumer))
  if (settled !== messages) throw new Error(`${settled} messages were settled, ${messages} were sent`)
}
