// rmq send: one message or many, in turn over the queues that may be written. What failed is not sent again, so that
// nothing is there twice.
import {
  checkTopicName,
  encodeProperties,
  isWritable,
  MASTER_ID,
  MqError,
  PropertyName,
  SystemTopic,
  type TopicRouteData,
} from '@rocketmq-ts/model'
import type { SendResult } from '@rocketmq-ts/cluster-client'
import type { Context } from '../context.ts'
import { CliFailure, ExitCode, isMqError } from '../failures.ts'
import { compareText, countText } from '../output/text.ts'
import type { BrokerAddress, Session } from '../session.ts'
import { createMessageIds } from './message-ids.ts'

export interface SendOptions {
  readonly file?: string
  readonly tag?: string
  readonly key?: readonly string[]
  readonly property?: readonly (readonly [name: string, value: string])[]
  readonly delay?: number
  readonly count: number
}

/** What brokers accept, and some room: they say themselves what is too much. */
const BODY_BYTES_MAX = 8 * 1024 * 1024
/** Messages on their way at once. */
const IN_FLIGHT_MAX = 64
/** Queues of a topic that this send creates. */
const NEW_TOPIC_QUEUES = 4
/** Java: MixAll. Shown by tools as the producer. */
export const PRODUCER_GROUP = 'rmq'

export interface Queue {
  readonly broker: BrokerAddress
  readonly queueId: number
}

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
  const { queues, defaultTopic } = await queuesFor(session, topic)
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

  await Promise.all(Array.from({ length: Math.min(IN_FLIGHT_MAX, options.count) }, sendNext))
  report(context, topic, sent, options.count)
  if (failure !== undefined) throw afterSome(failure, sent.length, options.count)
  return sent.length < options.count ? ExitCode.INTERRUPTED : ExitCode.OK
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

function propertiesOf(topic: string, { tag, key = [], property = [], delay }: SendOptions) {
  try {
    checkTopicName(topic)
    if (tag !== undefined && (tag.trim() === '' || tag.includes('|'))) {
      throw new CliFailure('usage', `--tag is '${tag}': a tag is not blank and holds no '|'`)
    }
    const blank = key.find((each) => each === '' || each.includes(' '))
    if (blank !== undefined) throw new CliFailure('usage', `--key is '${blank}': a key is not empty and holds no blank`)
    const named = new Map(property)
    if (tag !== undefined) named.set(PropertyName.TAGS, tag)
    if (key.length > 0) named.set(PropertyName.KEYS, key.join(' '))
    if (delay !== undefined) named.set(PropertyName.TIMER_DELAY_MS, String(delay))
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

/** The queues that may be written, those of different brokers in turn; of the template where the topic is new. */
export async function queuesFor(session: Session, topic: string): Promise<{ queues: Queue[]; defaultTopic: string }> {
  const defaultTopic = SystemTopic.AUTO_CREATE
  const known = await session.route(topic)
  const route = known ?? (await session.route(defaultTopic))
  if (route === undefined) {
    await session.requireBrokers()
    throw new CliFailure(
      'topic-not-found',
      `topic '${topic}' does not exist, and no broker creates topics by itself`,
      `Create it with: rmq topic create ${topic}`,
    )
  }
  const queues = writableQueues(route, known === undefined ? NEW_TOPIC_QUEUES : Number.MAX_SAFE_INTEGER)
  if (queues.length === 0) {
    throw new CliFailure(
      'no-permission',
      `topic '${topic}' has no queue that may be written`,
      'Its brokers are drained (rmq cluster status), or it is for reading only (rmq topic describe).',
    )
  }
  return { queues, defaultTopic }
}

function writableQueues({ queueDatas, brokerDatas }: TopicRouteData, queuesMax: number): Queue[] {
  const queues: Queue[] = []
  for (const { brokerName, perm, writeQueueNums } of queueDatas) {
    const data = brokerDatas.find((each) => each.brokerName === brokerName)
    const address = data?.brokerAddrs.get(MASTER_ID)
    if (!isWritable(perm) || data === undefined || address === undefined) continue
    const broker = { cluster: data.cluster, brokerName, brokerId: MASTER_ID, address }
    for (let queueId = 0; queueId < Math.min(writeQueueNums, queuesMax); queueId += 1) queues.push({ broker, queueId })
  }
  return queues.sort(
    (left, right) => left.queueId - right.queueId || compareText(left.broker.brokerName, right.broker.brokerName),
  )
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
