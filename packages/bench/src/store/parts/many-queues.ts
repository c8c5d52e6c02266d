// Memory of a broker with thousands of queues that hold a few messages each.
import { createBrokerClient, createPeerSource } from '@rocketmq-ts/cluster-client'
import { topicConfig } from '@rocketmq-ts/model'
import { connectPeer } from '@rocketmq-ts/remoting'
import { createNodeNetwork, nodeClock, nodeScheduler } from '@rocketmq-ts/runtime/node'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { connectPeers, sendByPeer } from '../../load/remoting-calls.ts'
import { prepareBroker } from '../../servers/broker-alone.ts'
import { rssBytesOf } from '../../servers/usage.ts'
import type { ManyQueuesFigures } from '../figures.ts'
import type { ServerContext } from '../store-bench.ts'

const MIB = 1024 * 1024
const BODY_BYTES = 128
const CONNECTIONS = 4
const DEPTH = 16

export async function measureManyQueues(
  plan: { readonly topics: number; readonly queuesPerTopic: number },
  { bundles, folder, cores, size }: ServerContext,
): Promise<ManyQueuesFigures> {
  const own = join(folder, `queues-${plan.topics}`)
  mkdirSync(own)
  const broker = await prepareBroker({ bundles, folder: own, store: join(own, 'store'), cores })
  try {
    const first = await broker.start()
    await createTopics(broker.address, plan)
    const messages = await sendToEach(broker.address, plan, size.messagesPerQueue)
    await sleep(size.settleMs)
    const rss = rssBytesOf(first.pid)
    await first.stop()
    const again = await broker.start()
    await sleep(size.settleMs)
    const restartedRss = rssBytesOf(again.pid)
    await again.kill()
    const last = await broker.start()
    await sleep(size.settleMs)
    const killedRss = rssBytesOf(last.pid)
    await last.stop()
    return {
      ...plan,
      messages,
      rssMib: mibOf(rss),
      restartedRssMib: mibOf(restartedRss),
      killedRssMib: mibOf(killedRss),
    }
  } finally {
    await broker.stop()
  }
}

function mibOf(bytes: number | undefined): number | undefined {
  return bytes === undefined ? undefined : bytes / MIB
}

function topicName(index: number): string {
  return `bench-queues-${index}`
}

async function createTopics(
  address: string,
  { topics, queuesPerTopic }: { readonly topics: number; readonly queuesPerTopic: number },
): Promise<void> {
  const network = createNodeNetwork()
  const options = { clock: nodeClock, scheduler: nodeScheduler }
  const peers = createPeerSource({ clock: nodeClock, connect: (to) => connectPeer(network, to, options) })
  try {
    const client = createBrokerClient({ peers })
    for (let index = 0; index < topics; index += 1) {
      const queues = { readQueueNums: queuesPerTopic, writeQueueNums: queuesPerTopic }
      await client.createTopic(address, topicConfig(topicName(index), queues))
    }
  } finally {
    peers.close()
  }
}

async function sendToEach(
  address: string,
  { topics, queuesPerTopic }: { readonly topics: number; readonly queuesPerTopic: number },
  perQueue: number,
): Promise<number> {
  const body = Buffer.alloc(BODY_BYTES, 0x78)
  const peers = await connectPeers(address, CONNECTIONS)
  const total = topics * queuesPerTopic * perQueue
  let next = 0
  let stored = 0
  const slots = Array.from({ length: CONNECTIONS * DEPTH }, async (_, slot) => {
    for (let index = next; index < total; index = next) {
      next += 1
      const place = { topic: topicName(index % topics), queueId: Math.floor(index / topics) % queuesPerTopic }
      if (await sendByPeer(peers[slot % CONNECTIONS]!, place, body)) stored += 1
    }
  })
  await Promise.all(slots)
  for (const peer of peers) peer.close()
  if (stored !== total) throw new Error(`${stored} of ${total} messages were stored`)
  return stored
}
