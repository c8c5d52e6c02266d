// A popped message in the form of the wire. Java: GrpcConverter.buildMessage.
import { hash } from 'node:crypto'
import {
  DigestType,
  Encoding,
  type MessageInit,
  MessageType,
  msToTimestamp,
  type ResourceInit,
  type SystemPropertiesInit,
} from '@rocketmq-ts/grpc/v2'
import {
  formatReceiptHandle,
  MessageType as StoredType,
  messageTypeOf,
  PropertyName,
  SysFlag,
} from '@rocketmq-ts/model'
import type { PoppedMessage, StoredMessage } from '../upstream/upstream.ts'
import { RESERVED_PROPERTIES } from '../validators.ts'

/** Stored as properties, but fields of their own for clients. */
const FIELD_PROPERTIES: ReadonlySet<string> = new Set([
  PropertyName.TRACE_CONTEXT,
  PropertyName.SHARDING_KEY,
  PropertyName.PRIORITY,
  PropertyName.LITE_TOPIC,
  PropertyName.TRANSACTION_ID,
])

/** @param topic as the consumer asked for it: it is echoed in acknowledgements, never a retry topic. */
export function deliveredMessage(message: PoppedMessage, topic: ResourceInit): MessageInit {
  return {
    topic,
    userProperties: userPropertiesOf(message.properties),
    systemProperties: { ...systemPropertiesOf(message), receiptHandle: formatReceiptHandle(message.handle) },
    body: message.body,
  }
}

/** A message that a client is asked about, or shall try: as it is stored, and nobody's delivery. */
export function undeliveredMessage(message: StoredMessage, topic: string): MessageInit {
  return {
    topic: { name: topic },
    userProperties: userPropertiesOf(message.properties),
    systemProperties: systemPropertiesOf(message),
    body: message.body,
  }
}

function systemPropertiesOf(message: StoredMessage): SystemPropertiesInit {
  const { properties, body } = message
  return {
    tag: properties.get(PropertyName.TAGS),
    keys: properties.get(PropertyName.KEYS)?.split(' ') ?? [],
    messageId: properties.get(PropertyName.UNIQ_KEY) ?? message.storeId,
    // MD5: for a CRC32 the clients do not agree on the text. Two of them need a digest.
    bodyDigest: { type: DigestType.MD5, checksum: hash('md5', body, 'hex').toUpperCase() },
    bodyEncoding: (message.sysFlag & SysFlag.COMPRESSED) === 0 ? Encoding.IDENTITY : Encoding.GZIP,
    messageType: wireTypes[messageTypeOf(properties)],
    bornTimestamp: msToTimestamp(message.bornTimestampMs),
    bornHost: properties.get(PropertyName.BORN_HOST) ?? message.bornHost,
    storeTimestamp: msToTimestamp(message.storeTimestampMs),
    storeHost: message.storeHost,
    deliveryTimestamp: deliveryTimestampOf(properties),
    queueId: message.queueId,
    queueOffset: message.queueOffset,
    deliveryAttempt: message.reconsumeTimes + 1,
    messageGroup: properties.get(PropertyName.SHARDING_KEY),
    traceContext: properties.get(PropertyName.TRACE_CONTEXT),
    deadLetterQueue: deadLetterOf(properties),
  }
}

const wireTypes = {
  [StoredType.UNSPECIFIED]: MessageType.NORMAL,
  [StoredType.NORMAL]: MessageType.NORMAL,
  [StoredType.FIFO]: MessageType.FIFO,
  [StoredType.DELAY]: MessageType.DELAY,
  [StoredType.TRANSACTION]: MessageType.TRANSACTION,
  [StoredType.MIXED]: MessageType.NORMAL,
  [StoredType.PRIORITY]: MessageType.PRIORITY,
  [StoredType.LITE]: MessageType.LITE,
} as const satisfies Record<StoredType, MessageType>

function deliveryTimestampOf(properties: ReadonlyMap<string, string>): SystemPropertiesInit['deliveryTimestamp'] {
  const deliverMs = Number(properties.get(PropertyName.TIMER_DELIVER_MS))
  return Number.isSafeInteger(deliverMs) && deliverMs > 0 ? msToTimestamp(deliverMs) : undefined
}

function deadLetterOf(properties: ReadonlyMap<string, string>): SystemPropertiesInit['deadLetterQueue'] {
  const topic = properties.get(PropertyName.DLQ_ORIGIN_TOPIC)
  const messageId = properties.get(PropertyName.DLQ_ORIGIN_MESSAGE_ID)
  return topic === undefined || messageId === undefined ? undefined : { topic, messageId }
}

function userPropertiesOf(properties: ReadonlyMap<string, string>): Record<string, string> {
  const user: Record<string, string> = Object.create(null)
  for (const [name, value] of properties) {
    if (RESERVED_PROPERTIES.has(name) || FIELD_PROPERTIES.has(name)) continue
    if (!name.startsWith(PropertyName.OWN_PREFIX)) user[name] = value
  }
  return user
}
