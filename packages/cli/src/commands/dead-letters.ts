// Dead letters of a group, as its brokers keep them. What is sent again has an id that follows from the dead letter, so
// that it is found by it: nothing is sent twice unless that is asked for, whoever was interrupted where.
import { createHash } from 'node:crypto'
import { deadLetterTopicOf, PropertyName } from '@rocketmq-ts/model'
import type { Context } from '../context.ts'
import { CliFailure } from '../failures.ts'
import type { BrokerAddress, Scope, Session } from '../session.ts'
import type { Moment } from '../values.ts'
import { askAll } from './ask-all.ts'
import { findGroup, noSuchGroup, placesOf } from './groups.ts'
import { copyDocument, type FoundCopy } from './message-copies.ts'
import { type QueueWindow, windowsOf } from './queue-window.ts'
import { windowOf } from './time-window.ts'

export interface DeadLetterOptions extends Scope {
  /** Only what was sent to this topic. */
  readonly topic?: string
  readonly from?: Moment
  readonly to?: Moment
}

export interface DeadLetterQueues {
  readonly brokers: readonly BrokerAddress[]
  readonly windows: readonly QueueWindow[]
  /** Some broker did not answer. */
  readonly failed: boolean
}

const DAY_MS = 86_400_000

/** Where the dead letters of the group lie. Rejects with CliFailure where there is no such group. */
export async function deadLetterQueues(
  context: Context,
  options: DeadLetterOptions,
  group: string,
): Promise<DeadLetterQueues> {
  const session = await context.session()
  const brokers = await session.masters(options)
  const window = windowOf(options, session.effects.clock.nowMs())
  const topic = deadLetterTopicOf(group)
  const { answers, failed } = await askAll(context, brokers, (_, broker) => windowsOf(session, broker, topic, window))
  if (answers.every(({ value }) => value === undefined)) {
    const groups = await findGroup(context, brokers, group)
    if (placesOf(groups).length === 0 && !groups.failed) throw noSuchGroup(group)
  }
  return { brokers, windows: answers.flatMap(({ value }) => value ?? []), failed }
}

/** The topic that the message was sent to; undefined where the dead letter does not say. */
export function originTopicOf({ properties }: FoundCopy): string | undefined {
  return properties.get(PropertyName.DLQ_ORIGIN_TOPIC) ?? properties.get(PropertyName.RETRY_TOPIC)
}

export function originIdOf({ properties }: FoundCopy): string | undefined {
  return properties.get(PropertyName.UNIQ_KEY) ?? properties.get(PropertyName.DLQ_ORIGIN_MESSAGE_ID)
}

/** Deliveries that were made. */
export function attemptsOf({ record }: FoundCopy): number {
  return record.reconsumeTimes + 1
}

/** The id under which the dead letter is sent again, of the form that clients make. */
export function resendIdOf({ broker, record }: FoundCopy): string {
  const { topic, queueId, queueOffset, storeTimestampMs } = record
  const place = `${broker.brokerName} ${topic} ${queueId} ${queueOffset} ${storeTimestampMs}`
  return `01${createHash('sha256').update(place).digest('hex').slice(0, 32)}`.toUpperCase()
}

/** Rejects with CliFailure where a broker does not answer: then it can not be told. */
export async function isResent(
  session: Session,
  brokers: readonly BrokerAddress[],
  letter: FoundCopy,
): Promise<boolean> {
  const topic = originTopicOf(letter)
  if (topic === undefined) return false
  const question = {
    topic,
    key: resendIdOf(letter),
    isUniqueKey: true,
    fromMs: letter.record.storeTimestampMs - DAY_MS,
    toMs: session.effects.clock.nowMs() + DAY_MS,
    max: 1,
  }
  const answers = await Promise.all(
    brokers.map((broker) => session.at(broker, (address) => session.brokers.queryMessages(address, question))),
  )
  return answers.some(({ records }) => records.length > 0)
}

/** `undefined` where it can not be told. */
export async function isResentOrUnknown(
  session: Session,
  brokers: readonly BrokerAddress[],
  letter: FoundCopy,
): Promise<boolean | undefined> {
  try {
    return await isResent(session, brokers, letter)
  } catch (error) {
    if (error instanceof CliFailure) return undefined
    throw error
  }
}

/** For programs. */
export function deadLetterDocument(letter: FoundCopy) {
  const { kind: _, topic: __, ...document } = copyDocument(letter)
  return { ...document, topic: originTopicOf(letter) ?? null, attempts: attemptsOf(letter) }
}
