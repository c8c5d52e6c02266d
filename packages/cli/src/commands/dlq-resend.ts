// rmq dlq resend: dead letters go to the topic again that they were sent to, as new messages. One at a time per part that
// was read, so that an interruption leaves a prefix; what was sent is found by its id and skipped the next time.
import { deadLetterTopicOf, decodeProperties, encodeProperties, PropertyName } from '@rocketmq-ts/model'
import { sendersSysFlag } from '@rocketmq-ts/store'
import type { Context } from '../context.ts'
import { CliFailure, ExitCode, isMqError } from '../failures.ts'
import { createProgress } from '../output/progress.ts'
import { countText } from '../output/text.ts'
import type { BrokerAddress, Session } from '../session.ts'
import { type ConfirmOptions, confirmed } from './confirm.ts'
import {
  type DeadLetterOptions,
  deadLetterQueues,
  isResent,
  originIdOf,
  originTopicOf,
  resendIdOf,
} from './dead-letters.ts'
import { type GroupQueues, groupQueuesFor } from './group-queues.ts'
import { copyOf, findCopies, type FoundCopy, idOfCopy, placeText } from './message-copies.ts'
import { createMessageIds } from './message-ids.ts'
import { messagesIn, readWindows } from './queue-window.ts'
import { PRODUCER_GROUP } from './send.ts'
import { type Queue, queuesFor } from './topic-queues.ts'
import { windowOf } from './time-window.ts'

export interface DlqResendOptions extends DeadLetterOptions, ConfirmOptions {
  readonly all?: boolean
  readonly limit?: number
  readonly dryRun?: boolean
  readonly again?: boolean
}

type Outcome = 'resent' | 'would-be-resent' | 'skipped' | 'no-topic'

/** Of these the document names each; all are counted. */
const NAMED_MAX = 1000
/** A dead letter may have been resent and died again, under the id of its own. */
const COPIES_MAX = 32

/** Properties of the life that ended: of the delivery, of a delay or transaction that is over, and of the dead letter. */
const LEFT_BEHIND: ReadonlySet<string> = new Set([
  PropertyName.RETRY_TOPIC,
  PropertyName.REAL_TOPIC,
  PropertyName.REAL_QID,
  PropertyName.DLQ_ORIGIN_TOPIC,
  PropertyName.DLQ_ORIGIN_MESSAGE_ID,
  PropertyName.RECONSUME_TIME,
  PropertyName.FIRST_POP_TIME,
  PropertyName.POP_CK,
  PropertyName.DELAY,
  PropertyName.TIMER_DELAY_SEC,
  PropertyName.TIMER_DELAY_MS,
  PropertyName.TIMER_DELIVER_MS,
  PropertyName.TIMER_OUT_MS,
  PropertyName.TIMER_ENQUEUE_MS,
  PropertyName.TIMER_DEQUEUE_MS,
  PropertyName.TIMER_ROLL_TIMES,
  PropertyName.TRAN_MSG,
  PropertyName.TRANSACTION_ID,
  PropertyName.MSG_REGION,
  PropertyName.TRACE_ON,
  PropertyName.CLUSTER,
  PropertyName.MIN_OFFSET,
  PropertyName.MAX_OFFSET,
])

export async function dlqResend(
  context: Context,
  options: DlqResendOptions,
  group: string,
  ids: readonly string[],
): Promise<number> {
  if (ids.length > 0 === (options.all === true)) {
    throw new CliFailure('usage', 'which dead letters is not clear', 'Name their ids, or say --all.')
  }
  const { printer, host } = context
  const session = await context.session()
  const queues = await deadLetterQueues(context, options, group)
  if (queues.failed && options.again !== true) throw unsure()
  const named = ids.length === 0 ? undefined : await lettersOf(context, options, group, ids)
  const found = named?.length ?? messagesIn(queues.windows)
  const most = Math.min(found, options.limit ?? Infinity)
  const question =
    `Send ${options.limit === undefined ? '' : 'up to '}${countText(most, 'dead letter')} of ${group} to the topics they ` +
    'came from? Every group of these topics gets them.'
  if (most > 0 && options.dryRun !== true && !(await confirmed(context, options, question))) return ExitCode.FAILED

  const resender = createResender(session, queues.brokers, options)
  const progress = createProgress(host.err, session.effects.clock, 'Resending')
  let seen = 0
  try {
    for await (const letters of named === undefined ? read(session, queues.windows) : [named]) {
      for (const letter of letters) {
        if (resender.count >= most || host.interrupted.aborted) break
        seen += 1
        if (options.topic === undefined || originTopicOf(letter) === options.topic) await resender.take(letter)
        progress.at(seen, found)
      }
      if (resender.count >= most || host.interrupted.aborted) break
    }
  } catch (error) {
    if (!(error instanceof CliFailure || isMqError(error))) throw error
    const text = `after ${countText(resender.count, 'dead letter')}: ${error.message}`
    throw new CliFailure(error.code, text, 'Run it again: those that were sent are skipped.', error)
  } finally {
    progress.end()
  }
  const { counts, messages } = resender
  if (printer.isJson) {
    printer.document({ group, dryRun: options.dryRun === true, ...counts, messages, cut: resender.isCut })
  } else {
    for (const { messageId, newMessageId, topic, outcome } of messages) {
      if (outcome === 'would-be-resent') printer.line(`${messageId} would go to ${topic} as ${newMessageId}.`)
      if (outcome === 'no-topic') printer.warning(`${messageId} does not say which topic it came from: it stays`)
    }
    const verb = options.dryRun === true ? 'would be sent' : 'sent'
    const skipped = counts.skipped === 0 ? '' : `, ${counts.skipped} skipped: sent before (--again sends them anyway)`
    printer.line(`${countText(resender.count, 'dead letter')} of ${group} ${verb} again${skipped}.`)
  }
  if (host.interrupted.aborted) return ExitCode.INTERRUPTED
  return counts.withoutTopic > 0 ? ExitCode.FAILED : ExitCode.OK
}

function unsure(): CliFailure {
  return new CliFailure(
    'unavailable',
    'a broker does not answer: which dead letters there are, and which were sent again, can not be told',
    'Start it. Or say --again: what was sent before is sent once more then.',
  )
}

async function lettersOf(
  context: Context,
  options: DlqResendOptions,
  group: string,
  ids: readonly string[],
): Promise<FoundCopy[]> {
  const session = await context.session()
  const brokers = await session.masters(options)
  const window = windowOf(options, session.effects.clock.nowMs())
  const topic = deadLetterTopicOf(group)
  const letters: FoundCopy[] = []
  for (const id of new Set(ids)) {
    const question = { topic, key: id, isUniqueKey: true, ...window, max: COPIES_MAX }
    const { copies } = await findCopies(context, brokers, question)
    if (copies.length === 0) {
      throw new CliFailure('not-found', `group ${group} has no dead letter '${id}'`, `See: rmq dlq list ${group}`)
    }
    letters.push(...copies)
  }
  return letters
}

async function* read(session: Session, windows: Parameters<typeof readWindows>[1]): AsyncGenerator<FoundCopy[]> {
  for await (const { broker, records } of readWindows(session, windows)) {
    yield records.map((record) => copyOf(broker, record))
  }
}

function createResender(session: Session, brokers: readonly BrokerAddress[], options: DlqResendOptions) {
  const ids = createMessageIds(session.effects)
  const queuesOfTopic = new Map<string, readonly Queue[]>()
  const groupsOfTopic = new Map<string, GroupQueues>()
  const counts = { resent: 0, skipped: 0, withoutTopic: 0 }
  const messages: { messageId: string; newMessageId: string; topic: string; outcome: Outcome }[] = []
  let count = 0
  let isCut = false

  function note(letter: FoundCopy, newMessageId: string, topic: string, outcome: Outcome): void {
    if (messages.length >= NAMED_MAX) isCut = true
    else messages.push({ messageId: idOfCopy(letter), newMessageId, topic, outcome })
  }

  /** A topic that is gone is not made again by a dead letter. */
  async function queuesOf(topic: string): Promise<readonly Queue[]> {
    const known = queuesOfTopic.get(topic)
    if (known !== undefined) return known
    if ((await session.route(topic)) === undefined) {
      const remedy = `Create it with: rmq topic create ${topic}. Or leave these out with --topic.`
      throw new CliFailure('topic-not-found', `topic '${topic}' that dead letters came from does not exist`, remedy)
    }
    const { queues } = await queuesFor(session, topic)
    queuesOfTopic.set(topic, queues)
    return queues
  }

  /** Where all of its message group are; without one, in turn over the queues of its own broker where that can be. */
  async function placeOf(
    { properties, broker: { brokerName } }: FoundCopy,
    topic: string,
    queues: readonly Queue[],
  ): Promise<Queue> {
    const messageGroup = properties.get(PropertyName.SHARDING_KEY)
    if (messageGroup !== undefined) {
      const groups = groupsOfTopic.get(topic) ?? (await groupQueuesFor(session, topic))
      groupsOfTopic.set(topic, groups)
      return groups.of(messageGroup)
    }
    const own = queues.filter(({ broker }) => broker.brokerName === brokerName)
    const candidates = own.length > 0 ? own : queues
    return candidates[count % candidates.length]!
  }

  async function send(letter: FoundCopy, topic: string, messageId: string): Promise<void> {
    const queues = await queuesOf(topic)
    const { broker, queueId } = await placeOf(letter, topic, queues)
    const { record } = letter
    const header = {
      producerGroup: PRODUCER_GROUP,
      topic,
      defaultTopic: topic,
      defaultTopicQueueNums: queues.length,
      queueId,
      sysFlag: sendersSysFlag(record.sysFlag),
      bornTimestampMs: session.effects.clock.nowMs(),
      flag: record.flag,
      properties: resentProperties(letter, messageId),
      reconsumeTimes: 0,
      unitMode: false,
      batch: false,
      brokerName: broker.brokerName,
    }
    await session.at(broker, (address) => session.brokers.send(address, header, record.body))
  }

  return {
    counts,
    messages,
    /** Sent, or to be sent where it is a dry run. */
    get count() {
      return count
    },
    get isCut() {
      return isCut
    },
    async take(letter: FoundCopy): Promise<void> {
      const topic = originTopicOf(letter)
      if (topic === undefined) {
        counts.withoutTopic += 1
        return note(letter, '', '', 'no-topic')
      }
      const isKnown = options.again !== true && (await isResent(session, brokers, letter))
      const messageId = options.again === true ? ids.next() : resendIdOf(letter)
      if (isKnown) {
        counts.skipped += 1
        return note(letter, messageId, topic, 'skipped')
      }
      if (options.dryRun === true) {
        await queuesOf(topic)
        count += 1
        return note(letter, messageId, topic, 'would-be-resent')
      }
      await send(letter, topic, messageId)
      count += 1
      counts.resent += 1
      note(letter, messageId, topic, 'resent')
    },
  }
}

/** As the sender gave them, with a new id; the old one stands in ORIGIN_MESSAGE_ID. */
function resentProperties(letter: FoundCopy, messageId: string): string {
  const all = decodeProperties(encodeProperties(letter.properties))
  for (const name of all.keys()) if (LEFT_BEHIND.has(name) || name.startsWith(PropertyName.OWN_PREFIX)) all.delete(name)
  all.set(PropertyName.UNIQ_KEY, messageId)
  all.set(PropertyName.ORIGIN_MESSAGE_ID, originIdOf(letter) ?? placeText(letter))
  all.set(PropertyName.WAIT, 'true')
  return encodeProperties(all)
}
