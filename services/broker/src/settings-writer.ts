// Changes topics and groups: check, journal, apply. The same application runs for journal records at replay.
import { utf8Length } from '@rocketmq-ts/bytes'
import {
  MqError,
  Perm,
  type SubscriptionGroupConfig,
  type TopicConfig,
  decodeSubscriptionGroupConfig,
  decodeTopicConfig,
  parseJavaJson,
  stringifyJavaJson,
  topicConfig,
} from '@rocketmq-ts/model'
import type { Clock, Logger } from '@rocketmq-ts/runtime'
import type { BrokerEvent } from './events.ts'
import type { KeptEntries } from './foreign/kept-entries.ts'
import type { GroupTable } from './groups/group-table.ts'
import type { SettingEntry } from './inflight/inflight.ts'
import type { Journal } from './journal/journal.ts'
import { SETTING_BYTES_MAX } from './limits.ts'
import type { Topic, TopicTable } from './topics/topic-table.ts'

export interface SettingsWriter {
  /** Creates the topic or changes it; returns it. Throws what `TopicTable.check` and `Journal.setting` throw. */
  putTopic(config: TopicConfig): Topic
  /** Creates the topic with one queue where it does not exist. Throws as `putTopic` does. */
  ensureTopic(name: string): void
  /** Throws MqError 'topic-not-found'. */
  deleteTopic(name: string): void
  putGroup(config: SubscriptionGroupConfig): void
  /** Throws MqError 'group-not-found'. */
  deleteGroup(name: string): void
}

/** What settings are applied to. */
export interface SettingTables {
  readonly topics: TopicTable
  readonly groups: GroupTable
  readonly kept: KeptEntries
}

export interface SettingsWriterDeps extends SettingTables {
  readonly journal: Journal
  readonly clock: Clock
  readonly logger: Logger<BrokerEvent>
  /** The queues of a deleted topic go. */
  readonly dropQueues: (topic: string) => void
  /** Proxies must hear of it. */
  readonly onChanged: (kind: 'topic' | 'group', name: string) => void
  /** Nameservers must hear of it. */
  readonly topicsChanged: () => void
}

/** Applies one journaled change to the tables. Used live and at replay. */
export function applySetting(entry: SettingEntry, tables: SettingTables, nowMs: number): void {
  switch (entry.kind) {
    case 'topic-created':
    case 'topic-changed':
    case 'topic-state':
      tables.topics.put(decodeTopicConfig(parseJavaJson(entry.payload)), entry.incarnation, nowMs)
      return
    case 'topic-deleted':
      tables.topics.remove(entry.name, nowMs)
      return
    case 'group-created':
    case 'group-changed':
    case 'group-state':
      tables.groups.put(decodeSubscriptionGroupConfig(parseJavaJson(entry.payload)), nowMs)
      return
    case 'group-deleted':
      tables.groups.remove(entry.name, nowMs)
      return
    case 'kept':
      tables.kept.put(entry.name, entry.payload)
      return
    case 'queue-end':
      return
  }
}

/** All live settings, to be repeated at a segment roll. Built-in topics have no records. */
export function* liveSettings(tables: SettingTables): Generator<SettingEntry> {
  for (const { config, incarnation, isBuiltIn } of tables.topics.all()) {
    if (isBuiltIn) continue
    yield { kind: 'topic-state', name: config.topicName, incarnation, payload: stringifyJavaJson(config) }
  }
  for (const config of tables.groups.all()) {
    yield { kind: 'group-state', name: config.groupName, incarnation: 0, payload: stringifyJavaJson(config) }
  }
  for (const [name, payload] of tables.kept.all()) yield { kind: 'kept', name, incarnation: 0, payload }
}

/** The settings as the journal keeps them. Throws MqError 'parameter-invalid' where they are too long for it. */
export function payloadOf(
  kind: 'topic' | 'group',
  name: string,
  config: TopicConfig | SubscriptionGroupConfig,
): string {
  const payload = stringifyJavaJson(config)
  const bytes = utf8Length(payload)
  if (bytes <= SETTING_BYTES_MAX) return payload
  throw new MqError(
    'parameter-invalid',
    `${kind} '${name}': its settings take ${bytes} bytes, allowed are ${SETTING_BYTES_MAX}: shorten its attributes`,
  )
}

/** Creates the writer. Its functions are called inside jobs of Turns. */
export function createSettingsWriter(deps: SettingsWriterDeps): SettingsWriter {
  const { topics, groups, journal, clock, logger } = deps

  function journaled(entry: SettingEntry): void {
    const { commitLogOffset } = journal.setting(entry)
    const incarnation = entry.kind === 'topic-created' ? commitLogOffset : entry.incarnation
    applySetting({ ...entry, incarnation }, deps, clock.nowMs())
    deps.onChanged(entry.kind.startsWith('topic') ? 'topic' : 'group', entry.name)
  }

  function putTopic(config: TopicConfig): Topic {
    topics.check(config)
    const known = topics.get(config.topicName)
    const payload = payloadOf('topic', config.topicName, config)
    if (known === undefined) {
      journaled({ kind: 'topic-created', name: config.topicName, incarnation: 0, payload })
      logger.info({ event: 'topic.created', topic: config.topicName, queues: config.writeQueueNums })
    } else if (stringifyJavaJson(known.config) !== payload) {
      journaled({ kind: 'topic-changed', name: config.topicName, incarnation: known.incarnation, payload })
    } else {
      return known
    }
    deps.topicsChanged()
    return topics.require(config.topicName)
  }

  return {
    putTopic,
    ensureTopic(name) {
      if (topics.get(name) !== undefined) return
      putTopic(topicConfig(name, { readQueueNums: 1, writeQueueNums: 1, perm: Perm.READ_WRITE }))
    },
    deleteTopic(name) {
      const { incarnation, isBuiltIn } = topics.require(name)
      if (isBuiltIn) throw new MqError('topic-illegal', `topic '${name}' is built in and can not be deleted`)
      journaled({ kind: 'topic-deleted', name, incarnation, payload: '' })
      deps.dropQueues(name)
      logger.info({ event: 'topic.deleted', topic: name })
      deps.topicsChanged()
    },
    putGroup(config) {
      groups.check(config)
      const known = groups.get(config.groupName)
      const payload = payloadOf('group', config.groupName, config)
      if (known === undefined) {
        journaled({ kind: 'group-created', name: config.groupName, incarnation: 0, payload })
        logger.info({ event: 'group.created', group: config.groupName })
      } else if (stringifyJavaJson(known) !== payload) {
        journaled({ kind: 'group-changed', name: config.groupName, incarnation: 0, payload })
      }
    },
    deleteGroup(name) {
      if (groups.get(name) === undefined)
        throw new MqError('group-not-found', `group '${name}' does not exist on this broker`)
      journaled({ kind: 'group-deleted', name, incarnation: 0, payload: '' })
    },
  }
}
