// Messages whose attempts are used up move to the dead-letter topic of their group. The copy is the settle: it carries
// its origin, and applying that record settles the message, live and at replay. So there is no window between two writes.
// The journal of the same Turn says so once more, because the dead-letter topic may be deleted with all its records.
import {
  MqError,
  PropertyName,
  commitLogOffset,
  deadLetterTopicOf,
  decodeRecord,
  offsetMessageId,
} from '@rocketmq-ts/model'
import type { Clock, Logger, Scheduler, Turns } from '@rocketmq-ts/runtime'
import { type Appender, type QueueReader, type RecordReader, tagsCodeIn } from '@rocketmq-ts/store'
import type { BrokerEvent } from '../events.ts'
import type { HostPort } from '../host-port.ts'
import type { DeadCandidate, Inflight, Origin, QueueState } from '../inflight/inflight.ts'
import {
  OWN_PROPERTY_PREFIX,
  findProperty,
  propertiesThatFit,
  withProperty,
  withoutProperties,
} from '../send/property-text.ts'
import { DEAD_LETTERS_IN_WORK_MAX, PROPERTIES_BYTES_MAX, SECOND_MS } from '../limits.ts'
import { locate } from './take-messages.ts'

/** incarnation queueId queueOffset popTime group topic, separated by spaces. */
export const ORIGIN_PROPERTY = `${OWN_PROPERTY_PREFIX}ORIGIN`
/** A longer unique key is no name: the copy names the place of its origin. */
const UNIQUE_KEY_CHARS_MAX = 255
/** A copy that the disk has no room for is tried again after this time. */
export const DEAD_LETTER_RETRY_MS = 10 * SECOND_MS

/** The origin as a property value. */
export function formatOrigin(origin: Origin): string {
  const { incarnation, queueId, offset, popTime, group, topic } = origin
  return `${incarnation} ${queueId} ${offset} ${popTime} ${group} ${topic}`
}

/** Properties as text that keeps every byte: names and separators are ASCII, values may be anything. */
export function propertiesTextOf({ properties }: { readonly properties: Uint8Array }): string {
  return Buffer.from(properties.buffer, properties.byteOffset, properties.byteLength).toString('latin1')
}

/** The origin that a record's properties carry; undefined without one. */
export function originOf(properties: string): Origin | undefined {
  const parts = findProperty(properties, ORIGIN_PROPERTY)?.split(' ')
  const [incarnation, queueId, offset, popTime, group, topic] = parts ?? []
  if (topic === undefined || group === undefined) return undefined
  const numbers = [incarnation, queueId, offset, popTime].map(Number)
  if (!numbers.every((each) => Number.isSafeInteger(each) && each >= 0)) return undefined
  const [life = 0, queue = 0, at = 0, time = 0] = numbers
  return { incarnation: life, queueId: queue, offset: at, popTime: time, group, topic }
}

/** When the Turns are full, a copy waits this long for its place. */
const TURNS_FULL_RETRY_MS = 100

function isDamage(error: unknown): boolean {
  return error instanceof MqError && error.code === 'damaged'
}

export interface DeadLetterDeps {
  readonly inflight: Inflight
  readonly store: Appender & QueueReader & RecordReader
  readonly turns: Pick<Turns, 'enter' | 'release'>
  readonly clock: Clock
  readonly scheduler: Scheduler
  readonly logger: Logger<BrokerEvent>
  readonly storeHost: () => HostPort
  /** Makes sure that the dead-letter topic of the group exists. Throws what `SettingsWriter.putTopic` throws. */
  readonly ensureDeadLetterTopic: (group: string) => void
  readonly onDead: (topic: string, group: string) => void
}

export interface DeadLetters {
  /** Takes candidates of an expiry, inside a job. Those above the bound become due again later. */
  move(candidates: readonly DeadCandidate[]): void
  /** A claimed message could not be read. Where its record is damaged it settles as such in the next Turn. */
  unreadable(queue: QueueState, offset: number, popTime: number, error: Error): void
}

/** Creates the mover. Java decides this in the proxy and at revive; here the broker does, once, at expiry. */
export function createDeadLetters(deps: DeadLetterDeps): DeadLetters {
  const { inflight, store, turns, logger } = deps
  let inWork = 0
  /** When a failure was told last: one line stands for all of this time. */
  let toldAtMs = Number.NEGATIVE_INFINITY

  function postpone(candidate: DeadCandidate, cause?: unknown): void {
    const { queue, offset, popTime } = candidate
    const nowMs = deps.clock.nowMs()
    inflight.postpone(queue, offset, popTime, nowMs + DEAD_LETTER_RETRY_MS)
    if (cause === undefined || nowMs - toldAtMs < DEAD_LETTER_RETRY_MS) return
    toldAtMs = nowMs
    const { topic, group, queueId } = queue
    const message = cause instanceof Error ? cause.message : String(cause)
    logger.warn({ event: 'dead-letter.postponed', topic, group, queueId, queueOffset: offset, message })
  }

  async function readRecord(candidate: DeadCandidate): Promise<Uint8Array> {
    const message = {
      queue: candidate.queue,
      queueOffset: candidate.offset,
      attempt: candidate.attempts,
      unit: undefined,
    }
    const place = await locate(store, message)
    if (place === undefined) throw new MqError('damaged', `queue offset ${candidate.offset} has no readable record`)
    return store.read(place.at, place.size)
  }

  function settleUnreadable(queue: QueueState, offset: number, popTime: number, error: unknown): void {
    const { topic, group, queueId } = queue
    if (!inflight.settle(queue, offset, popTime, 'damaged')) return
    const message = error instanceof Error ? error.message : String(error)
    logger.error({ event: 'message.damaged', topic, group, queueId, queueOffset: offset, message })
  }

  function appendCopy(candidate: DeadCandidate, bytes: Uint8Array): void {
    const { queue, offset, popTime, attempts } = candidate
    if (queue.dropped || !inflight.isDeadPending(queue, offset, popTime)) return
    const original = decodeRecord(bytes)
    const storeHost = deps.storeHost()
    try {
      deps.ensureDeadLetterTopic(queue.group)
      const properties = copyProperties(original, queue, offset, popTime)
      store.append({
        topic: deadLetterTopicOf(queue.group),
        queueId: 0,
        flag: original.flag,
        sysFlag: original.sysFlag,
        bornTimestampMs: original.bornTimestampMs,
        bornHost: original.bornHost,
        storeHost,
        reconsumeTimes: attempts - 1,
        preparedTransactionOffset: 0,
        body: original.body,
        properties,
        tagsCode: tagsCodeIn(Buffer.from(properties.buffer, properties.byteOffset, properties.byteLength)),
      })
    } catch (error) {
      if (!(error instanceof MqError)) throw error
      postpone(candidate, error)
      return
    }
    inflight.settle(queue, offset, popTime, 'dead')
    // Nobody waits for an answer, and yet the copy is to be as durable as a send: this makes the Turn sync.
    turns.release('flushed', () => {})
    const { topic, group, queueId } = queue
    deps.onDead(topic, group)
    logger.warn({ event: 'message.dead', topic, group, queueId, queueOffset: offset, attempts })
  }

  function copyProperties(
    original: ReturnType<typeof decodeRecord>,
    queue: DeadCandidate['queue'],
    offset: number,
    popTime: number,
  ): Uint8Array {
    const replaced = new Set<string>([
      PropertyName.DLQ_ORIGIN_TOPIC,
      PropertyName.DLQ_ORIGIN_MESSAGE_ID,
      ORIGIN_PROPERTY,
    ])
    const text = withoutProperties(propertiesTextOf(original), (name) => replaced.has(name))
    const { host, port } = original.storeHost
    const { topic, incarnation, group, queueId } = queue
    const key = findProperty(text, PropertyName.UNIQ_KEY) ?? ''
    const place = offsetMessageId(host, port, commitLogOffset(original.commitLogOffset))
    let own = withProperty('', PropertyName.DLQ_ORIGIN_TOPIC, topic)
    own = withProperty(
      own,
      PropertyName.DLQ_ORIGIN_MESSAGE_ID,
      key === '' || key.length > UNIQUE_KEY_CHARS_MAX ? place : key,
    )
    own = withProperty(own, ORIGIN_PROPERTY, formatOrigin({ topic, incarnation, group, queueId, offset, popTime }))
    return Buffer.from(propertiesThatFit(text, PROPERTIES_BYTES_MAX - own.length) + own, 'latin1')
  }

  function moveOne(candidate: DeadCandidate): void {
    if (inWork >= DEAD_LETTERS_IN_WORK_MAX) {
      postpone(candidate)
      return
    }
    inWork += 1
    function enter(job: () => void): void {
      const entered = turns.enter(() => {
        inWork -= 1
        job()
      })
      if (!entered) deps.scheduler.after(TURNS_FULL_RETRY_MS, () => enter(job))
    }
    readRecord(candidate).then(
      (bytes) => enter(() => appendCopy(candidate, bytes)),
      (error: unknown) => enter(() => unreadable(candidate, error)),
    )
  }

  /** Only damage is for good; what else keeps a record from being read may pass. */
  function unreadable(candidate: DeadCandidate, error: unknown): void {
    const { queue, offset, popTime } = candidate
    if (isDamage(error)) settleUnreadable(queue, offset, popTime, error)
    else postpone(candidate, error)
  }

  return {
    move(candidates) {
      for (const candidate of candidates) moveOne(candidate)
    },
    unreadable(queue, offset, popTime, error) {
      // Anything else leaves the message in flight: it expires and is tried again.
      if (isDamage(error)) turns.enter(() => settleUnreadable(queue, offset, popTime, error))
    },
  }
}
