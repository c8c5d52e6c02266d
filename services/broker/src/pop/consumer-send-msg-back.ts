// CONSUMER_SEND_MSG_BACK: a consumer gives a message up, which moves to the dead-letter topic of its group. Proxies send it
// for consumers in order. The handle says which delivery is given up; without one it is the latest.
// Java: AbstractSendMessageProcessor.consumerSendMsgBack, for a negative delay level.
import { MqError, commitLogOffset, decodeRecord, parseReceiptHandle } from '@rocketmq-ts/model'
import { type ConsumerSendMsgBackHeader, type IncomingRequest, ResponseCode } from '@rocketmq-ts/remoting'
import type { MessageStore } from '@rocketmq-ts/store'
import type { Delivery } from '../inflight/inflight.ts'
import type { AckDeps } from './ack-message.ts'
import type { DeadLetters } from './dead-letter.ts'
import type { Place } from './moved-deliveries.ts'
import { placeTopicOf } from './retry-topics.ts'

export interface ConsumerSendMsgBackDeps extends AckDeps {
  readonly turns: AckDeps['turns'] & { enter(job: () => void): boolean }
  readonly store: Pick<MessageStore, 'recordAt'>
  readonly deadLetters: Pick<DeadLetters, 'forward'>
}

/** The handler. */
export function createConsumerSendMsgBack(deps: ConsumerSendMsgBackDeps) {
  const { inflight, moved, store, turns, deadLetters } = deps

  /** Without a delivery to give up there is nothing to do: it was acknowledged, moved or given to somebody else. */
  function giveUp(request: IncomingRequest, place: Place, popTimeMs: number | undefined): void {
    const delivery = moved.act(place, (queue, offset): Delivery | undefined => {
      const latest = inflight.deliveryAt(queue, offset)
      return popTimeMs === undefined || latest?.popTime === popTimeMs ? latest : undefined
    })
    if (delivery === undefined) {
      turns.release('flushed', () => request.respond({ code: ResponseCode.SUCCESS }))
      return
    }
    deadLetters.forward(delivery, (failure) => {
      if (failure === undefined) request.respond({ code: ResponseCode.SUCCESS })
      else {
        const remark = `the message was not moved to the dead-letter topic: ${failure.message}`
        request.respond({ code: ResponseCode.SERVICE_NOT_AVAILABLE, remark })
      }
    })
  }

  async function placeAt(group: string, offset: number): Promise<Place | undefined> {
    const found = offset < 0 ? undefined : await store.recordAt(commitLogOffset(offset))
    if (found === undefined) return undefined
    const { queueId, queueOffset } = decodeRecord(found.bytes)
    return { topic: found.topic, group, queueId, offset: queueOffset }
  }

  return async function consumerSendMsgBack(request: IncomingRequest<ConsumerSendMsgBackHeader>): Promise<void> {
    const { group, delayLevel, extraInfo, originTopic, commitLogOffset: at, maxReconsumeTimes } = request.header
    if (delayLevel >= 0 && maxReconsumeTimes !== 0) {
      const text = `delayLevel is ${delayLevel}: sending a message back to be retried is not offered yet`
      throw new MqError('not-implemented', text)
    }
    if (extraInfo !== undefined && extraInfo !== '') {
      const { topicKind, queueId, queueOffset, popTimeMs } = parseReceiptHandle(extraInfo)
      const topic = placeTopicOf(originTopic ?? '', group, topicKind)
      deps.topics.require(topic)
      giveUp(request, { topic, group, queueId, offset: queueOffset }, popTimeMs)
      return
    }
    const place = await placeAt(group, at)
    if (place === undefined) throw new MqError('message-illegal', `offset: no message at commit log offset ${at}`)
    if (turns.enter(() => giveUp(request, place, undefined))) return
    request.respond({ code: ResponseCode.SYSTEM_BUSY, remark: 'too many requests wait for the broker' })
  }
}
