// Takes over the topics and groups of a folder that Apache's broker wrote. Nothing of ours is changed or taken away: what
// is unknown here is added, and a topic whose queues are there without settings gets as many queues as it has.
import {
  MqError,
  type QueueId,
  type SubscriptionGroupConfig,
  type TopicConfig,
  isSystemGroup,
  isSystemTopic,
  topicConfig,
} from '@rocketmq-ts/model'
import type { Logger, Turns } from '@rocketmq-ts/runtime'
import type { BrokerEvent } from '../events.ts'
import type { GroupTable } from '../groups/group-table.ts'
import type { SettingsWriter } from '../settings-writer.ts'
import type { TopicTable } from '../topics/topic-table.ts'
import type { SettingsFiles } from './settings-files.ts'

/** Lines of the log about what could not be taken, at most. */
const REJECTED_TOLD_MAX = 100

export interface AdoptSettingsDeps {
  readonly topics: TopicTable
  readonly groups: GroupTable
  readonly writer: Pick<SettingsWriter, 'adoptTopic' | 'adoptGroup'>
  readonly turns: Pick<Turns, 'enter' | 'idle'>
  readonly logger: Logger<BrokerEvent>
}

/** Resolves when they are journaled. `queues` are those that the store has. */
export async function adoptSettings(
  deps: AdoptSettingsDeps,
  found: SettingsFiles,
  queues: Iterable<QueueId>,
): Promise<void> {
  deps.turns.enter(() => adoptInTurn(deps, found, queues))
  await deps.turns.idle()
}

function adoptInTurn(deps: AdoptSettingsDeps, found: SettingsFiles, queues: Iterable<QueueId>): void {
  const { topics, groups, writer, logger } = deps
  const rejected = [...found.rejected]
  let added = 0

  function adopt(name: string, put: () => void): void {
    try {
      put()
      added += 1
    } catch (error) {
      if (!(error instanceof MqError)) throw error
      rejected.push(`${name}: ${error.message}`)
    }
  }

  for (const config of wantedTopics(found.topics, queues)) {
    if (topics.get(config.topicName) === undefined) adopt(config.topicName, () => writer.adoptTopic(config))
  }
  for (const config of wantedGroups(found.groups)) {
    if (groups.get(config.groupName) === undefined) adopt(config.groupName, () => writer.adoptGroup(config))
  }
  if (added > 0) logger.info({ event: 'foreign.settings-taken', added })
  for (const reason of rejected.slice(0, REJECTED_TOLD_MAX))
    logger.error({ event: 'foreign.settings-rejected', reason })
}

/** What the files tell, then what only the queues tell. System topics of Apache's broker have no part here. */
function wantedTopics(told: readonly TopicConfig[], queues: Iterable<QueueId>): TopicConfig[] {
  const names = new Set(told.map(({ topicName }) => topicName))
  const untold = new Map<string, number>()
  for (const { topic, queueId } of queues) {
    if (!names.has(topic)) untold.set(topic, Math.max(untold.get(topic) ?? 0, queueId + 1))
  }
  const inferred = [...untold].map(([name, count]) =>
    topicConfig(name, { readQueueNums: count, writeQueueNums: count }),
  )
  return [...told, ...inferred].filter(({ topicName }) => !isSystemTopic(topicName))
}

function wantedGroups(told: readonly SubscriptionGroupConfig[]): SubscriptionGroupConfig[] {
  return told.filter(({ groupName }) => !isSystemGroup(groupName))
}
