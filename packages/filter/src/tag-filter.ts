// Subscriptions by tag: '*', or tags joined with '||'. The 32-bit code is what the consume queue knows; hash twins
// ('Aa' and 'BB') pass it, so the text decides before a message leaves.
import { MqError, PropertyName, tagsCodeOf } from '@rocketmq-ts/model'
import { javaTrim } from './java-trim.ts'
import type { MessageFilter, PropertyLookup } from './message-filter.ts'

/** Longest expression in characters, and most different tags in it. */
export const TAG_EXPRESSION_CHARS_MAX = 64 * 1024
export const TAGS_MAX = 4096

const ALL = '*'

/** `all` is every message, also one without a tag; `matchesCode` is true for hash twins too. */
export interface TagFilter extends MessageFilter {
  readonly tags: ReadonlySet<string>
  /** Java hashes of `tags`. */
  readonly codes: ReadonlySet<number>
  /** Whether a message with this tag matches; undefined and '' stand for none. */
  matchesTag(tag: string | undefined): boolean
}

/** Passes every message. */
export const ALL_TAGS: TagFilter = Object.freeze({
  type: 'TAG',
  expression: ALL,
  all: true,
  readsRecords: false,
  tags: new Set<string>(),
  codes: new Set<number>(),
  matchesCode: () => true,
  matches: () => true,
  matchesTag: () => true,
})

/**
 * Reads an expression: parts are trimmed and empty parts dropped; '', '*' and absent mean all. Case matters. Only a
 * lone '*' is special: in `* || A` it is a tag. MqError 'filter-illegal' beyond the bounds and for an expression of
 * nothing but separators. Java: FilterAPI.buildSubscriptionData.
 */
export function parseTagExpression(text: string | undefined): TagFilter {
  if (text === undefined || text === '' || text === ALL) return ALL_TAGS
  if (text.length > TAG_EXPRESSION_CHARS_MAX) throw illegal(`is longer than ${TAG_EXPRESSION_CHARS_MAX} characters`)
  const tags = new Set<string>()
  for (const part of text.split('||')) {
    const tag = javaTrim(part)
    if (tag !== '') tags.add(tag)
    if (tags.size > TAGS_MAX) throw illegal(`names more than ${TAGS_MAX} tags`)
  }
  if (tags.size === 0) throw illegal("names no tag; write '*' for all messages")
  const codes = new Set([...tags].map(tagsCodeOf))
  return Object.freeze({
    type: 'TAG',
    expression: text,
    all: false,
    readsRecords: false,
    tags,
    codes,
    matchesCode: (tagsCode: number) => codes.has(tagsCode),
    matches(property: PropertyLookup) {
      const tag = property(PropertyName.TAGS)
      return tag !== undefined && tags.has(tag)
    },
    matchesTag: (tag: string | undefined) => tag !== undefined && tags.has(tag),
  })
}

function illegal(reason: string): MqError {
  return new MqError('filter-illegal', `tag expression: ${reason}`)
}
