// What kinds of messages topics take, remembered: every send asks. The bound reached, the topic
// that was remembered first is forgotten; one in use comes back with its next send.
import type { MessageType } from '@rocketmq-ts/model'
import type { Clock } from '@rocketmq-ts/runtime'
import type { TopicRoutes } from '../upstream/upstream.ts'

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
}

export interface TopicTypesDeps {
  readonly lookup: Pick<TopicRoutes, 'topicType'>
  readonly clock: Clock
}

interface Remembered {
  type: MessageType | undefined
  fetchedAtMs: number
  nextFetchAtMs: number
  fetching: Promise<MessageType> | undefined
}

/** Creates it, with nothing known. */
export function createTopicTypes({ lookup, clock }: TopicTypesDeps): TopicTypes {
  const remembered = new Map<string, Remembered>()

  function entryOf(topic: string): Remembered {
    const known = remembered.get(topic)
    if (known !== undefined) return known
    const entry = { type: undefined, fetchedAtMs: -Infinity, nextFetchAtMs: -Infinity, fetching: undefined }
    if (remembered.size >= TOPIC_TYPES_MAX) for (const oldest of remembered.keys()) if (remembered.delete(oldest)) break
    remembered.set(topic, entry)
    return entry
  }

  /** One at a time. Topics of before types came are for normal messages. */
  function fetch(topic: string, entry: Remembered): Promise<MessageType> {
    entry.fetching ??= lookup
      .topicType(topic)
      .then(
        (type = 'NORMAL') => {
          entry.type = type
          entry.fetchedAtMs = clock.monotonicMs()
          entry.nextFetchAtMs = entry.fetchedAtMs + FRESH_MS
          return type
        },
        (error: unknown) => {
          entry.nextFetchAtMs = clock.monotonicMs() + RETRY_MS
          if (entry.type === undefined) throw error
          return entry.type
        },
      )
      .finally(() => {
        entry.fetching = undefined
      })
    return entry.fetching
  }

  function known(topic: string): MessageType | undefined {
    const entry = remembered.get(topic)
    if (entry?.type === undefined) return undefined
    const nowMs = clock.monotonicMs()
    if (nowMs < entry.nextFetchAtMs) return entry.type
    if (nowMs - entry.fetchedAtMs >= OLD_MS) return undefined
    fetch(topic, entry).catch(() => {}) // what is known goes on being served
    return entry.type
  }

  return {
    known,
    type: async (topic) => known(topic) ?? fetch(topic, entryOf(topic)),
    ask: (topic) => fetch(topic, entryOf(topic)),
  }
}
