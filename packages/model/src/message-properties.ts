// Properties of a message as text: name 0x01 value 0x02, repeated. Names and values never hold the two separators.
import { MqError } from './mq-error.ts'

/** Largest encoded properties in bytes: their length is a Java `short`. */
export const PROPERTIES_BYTES_MAX = 32_767

const NAME_END = '\u0001'
const VALUE_END = '\u0002'

/** Names with a meaning to clients and brokers. Java: MessageConst. */
export const PropertyName = {
  KEYS: 'KEYS',
  TAGS: 'TAGS',
  UNIQ_KEY: 'UNIQ_KEY',
  WAIT: 'WAIT',
  DELAY: 'DELAY',
  TIMER_DELAY_SEC: 'TIMER_DELAY_SEC',
  TIMER_DELAY_MS: 'TIMER_DELAY_MS',
  TIMER_DELIVER_MS: 'TIMER_DELIVER_MS',
  TIMER_OUT_MS: 'TIMER_OUT_MS',
  TIMER_ENQUEUE_MS: 'TIMER_ENQUEUE_MS',
  TIMER_DEQUEUE_MS: 'TIMER_DEQUEUE_MS',
  TIMER_ROLL_TIMES: 'TIMER_ROLL_TIMES',
  TIMER_DEL_UNIQKEY: 'TIMER_DEL_UNIQKEY',
  TIMER_DELAY_LEVEL: 'TIMER_DELAY_LEVEL',
  REAL_TOPIC: 'REAL_TOPIC',
  REAL_QID: 'REAL_QID',
  TRAN_MSG: 'TRAN_MSG',
  PGROUP: 'PGROUP',
  TRANSACTION_ID: '__transactionId__',
  TRANSACTION_CHECK_TIMES: 'TRANSACTION_CHECK_TIMES',
  CHECK_IMMUNITY_TIME_IN_SECONDS: 'CHECK_IMMUNITY_TIME_IN_SECONDS',
  TRAN_PREPARED_QUEUE_OFFSET: 'TRAN_PREPARED_QUEUE_OFFSET',
  RETRY_TOPIC: 'RETRY_TOPIC',
  ORIGIN_MESSAGE_ID: 'ORIGIN_MESSAGE_ID',
  RECONSUME_TIME: 'RECONSUME_TIME',
  MAX_RECONSUME_TIMES: 'MAX_RECONSUME_TIMES',
  DLQ_ORIGIN_TOPIC: 'DLQ_ORIGIN_TOPIC',
  DLQ_ORIGIN_MESSAGE_ID: 'DLQ_ORIGIN_MESSAGE_ID',
  MIN_OFFSET: 'MIN_OFFSET',
  MAX_OFFSET: 'MAX_OFFSET',
  POP_CK: 'POP_CK',
  POP_CK_OFFSET: 'POP_CK_OFFSET',
  FIRST_POP_TIME: '1ST_POP_TIME',
  SHARDING_KEY: '__SHARDINGKEY',
  PRIORITY: '_SYS_MSG_PRIORITY_',
  LITE_TOPIC: '__LITE_TOPIC',
  INSTANCE_ID: 'INSTANCE_ID',
  MSG_REGION: 'MSG_REGION',
  TRACE_ON: 'TRACE_ON',
  TRACE_CONTEXT: 'TRACE_CONTEXT',
  CLUSTER: 'CLUSTER',
  CORRELATION_ID: 'CORRELATION_ID',
  REPLY_TO_CLIENT: 'REPLY_TO_CLIENT',
  TTL: 'TTL',
  MSG_TYPE: 'MSG_TYPE',
  ARRIVE_TIME: 'ARRIVE_TIME',
  PUSH_REPLY_TIME: 'PUSH_REPLY_TIME',
  CONSUME_START_TIME: 'CONSUME_START_TIME',
  INNER_NUM: 'INNER_NUM',
  INNER_BASE: 'INNER_BASE',
  INNER_MULTI_DISPATCH: 'INNER_MULTI_DISPATCH',
  INNER_MULTI_QUEUE_OFFSET: 'INNER_MULTI_QUEUE_OFFSET',
  BORN_HOST: '__BORNHOST',
  BORN_TIMESTAMP: 'BORN_TIMESTAMP',
  CRC32: '__CRC32#',
  /** Prefix of names that only our brokers write, for themselves. */
  OWN_PREFIX: '__RMQTS_',
  /** Ours: when a message of a delay level is due. */
  DUE_MS: '__RMQTS_DUE',
  /** Prefix of names that are removed before storing. */
  TRANSIENT_PREFIX: '__RMQ.TRANSIENT.',
} as const

/**
 * The text of the properties, in their order. Entries with an empty value are left out: readers drop them.
 * MqError 'message-illegal' for an empty name and for a separator inside a name or value.
 * Java: MessageDecoder.messageProperties2String.
 */
export function encodeProperties(properties: Iterable<readonly [name: string, value: string]>): string {
  let text = ''
  for (const [name, value] of properties) text = appendProperty(text, name, value)
  return text
}

/** One more property behind encoded ones, as `encodeProperties` does it. */
export function appendProperty(text: string, name: string, value: string): string {
  if (value === '') return text
  if (name === '') throw new MqError('message-illegal', 'properties: a name is empty')
  if (hasSeparator(name) || hasSeparator(value)) {
    throw new MqError(
      'message-illegal',
      `properties: '${name.slice(0, 64)}' holds the character 0x01 or 0x02, which separates properties; remove it`,
    )
  }
  return text + name + NAME_END + value + VALUE_END
}

/**
 * Reads any text: entries without a name, a separator or a value are skipped, later duplicates win, the last 0x02
 * is optional. Java: MessageDecoder.string2messageProperties.
 */
export function decodeProperties(text: string): Map<string, string> {
  const properties = new Map<string, string>()
  let start = 0
  let nameEnd = -1
  while (start < text.length) {
    const found = text.indexOf(VALUE_END, start)
    const end = found < 0 ? text.length : found
    if (nameEnd < start) nameEnd = text.indexOf(NAME_END, start)
    if (nameEnd < 0) break
    if (nameEnd > start && nameEnd < end - 1) properties.set(text.slice(start, nameEnd), text.slice(nameEnd + 1, end))
    start = end + 1
  }
  return properties
}

function hasSeparator(text: string): boolean {
  return text.includes(NAME_END) || text.includes(VALUE_END)
}
