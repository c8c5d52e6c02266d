// What a broker without topics takes over from its peers. Pure, and the same whatever order they answer in: a topic gets
// the most queues that any of them has, and all else from the one whose name comes first.
import {
  type ClusterInfo,
  isInherited,
  isReadable,
  isSystemGroup,
  isSystemTopic,
  isWritable,
  MASTER_ID,
  Perm,
  type SubscriptionGroupConfig,
  type TopicConfig,
} from '@rocketmq-ts/model'
import type { PeerSettings } from './cluster-peers.ts'

/** A master of the cluster. */
export interface Peer {
  readonly brokerName: string
  /** 'host:port' */
  readonly address: string
}

/** What a peer answered. */
export interface PeerAnswer extends PeerSettings {
  readonly brokerName: string
}

/** The masters of the cluster except `own`, a broker name, in the order of their names. */
export function peersOf({ brokerAddrTable }: ClusterInfo, cluster: string, own: string): Peer[] {
  const peers: Peer[] = []
  for (const broker of brokerAddrTable.values()) {
    const address = broker.brokerAddrs.get(MASTER_ID)
    if (broker.cluster !== cluster || broker.brokerName === own || address === undefined) continue
    peers.push({ brokerName: broker.brokerName, address })
  }
  return peers.sort(byBrokerName)
}

/**
 * Topics and groups of users, each once. Those of the system every broker makes by itself; retry and dead-letter topics
 * (and all others of a name with '%') it makes when a group needs them, in the size that the group says.
 */
export function mergeSettings(answers: readonly PeerAnswer[], { brokerAddrTable }: ClusterInfo): PeerSettings {
  const inOrder = answers.toSorted(byBrokerName)
  const reserved = new Set<string>()
  for (const { cluster, brokerName } of brokerAddrTable.values()) {
    // Java: TopicConfigManager makes a topic after the cluster, one after the broker, and one for replies.
    for (const name of [cluster, brokerName, `${cluster}_REPLY_TOPIC`]) reserved.add(name)
  }
  const topics = new Map<string, TopicConfig>()
  const groups = new Map<string, SubscriptionGroupConfig>()
  for (const answer of inOrder) {
    const ofUsers = answer.topics.filter((config) => !isReserved(config, reserved))
    const isDrained = ofUsers.every(({ perm }) => !isWritable(perm))
    for (const config of ofUsers) {
      const taken = isDrained ? writable(config) : config
      topics.set(config.topicName, widened(topics.get(config.topicName), taken))
    }
    for (const config of answer.groups) {
      if (!isSystemGroup(config.groupName) && !groups.has(config.groupName)) groups.set(config.groupName, config)
    }
  }
  return { topics: [...topics.values()], groups: [...groups.values()] }
}

function isReserved({ topicName, perm }: TopicConfig, reserved: ReadonlySet<string>): boolean {
  return isSystemTopic(topicName) || topicName.startsWith('%') || reserved.has(topicName) || isInherited(perm)
}

/** A broker whose topics are all for reading is being drained, which is no affair of its successor. */
function writable(config: TopicConfig): TopicConfig {
  return isReadable(config.perm) ? { ...config, perm: config.perm | Perm.WRITE } : config
}

function widened(known: TopicConfig | undefined, config: TopicConfig): TopicConfig {
  if (known === undefined) return config
  return {
    ...known,
    readQueueNums: Math.max(known.readQueueNums, config.readQueueNums),
    writeQueueNums: Math.max(known.writeQueueNums, config.writeQueueNums),
    perm: known.perm | config.perm,
  }
}

function byBrokerName(left: { readonly brokerName: string }, right: { readonly brokerName: string }): number {
  return left.brokerName < right.brokerName ? -1 : 1
}
