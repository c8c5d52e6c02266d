import { topicConfig, type DataVersion, type TopicConfig } from '@rocketmq-ts/model'
import type { Registration } from '../src/route-table.ts'

export interface RegistrationChanges {
  readonly cluster?: string
  readonly name?: string
  readonly id?: number
  readonly addr?: string
  readonly ha?: string
  readonly acting?: boolean | undefined
  readonly isIncremental?: boolean
  readonly version?: Partial<DataVersion>
  readonly topics?: readonly (string | TopicConfig)[]
}

/** A registration of broker-a's master with two topics, changed by `changes`. */
export function registrationOf(changes: RegistrationChanges = {}): Registration {
  const topics = (changes.topics ?? ['A', 'B']).map((topic) => (typeof topic === 'string' ? topicConfig(topic) : topic))
  return {
    clusterName: changes.cluster ?? 'C',
    brokerName: changes.name ?? 'broker-a',
    brokerId: changes.id ?? 0,
    brokerAddr: changes.addr ?? 'host-a:10911',
    haServerAddr: changes.ha ?? 'host-a:10912',
    enableActingMaster: 'acting' in changes ? changes.acting : false,
    isIncremental: changes.isIncremental ?? false,
    body: {
      dataVersion: { stateVersion: 0, counter: 1, timestamp: 1, ...changes.version },
      topicConfigTable: new Map(topics.map((topic) => [topic.topicName, topic])),
      filterServerList: [],
    },
  }
}
