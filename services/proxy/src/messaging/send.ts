// Sending: one queue per request, in turn over the writable queues of the topic. The proxy chooses, not the client.
import { encodeProperties, MqError, PropertyName, SysFlag } from '@rocketmq-ts/model'
import type { Random } from '@rocketmq-ts/runtime'
import type { MessageSender, OutgoingRecord, Stored, TopicRoute } from '../upstream/upstream.ts'
import type { Topics } from './topics.ts'

/** A normal message as a producer gave it, checked. */
export interface OutgoingMessage {
  readonly messageId: string
  readonly tag: string
  readonly keys: readonly string[]
  readonly userProperties: Readonly<Record<string, string>>
  readonly traceContext: string
  readonly bornTimestampMs: number
  readonly bornHost: string
  /** The body arrived compressed and is kept so. */
  readonly compressed: boolean
  readonly body: Uint8Array
}

export type SendOutcome =
  | { readonly kind: 'stored'; readonly stored: Stored }
  | { readonly kind: 'failed'; readonly error: unknown }

/** Sends messages of one topic to one queue, in order; one outcome each. Rejects where no queue can be chosen. */
export type Send = (topic: string, messages: readonly OutgoingMessage[]) => Promise<SendOutcome[]>

export interface SendDeps {
  readonly topics: Topics
  readonly sender: MessageSender
  readonly random: Random
  readonly timeoutMs: number
}

interface WritableQueue {
  readonly brokerName: string
  readonly queueId: number
}

/** The writable queues of a route and whose turn it is. */
interface QueueTurn {
  readonly queues: readonly WritableQueue[]
  next: number
}

export function createSend({ topics, sender, random, timeoutMs }: SendDeps): Send {
  const turns = new WeakMap<TopicRoute, QueueTurn>()

  function turnOf(route: TopicRoute): QueueTurn {
    let turn = turns.get(route)
    if (turn === undefined) {
      const queues = writableQueues(route)
      turn = { queues, next: queues.length === 0 ? 0 : random.integer(queues.length) }
      turns.set(route, turn)
    }
    return turn
  }

  async function sendOne(queue: WritableQueue, record: OutgoingRecord): Promise<SendOutcome> {
    try {
      return { kind: 'stored', stored: await sender.send(queue.brokerName, record, timeoutMs) }
    } catch (error) {
      return { kind: 'failed', error }
    }
  }

  return async (topic, messages) => {
    const turn = turnOf(await topics.route(topic))
    const queue = takeQueue(turn, '')
    if (queue === undefined) throw new MqError('no-permission', `topic '${topic}' has no writable queue`)
    const outcomes = await Promise.all(messages.map((message) => sendOne(queue, recordOf(topic, queue, message))))
    if (!outcomes.every(wasNotTaken)) return outcomes
    // The broker could not be reached or took nothing: another one may. After a failed sync there may be two copies.
    const other = takeQueue(turn, queue.brokerName)
    if (other === undefined) return outcomes
    return Promise.all(messages.map((message) => sendOne(other, recordOf(topic, other, message))))
  }
}

function writableQueues(route: TopicRoute): WritableQueue[] {
  const queues: WritableQueue[] = []
  for (const { brokerName, writable, writeQueues } of route.brokers) {
    if (!writable) continue
    for (let queueId = 0; queueId < writeQueues; queueId += 1) queues.push({ brokerName, queueId })
  }
  return queues
}

/** The next queue in turn that is not on the broker named `except`. */
function takeQueue(turn: QueueTurn, except: string): WritableQueue | undefined {
  for (let tries = turn.queues.length; tries > 0; tries -= 1) {
    const queue = turn.queues[turn.next]
    turn.next = (turn.next + 1) % turn.queues.length
    if (queue !== undefined && queue.brokerName !== except) return queue
  }
  return undefined
}

function wasNotTaken(outcome: SendOutcome): boolean {
  return outcome.kind === 'failed' && outcome.error instanceof MqError && outcome.error.code === 'unavailable'
}

// Java: SendMessageActivity.buildMessageProperty, ProducerProcessor.buildSendMessageRequestHeader. The producer group
// is the topic's name; a delivery attempt sent by the client means nothing here (the C++ client fills it with noise).
function recordOf(topic: string, queue: WritableQueue, message: OutgoingMessage): OutgoingRecord {
  const properties = new Map<string, string>()
  for (const name in message.userProperties) properties.set(name, message.userProperties[name] ?? '')
  if (message.tag !== '') properties.set(PropertyName.TAGS, message.tag)
  if (message.keys.length > 0) properties.set(PropertyName.KEYS, message.keys.join(' '))
  properties.set(PropertyName.UNIQ_KEY, message.messageId)
  if (message.traceContext !== '') properties.set(PropertyName.TRACE_CONTEXT, message.traceContext)
  properties.set(PropertyName.BORN_HOST, message.bornHost)
  properties.set(PropertyName.BORN_TIMESTAMP, String(message.bornTimestampMs))
  properties.set(PropertyName.PGROUP, topic)
  return {
    topic,
    queueId: queue.queueId,
    producerGroup: topic,
    sysFlag: message.compressed ? SysFlag.COMPRESSED : 0,
    bornTimestampMs: message.bornTimestampMs,
    properties: encodeProperties(properties),
    body: message.body,
  }
}
