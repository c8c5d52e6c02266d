// Sending: one queue per request, in turn over the writable queues of the topic, or that of the message group. The proxy
// chooses, not the client: a broker that is added gets its share with the next route, and one that does not answer is left
// out at once.
import {
  appendProperty,
  type DedupBy,
  MqError,
  PropertyName,
  queueIndexOf,
  shardedQueues,
  type ShardingQueues,
  SysFlag,
} from '@rocketmq-ts/model'
import type { Clock, Random } from '@rocketmq-ts/runtime'
import { isAway, type MessageSender, type OutgoingRecord, type Stored, type TopicRoute } from '../upstream/upstream.ts'
import type { BrokerHealth } from './broker-health.ts'
import type { TopicTypes } from './topic-types.ts'
import type { Topics } from './topics.ts'

/** Brokers that one request is tried at, at most. */
const BROKERS_TRIED_MAX = 3

/** A message as a producer gave it, checked. */
export interface OutgoingMessage {
  readonly messageId: string
  readonly tag: string
  readonly keys: readonly string[]
  readonly userProperties: Readonly<Record<string, string>>
  readonly traceContext: string
  /** Messages of one group are kept in order; '' for those of no group. */
  readonly messageGroup: string
  /** Of a half message: the time until its producer is asked for the first time, 0 for that of the broker. */
  readonly transaction: { readonly immunityMs: number } | undefined
  /** When it is to be delivered, wall milliseconds; undefined: at once. */
  readonly deliveryMs: number | undefined
  readonly bornTimestampMs: number
  readonly bornHost: string
  /** The body arrived compressed and is kept so. */
  readonly compressed: boolean
  readonly body: Uint8Array
}

export type SendOutcome =
  | { readonly kind: 'stored'; readonly stored: Stored }
  | { readonly kind: 'failed'; readonly error: unknown }

/**
 * Sends messages of one topic, in order; one outcome each. All go to one queue, but where one of them has a message group
 * each goes to the queue of its group, and nowhere else. Rejects where no queue can be chosen.
 */
export type Send = (topic: string, messages: readonly OutgoingMessage[]) => Promise<SendOutcome[]>

export interface SendDeps {
  readonly topics: Topics
  readonly topicTypes: Pick<TopicTypes, 'facts'>
  readonly sender: MessageSender
  readonly health: BrokerHealth
  readonly clock: Clock
  readonly random: Random
  /** For a request with all its tries. */
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

/** The queues of message groups, as a route leaves them. */
interface GroupQueues {
  readonly route: TopicRoute
  readonly queues: readonly WritableQueue[]
}

/** What a message belongs together with in one queue: '' for nothing. */
type ShardOf = (message: OutgoingMessage) => string

const SHARD_OF: Readonly<Record<DedupBy | 'NONE', ShardOf>> = {
  NONE: ({ messageGroup }) => messageGroup,
  MESSAGE_ID: ({ messageGroup, messageId }) => messageGroup || messageId,
  KEY: ({ messageGroup, keys }) => messageGroup || keys.join(' '),
}

/** Creates it. Each route has a turn of its own. */
export function createSend({ topics, topicTypes, sender, health, clock, random, timeoutMs }: SendDeps): Send {
  const turns = new WeakMap<TopicRoute, QueueTurn>()
  const groups = new WeakMap<readonly ShardingQueues[], GroupQueues>()

  function turnOf(route: TopicRoute): QueueTurn {
    let turn = turns.get(route)
    if (turn === undefined) {
      const queues = writableQueues(route)
      turn = { queues, next: queues.length === 0 ? 0 : random.integer(queues.length) }
      turns.set(route, turn)
    }
    return turn
  }

  function sendAll(topic: string, queue: WritableQueue, messages: readonly OutgoingMessage[], leftMs: number) {
    return Promise.all(messages.map((message) => sendOne(queue, recordOf(topic, queue, message), leftMs)))
  }

  async function sendOne({ brokerName }: WritableQueue, record: OutgoingRecord, leftMs: number): Promise<SendOutcome> {
    try {
      const stored = await sender.send(brokerName, record, leftMs)
      health.answered(brokerName)
      return { kind: 'stored', stored }
    } catch (error) {
      health.failed(brokerName, error)
      return { kind: 'failed', error }
    }
  }

  /**
   * Where message groups and keys go. A broker that is away keeps its groups, so that nothing overtakes what waits there; one that
   * takes no more messages has none.
   */
  function groupQueues(topic: string, route: TopicRoute): readonly WritableQueue[] {
    const set = topicTypes.facts(topic)?.shardingQueues
    if (set === undefined) return turnOf(route).queues
    const known = groups.get(set)
    if (known?.route === route) return known.queues
    const readOnly = new Set(route.brokers.flatMap(({ brokerName, writable }) => (writable ? [] : [brokerName])))
    const queues = shardedQueues(set, readOnly)
    groups.set(set, { route, queues })
    return queues
  }

  /** The next queue in turn on another broker than those tried; if there is one, on a broker that answers. */
  function takeQueue(turn: QueueTurn, tried: readonly string[]): WritableQueue | undefined {
    let last: WritableQueue | undefined
    for (let tries = turn.queues.length; tries > 0; tries -= 1) {
      const queue = turn.queues[turn.next]
      turn.next = (turn.next + 1) % turn.queues.length
      if (queue === undefined || tried.includes(queue.brokerName)) continue
      if (!health.isAvoided(queue.brokerName)) return queue
      last ??= queue
    }
    return last
  }

  /**
   * Another queue than that of the group would end its order, so what fails is the client's to send again. So is all of
   * its group behind it: messages of one group go one after the other.
   */
  async function sendByShard(
    topic: string,
    shardOf: ShardOf,
    messages: readonly OutgoingMessage[],
  ): Promise<SendOutcome[]> {
    const untilMs = clock.monotonicMs() + timeoutMs
    const route = topics.known(topic) ?? (await topics.route(topic))
    const queues = groupQueues(topic, route)
    const lastOf = new Map<string, Promise<SendOutcome>>()

    async function sendBehind(last: Promise<SendOutcome> | undefined, queue: WritableQueue, message: OutgoingMessage) {
      const before = await last
      if (before?.kind === 'failed') return before
      const leftMs = untilMs - clock.monotonicMs()
      if (leftMs <= 0) return { kind: 'failed', error: noTimeLeft(shardOf(message), timeoutMs) } as const
      return sendOne(queue, recordOf(topic, queue, message), leftMs)
    }

    return Promise.all(
      messages.map((message) => {
        const shard = shardOf(message)
        const queue = shard !== '' ? queues[queueIndexOf(shard, queues.length)] : takeQueue(turnOf(route), [])
        if (queue === undefined) throw noQueue(topic)
        const sending = sendBehind(lastOf.get(shard), queue, message)
        if (shard !== '') lastOf.set(shard, sending)
        return sending
      }),
    )
  }

  return async (topic, messages) => {
    const shardOf = SHARD_OF[topicTypes.facts(topic)?.dedupBy ?? 'NONE']
    if (messages.some((message) => shardOf(message) !== '')) return sendByShard(topic, shardOf, messages)
    const untilMs = clock.monotonicMs() + timeoutMs
    // As most requests are: no list of promises.
    const only = messages.length === 1 ? messages[0] : undefined
    const tried: string[] = []
    let outcomes: SendOutcome[] | undefined
    while (tried.length < BROKERS_TRIED_MAX) {
      const leftMs = untilMs - clock.monotonicMs()
      if (leftMs <= 0) break
      const queue = takeQueue(turnOf(topics.known(topic) ?? (await topics.route(topic))), tried)
      if (queue === undefined) break
      tried.push(queue.brokerName)
      outcomes =
        only === undefined
          ? await sendAll(topic, queue, messages, leftMs)
          : [await sendOne(queue, recordOf(topic, queue, only), leftMs)]
      if (!outcomes.every(mayBeTakenElsewhere)) return outcomes
    }
    if (outcomes === undefined) throw noQueue(topic)
    return outcomes
  }
}

function noQueue(topic: string): MqError {
  return new MqError('no-permission', `topic '${topic}' has no writable queue`)
}

function noTimeLeft(shard: string, timeoutMs: number): MqError {
  return new MqError('timeout', `not sent: those before it of group '${shard}' took all of the ${timeoutMs} ms`)
}

function writableQueues(route: TopicRoute): WritableQueue[] {
  const queues: WritableQueue[] = []
  for (const { brokerName, writable, writeQueues } of route.brokers) {
    if (!writable) continue
    for (let queueId = 0; queueId < writeQueues; queueId += 1) queues.push({ brokerName, queueId })
  }
  return queues
}

/**
 * The broker could not be reached, is stopping, or takes nothing. Where the connection was lost, or a sync failed, there
 * may be two copies then, as when the client sends again.
 */
function mayBeTakenElsewhere(outcome: SendOutcome): boolean {
  return outcome.kind === 'failed' && isAway(outcome.error)
}

// Java: SendMessageActivity.buildMessageProperty, ProducerProcessor.buildSendMessageRequestHeader. The producer group
// is the topic's name; a delivery attempt sent by the client means nothing here (the C++ client fills it with noise).
function recordOf(topic: string, queue: WritableQueue, message: OutgoingMessage): OutgoingRecord {
  const { userProperties, traceContext, transaction } = message
  let properties = ''
  for (const name in userProperties) {
    // The only name of ours that a client may set too: the field of the message wins.
    if (name === PropertyName.TRACE_CONTEXT && traceContext !== '') continue
    properties = appendProperty(properties, name, userProperties[name] ?? '')
  }
  properties = appendProperty(properties, PropertyName.TAGS, message.tag)
  properties = appendProperty(properties, PropertyName.KEYS, message.keys.join(' '))
  properties = appendProperty(properties, PropertyName.UNIQ_KEY, message.messageId)
  properties = appendProperty(properties, PropertyName.TRACE_CONTEXT, traceContext)
  if (message.messageGroup !== '') {
    properties = appendProperty(properties, PropertyName.SHARDING_KEY, message.messageGroup)
  }
  if (message.deliveryMs !== undefined) {
    properties = appendProperty(properties, PropertyName.TIMER_DELIVER_MS, String(message.deliveryMs))
  }
  properties = appendProperty(properties, PropertyName.BORN_HOST, message.bornHost)
  properties = appendProperty(properties, PropertyName.BORN_TIMESTAMP, String(message.bornTimestampMs))
  properties = appendProperty(properties, PropertyName.PGROUP, topic)
  if (transaction !== undefined) {
    properties = appendProperty(properties, PropertyName.TRAN_MSG, 'true')
    const seconds = Math.ceil(transaction.immunityMs / 1000)
    if (seconds > 0)
      properties = appendProperty(properties, PropertyName.CHECK_IMMUNITY_TIME_IN_SECONDS, String(seconds))
  }
  return {
    topic,
    queueId: queue.queueId,
    producerGroup: topic,
    sysFlag:
      (message.compressed ? SysFlag.COMPRESSED : 0) | (transaction === undefined ? 0 : SysFlag.TRANSACTION_PREPARED),
    bornTimestampMs: message.bornTimestampMs,
    properties,
    body: message.body,
  }
}
