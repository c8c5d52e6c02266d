// Names of topics and groups: what is legal, and the names that are derived from a group.
import { MqError } from './mq-error.ts'

export const RETRY_TOPIC_PREFIX = '%RETRY%'
export const DEAD_LETTER_TOPIC_PREFIX = '%DLQ%'

export const TOPIC_CHARS_MAX = 127
/** Retry and dead-letter topics carry the name of a group and a topic. */
export const DERIVED_TOPIC_CHARS_MAX = 255
export const GROUP_CHARS_MAX = 120

const LEGAL_NAME = /^[%|a-zA-Z0-9_-]+$/
/** A retry topic of version 2 parts group and topic by a plus. */
const LEGAL_RETRY_TOPIC = /^[%|a-zA-Z0-9_+-]+$/

/** Returns the name, or throws MqError 'topic-illegal' with the rule it breaks. Java: TopicValidator.validateTopic. */
export function checkTopicName(name: string): string {
  const charsMax = isRetryTopic(name) || isDeadLetterTopic(name) ? DERIVED_TOPIC_CHARS_MAX : TOPIC_CHARS_MAX
  return checkName(name, 'topic', charsMax)
}

/** Returns the name, or throws MqError 'group-illegal' with the rule it breaks. Java: Validators.checkGroup. */
export function checkGroupName(name: string): string {
  return checkName(name, 'group', GROUP_CHARS_MAX)
}

function checkName(name: string, kind: 'topic' | 'group', charsMax: number): string {
  const code = `${kind}-illegal` as const
  if (name.trim() === '') throw new MqError(code, `${kind}: the name is blank; give it one`)
  if (name.length > charsMax) {
    throw new MqError(
      code,
      `${kind}: '${name.slice(0, 32)}…' has ${name.length} characters, at most ${charsMax} are allowed`,
    )
  }
  if (!(kind === 'topic' && isRetryTopic(name) ? LEGAL_RETRY_TOPIC : LEGAL_NAME).test(name)) {
    throw new MqError(code, `${kind}: '${name}' holds a character other than letters, digits, '%', '|', '_' and '-'`)
  }
  return name
}

export function isRetryTopic(topic: string): boolean {
  return topic.startsWith(RETRY_TOPIC_PREFIX)
}

export function isDeadLetterTopic(topic: string): boolean {
  return topic.startsWith(DEAD_LETTER_TOPIC_PREFIX)
}

/** Where messages wait that a 4.x client sent back. */
export function retryTopicOf(group: string): string {
  return RETRY_TOPIC_PREFIX + group
}

/** Where messages end that were delivered too often. */
export function deadLetterTopicOf(group: string): string {
  return DEAD_LETTER_TOPIC_PREFIX + group
}

/** Where popped messages wait for their next delivery. Java: KeyBuilder.buildPopRetryTopicV1 and V2. */
export function popRetryTopicOf(group: string, topic: string, version: 1 | 2 = 1): string {
  return `${RETRY_TOPIC_PREFIX}${group}${version === 1 ? '_' : '+'}${topic}`
}

/** The topic whose messages wait in a pop retry topic of the group; any other topic itself. Java: KeyBuilder.parseNormalTopic. */
export function realTopicOf(topic: string, group: string): string {
  for (const version of [1, 2] as const) {
    const prefix = popRetryTopicOf(group, '', version)
    if (topic.startsWith(prefix) && topic.length > prefix.length) return topic.slice(prefix.length)
  }
  return topic
}
