// Which messages were sent before, for topics that ask for it. What is remembered is in memory alone: after a start, and
// when a topic begins to ask, it is read from the messages of the window, and sends wait until it is.
import { hash } from 'node:crypto'
import { utf8Decode } from '@rocketmq-ts/bytes'
import { decodeRecord, MqError, PropertyName, topicDedup, type TopicDedup } from '@rocketmq-ts/model'
import type { Clock, Logger } from '@rocketmq-ts/runtime'
import type { MessageStore, Unit } from '@rocketmq-ts/store'
import type { BrokerEvent } from '../events.ts'
import { DEDUP_FORGOTTEN_PER_SEND, DEDUP_KEYS_MAX, DEDUP_LOADED_AT_ONCE, DEDUP_WAITING_MAX } from '../limits.ts'
import { isDamage } from '../pop/damage.ts'
import { unitAt } from '../pop/take-messages.ts'
import { findProperty } from '../send/property-text.ts'
import type { Topic } from '../topics/topic-table.ts'
import { DedupWindow, type FirstPlace, KEY_BYTES } from './dedup-window.ts'

/** What becomes of a message that is sent. */
export type DedupCheck =
  /** It is the first one: stored, then remembered. */
  | { readonly kind: 'first'; stored(place: FirstPlace): void }
  | { readonly kind: 'again'; readonly first: FirstPlace }
  /** Asked again when this resolves. It rejects where the messages of the window can not be read. */
  | { readonly kind: 'wait'; readonly until: Promise<void> }

export interface Duplicates {
  /**
   * Inside a Turn. Undefined where the topic takes everything, or the message has no key. MqError 'busy' where no more can
   * be remembered, or too many wait.
   */
  check(topic: Topic, properties: string): DedupCheck | undefined
  /** Keys that are remembered. */
  readonly size: number
}

export interface DuplicatesDeps {
  readonly store: Pick<
    MessageStore,
    'queues' | 'scan' | 'bounds' | 'readUnit' | 'searchOffset' | 'whenFlushed' | 'positions'
  >
  readonly clock: Clock
  readonly logger: Logger<BrokerEvent>
}

/** Of one topic. */
interface Remembered {
  readonly rule: TopicDedup
  readonly incarnation: number
  readonly window: DedupWindow
  /** While it is read from the log. */
  loading: Promise<void> | undefined
  waiting: number
}

/** A message of the window, as the log has it. */
interface Found {
  readonly key: Buffer
  readonly place: FirstPlace
  readonly storedMs: number
}

const PROPERTY_OF = { MESSAGE_ID: PropertyName.UNIQ_KEY, KEY: PropertyName.KEYS } as const

/** Creates it, with nothing remembered. */
export function createDuplicates({ store, clock, logger }: DuplicatesDeps): Duplicates {
  const topics = new Map<string, Remembered>()
  const rules = new WeakMap<Topic, { readonly rule: TopicDedup | undefined }>()
  let size = 0

  /** A topic's settings are another object after every change. */
  function ruleOf(topic: Topic): TopicDedup | undefined {
    let known = rules.get(topic)
    if (known === undefined) {
      known = { rule: topicDedup(topic.config) }
      rules.set(topic, known)
    }
    return known.rule
  }

  function rememberedOf(topic: Topic, rule: TopicDedup): Remembered {
    const { topicName } = topic.config
    const known = topics.get(topicName)
    const isSame = known?.rule.by === rule.by && known.rule.windowMs === rule.windowMs
    if (known !== undefined && isSame && known.incarnation === topic.incarnation) return known
    forget(topicName)
    const { incarnation } = topic
    const entry: Remembered = {
      rule,
      incarnation,
      window: new DedupWindow(rule.windowMs),
      loading: undefined,
      waiting: 0,
    }
    topics.set(topicName, entry)
    entry.loading = load(topic, entry).then(
      () => void (entry.loading = undefined),
      (error: unknown) => {
        // The next send tries again.
        if (topics.get(topicName) === entry) forget(topicName)
        throw error
      },
    )
    entry.loading.catch(() => undefined) // those that wait are told
    return entry
  }

  function forget(topicName: string): void {
    size -= topics.get(topicName)?.window.size ?? 0
    topics.delete(topicName)
  }

  /** Topics that nobody sends to any more have theirs still. */
  function forgetAllOld(nowMs: number): void {
    for (const [topicName, { window, loading }] of topics) {
      size -= window.forgetOld(nowMs, Number.MAX_SAFE_INTEGER)
      if (window.size === 0 && loading === undefined) topics.delete(topicName)
    }
  }

  /** What was sent before this belongs to it, also what is not flushed yet. */
  async function load(topic: Topic, entry: Remembered): Promise<void> {
    const { topicName, readQueueNums, writeQueueNums } = topic.config
    await store.whenFlushed(store.positions.written)
    const found: Found[] = []
    let left = 0
    const fromMs = clock.nowMs() - entry.rule.windowMs
    for (let queueId = 0; queueId < Math.max(readQueueNums, writeQueueNums); queueId += 1) {
      const queue = { topic: topicName, queueId }
      const { max } = store.bounds(topicName, queueId)
      const from = max === 0 ? 0 : await store.searchOffset(queue, fromMs, 'LOWER')
      for (let offset = from; offset < max; offset += DEDUP_LOADED_AT_ONCE) {
        const reads = Array.from({ length: Math.min(DEDUP_LOADED_AT_ONCE, max - offset) }, (_, index) =>
          readOne(queue, offset + index, entry.rule),
        )
        for (const each of await Promise.all(reads)) if (each !== undefined) found.push(each)
        if (found.length >= 2 * DEDUP_KEYS_MAX) left += keepNewest(found, DEDUP_KEYS_MAX)
      }
    }
    if (topics.get(topicName) !== entry) return
    left += keepNewest(found, Math.max(0, DEDUP_KEYS_MAX - size))
    if (left > 0) logger.warn({ event: 'dedup.shortened', topic: topicName, messages: left })
    for (const { key, place, storedMs } of found) {
      // The first one counts.
      if (entry.window.find(key, storedMs) !== undefined) continue
      entry.window.add(key, place, storedMs)
      size += 1
    }
  }

  async function readOne(
    queue: { readonly topic: string; readonly queueId: number },
    offset: number,
    { by }: TopicDedup,
  ): Promise<Found | undefined> {
    try {
      const unit = await loadedUnit(queue, offset)
      if (unit === undefined) return undefined
      const record = decodeRecord(await store.readUnit(queue, unit))
      const key = keyOf(utf8Decode(record.properties), by)
      if (key === undefined) return undefined
      const { queueId, queueOffset, commitLogOffset, storeTimestampMs: storedMs } = record
      return { key, place: { queueId, queueOffset, commitLogOffset }, storedMs }
    } catch (error) {
      if (isDamage(error)) return undefined
      throw error
    }
  }

  async function loadedUnit(queue: Parameters<typeof unitAt>[1], offset: number): Promise<Unit | undefined> {
    for (;;) {
      const unit = unitAt(store, queue, offset)
      if (typeof unit !== 'function') return unit
      await unit()
    }
  }

  async function wait(entry: Remembered, loading: Promise<void>): Promise<void> {
    entry.waiting += 1
    try {
      await loading
    } finally {
      entry.waiting -= 1
    }
  }

  return {
    get size() {
      return size
    },
    check(topic, properties) {
      const rule = ruleOf(topic)
      if (rule === undefined) {
        if (topics.size > 0) forget(topic.config.topicName)
        return undefined
      }
      const key = keyOf(properties, rule.by)
      if (key === undefined) return undefined
      const entry = rememberedOf(topic, rule)
      const { topicName } = topic.config
      if (entry.loading !== undefined) {
        if (entry.waiting < DEDUP_WAITING_MAX) return { kind: 'wait', until: wait(entry, entry.loading) }
        throw new MqError('busy', `topic '${topicName}': what was sent before is being read, and too many sends wait`)
      }
      const nowMs = clock.nowMs()
      size -= entry.window.forgetOld(nowMs, DEDUP_FORGOTTEN_PER_SEND)
      const first = entry.window.find(key, nowMs)
      if (first !== undefined) return { kind: 'again', first }
      if (size >= DEDUP_KEYS_MAX) forgetAllOld(nowMs)
      if (size >= DEDUP_KEYS_MAX) {
        throw new MqError(
          'busy',
          `topic '${topicName}': this broker remembers ${DEDUP_KEYS_MAX} messages, its maximum: shorten dedup.window.ms, ` +
            'or spread the topic over more brokers',
        )
      }
      return {
        kind: 'first',
        stored(place) {
          entry.window.add(key, place, nowMs)
          size += 1
        },
      }
    },
  }
}

/** Sorts them by their time; returns how many of the oldest were left out. */
function keepNewest(found: Found[], max: number): number {
  found.sort((a, b) => a.storedMs - b.storedMs || a.place.commitLogOffset - b.place.commitLogOffset)
  return found.splice(0, Math.max(0, found.length - max)).length
}

function keyOf(properties: string, by: TopicDedup['by']): Buffer | undefined {
  const text = findProperty(properties, PROPERTY_OF[by])
  return text === undefined || text === '' ? undefined : hash('sha1', text, 'buffer').subarray(0, KEY_BYTES)
}
