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
