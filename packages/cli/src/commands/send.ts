// rmq send: one message or many, in turn over the queues that may be written, or one after the other to that of their
// message group. What failed is not sent again, so that nothing is there twice.
import { checkTopicName, encodeProperties, MqError, PropertyName } from '@rocketmq-ts/model'
import type { SendResult } from '@rocketmq-ts/cluster-client'
import type { Context } from '../context.ts'
import { CliFailure, ExitCode, isMqError } from '../failures.ts'
import { compareText, countText } from '../output/text.ts'
import type { Session } from '../session.ts'
import { groupQueuesFor, requireOrdered } from './group-queues.ts'
import { createMessageIds } from './message-ids.ts'
import { NEW_TOPIC_QUEUES, type Queue, queuesFor } from './topic-queues.ts'

export interface SendOptions {
  readonly file?: string
  readonly tag?: string
  readonly key?: readonly string[]
  readonly property?: readonly (readonly [name: string, value: string])[]
  readonly delay?: number
  readonly messageGroup?: string
  readonly count: number
}

/** What brokers accept, and some room: they say themselves what is too much. */
const BODY_BYTES_MAX = 8 * 1024 * 1024
/** Messages on their way at once. */
const IN_FLIGHT_MAX = 64
/** Java: MixAll. Shown by tools as the producer. */
export const PRODUCER_GROUP = 'rmq'

interface Sent {
  readonly messageId: string
  readonly brokerName: string
  readonly queueId: number
  readonly queueOffset: number
  readonly outcome: SendResult['kind']
  /** Of a delayed message. */
  readonly recallHandle?: string
}

export async function send(
  context: Context,
  options: SendOptions,
  topic: string,
  text: string | undefined,
): Promise<number> {
  const properties = propertiesOf(topic, options)
  const body = await bodyOf(context, options, text)
  const session = await context.session()
  const { queues, defaultTopic } = await chooseQueues(session, topic, options)
  const ids = createMessageIds(session.effects)
  const first = session.effects.random.integer(queues.length)
  const sent: Sent[] = []
  let begun = 0
  let failure: unknown

  async function sendNext(): Promise<void> {
    while (begun < options.count && failure === undefined && !context.host.interrupted.aborted) {
      const queue = queues[(first + begun) % queues.length] as Queue
      begun += 1
      try {
        sent.push(await sendOne(session, { topic, defaultTopic, queue, messageId: ids.next(), properties, body }))
      } catch (error) {
        failure ??= error
      }
    }
  }

  const inFlight = options.messageGroup === undefined ? Math.min(IN_FLIGHT_MAX, options.count) : 1
  await Promise.all(Array.from({ length: inFlight }, sendNext))
  report(context, topic, sent, options.count)
  if (failure !== undefined) throw afterSome(failure, sent.length, options.count)
  return sent.length < options.count ? ExitCode.INTERRUPTED : ExitCode.OK
}

/** Of a message group, the one that all of it are in. */
async function chooseQueues(
  session: Session,
  topic: string,
  { messageGroup }: SendOptions,
): Promise<{ readonly queues: readonly Queue[]; readonly defaultTopic: string }> {
  if (messageGroup === undefined) return queuesFor(session, topic)
  const groups = await groupQueuesFor(session, topic)
  requireOrdered(groups.config)
  return { queues: [groups.of(messageGroup)], defaultTopic: topic }
}

interface OneMessage {
  readonly topic: string
  readonly defaultTopic: string
  readonly queue: Queue
  readonly messageId: string
  readonly properties: readonly (readonly [string, string])[]
  readonly body: Uint8Array
}

async function sendOne(session: Session, message: OneMessage): Promise<Sent> {
  const { topic, defaultTopic, queue, messageId, properties, body } = message
  const { broker, queueId } = queue
  const header = {
    producerGroup: PRODUCER_GROUP,
    topic,
    defaultTopic,
    defaultTopicQueueNums: NEW_TOPIC_QUEUES,
    queueId,
    sysFlag: 0,
    bornTimestampMs: session.effects.clock.nowMs(),
    flag: 0,
    properties: encodeProperties([...properties, [PropertyName.UNIQ_KEY, messageId]]),
    reconsumeTimes: 0,
    unitMode: false,
    batch: false,
    brokerName: broker.brokerName,
  }
  const result = await session.at(broker, (address) => session.brokers.send(address, header, body))
  return {
    messageId,
    brokerName: broker.brokerName,
    queueId: result.queueId,
    queueOffset: result.queueOffset,
    outcome: result.kind,
    ...(result.recallHandle !== undefined && { recallHandle: result.recallHandle }),
  }
}

function propertiesOf(topic: string, { tag, key = [], property = [], delay, messageGroup }: SendOptions) {
  try {
    checkTopicName(topic)
    if (messageGroup !== undefined && messageGroup.trim() === '') {
      throw new CliFailure('usage', '--message-group is blank: messages of one group have a name in common')
    }
    if (messageGroup !== undefined && delay !== undefined) {
      throw new CliFailure(
        'usage',
        '--message-group and --delay are given: a message is in order or delayed; choose one',
      )
    }
    if (tag !== undefined && (tag.trim() === '' || tag.includes('|'))) {
      throw new CliFailure('usage', `--tag is '${tag}': a tag is not blank and holds no '|'`)
    }
    const blank = key.find((each) => each === '' || each.includes(' '))
    if (blank !== undefined) throw new CliFailure('usage', `--key is '${blank}': a key is not empty and holds no blank`)
    const named = new Map(property)
    if (tag !== undefined) named.set(PropertyName.TAGS, tag)
    if (key.length > 0) named.set(PropertyName.KEYS, key.join(' '))
    if (delay !== undefined) named.set(PropertyName.TIMER_DELAY_MS, String(delay))
    if (messageGroup !== undefined) named.set(PropertyName.SHARDING_KEY, messageGroup)
    // As Java's clients: the answer waits until the message is as safe as the broker is configured.
    named.set(PropertyName.WAIT, 'true')
    const all = [...named]
    encodeProperties(all)
    return all
  } catch (error) {
    throw error instanceof MqError ? new CliFailure('usage', error.message) : error
  }
}

async function bodyOf({ host }: Context, { file }: SendOptions, text: string | undefined): Promise<Uint8Array> {
  if (text !== undefined && file !== undefined) throw new CliFailure('usage', 'a body and --file are given; choose one')
  if (text === undefined && file === undefined && host.input.isTTY) {
    throw new CliFailure('usage', 'no body: give it as an argument, with --file <path>, or on standard input')
  }
  const body =
    text !== undefined
      ? Buffer.from(text)
      : file !== undefined
        ? await host.readFile(file, BODY_BYTES_MAX)
        : await host.input.readAll(BODY_BYTES_MAX)
  if (body.length === 0) throw new CliFailure('usage', 'the body is empty; a message has at least one byte')
  return body
}

function report({ printer }: Context, topic: string, sent: readonly Sent[], count: number): void {
  if (printer.isJson) printer.document({ topic, sent: sent.length, messages: sent })
  else if (count === 1) {
    for (const { messageId, brokerName, queueId, queueOffset, recallHandle } of sent) {
      if (recallHandle === undefined) {
        printer.line(`Sent ${messageId} to ${topic}: ${brokerName}, queue ${queueId}, offset ${queueOffset}.`)
      } else {
        printer.line(`Sent ${messageId} to ${topic}: ${brokerName}, delivered later.`)
        printer.remark(`to keep it from being delivered: rmq timer recall ${recallHandle}`)
      }
    }
  } else {
    printer.line(`Sent ${countText(sent.length, 'message')} to ${topic}.`)
    if (sent.length > 0) printer.table(COLUMNS, perQueue(sent))
  }
  const unsafe = sent.filter(({ outcome }) => outcome !== 'stored')
  if (unsafe.length > 0) {
    const kinds = [...new Set(unsafe.map(({ outcome }) => outcome))].join(', ')
    printer.warning(`${countText(unsafe.length, 'message')} stored, but not yet as safe as configured: ${kinds}`)
  }
}

const COLUMNS = [
  { title: 'BROKER' },
  { title: 'QUEUE', align: 'right' },
  { title: 'MESSAGES', align: 'right' },
  { title: 'FIRST', align: 'right' },
  { title: 'LAST', align: 'right' },
] as const

function perQueue(sent: readonly Sent[]) {
  const rows = new Map<string, { brokerName: string; queueId: number; offsets: number[] }>()
  for (const { brokerName, queueId, queueOffset } of sent) {
    const key = `${brokerName} ${queueId}`
    const row = rows.get(key) ?? { brokerName, queueId, offsets: [] }
    row.offsets.push(queueOffset)
    rows.set(key, row)
  }
  return [...rows.values()]
    .sort((left, right) => compareText(left.brokerName, right.brokerName) || left.queueId - right.queueId)
    .map(({ brokerName, queueId, offsets }) => {
      const ascending = offsets.sort((left, right) => left - right)
      return [brokerName, queueId, offsets.length, ascending[0] ?? '-', ascending.at(-1) ?? '-']
    })
}

function afterSome(failure: unknown, sent: number, count: number): unknown {
  if (count === 1 || !(failure instanceof CliFailure || isMqError(failure))) return failure
  const remedy = failure instanceof CliFailure ? failure.remedy : undefined
  const text = `after ${sent} of ${countText(count, 'message')}: ${failure.message}`
  return new CliFailure(failure.code, text, remedy, failure)
}
