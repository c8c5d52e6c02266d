// The calls that take, settle and keep popped messages, in terms of receipt handles.
import { formatBrokerHandle, popRetryTopicOf, type ReceiptHandle } from '@rocketmq-ts/model'
import {
  AckMessage,
  BatchAckMessage,
  ChangeMessageInvisibleTime,
  ConsumerSendMsgBack,
  encodeBatchAckBody,
  Notification,
  PopMessage,
  ResponseCode,
  type Answer,
  type BatchAck,
  type NotificationHeader,
  type PopMessageHeader,
  type RequestDeclaration,
} from '@rocketmq-ts/remoting'
import { bodyOf, checkSuccess, failure, headerOf, REQUEST_TIMEOUT_MS, type CallOptions } from './call.ts'
import { readPopped, type PoppedMessage } from './pop-answer.ts'

export type PopResult =
  | {
      readonly kind: 'found'
      readonly messages: readonly PoppedMessage[]
      readonly popTimeMs: number
      readonly invisibleTimeMs: number
      /** Messages that wait behind these, as far as the broker knows. */
      readonly restNum: number
    }
  /** Nothing arrived within the poll time. */
  | { readonly kind: 'none' }
  /** The broker holds as many polls as it may. */
  | { readonly kind: 'polling-full' }

/** 'no-message': the handle names an offset outside of the queue. */
export type AckResult = { readonly kind: 'done' } | { readonly kind: 'no-message' }

export type ChangeInvisibleTimeResult =
  /** `handle` replaces the one that was given. */
  { readonly kind: 'changed'; readonly handle: ReceiptHandle } | { readonly kind: 'no-message' }

export type NotificationResult = { readonly kind: 'messages' | 'none' | 'polling-full' }

/** A popped message: the topic is the one the consumer subscribed to, also where the handle points to a retry topic. */
export interface PoppedPlace {
  readonly consumerGroup: string
  readonly topic: string
  readonly handle: ReceiptHandle
}

export interface PopCalls {
  /** Waits up to `pollTimeMs` of the header and the time-out on top. `brokerName` goes into the handles. */
  pop(
    broker: { readonly address: string; readonly brokerName: string },
    header: PopMessageHeader,
    options?: CallOptions,
  ): Promise<PopResult>
  ack(address: string, message: PoppedPlace, options?: CallOptions): Promise<AckResult>
  /** Moves the message to the dead-letter topic of the group. Apache's brokers make a copy: acknowledge it afterwards. */
  deadLetter(
    address: string,
    message: PoppedPlace & { readonly messageId: string },
    options?: CallOptions,
  ): Promise<void>
  /** Settles messages of one broker with one request. */
  batchAck(
    broker: { readonly address: string; readonly brokerName: string },
    messages: readonly PoppedPlace[],
    options?: CallOptions,
  ): Promise<void>
  changeInvisibleTime(
    address: string,
    message: PoppedPlace & { readonly invisibleTimeMs: number },
    options?: CallOptions,
  ): Promise<ChangeInvisibleTimeResult>
  /** Waits as `pop` does, and takes nothing. */
  notification(address: string, header: NotificationHeader, options?: CallOptions): Promise<NotificationResult>
}

export type CallBroker = <H extends object, A extends object>(
  address: string,
  request: RequestDeclaration<H, A>,
  content: { readonly header: H; readonly body?: Uint8Array },
  options: CallOptions | undefined,
) => Promise<Answer<A>>

/** Time for the way to the broker and back, beyond what it may hold the request. */
function afterPolling(pollTimeMs: number, options: CallOptions | undefined): CallOptions {
  return { timeoutMs: pollTimeMs + (options?.timeoutMs ?? REQUEST_TIMEOUT_MS) }
}

function realTopicOf({ consumerGroup, topic, handle }: PoppedPlace): string {
  if (handle.topicKind === 'normal') return topic
  return popRetryTopicOf(consumerGroup, topic, handle.topicKind === 'retry-v1' ? 1 : 2)
}

/** Fields that name a popped message to its broker. */
function nameOf(message: PoppedPlace) {
  const { consumerGroup, handle } = message
  return {
    consumerGroup,
    topic: realTopicOf(message),
    queueId: handle.queueId,
    extraInfo: formatBrokerHandle(handle),
    queueOffset: handle.queueOffset,
  }
}

/** One entry per popped batch of a queue. */
function batchesOf(messages: readonly PoppedPlace[]): BatchAck[] {
  const batches = new Map<string, BatchAck & { readonly offsetsFromStart: number[] }>()
  for (const { consumerGroup, topic, handle } of messages) {
    const { topicKind, startOffset, queueId, reviveQueueId, popTimeMs, invisibleMs } = handle
    const key = `${consumerGroup} ${topic} ${topicKind} ${queueId} ${startOffset} ${reviveQueueId} ${popTimeMs}`
    let batch = batches.get(key)
    if (batch === undefined) {
      const times = { popTimeMs, invisibleTimeMs: invisibleMs }
      const place = { consumerGroup, topic, topicKind, startOffset, queueId, reviveQid: reviveQueueId }
      batch = { ...place, ...times, offsetsFromStart: [] }
      batches.set(key, batch)
    }
    batch.offsetsFromStart.push(handle.queueOffset - startOffset)
  }
  return [...batches.values()]
}

export function createPopCalls(call: CallBroker): PopCalls {
  return {
    async pop({ address, brokerName }, header, options) {
      const answer = await call(address, PopMessage, { header }, afterPolling(header.pollTimeMs, options))
      switch (answer.code) {
        case ResponseCode.SUCCESS: {
          const fields = headerOf(answer)
          const { topic, consumerGroup } = header
          const messages = readPopped({ topic, consumerGroup, brokerName }, fields, bodyOf(answer))
          const { popTimeMs, invisibleTimeMs, restNum } = fields
          return messages.length === 0
            ? { kind: 'none' }
            : { kind: 'found', messages, popTimeMs, invisibleTimeMs, restNum }
        }
        case ResponseCode.POLLING_TIMEOUT:
        case ResponseCode.PULL_NOT_FOUND:
        case ResponseCode.PULL_RETRY_IMMEDIATELY:
          return { kind: 'none' }
        case ResponseCode.POLLING_FULL:
          return { kind: 'polling-full' }
        default:
          throw failure(answer, PopMessage, address)
      }
    },
    async ack(address, message, options) {
      const answer = await call(address, AckMessage, { header: nameOf(message) }, options)
      if (answer.code === ResponseCode.NO_MESSAGE) return { kind: 'no-message' }
      checkSuccess(answer, AckMessage, address)
      return { kind: 'done' }
    },
    async batchAck({ address, brokerName }, messages, options) {
      const body = encodeBatchAckBody({ brokerName, acks: batchesOf(messages) })
      const answer = await call(address, BatchAckMessage, { header: {}, body }, options)
      checkSuccess(answer, BatchAckMessage, address)
    },
    async changeInvisibleTime(address, message, options) {
      const header = { ...nameOf(message), invisibleTimeMs: message.invisibleTimeMs }
      const answer = await call(address, ChangeMessageInvisibleTime, { header }, options)
      if (answer.code === ResponseCode.NO_MESSAGE) return { kind: 'no-message' }
      checkSuccess(answer, ChangeMessageInvisibleTime, address)
      const { popTimeMs, invisibleTimeMs, reviveQid } = headerOf(answer)
      const handle = { ...message.handle, popTimeMs, invisibleMs: invisibleTimeMs, reviveQueueId: reviveQid }
      return { kind: 'changed', handle }
    },
    async deadLetter(address, message, options) {
      const { commitLogOffset = -1 } = message.handle
      const header = {
        commitLogOffset,
        group: message.consumerGroup,
        delayLevel: -1,
        originMsgId: message.messageId,
        originTopic: realTopicOf(message),
        maxReconsumeTimes: 0,
        extraInfo: formatBrokerHandle(message.handle),
      }
      checkSuccess(await call(address, ConsumerSendMsgBack, { header }, options), ConsumerSendMsgBack, address)
    },
    async notification(address, header, options) {
      const answer = await call(address, Notification, { header }, afterPolling(header.pollTimeMs, options))
      checkSuccess(answer, Notification, address)
      const { hasMsg, pollingFull = false } = headerOf(answer)
      if (hasMsg) return { kind: 'messages' }
      return { kind: pollingFull ? 'polling-full' : 'none' }
    },
  }
}
