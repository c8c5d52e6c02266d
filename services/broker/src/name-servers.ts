import type { NameServerClient } from '@rocketmq-ts/cluster-client'
import type { DataVersion, TopicConfig } from '@rocketmq-ts/model'
import type { Scheduler } from '@rocketmq-ts/runtime'

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
  /** These are not all topics, only those that changed. */
  readonly isIncremental: boolean
}

/** All nameservers of the cluster, as a broker needs them. */
export interface NameServers {
  /** 'host:port' of each. */
  readonly addresses: readonly string[]
  /**
   * Tells one of them. Rejects with MqError when it does not take it. `onLost` is called when the connection ends: the
   * nameserver has forgotten the broker then.
   */
  register(nameServer: string, request: BrokerRegistrationRequest, onLost: () => void): Promise<void>
  /** Takes leave of every nameserver, as far as they can be reached. Never rejects. */
  unregister(identity: BrokerIdentity): Promise<void>
}

/** The nameservers behind a client. `haServerAddr` is what slaves would follow; it is the broker's own address until then. */
export function createNameServers(client: NameServerClient): NameServers {
  return {
    addresses: client.addresses,
    async register(nameServer, { topics, dataVersion, isIncremental, ...broker }, onLost) {
      const { clusterName, brokerName, brokerId, brokerAddr } = broker
      const topicConfigTable = new Map(topics.map((config) => [config.topicName, config]))
      const body = { dataVersion, topicConfigTable, filterServerList: [] }
      const identity = { clusterName, brokerName, brokerId, brokerAddr, haServerAddr: brokerAddr, isIncremental }
      await client.registerBroker(nameServer, { ...identity, body }, onLost)
    },
    async unregister(identity) {
      // Results are of no use to a broker that goes: nameservers that did not hear it forget it when it falls silent.
      await client.unregisterBroker(identity)
    },
  }
}

/** Resolves when all have heard of the leave, or when the time is over: those that did not forget who falls silent. */
export function unregisterWithin(
  nameServers: NameServers,
  identity: BrokerIdentity,
  { scheduler, waitMs }: { readonly scheduler: Scheduler; readonly waitMs: number },
): Promise<void> {
  return new Promise((resolve) => {
    const limit = scheduler.after(waitMs, resolve)
    void nameServers.unregister(identity).then(() => {
      limit.cancel()
      resolve()
    })
  })
}
