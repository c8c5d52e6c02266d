// The send of a 4.x client over our own remoting peers.
import { createNodeNetwork, nodeClock, nodeScheduler } from '@rocketmq-ts/runtime/node'
import { connectPeer, ResponseCode, SendMessageV2, type Peer, type SendMessageHeader } from '@rocketmq-ts/remoting'
import type { Caller } from './load.ts'

const TIMEOUT_MS = 10_000
const BORN_MS = nodeClock.nowMs()
const PROPERTIES = 'UNIQ_KEY\u000101A1B2C3D4E5F60123456789ABCDEF0123\u0002WAIT\u0001true\u0002TAGS\u0001bench\u0002'

export async function connectPeers(address: string, connections: number): Promise<Peer[]> {
  const options = { clock: nodeClock, scheduler: nodeScheduler }
  const network = createNodeNetwork()
  return Promise.all(Array.from({ length: connections }, () => connectPeer(network, address, options)))
}

/** Where a message goes; −1 leaves the queue to the broker. */
export interface SendPlace {
  readonly topic: string
  readonly queueId: number
  /** In their stored form; those of a plain message without it. */
  readonly properties?: string
}

/** One SEND_MESSAGE_V2; true when it was stored. */
export async function sendByPeer(peer: Peer, place: SendPlace, body: Uint8Array): Promise<boolean> {
  const { topic, queueId, properties = PROPERTIES } = place
  const header: SendMessageHeader = {
    producerGroup: 'bench',
    topic,
    defaultTopic: 'TBW102',
    defaultTopicQueueNums: 8,
    queueId,
    sysFlag: 0,
    bornTimestampMs: BORN_MS,
    flag: 0,
    properties,
    reconsumeTimes: 0,
    unitMode: false,
    batch: false,
  }
  const { code } = await peer.request(SendMessageV2, header, { body, timeoutMs: TIMEOUT_MS })
  return code === ResponseCode.SUCCESS
}

/** Spread over the peers by slot. */
export function remotingSender(peers: readonly Peer[], topic: string, body: Uint8Array): Caller {
  const place = { topic, queueId: -1 }
  return (slot, done) => {
    const peer = peers[slot % peers.length]
    if (peer === undefined) return
    sendByPeer(peer, place, body).then(done, () => done(false))
  }
}
