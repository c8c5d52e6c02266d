// Topics of a broker: settings by name, each with its incarnation (position of its create record). Pure: changes are
// decided here, journaled by the caller, and applied from the journal record, live and at replay alike.
import { utf8Length } from '@rocketmq-ts/bytes'
import {
  type DataVersion,
  MqError,
  type TopicConfig,
  checkTopicName,
  stringifyJavaJson,
  topicDedup,
  topicShardingQueues,
  topicRetention,
} from '@rocketmq-ts/model'
import { QUEUES_PER_TOPIC_MAX, TOPICS_BYTES_MAX, TOPICS_MAX } from '../limits.ts'

export interface Topic {
  readonly config: TopicConfig
  /** Commit log position of the create record; 0 for the built-in topics, which have none. */
  readonly incarnation: number
  /** Exists on every broker without being created, and has no record. */
  readonly isBuiltIn: boolean
}

export interface TopicTable {
  get(name: string): Topic | undefined
  /** Throws MqError 'topic-not-found' naming the topic and what to do. */
  require(name: string): Topic
  all(): Iterable<Topic>
  readonly size: number
  /** What registrations carry; grows with every change. */
  readonly dataVersion: DataVersion
  /**
   * Topics created or changed since `dataVersion.counter` was `counter`, as they are now; undefined when so many changes
   * came since that they are not remembered one by one.
   */
  changedSince(counter: number): TopicConfig[] | undefined
  /** Checks a change without making it. Throws MqError 'topic-illegal', 'parameter-invalid' or 'busy' (table full). */
  check(config: TopicConfig): void
  /** Applies a journaled change of the incarnation at `position`. Of several incarnations the newest holds. */
  put(config: TopicConfig, position: number, nowMs: number): void
  /** Applies a journaled deletion; false when there is no such topic. */
  remove(name: string, nowMs: number): boolean
}

/** Names of changed topics that are remembered, the newest ones. */
const CHANGES_KEPT_MAX = 1024

/**
 * @param builtIn topics that exist without a record
 * @param startedMs time of the start: no version of an earlier run is repeated, whatever was restored meanwhile
 */
export function createTopicTable(builtIn: readonly TopicConfig[], startedMs = 0): TopicTable {
  const topics = new Map<string, Topic>()
  let counter = 0
  let timestamp = startedMs
  let bytes = 0
  /** Names of the last changes; the last one made `counter` what it is. */
  let changes: string[] = []
  for (const config of builtIn) set({ config, incarnation: 0, isBuiltIn: true })

  function set(topic: Topic): void {
    bytes += grownBy(topic.config)
    topics.set(topic.config.topicName, topic)
  }

  /** Bytes that the JSON of all topics has more with this one in its place. */
  function grownBy(config: TopicConfig): number {
    const known = topics.get(config.topicName)
    return bytesOf(config) - (known === undefined ? 0 : bytesOf(known.config))
  }

  function changed(name: string, nowMs: number): void {
    counter += 1
    changes.push(name)
    // Cut in halves: a copy per so many changes costs nothing.
    if (changes.length > 2 * CHANGES_KEPT_MAX) changes = changes.slice(-CHANGES_KEPT_MAX)
    timestamp = Math.max(timestamp, nowMs)
  }

  return {
    get: (name) => topics.get(name),
    require(name) {
      const topic = topics.get(name)
      if (topic === undefined) {
        throw new MqError('topic-not-found', `topic '${name}' does not exist on this broker: create it first`)
      }
      return topic
    },
    all: () => topics.values(),
    get size() {
      return topics.size
    },
    get dataVersion() {
      return { counter, stateVersion: 0, timestamp }
    },
    changedSince(before) {
      const count = counter - before
      if (count < 0 || count > Math.min(changes.length, CHANGES_KEPT_MAX)) return undefined
      const names = new Set(count === 0 ? [] : changes.slice(-count))
      return [...names].flatMap((name) => topics.get(name)?.config ?? [])
    },
    check(config) {
      checkTopicName(config.topicName)
      for (const field of ['readQueueNums', 'writeQueueNums'] as const) {
        const value = config[field]
        if (!Number.isInteger(value) || value < 0 || value > QUEUES_PER_TOPIC_MAX) {
          throw new MqError('parameter-invalid', `${field} is ${value}; allowed is 0 to ${QUEUES_PER_TOPIC_MAX}`)
        }
      }
      if (!Number.isInteger(config.perm) || config.perm < 0 || config.perm > 7) {
        throw new MqError('parameter-invalid', `perm is ${config.perm}; allowed is 0 to 7`)
      }
      topicRetention(config)
      topicShardingQueues(config)
      topicDedup(config)
      if (!topics.has(config.topicName) && topics.size >= TOPICS_MAX) {
        throw new MqError('busy', `the broker holds ${TOPICS_MAX} topics, its maximum: delete one first`)
      }
      const bytesMore = grownBy(config)
      if (bytesMore > 0 && bytes + bytesMore > TOPICS_BYTES_MAX) {
        throw new MqError(
          'busy',
          `topic '${config.topicName}': the settings of all topics would take ${bytes + bytesMore} bytes, allowed are ` +
            `${TOPICS_BYTES_MAX}, what a registration can carry: delete topics, or create it on another broker`,
        )
      }
    },
    put(config, position, nowMs) {
      const known = topics.get(config.topicName)
      set({
        config,
        incarnation: Math.max(known?.incarnation ?? 0, position),
        isBuiltIn: known?.isBuiltIn === true && position === 0,
      })
      changed(config.topicName, nowMs)
    },
    remove(name, nowMs) {
      const known = topics.get(name)
      if (known === undefined) return false
      topics.delete(name)
      bytes -= bytesOf(known.config)
      changed(name, nowMs)
      return true
    },
  }
}

/** MqError 'parameter-invalid' when the topic has no queue of this number. */
export function requireQueue({ config }: Topic, queueId: number): void {
  if (queueId < 0 || queueId >= Math.max(config.readQueueNums, config.writeQueueNums)) {
    throw new MqError('parameter-invalid', `queueId is ${queueId}; topic '${config.topicName}' has no such queue`)
  }
}

/** The name once more, as the key, with its punctuation. */
function bytesOf(config: TopicConfig): number {
  return utf8Length(stringifyJavaJson(config)) + utf8Length(stringifyJavaJson(config.topicName)) + 2
}
