// The other brokers of a cluster, as one that joins it needs them: who they are, and what they hold.
import type { BrokerClient, NameServerClient } from '@rocketmq-ts/cluster-client'
import type { ClusterInfo, SubscriptionGroupConfig, TopicConfig } from '@rocketmq-ts/model'

/** All topics and groups of one broker, those of the system too. */
export interface PeerSettings {
  readonly topics: readonly TopicConfig[]
  readonly groups: readonly SubscriptionGroupConfig[]
}

export interface ClusterPeers {
  /** Who is registered. Rejects with MqError when no nameserver answers. */
  clusterInfo(): Promise<ClusterInfo>
  /** What the broker at the address holds, read page by page. Rejects with MqError when it can not be had. */
  settings(address: string): Promise<PeerSettings>
}

/**
 * The peers that any nameserver names, asked over remoting. Each nameserver is asked: one that has just started knows
 * nobody yet.
 */
export function createClusterPeers(
  nameServers: readonly Pick<NameServerClient, 'clusterInfo'>[],
  brokers: Pick<BrokerClient, 'topicConfigs' | 'subscriptionGroups'>,
): ClusterPeers {
  return {
    async clusterInfo() {
      const results = await Promise.allSettled(nameServers.map((nameServer) => nameServer.clusterInfo()))
      const infos = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
      const [failed] = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []))
      if (infos.length === 0) throw failed
      return {
        brokerAddrTable: new Map(infos.flatMap(({ brokerAddrTable }) => [...brokerAddrTable])),
        clusterAddrTable: new Map(infos.flatMap(({ clusterAddrTable }) => [...clusterAddrTable])),
      }
    },
    async settings(address) {
      const [topics, groups] = await Promise.all([brokers.topicConfigs(address), brokers.subscriptionGroups(address)])
      return { topics, groups }
    },
  }
}
