import type { NameServerClient } from '@rocketmq-ts/cluster-client'
import type { DataVersion, TopicConfig } from '@rocketmq-ts/model'

/** Who a broker is. */
export interface BrokerIdentity {
  readonly clusterName: string
  readonly brokerName: string
  readonly brokerId: number
  /** 'host:port' that routes name. */
  readonly brokerAddr: string
}

/** What one registration tells. */
export interface BrokerRegistrationRequest extends BrokerIdentity {
  readonly topics: readonly TopicConfig[]
  readonly dataVersion: DataVersion
}

/** Result at one nameserver. */
export interface RegisterOutcome {
  readonly nameServer: string
  readonly error: Error | undefined
}

/** All nameservers of the cluster, as a broker needs them. */
export interface NameServers {
  /** Tells every nameserver; one outcome for each. Never rejects. */
  register(request: BrokerRegistrationRequest): Promise<readonly RegisterOutcome[]>
  /** Takes leave of every nameserver, as far as they can be reached. Never rejects. */
  unregister(identity: BrokerIdentity): Promise<void>
}

/** The nameservers behind a client. `haServerAddr` is what slaves would follow; it is the broker's own address until then. */
export function createNameServers(client: NameServerClient): NameServers {
  return {
    async register({ clusterName, brokerName, brokerId, brokerAddr, topics, dataVersion }) {
      const topicConfigTable = new Map(topics.map((config) => [config.topicName, config]))
      const results = await client.registerBroker({
        clusterName,
        brokerName,
        brokerId,
        brokerAddr,
        haServerAddr: brokerAddr,
        body: { dataVersion, topicConfigTable, filterServerList: [] },
      })
      return results.map((result) => ({
        nameServer: result.address,
        error: result.kind === 'failed' ? result.error : undefined,
      }))
    },
    async unregister(identity) {
      // Results are of no use to a broker that goes: nameservers that did not hear it forget it when it falls silent.
      await client.unregisterBroker(identity)
    },
  }
}
