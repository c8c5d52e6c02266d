// CHANGE_MESSAGE_INVISIBLETIME: another invisible time, counted from now, with a new handle. 0 releases at once.
// Java: ChangeInvisibleTimeProcessor, without its resurrection of acked messages.
import { MqError, parseReceiptHandle } from '@rocketmq-ts/model'
import {
  type ChangeMessageInvisibleTimeAnswer,
  type ChangeMessageInvisibleTimeHeader,
  type IncomingRequest,
  ResponseCode,
} from '@rocketmq-ts/remoting'
import type { Clock } from '@rocketmq-ts/runtime'
import type { LongPolling } from '../long-polling.ts'
import { INVISIBLE_TIME_MS_MAX } from '../limits.ts'
import { type AckDeps, checkQueueId, heldUntil } from './ack-message.ts'
import { placeTopicOf } from './retry-topics.ts'

export interface ChangeInvisibleTimeDeps extends AckDeps {
  readonly clock: Clock
  readonly polling: LongPolling
}

/** The handler. */
export function createChangeInvisibleTime(deps: ChangeInvisibleTimeDeps) {
  return function changeInvisibleTime(
    request: IncomingRequest<ChangeMessageInvisibleTimeHeader, ChangeMessageInvisibleTimeAnswer>,
  ): void {
    const { consumerGroup, queueId, queueOffset, extraInfo, invisibleTimeMs } = request.header
    if (invisibleTimeMs < 0 || invisibleTimeMs > INVISIBLE_TIME_MS_MAX) {
      throw new MqError(
        'parameter-invalid',
        `invisibleTime is ${invisibleTimeMs} ms; allowed is 0 to ${INVISIBLE_TIME_MS_MAX}`,
      )
    }
    deps.topics.require(request.header.topic)
    const handle = parseReceiptHandle(extraInfo, queueOffset)
    const topic = placeTopicOf(request.header.topic, consumerGroup, handle.topicKind)
    checkQueueId(deps.topics, topic, queueId)
    const nowMs = deps.clock.nowMs()
    const time = { nowMs, invisibleMs: invisibleTimeMs }
    const handled = { topic, group: consumerGroup, queueId, offset: queueOffset }
    const changed = deps.moved.act(handled, (queue, offset) => {
      const outcome = deps.inflight.changeInvisible(queue, offset, handle.popTimeMs, time)
      if (outcome.kind === 'full')
        throw new MqError('busy', 'the broker holds its maximum of messages in flight: ack some first')
      return outcome.kind === 'no-op' ? undefined : { ...outcome, queue }
    })
    if (changed?.released === true)
      deps.polling.messageReleased(changed.queue.topic, consumerGroup, changed.queue.queueId)
    const header = {
      popTimeMs: changed?.popTime ?? nowMs,
      invisibleTimeMs,
      reviveQid: handle.reviveQueueId,
    }
    deps.turns.release(heldUntil(handle.reviveQueueId), () => request.respond({ code: ResponseCode.SUCCESS, header }))
  }
}
