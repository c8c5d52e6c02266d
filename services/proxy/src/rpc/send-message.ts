// SendMessage: one entry per message, in order, also where some failed. Java: SendMessageActivity (which answers a
// batch with a single entry; clients expect as many as they sent).
import {
  Code,
  durationToMs,
  Encoding,
  type Message,
  type SendMessageRequest,
  type SendMessageResponseInit,
  type SendResultEntryInit,
  MessageType,
  type StatusInit,
  type SystemProperties,
  timestampToMs,
} from '@rocketmq-ts/grpc/v2'
import { isDeadLetterTopic, isRetryTopic, type MessageType as TopicType } from '@rocketmq-ts/model'
import type { Clock } from '@rocketmq-ts/runtime'
import type { OutgoingMessage, Send, SendOutcome } from '../messaging/send.ts'
import type { TopicTypes } from '../messaging/topic-types.ts'
import type { Topics } from '../messaging/topics.ts'
import { commonStatus, notImplemented, OK, refusal, type Refusal, statusOf } from '../status.ts'
import type { Stored } from '../upstream/upstream.ts'
import { checkMessages, type MessageLimits, type SpecialKind, specialKind } from '../validators.ts'
import { pub } from './access.ts'
import type { UnaryRpc } from './method.ts'

export interface SendMessageDeps {
  readonly send: Send
  readonly topics: Topics
  readonly topicTypes: TopicTypes
  readonly clock: Clock
  readonly limits: MessageLimits
}

export function createSendMessage(deps: SendMessageDeps): UnaryRpc<SendMessageRequest, SendMessageResponseInit> {
  /** A topic takes messages of its type. Java: DefaultTopicMessageTypeValidator. */
  function refuseType(topic: string, taken: TopicType, messages: readonly Message[]): Refusal | undefined {
    for (const message of messages) {
      const special = specialKind(message)
      const type = special === undefined ? typeOf(message) : special.type
      if (type === taken || taken === 'MIXED' || type === undefined) {
        if (special !== undefined) return notImplemented(`${special.field}: ${special.feature}`)
        continue
      }
      return refusal(Code.MESSAGE_PROPERTY_CONFLICT_WITH_TYPE, conflictText(topic, taken, type, special))
    }
    return undefined
  }

  /** Asked again before a message is refused: the topic may have changed. */
  async function checkTypes(topic: string, messages: readonly Message[]): Promise<Refusal | undefined> {
    if (isRetryTopic(topic) || isDeadLetterTopic(topic)) return undefined
    // A topic that is made on demand is made first.
    if (deps.topics.known(topic) === undefined) await deps.topics.route(topic)
    const taken = deps.topicTypes.known(topic) ?? (await deps.topicTypes.type(topic))
    if (refuseType(topic, taken, messages) === undefined) return undefined
    return refuseType(topic, await deps.topicTypes.ask(topic), messages)
  }

  return {
    access: ({ messages }) => [pub(messages[0]?.topic?.name)],
    async answer({ messages }, { call }) {
      const illegal = checkMessages(messages, deps.limits, deps.clock.nowMs())
      if (illegal !== undefined) return { status: illegal }
      const topic = messages[0]?.topic?.name ?? ''
      const conflict = await checkTypes(topic, messages)
      if (conflict !== undefined) return { status: conflict }
      const outgoing = outgoingOf(messages, deps.clock.nowMs(), call.remoteAddress.host)
      return answerOf(outgoing, await deps.send(topic, outgoing))
    },
    refuse: (status) => ({ status }),
  }
}

/** The kind of a message that is offered. Java: the type that it says counts for transactions alone. */
function typeOf({ systemProperties: system }: Message): TopicType {
  if (system?.messageType === MessageType.TRANSACTION) return 'TRANSACTION'
  if ((system?.deliveryTimestamp ?? null) !== null) return 'DELAY'
  return (system?.messageGroup ?? null) === null ? 'NORMAL' : 'FIFO'
}

/** What makes a message one of the type. */
const KIND_FIELDS: Partial<Record<TopicType, string>> = {
  FIFO: 'message_group',
  DELAY: 'delivery_timestamp',
  TRANSACTION: 'message_type',
}

function conflictText(topic: string, taken: TopicType, type: TopicType, special: SpecialKind | undefined): string {
  const change = `or change the topic with: rmq topic create ${topic} --type ${type} --update`
  if (type === 'NORMAL') {
    const field = KIND_FIELDS[taken]
    const set = field === undefined ? 'send it to another topic' : `set ${field}`
    return `this is a NORMAL message, and topic '${topic}' takes ${taken} ones: ${set}, ${change}`
  }
  const field = special?.field ?? KIND_FIELDS[type] ?? 'message_group'
  const remedy =
    special === undefined ? `, ${change}` : ` (not implemented yet, also for topics of its type: ${special.feature})`
  return `${field}: makes this a ${type} message, and topic '${topic}' takes ${taken} ones: leave it out${remedy}`
}

function outgoingOf(messages: readonly Message[], nowMs: number, host: string): OutgoingMessage[] {
  return messages.map((message) => outgoingMessage(message, nowMs, host))
}

function answerOf(outgoing: readonly OutgoingMessage[], outcomes: readonly SendOutcome[]): SendMessageResponseInit {
  const entries = outcomes.map((outcome, index) => entryOf(outcome, outgoing[index]?.messageId ?? ''))
  return { status: commonStatus(entries.map(({ status }) => status)), entries }
}

// The queue id, the delivery attempt and the digest of the request mean nothing: the proxy chooses the queue, one
// client fills the attempt with noise, and none sends a digest.
function outgoingMessage({ systemProperties: system, userProperties, body }: Message, nowMs: number, host: string) {
  const bornTimestamp = system?.bornTimestamp ?? null
  const bornHost = system?.bornHost ?? ''
  const deliveryAt = system?.deliveryTimestamp ?? null
  return {
    messageId: system?.messageId ?? '',
    tag: system?.tag ?? '',
    keys: system?.keys ?? [],
    userProperties,
    traceContext: system?.traceContext ?? '',
    messageGroup: system?.messageGroup ?? '',
    transaction: system?.messageType === MessageType.TRANSACTION ? transactionOf(system) : undefined,
    deliveryMs: deliveryAt === null ? undefined : timestampToMs(deliveryAt),
    bornTimestampMs: bornTimestamp === null ? nowMs : Math.max(timestampToMs(bornTimestamp), 0),
    bornHost: bornHost.trim() === '' ? host : bornHost,
    compressed: system?.bodyEncoding === Encoding.GZIP,
    body,
  } satisfies OutgoingMessage
}

function transactionOf({ orphanedTransactionRecoveryDuration: recovery }: SystemProperties) {
  return { immunityMs: recovery === null ? 0 : durationToMs(recovery) }
}

type Entry = SendResultEntryInit & { readonly status: StatusInit }

function entryOf(outcome: SendOutcome, messageId: string): Entry {
  if (outcome.kind === 'failed') return { status: statusOf(outcome.error), messageId }
  const { copies, queueOffset, transactionId, recallHandle } = outcome.stored
  return { status: copyStatus[copies], messageId, transactionId, offset: queueOffset, recallHandle }
}

const copyStatus: Readonly<Record<Stored['copies'], StatusInit>> = {
  kept: OK,
  'flush-timeout': refusal(Code.MASTER_PERSISTENCE_TIMEOUT, 'stored, but not flushed in time'),
  'replica-timeout': refusal(Code.SLAVE_PERSISTENCE_TIMEOUT, 'stored, but not copied to a slave in time'),
  'replica-missing': refusal(Code.HA_NOT_AVAILABLE, 'stored, but no slave is there to take a copy'),
}
