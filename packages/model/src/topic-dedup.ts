// Deduplication on publish: attributes of ours. A topic that has them answers a message that was sent before with the place
// of the first one, as long as the window lasts.
import { isMessageType, MESSAGE_TYPE_ATTRIBUTE } from './message-type.ts'
import { MqError } from './mq-error.ts'
import type { TopicConfig } from './topic-config.ts'

/** Names of the attributes. */
export const DedupAttribute = {
  by: 'dedup.by',
  window: 'dedup.window.ms',
} as const

/** By the message id, which a client keeps when it sends again, or by the keys, which are the application's. */
export const DEDUP_BY = ['MESSAGE_ID', 'KEY'] as const
export type DedupBy = (typeof DEDUP_BY)[number]

export const DEDUP_WINDOW_MS_MIN = 1000
export const DEDUP_WINDOW_MS_MAX = 24 * 3_600_000
export const DEDUP_WINDOW_MS_DEFAULT = 600_000

export interface TopicDedup {
  readonly by: DedupBy
  /** How long a message is remembered, from when it was stored. */
  readonly windowMs: number
}

/** Others are stored elsewhere first. */
const TYPES: ReadonlySet<string> = new Set(['NORMAL', 'FIFO'])

/**
 * Reads the attributes; undefined where the topic takes everything. MqError 'parameter-invalid' names what is wrong: an
 * unknown way, a window out of its range, or a topic whose messages wait before they have their place.
 */
export function topicDedup({ attributes }: Pick<TopicConfig, 'attributes'>): TopicDedup | undefined {
  const by = attributes.get(DedupAttribute.by)
  if (by === undefined || by === 'NONE') return undefined
  if (!isDedupBy(by)) throw wrong(DedupAttribute.by, by, `${DEDUP_BY.join(', ')} or NONE`)
  const text = attributes.get(DedupAttribute.window) ?? String(DEDUP_WINDOW_MS_DEFAULT)
  const windowMs = /^\d{1,9}$/.test(text) ? Number(text) : -1
  if (windowMs < DEDUP_WINDOW_MS_MIN || windowMs > DEDUP_WINDOW_MS_MAX) {
    throw wrong(DedupAttribute.window, text, `milliseconds from ${DEDUP_WINDOW_MS_MIN} to ${DEDUP_WINDOW_MS_MAX}`)
  }
  const type = attributes.get(MESSAGE_TYPE_ATTRIBUTE) ?? 'NORMAL'
  if (isMessageType(type) && !TYPES.has(type)) {
    throw wrong(DedupAttribute.by, by, `none for ${type} topics: only NORMAL and FIFO ones know what was sent before`)
  }
  return { by, windowMs }
}

function isDedupBy(text: string): text is DedupBy {
  return (DEDUP_BY as readonly string[]).includes(text)
}

function wrong(name: string, text: string, allowed: string): MqError {
  return new MqError('parameter-invalid', `attributes: ${name} is '${text.slice(0, 80)}'; it can be ${allowed}`)
}
