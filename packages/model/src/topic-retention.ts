// How long a topic keeps its messages: attributes of ours, named as Kafka names them. -1, or none, is no rule of its own:
// then messages go with the files of the log alone.
import { MqError } from './mq-error.ts'
import type { TopicConfig } from './topic-config.ts'

/** Names of the attributes. */
export const RetentionAttribute = {
  ms: 'retention.ms',
  bytes: 'retention.bytes',
  count: 'retention.count',
} as const

/**
 * What one broker keeps of a topic, over all of its queues; undefined where there is no bound. What is beyond a bound is
 * gone for every group, in flight or not.
 */
export interface TopicRetention {
  /** Messages older than this are gone. */
  readonly ms: number | undefined
  /** Bytes of records; the oldest go first. */
  readonly bytes: number | undefined
  readonly count: number | undefined
}

/** Reads the attributes. MqError 'parameter-invalid' names the one that is neither -1 nor a whole number above 0. */
export function topicRetention({ attributes }: Pick<TopicConfig, 'attributes'>): TopicRetention {
  const read = (name: string): number | undefined => {
    const text = attributes.get(name)
    if (text === undefined || text === '-1') return undefined
    const value = /^\d{1,16}$/.test(text) ? Number(text) : 0
    if (value < 1 || !Number.isSafeInteger(value)) {
      throw new MqError('parameter-invalid', `attributes: ${name} is '${text}'; a whole number above 0, or -1 for none`)
    }
    return value
  }
  return {
    ms: read(RetentionAttribute.ms),
    bytes: read(RetentionAttribute.bytes),
    count: read(RetentionAttribute.count),
  }
}
