// The send of a 4.x client over our own remoting peers.
import { createNodeNetwork, nodeClock, nodeScheduler } from '@rocketmq-ts/runtime/node'
import { connectPeer, ResponseCode, SendMessageV2, type Peer, type SendMessageHeader } from '@rocketmq-ts/remoting'
import type { Caller } from './load.ts'

const TIMEOUT_MS = 10_000
const PROPERTIES = 'UNIQ_KEY\u000101A1B2C3D4E5F60123456789ABCDEF0123\u0002WAIT\u0001true\u0002TAGS\u0001bench\u0002'

export async function connectPeers(address: string, connections: number): Promise<Peer[]> {
  const options = { clock: nodeClock, scheduler: nodeScheduler }
  const network = createNodeNetwork()
  return Promise.all(Array.from({ length: connections }, () => connectPeer(network, address, options)))
}

/** SEND_MESSAGE_V2, spread over the peers by slot. */
export function remotingSender(peers: readonly Peer[], topic: string, body: Uint8Array): Caller {
  const header: SendMessageHeader = {
    producerGroup: 'bench',
    topic,
    defaultTopic: 'TBW102',
    defaultTopicQueueNums: 8,
    queueId: -1,
    sysFlag: 0,
    bornTimestampMs: nodeClock.nowMs(),
    flag: 0,
    properties: PROPERTIES,
    reconsumeTimes: 0,
    unitMode: false,
    batch: false,
  }
  return (slot, done) => {
    const peer = peers[slot % peers.length]
    peer?.request(SendMessageV2, header, { body, timeoutMs: TIMEOUT_MS }).then(
      ({ code }) => done(code === ResponseCode.SUCCESS),
      () => done(false),
    )
  }
}
