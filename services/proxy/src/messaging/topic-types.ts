// What kinds of messages topics take, and where their message groups and keys are, remembered: every send asks. The bound
// reached, the topic that was remembered first is forgotten; one in use comes back with its next send.
import type { MessageType } from '@rocketmq-ts/model'
import type { Clock } from '@rocketmq-ts/runtime'
import type { TopicFacts, TopicRoutes } from '../upstream/upstream.ts'

/** From this age on a type is fetched anew while it is still served, … */
const FRESH_MS = 20_000
/** … from this age on, which that of a topic in use does not reach, it is waited for. */
const OLD_MS = 60_000
/** Pause after a fetch that failed. */
const RETRY_MS = 1000
export const TOPIC_TYPES_MAX = 10_000

export interface TopicTypes {
  /** The type when it can be had without waiting; otherwise undefined: then ask `type`. */
  known(topic: string): MessageType | undefined
  /** The type. Rejects with the failure where no broker tells, and it was not known. */
  type(topic: string): Promise<MessageType>
  /** The same, asked of a broker: what was remembered is wrong, or may be. */
  ask(topic: string): Promise<MessageType>
  /** All of it, as it was told last; undefined where nobody has asked yet. */
  facts(topic: string): TopicFacts | undefined
  /** What is remembered of the topic, if anything, may be wrong. */
  changed(topic: string): void
}

/** Of topics of before types came. */
const PLAIN: TopicFacts = { type: 'NORMAL', shardingQueues: undefined, dedupBy: undefined }

export interface TopicTypesDeps {
  readonly lookup: Pick<TopicRoutes, 'topicFacts'>
  readonly clock: Clock
}

interface Remembered {
  facts: TopicFacts | undefined
  fetchedAtMs: number
  nextFetchAtMs: number
  fetching: Promise<TopicFacts> | undefined
}

/** Creates it, with nothing known. */
export function createTopicTypes({ lookup, clock }: TopicTypesDeps): TopicTypes {
  const remembered = new Map<string, Remembered>()

  function entryOf(topic: string): Remembered {
    const known = remembered.get(topic)
    if (known !== undefined) return known
    const entry = { facts: undefined, fetchedAtMs: -Infinity, nextFetchAtMs: -Infinity, fetching: undefined }
    if (remembered.size >= TOPIC_TYPES_MAX) for (const oldest of remembered.keys()) if (remembered.delete(oldest)) break
    remembered.set(topic, entry)
    return entry
  }

  /** One at a time. */
  function fetch(topic: string, entry: Remembered): Promise<TopicFacts> {
    entry.fetching ??= lookup
      .topicFacts(topic)
      .then(
        (facts = PLAIN) => {
          entry.facts = facts
          entry.fetchedAtMs = clock.monotonicMs()
          entry.nextFetchAtMs = entry.fetchedAtMs + FRESH_MS
          return facts
        },
        (error: unknown) => {
          entry.nextFetchAtMs = clock.monotonicMs() + RETRY_MS
          if (entry.facts === undefined) throw error
          return entry.facts
        },
      )
      .finally(() => {
        entry.fetching = undefined
      })
    return entry.fetching
  }

  function known(topic: string): MessageType | undefined {
    const entry = remembered.get(topic)
    if (entry?.facts === undefined) return undefined
    const nowMs = clock.monotonicMs()
    if (nowMs < entry.nextFetchAtMs) return entry.facts.type
    if (nowMs - entry.fetchedAtMs >= OLD_MS) return undefined
    fetch(topic, entry).catch(() => {}) // what is known goes on being served
    return entry.facts.type
  }

  return {
    known,
    type: async (topic) => known(topic) ?? (await fetch(topic, entryOf(topic))).type,
    ask: async (topic) => (await fetch(topic, entryOf(topic))).type,
    facts: (topic) => remembered.get(topic)?.facts,
    changed(topic) {
      const entry = remembered.get(topic)
      // An answer that is on its way may be the old one.
      if (entry !== undefined)
        void Promise.resolve(entry.fetching)
          .finally(() => fetch(topic, entry))
          .catch(() => {})
    },
  }
}
