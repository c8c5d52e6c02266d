// Takes over the topics and groups of a folder that Apache's broker wrote: what is unknown is added, what differs is
// changed, and a topic whose queues are there without settings gets as many queues as it has.
import {
  MqError,
  type QueueId,
  type SubscriptionGroupConfig,
  type TopicConfig,
  isSystemGroup,
  isSystemTopic,
  stringifyJavaJson,
  topicConfig,
} from '@rocketmq-ts/model'
import type { KeptEntries } from './kept-entries.ts'
import type { GroupTable } from '../groups/group-table.ts'
import type { Inflight, SettingEntry } from '../inflight/inflight.ts'
import { applySetting, payloadOf } from '../settings-writer.ts'
import type { TopicTable } from '../topics/topic-table.ts'
import type { SettingsFiles } from './settings-files.ts'

export interface AdoptSettingsDeps {
  readonly topics: TopicTable
  readonly groups: GroupTable
  readonly kept: KeptEntries
  readonly inflight: Pick<Inflight, 'recordSetting'>
  readonly nowMs: number
  /** Called after each change: what is collected may be written. */
  readonly changed: () => Promise<void>
}

export interface AdoptedSettings {
  readonly changed: number
  /** What could not be taken, and why. */
  readonly rejected: readonly string[]
}

/**
 * Journals what is new, as states of the first incarnation: a record that creates a topic would end all that lies before
 * it. `queues` are those that the store has. With `isComplete` the files knew all that we did: what they do not name any
 * more was deleted.
 */
export async function adoptSettings(
  deps: AdoptSettingsDeps,
  found: SettingsFiles,
  queues: readonly QueueId[],
  isComplete: boolean,
): Promise<AdoptedSettings> {
  const { topics, groups } = deps
  const rejected = [...found.rejected]
  let changed = 0

  async function adopt(name: string, entry: () => SettingEntry | undefined): Promise<void> {
    try {
      const setting = entry()
      if (setting === undefined) return
      deps.inflight.recordSetting(setting)
      applySetting(setting, deps, deps.nowMs)
      changed += 1
    } catch (error) {
      if (!(error instanceof MqError)) throw error
      rejected.push(`${name}: ${error.message}`)
    }
    await deps.changed()
  }

  for (const config of wantedTopics(topics, found.topics ?? [], queues)) {
    await adopt(config.topicName, () => topicEntry(topics, config))
  }
  for (const config of found.groups ?? []) {
    if (!isSystemGroup(config.groupName)) await adopt(config.groupName, () => groupEntry(groups, config))
  }
  if (isComplete) {
    for (const entry of [...deletedTopics(topics, found.topics, queues), ...deletedGroups(groups, found.groups)]) {
      await adopt(entry.name, () => entry)
    }
  }
  return { changed, rejected }
}

function topicEntry(topics: TopicTable, config: TopicConfig): SettingEntry | undefined {
  const known = topics.get(config.topicName)
  if (known?.isBuiltIn === true) return undefined
  topics.check(config)
  const name = config.topicName
  const payload = payloadOf('topic', name, config)
  if (known === undefined) return { kind: 'topic-state', name, incarnation: 0, payload }
  if (stringifyJavaJson(known.config) === payload) return undefined
  return { kind: 'topic-changed', name, incarnation: known.incarnation, payload }
}

function groupEntry(groups: GroupTable, config: SubscriptionGroupConfig): SettingEntry | undefined {
  groups.check(config)
  const name = config.groupName
  const known = groups.get(name)
  const payload = payloadOf('group', name, config)
  if (known === undefined) return { kind: 'group-state', name, incarnation: 0, payload }
  if (stringifyJavaJson(known) === payload) return undefined
  return { kind: 'group-changed', name, incarnation: 0, payload }
}

/** What the files tell, then what only the queues tell. System topics of Apache's broker have no part here. */
function wantedTopics(topics: TopicTable, told: readonly TopicConfig[], queues: readonly QueueId[]): TopicConfig[] {
  const names = new Set(told.map(({ topicName }) => topicName))
  const untold = new Map<string, number>()
  for (const { topic, queueId } of queues) {
    if (!names.has(topic) && topics.get(topic) === undefined)
      untold.set(topic, Math.max(untold.get(topic) ?? 0, queueId + 1))
  }
  const inferred = [...untold].map(([name, count]) =>
    topicConfig(name, { readQueueNums: count, writeQueueNums: count }),
  )
  return [...told, ...inferred].filter(({ topicName }) => !isSystemTopic(topicName))
}

/** Java deletes a topic's queues with its settings: where queues are left, the settings were lost, not deleted. */
function deletedTopics(
  topics: TopicTable,
  told: readonly TopicConfig[] | undefined,
  queues: readonly QueueId[],
): SettingEntry[] {
  if (told === undefined) return []
  const kept = new Set([...told.map(({ topicName }) => topicName), ...queues.map(({ topic }) => topic)])
  return Array.from(topics.all())
    .filter(({ config, isBuiltIn }) => !isBuiltIn && !kept.has(config.topicName))
    .map(({ config, incarnation }) => ({ kind: 'topic-deleted', name: config.topicName, incarnation, payload: '' }))
}

function deletedGroups(groups: GroupTable, told: readonly SubscriptionGroupConfig[] | undefined): SettingEntry[] {
  if (told === undefined) return []
  const kept = new Set(told.map(({ groupName }) => groupName))
  return Array.from(groups.all())
    .filter(({ groupName }) => !kept.has(groupName))
    .map(({ groupName }) => ({ kind: 'group-deleted', name: groupName, incarnation: 0, payload: '' }))
}
