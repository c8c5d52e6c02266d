// Messages whose attempts are used up move to the dead-letter topic of their group, as copies that settle them.
import {
  MqError,
  PropertyName,
  SystemTopic,
  commitLogOffset,
  deadLetterTopicOf,
  offsetMessageId,
  realTopicOf,
} from '@rocketmq-ts/model'
import type { Clock, Logger, Scheduler, Turns } from '@rocketmq-ts/runtime'
import type { Appender, QueueReader, UnitReader } from '@rocketmq-ts/store'
import type { BrokerEvent } from '../events.ts'
import type { HostPort } from '../host-port.ts'
import type { DeadCandidate, Delivery, Inflight, Origin, QueueState } from '../inflight/inflight.ts'
import { DEAD_LETTERS_IN_WORK_MAX, SECOND_MS } from '../limits.ts'
import { findProperty } from '../send/property-text.ts'
import type { SettingsWriter } from '../settings-writer.ts'
import { appendCopy, originOf, recordOf } from './copies.ts'
import { isDamage } from './damage.ts'

/** A longer unique key is no name: the copy names the place of its origin. */
const UNIQUE_KEY_CHARS_MAX = 255
/** A copy that the disk has no room for is tried again after this time. */
export const DEAD_LETTER_RETRY_MS = 10 * SECOND_MS

/** When the Turns are full, a copy waits this long for its place. */
const TURNS_FULL_RETRY_MS = 100

/** Where messages of the queue end: those that wait for their transaction, in Apache's topic for them. */
function deadTopicOf({ topic, group }: QueueState): string {
  return topic === SystemTopic.HALF ? SystemTopic.CHECK_MAX_TIME : deadLetterTopicOf(group)
}

export interface DeadLetterDeps {
  readonly inflight: Inflight
  readonly store: Appender & QueueReader & UnitReader
  readonly turns: Pick<Turns, 'enter' | 'release'>
  readonly clock: Clock
  readonly scheduler: Scheduler
  readonly logger: Logger<BrokerEvent>
  readonly storeHost: () => HostPort
  readonly ensureTopic: SettingsWriter['ensureTopic']
  readonly onDead: (topic: string, group: string) => void
}

export interface DeadLetters {
  /** Takes candidates of an expiry, inside a job. Those above the bound become due again later. */
  move(candidates: readonly DeadCandidate[]): void
  /** A claimed message was delivered as often as it may be, though not all of it from this queue: it moves now. */
  exhausted(queue: QueueState, offset: number, popTime: number, attempts: number): void
  /**
   * The consumer gives a claimed message up: it moves now. `done` is told when the copy is as durable as a send, or that
   * there is nothing to move; a failure leaves it to the next try.
   */
  forward(delivery: Delivery, done: (failure?: Error) => void): void
  /** A claimed message could not be read. Where its record is damaged it settles as such in the next Turn. */
  unreadable(queue: QueueState, offset: number, popTime: number, error: Error): void
}

/** A candidate, and who waits for its copy. */
interface Moving extends DeadCandidate {
  readonly done?: (failure?: Error) => void
}

/** Creates the mover. Java decides this in the proxy and at revive; here the broker does, once, at expiry. */
export function createDeadLetters(deps: DeadLetterDeps): DeadLetters {
  const { inflight, store, turns, logger } = deps
  let inWork = 0
  /** When a failure was told last: one line stands for all of this time. */
  let toldAtMs = Number.NEGATIVE_INFINITY

  function postpone(candidate: Moving, cause?: unknown): void {
    const { queue, offset, popTime, done } = candidate
    const nowMs = deps.clock.nowMs()
    inflight.postpone(queue, offset, popTime, nowMs + DEAD_LETTER_RETRY_MS)
    done?.(cause instanceof Error ? cause : new MqError('busy', `${DEAD_LETTERS_IN_WORK_MAX} copies are under way`))
    if (cause === undefined || nowMs - toldAtMs < DEAD_LETTER_RETRY_MS) return
    toldAtMs = nowMs
    const { topic, group, queueId } = queue
    const message = cause instanceof Error ? cause.message : String(cause)
    logger.warn({ event: 'dead-letter.postponed', topic, group, queueId, queueOffset: offset, message })
  }

  function settleUnreadable(queue: QueueState, offset: number, popTime: number, error: unknown): void {
    const { topic, group, queueId } = queue
    const { min } = store.bounds(topic, queueId)
    if (offset < min) {
      // It is not damaged: it went with its file meanwhile.
      inflight.retain(queue, min)
      return
    }
    if (!inflight.settle(queue, offset, popTime, 'damaged')) return
    const message = error instanceof Error ? error.message : String(error)
    logger.error({ event: 'message.damaged', topic, group, queueId, queueOffset: offset, message })
  }

  function copy(candidate: Moving, bytes: Uint8Array): void {
    const { queue, offset, popTime, attempts, done } = candidate
    if (queue.dropped || !inflight.isDeadPending(queue, offset, popTime)) {
      done?.()
      return
    }
    const { group, queueId } = queue
    const topic = realTopicOf(queue.topic, group)
    let reconsumeTimes: number
    /** Where it was sent to: it may be a copy itself. */
    let place: Pick<Origin, 'topic' | 'queueId' | 'offset'> = { topic: queue.topic, queueId, offset }
    try {
      const deadLetterTopic = deadTopicOf(queue)
      deps.ensureTopic(deadLetterTopic)
      ;({ reconsumeTimes } = appendCopy(store, deps.storeHost(), {
        delivery: candidate,
        bytes,
        topic: deadLetterTopic,
        reconsumeTimes: (stored) => stored + attempts - 1,
        properties({ storeHost: { host, port }, commitLogOffset: at }, text) {
          place = originOf(text) ?? place
          const key = findProperty(text, PropertyName.UNIQ_KEY) ?? ''
          const isKey = key !== '' && key.length <= UNIQUE_KEY_CHARS_MAX
          return [
            [PropertyName.DLQ_ORIGIN_TOPIC, topic],
            [PropertyName.DLQ_ORIGIN_MESSAGE_ID, isKey ? key : offsetMessageId(host, port, commitLogOffset(at))],
          ]
        },
      }))
    } catch (error) {
      if (!(error instanceof MqError)) throw error
      postpone(candidate, error)
      return
    }
    inflight.settle(queue, offset, popTime, 'dead')
    // Also where nobody waits for an answer the copy is to be as durable as a send: this makes the Turn sync.
    turns.release('flushed', (failure) => done?.(failure))
    deps.onDead(topic, group)
    const { topic: sentTo, queueId: inQueue, offset: queueOffset } = place
    logger.warn({
      event: 'message.dead',
      topic: sentTo,
      group,
      queueId: inQueue,
      queueOffset,
      attempts: reconsumeTimes + 1,
    })
  }

  function moveOne(candidate: Moving): void {
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
    recordOf(store, candidate).then(
      (bytes) => enter(() => copy(candidate, bytes)),
      (error: unknown) => enter(() => unreadable(candidate, error)),
    )
  }

  /** Only damage is for good; what else keeps a record from being read may pass. */
  function unreadable(candidate: Moving, error: unknown): void {
    const { queue, offset, popTime, done } = candidate
    if (isDamage(error)) {
      settleUnreadable(queue, offset, popTime, error)
      turns.release('flushed', (failure) => done?.(failure))
    } else postpone(candidate, error)
  }

  return {
    move(candidates) {
      for (const candidate of candidates) moveOne(candidate)
    },
    exhausted(queue, offset, popTime, attempts) {
      // Turned away, it expires and is tried again. The delivery that found it was none.
      turns.enter(() => {
        if (inflight.giveUp(queue, offset, popTime)) moveOne({ queue, offset, popTime, attempts: attempts - 1 })
      })
    },
    forward({ queue, offset, popTime, attempts }, done) {
      if (inflight.giveUp(queue, offset, popTime)) moveOne({ queue, offset, popTime, attempts, done })
      else done()
    },
    unreadable(queue, offset, popTime, error) {
      // Anything else leaves the message in flight: it expires and is tried again.
      if (isDamage(error)) turns.enter(() => settleUnreadable(queue, offset, popTime, error))
    },
  }
}
