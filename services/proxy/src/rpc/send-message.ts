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
import { checkBatch, checkMessage, type MessageLimits, type SpecialKind, specialKind } from '../validators.ts'
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
  /** A topic takes messages of its type. Java: DefaultTopicMessageTypeValidator, which looks at the first one alone. */
  function refuseType(topic: string, taken: TopicType, message: Message): Refusal | undefined {
    const special = specialKind(message)
    const type = special === undefined ? typeOf(message) : special.type
    if (type !== taken && taken !== 'MIXED' && type !== undefined) {
      return refusal(Code.MESSAGE_PROPERTY_CONFLICT_WITH_TYPE, conflictText(topic, taken, type, special))
    }
    return special === undefined ? undefined : notImplemented(`${special.field}: ${special.feature}`)
  }

  /** What is wrong with each by its type, if anything. Asked again before one is refused: the topic may have changed. */
  async function checkTypes(topic: string, messages: readonly Message[]): Promise<(Refusal | undefined)[]> {
    if (isRetryTopic(topic) || isDeadLetterTopic(topic)) return []
    // A topic that is made on demand is made first.
    if (deps.topics.known(topic) === undefined) await deps.topics.route(topic)
    const known = deps.topicTypes.known(topic) ?? (await deps.topicTypes.type(topic))
    if (messages.every((message) => refuseType(topic, known, message) === undefined)) return []
    const taken = await deps.topicTypes.ask(topic)
    return messages.map((message) => refuseType(topic, taken, message))
  }

  return {
    access: ({ messages }) => [pub(messages[0]?.topic?.name)],
    async answer({ messages }, { call }) {
      const nowMs = deps.clock.nowMs()
      const illegal = checkBatch(messages, deps.limits)
      if (illegal !== undefined) return { status: illegal }
      const topic = messages[0]?.topic?.name ?? ''
      const refusals = messages.map((message) => checkMessage(message, deps.limits, nowMs))
      // One that is refused leaves the others as they are.
      if (refusals.some((each) => each === undefined)) {
        const conflicts = await checkTypes(topic, messages)
        for (const [index, conflict] of conflicts.entries()) refusals[index] ??= conflict
      }
      const isWhole = refusals.every((each) => each === undefined)
      if (!isWhole) refuseBehind(messages, refusals)
      const taken = isWhole ? messages : messages.filter((_, index) => refusals[index] === undefined)
      const outgoing = outgoingOf(taken, nowMs, call.remoteAddress.host)
      const entries = answersOf(outgoing, outgoing.length === 0 ? [] : await deps.send(topic, outgoing))
      return answerOf(messages, refusals, entries)
    },
    refuse: (status) => ({ status }),
  }
}

/** What comes behind a refused one of its group would overtake it, once that is mended and sent again. */
function refuseBehind(messages: readonly Message[], refusals: (Refusal | undefined)[]): void {
  const stopped = new Map<string, Refusal>()
  for (const [index, { systemProperties: system }] of messages.entries()) {
    const group = system?.messageGroup ?? ''
    if (group === '') continue
    const own = refusals[index]
    const before = stopped.get(group)
    if (own !== undefined) stopped.set(group, own)
    else if (before !== undefined) {
      const text = `not sent: one before it of message_group '${group}' was refused: ${before.message}`
      refusals[index] = refusal(before.code, text)
    }
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

function answersOf(outgoing: readonly OutgoingMessage[], outcomes: readonly SendOutcome[]): Entry[] {
  return outcomes.map((outcome, index) => entryOf(outcome, outgoing[index]?.messageId ?? ''))
}

/** One entry for each message, in order; a single message that is refused needs none. */
function answerOf(
  messages: readonly Message[],
  refusals: readonly (Refusal | undefined)[],
  sent: readonly Entry[],
): SendMessageResponseInit {
  const [only] = refusals
  if (messages.length === 1 && only !== undefined) return { status: only }
  let next = 0
  const entries = messages.flatMap(({ systemProperties: system }, index): Entry[] => {
    const refused = refusals[index]
    if (refused !== undefined) return [{ status: refused, messageId: system?.messageId ?? '' }]
    const entry = sent[next++]
    return entry === undefined ? [] : [entry]
  })
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
