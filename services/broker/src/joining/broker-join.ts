// The join of a broker, composed from its parts.
import type { Effects, Logger } from '@rocketmq-ts/runtime'
import type { MessageStore } from '@rocketmq-ts/store'
import type { BrokerSettings } from '../config.ts'
import type { BrokerEvent } from '../events.ts'
import type { GroupTable } from '../groups/group-table.ts'
import type { TopicTable } from '../topics/topic-table.ts'
import { type ApplySettingsDeps, createApplySettings } from './apply-settings.ts'
import type { ClusterPeers } from './cluster-peers.ts'
import { createJoinCluster, type JoinCluster } from './join-cluster.ts'
import { createJoinMark } from './join-mark.ts'

export interface BrokerJoinDeps extends Pick<Effects, 'clock' | 'scheduler' | 'files'> {
  readonly logger: Logger<BrokerEvent>
  readonly peers?: ClusterPeers
}

export interface BrokerJoinParts extends ApplySettingsDeps {
  readonly topics: TopicTable
  readonly groups: GroupTable
  readonly store: Pick<MessageStore, 'whenFlushed' | 'appended'>
}

/** Undefined where the settings do not ask for it. */
export function createBrokerJoin(
  settings: BrokerSettings,
  { clock, scheduler, files, logger, peers }: BrokerJoinDeps,
  parts: BrokerJoinParts,
): JoinCluster | undefined {
  if (!settings.joinCluster || peers === undefined) return undefined
  const { topics, store } = parts
  return createJoinCluster({
    clusterName: settings.brokerClusterName,
    brokerName: settings.brokerName,
    peers,
    mark: createJoinMark(files, settings.storePathRootDir),
    isEmpty: () => [...topics.all()].every(({ isBuiltIn }) => isBuiltIn),
    apply: createApplySettings(parts),
    whenDurable: () => store.whenFlushed(store.appended),
    clock,
    scheduler,
    logger,
  })
}
