// Receipt handles: which delivery of which message. The text is Apache's POP_CK; our proxy adds the commit log offset.
import { commitLogOffset, queueOffset, type CommitLogOffset, type QueueOffset } from './ids.ts'
import { MqError } from './mq-error.ts'

/** Where the message lies: its topic, or a pop retry topic named by version 1 or 2. Java: ExtraInfoUtil.getRetry. */
export type PopTopicKind = 'normal' | 'retry-v1' | 'retry-v2'

/** reviveQueueId of a delivery in order. */
export const ORDERED_REVIVE_QUEUE_ID = 999

/** Longest handle accepted, in characters. */
export const RECEIPT_HANDLE_CHARS_MAX = 1024

export interface ReceiptHandle {
  /** First queue offset of the popped batch. */
  readonly startOffset: QueueOffset
  /** Together with the offset this names one delivery. */
  readonly popTimeMs: number
  readonly invisibleMs: number
  /** ORDERED_REVIVE_QUEUE_ID for a delivery in order. */
  readonly reviveQueueId: number
  readonly topicKind: PopTopicKind
  readonly brokerName: string
  readonly queueId: number
  /** The message itself. */
  readonly queueOffset: QueueOffset
  /** Only in handles of a proxy. */
  readonly commitLogOffset?: CommitLogOffset
}

const TOPIC_KINDS = ['normal', 'retry-v1', 'retry-v2'] as const satisfies readonly PopTopicKind[]

/** The flag of Apache's pop strings: 0, 1 or 2. */
export function popTopicFlag(kind: PopTopicKind): number {
  return TOPIC_KINDS.indexOf(kind)
}

/** The kind behind a flag; undefined for any other text than 0, 1 and 2. */
export function popTopicKind(flag: string): PopTopicKind | undefined {
  return flag.length === 1 ? TOPIC_KINDS[flag.charCodeAt(0) - 48] : undefined
}

/** The handle as its broker knows it: without the part of a proxy. Java: ExtraInfoUtil.buildExtraInfo. */
export function formatBrokerHandle(handle: ReceiptHandle): string {
  return (
    `${handle.startOffset} ${handle.popTimeMs} ${handle.invisibleMs} ${handle.reviveQueueId} ` +
    `${popTopicFlag(handle.topicKind)} ${handle.brokerName} ${handle.queueId} ${handle.queueOffset}`
  )
}

/** Java: ReceiptHandle.encode. */
export function formatReceiptHandle(handle: ReceiptHandle): string {
  const text = formatBrokerHandle(handle)
  return handle.commitLogOffset === undefined ? text : `${text} ${handle.commitLogOffset}`
}

/**
 * Reads the text of a handle. Old clients leave the message's own offset out and send it beside the handle: pass it as
 * `offsetBeside`. MqError 'handle-malformed' names the first bad part; nothing says yet that the delivery exists.
 */
export function parseReceiptHandle(text: string, offsetBeside?: number): ReceiptHandle {
  if (text.length > RECEIPT_HANDLE_CHARS_MAX) throw malformed('handle', `is longer than ${RECEIPT_HANDLE_CHARS_MAX}`)
  const parts = text.split(' ')
  const fewest = offsetBeside === undefined ? 8 : 7
  if (parts.length < fewest || parts.length > 9) {
    throw malformed('handle', `has ${parts.length} parts instead of ${fewest} to 9`)
  }
  const topicKind = popTopicKind(parts[4]!)
  if (topicKind === undefined) throw malformed('retryFlag', 'is not 0, 1 or 2')
  const brokerName = parts[5]!
  if (brokerName === '') throw malformed('brokerName', 'is empty')
  const ownOffset = parts.length > 7 ? natural(parts[7]!, 'queueOffset') : offsetBeside!
  if (!(Number.isSafeInteger(ownOffset) && ownOffset >= 0)) throw malformed('queueOffset', 'is out of range')
  const handle = {
    startOffset: queueOffset(natural(parts[0]!, 'startOffset')),
    popTimeMs: natural(parts[1]!, 'popTime'),
    invisibleMs: natural(parts[2]!, 'invisibleTime'),
    reviveQueueId: int32(parts[3]!, 'reviveQueueId'),
    topicKind,
    brokerName,
    queueId: int32(parts[6]!, 'queueId'),
    queueOffset: queueOffset(ownOffset),
  }
  return parts.length === 9
    ? { ...handle, commitLogOffset: commitLogOffset(natural(parts[8]!, 'commitLogOffset')) }
    : handle
}

function natural(text: string, field: string): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : NaN
  if (!Number.isSafeInteger(value)) throw malformed(field, 'is not an integer from 0 to 2^53 - 1')
  return value
}

function int32(text: string, field: string): number {
  const value = natural(text, field)
  if (value > 0x7fff_ffff) throw malformed(field, 'is not a 32-bit integer')
  return value
}

function malformed(field: string, reason: string): MqError {
  return new MqError('handle-malformed', `receipt handle: ${field} ${reason}; use the handle as it was received`)
}
