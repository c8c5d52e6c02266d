// What requests may hold, with the code and the field of each refusal. Pure. Java: GrpcValidator, SendMessageActivity.
import {
  Code,
  durationToMs,
  type Message,
  MessageType,
  type Resource,
  type SystemProperties,
  type Timestamp,
  timestampToMs,
} from '@rocketmq-ts/grpc/v2'
import {
  checkGroupName,
  checkTopicName,
  isSystemGroup,
  isSystemTopic,
  MqError,
  PropertyName,
  type MessageType as TopicMessageType,
} from '@rocketmq-ts/model'
import { refusal, type Refusal } from './status.ts'

export interface MessageLimits {
  readonly bodyBytesMax: number
  readonly userPropertiesMax: number
  readonly propertyBytesMax: number
  readonly messagesMax: number
  /** Furthest time that a message may be delayed to; 0: the brokers decide. */
  readonly delayMsMax: number
}

const MESSAGE_ID_CHARS_MAX = 255
/** Java: ProxyConfig.maxMessageGroupSize, which is one more. */
const MESSAGE_GROUP_BYTES_MAX = 63
/** Stored as properties that clients do not count: with the others, they must fit into a record. */
const BORN_HOST_CHARS_MAX = 255
const TRACE_CONTEXT_CHARS_MAX = 1024
export const CLIENT_ID_CHARS_MAX = 1024

/** Names that user properties may not take. Java: MessageConst.STRING_HASH_SET. */
export const RESERVED_PROPERTIES: ReadonlySet<string> = new Set(
  (
    'TRACE_ON MSG_REGION KEYS TAGS WAIT DELAY RETRY_TOPIC REAL_TOPIC REAL_QID TRAN_MSG PGROUP MIN_OFFSET MAX_OFFSET ' +
    'BUYER_ID ORIGIN_MESSAGE_ID TRANSFER_FLAG CORRECTION_FLAG MQ2_FLAG RECONSUME_TIME UNIQ_KEY MAX_RECONSUME_TIMES ' +
    'CONSUME_START_TIME POP_CK POP_CK_OFFSET 1ST_POP_TIME TRAN_PREPARED_QUEUE_OFFSET DUP_INFO EXTEND_UNIQ_INFO ' +
    'INSTANCE_ID CORRELATION_ID REPLY_TO_CLIENT TTL ARRIVE_TIME PUSH_REPLY_TIME CLUSTER MSG_TYPE ' +
    'INNER_MULTI_QUEUE_OFFSET TIMER_DELAY_MS TIMER_DELAY_SEC TIMER_DELIVER_MS TIMER_ENQUEUE_MS TIMER_DEQUEUE_MS ' +
    'TIMER_ROLL_TIMES TIMER_OUT_MS TIMER_DEL_UNIQKEY TIMER_DELAY_LEVEL __BORNHOST BORN_TIMESTAMP DLQ_ORIGIN_TOPIC ' +
    'DLQ_ORIGIN_MESSAGE_ID __CRC32#'
  ).split(' '),
)

/** Properties that make a message something else than normal; as user properties they would do so unseen. */
const KIND_PROPERTIES: readonly string[] = [PropertyName.SHARDING_KEY, PropertyName.PRIORITY, PropertyName.LITE_TOPIC]

/** Refuses a name that is illegal, or one of the system's. */
export function checkTopic(topic: Resource | null, field = 'topic'): Refusal | undefined {
  const name = topic?.name ?? ''
  const illegal = illegalName(checkTopicName, name, Code.ILLEGAL_TOPIC, field)
  if (illegal !== undefined) return illegal
  if (isSystemTopic(name)) return refusal(Code.ILLEGAL_TOPIC, `${field}: '${name}' belongs to the system`)
  return undefined
}

/** Refuses a name that is illegal, or one of the system's. */
export function checkGroup(group: Resource | null, field = 'group'): Refusal | undefined {
  const name = group?.name ?? ''
  const illegal = illegalName(checkGroupName, name, Code.ILLEGAL_CONSUMER_GROUP, field)
  if (illegal !== undefined) return illegal
  if (isSystemGroup(name)) return refusal(Code.ILLEGAL_CONSUMER_GROUP, `${field}: '${name}' belongs to the system`)
  return undefined
}

function illegalName(check: (name: string) => string, name: string, code: Code, field: string): Refusal | undefined {
  try {
    check(name)
    return undefined
  } catch (error) {
    if (error instanceof MqError) return refusal(code, `${field}: ${error.message}`)
    throw error
  }
}

/** What is wrong with the messages of one send together. */
export function checkBatch(messages: readonly Message[], limits: MessageLimits): Refusal | undefined {
  const first = messages[0]
  if (first === undefined) return refusal(Code.MESSAGE_CORRUPTED, 'messages: is empty; send at least one')
  if (messages.length > limits.messagesMax) {
    return refusal(Code.MESSAGE_CORRUPTED, `messages: ${messages.length}, at most ${limits.messagesMax} are allowed`)
  }
  const topic = first.topic?.name
  if (messages.some((message) => message.topic?.name !== topic)) {
    return refusal(Code.MESSAGE_CORRUPTED, 'messages: of different topics; send those of one topic together')
  }
  return checkTopic(first.topic)
}

/** What is wrong with one of them. Its topic is not looked at. */
export function checkMessage(message: Message, limits: MessageLimits, nowMs: number): Refusal | undefined {
  const system = message.systemProperties
  if (system === null) return refusal(Code.MESSAGE_CORRUPTED, 'system_properties: is missing')
  return (
    checkMessageId(system.messageId) ??
    checkKind(message) ??
    checkTransaction(system) ??
    checkMessageGroup(system.messageGroup) ??
    checkDelivery(system.deliveryTimestamp, limits, nowMs) ??
    checkBody(message.body.length, limits) ??
    checkTag(system.tag ?? '') ??
    checkOrigin('born_host', system.bornHost, BORN_HOST_CHARS_MAX) ??
    checkOrigin('trace_context', system.traceContext ?? '', TRACE_CONTEXT_CHARS_MAX) ??
    checkKeys(system.keys) ??
    checkUserProperties(message, system.tag ?? '', system.keys, limits)
  )
}

/** Refuses one that is blank, too long, or has control characters. */
export function checkMessageId(messageId: string): Refusal | undefined {
  if (messageId.trim() === '') return refusal(Code.ILLEGAL_MESSAGE_ID, 'message_id: is blank')
  if (messageId.length <= MESSAGE_ID_CHARS_MAX && !hasControl(messageId)) return undefined
  return refusal(Code.ILLEGAL_MESSAGE_ID, `message_id: longer than ${MESSAGE_ID_CHARS_MAX} or with a control character`)
}

function checkMessageGroup(group: string | null): Refusal | undefined {
  if (group === null) return undefined
  if (group.trim() === '') return refusal(Code.ILLEGAL_MESSAGE_GROUP, 'message_group: is blank')
  const bytes = Buffer.byteLength(group)
  if (bytes > MESSAGE_GROUP_BYTES_MAX) {
    return refusal(
      Code.ILLEGAL_MESSAGE_GROUP,
      `message_group: ${bytes} bytes, at most ${MESSAGE_GROUP_BYTES_MAX} are allowed`,
    )
  }
  if (hasControl(group)) return refusal(Code.ILLEGAL_MESSAGE_GROUP, 'message_group: holds a control character')
  return undefined
}

/** Longest time that a producer may ask for before it is asked. Java: ProxyConfig.maxTransactionRecoverySecond. */
const RECOVERY_MS_MAX = 3_600_000

/** A transaction ends in a message of no group and without a delay. */
function checkTransaction(system: SystemProperties): Refusal | undefined {
  if (system.messageType !== MessageType.TRANSACTION) return undefined
  const field =
    system.messageGroup !== null
      ? 'message_group'
      : system.deliveryTimestamp !== null
        ? 'delivery_timestamp'
        : undefined
  if (field !== undefined) {
    const text = `${field}: a message of a transaction (message_type TRANSACTION) has none; leave one of both out`
    return refusal(Code.MESSAGE_PROPERTY_CONFLICT_WITH_TYPE, text)
  }
  const recovery = system.orphanedTransactionRecoveryDuration
  const recoveryMs = recovery === null ? 0 : durationToMs(recovery)
  if (recoveryMs >= 0 && recoveryMs <= RECOVERY_MS_MAX) return undefined
  const text = `orphaned_transaction_recovery_duration: ${recoveryMs} ms; it can be up to ${RECOVERY_MS_MAX}`
  return refusal(Code.BAD_REQUEST, text)
}

/** A time that has passed means at once, as with Apache's proxy. */
function checkDelivery(at: Timestamp | null, { delayMsMax }: MessageLimits, nowMs: number): Refusal | undefined {
  if (at === null || delayMsMax <= 0) return undefined
  const delayMs = timestampToMs(at) - nowMs
  if (delayMs <= delayMsMax) return undefined
  return refusal(
    Code.ILLEGAL_DELIVERY_TIME,
    `delivery_timestamp: ${delayMs} ms from now, at most ${delayMsMax} ms are allowed (maxDelayTimeMills)`,
  )
}

/** What makes a message other than normal. */
export interface SpecialKind {
  /** As the message names it. */
  readonly field: string
  /** Type of the topics that take such messages; undefined where no topic of this build does. */
  readonly type: TopicMessageType | undefined
  readonly feature: string
}

/** Kinds that topics of this build do not take. */
export function specialKind({ systemProperties: system }: Message): SpecialKind | undefined {
  if (system === null) return undefined
  if (system.messageType === MessageType.TRANSACTION) return undefined
  if (system.deliveryTimestamp !== null || system.messageGroup !== null) return undefined
  if (system.priority !== null) return { field: 'priority', type: undefined, feature: 'delivery by priority' }
  if (system.liteTopic !== null) return { field: 'lite_topic', type: undefined, feature: 'lite topics' }
  return undefined
}

/** Such properties would make a message other than normal behind the back of every check. */
function checkKind({ userProperties }: Message): Refusal | undefined {
  const kind = KIND_PROPERTIES.find((name) => Object.hasOwn(userProperties, name))
  if (kind === undefined) return undefined
  return refusal(
    Code.MESSAGE_PROPERTY_CONFLICT_WITH_TYPE,
    `user_properties: '${kind}' makes a message other than normal; set the field of the message instead`,
  )
}

function checkBody(bytes: number, { bodyBytesMax }: MessageLimits): Refusal | undefined {
  if (bytes === 0) return refusal(Code.MESSAGE_BODY_EMPTY, 'body: is empty')
  if (bytes > bodyBytesMax) {
    return refusal(Code.MESSAGE_BODY_TOO_LARGE, `body: ${bytes} bytes, at most ${bodyBytesMax} are allowed`)
  }
  return undefined
}

function checkTag(tag: string): Refusal | undefined {
  if (tag === '') return undefined
  if (tag.trim() === '') return refusal(Code.ILLEGAL_MESSAGE_TAG, 'tag: is blank')
  if (tag.includes('|')) return refusal(Code.ILLEGAL_MESSAGE_TAG, "tag: holds '|', which separates tags in filters")
  if (hasControl(tag)) return refusal(Code.ILLEGAL_MESSAGE_TAG, 'tag: holds a control character')
  return undefined
}

function checkOrigin(field: string, text: string, charsMax: number): Refusal | undefined {
  if (text.length > charsMax) {
    return refusal(
      Code.MESSAGE_PROPERTIES_TOO_LARGE,
      `${field}: ${text.length} characters, at most ${charsMax} are allowed`,
    )
  }
  if (hasControl(text)) return refusal(Code.MESSAGE_CORRUPTED, `${field}: holds a control character`)
  return undefined
}

function checkKeys(keys: readonly string[]): Refusal | undefined {
  for (const key of keys) {
    if (key.trim() === '') return refusal(Code.ILLEGAL_MESSAGE_KEY, 'keys: one is blank')
    if (hasControl(key)) return refusal(Code.ILLEGAL_MESSAGE_KEY, 'keys: one holds a control character')
  }
  return undefined
}

function checkUserProperties(
  { userProperties }: Message,
  tag: string,
  keys: readonly string[],
  { userPropertiesMax, propertyBytesMax }: MessageLimits,
): Refusal | undefined {
  const names = Object.keys(userProperties)
  if (names.length > userPropertiesMax) {
    return refusal(
      Code.MESSAGE_PROPERTIES_TOO_LARGE,
      `user_properties: ${names.length} entries, at most ${userPropertiesMax} are allowed`,
    )
  }
  let bytes = Buffer.byteLength(tag)
  for (const key of keys) bytes += Buffer.byteLength(key)
  for (const name of names) {
    const value = userProperties[name] ?? ''
    if (name === '' || hasControl(name) || hasControl(value)) {
      return refusal(
        Code.ILLEGAL_MESSAGE_PROPERTY_KEY,
        `user_properties: '${shown(name)}' is empty, or it or its value holds a control character`,
      )
    }
    if (RESERVED_PROPERTIES.has(name)) {
      return refusal(Code.ILLEGAL_MESSAGE_PROPERTY_KEY, `user_properties: '${name}' is reserved; choose another name`)
    }
    bytes += Buffer.byteLength(name) + Buffer.byteLength(value)
  }
  if (bytes > propertyBytesMax) {
    return refusal(
      Code.MESSAGE_PROPERTIES_TOO_LARGE,
      `user_properties: with tag and keys ${bytes} bytes, at most ${propertyBytesMax} are allowed`,
    )
  }
  return undefined
}

/** Java: Character.isISOControl. */
function hasControl(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at)
    if (unit < 0x20 || (unit >= 0x7f && unit <= 0x9f)) return true
  }
  return false
}

function shown(text: string): string {
  return text.slice(0, 64).replace(/[^\x20-\x7e]/g, '?')
}
