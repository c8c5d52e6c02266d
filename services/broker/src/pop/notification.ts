// NOTIFICATION: held until a pop of the same queue would find messages. Claims nothing. Java: NotificationProcessor.
import { orderUnitOf } from '@rocketmq-ts/model'
import {
  type IncomingRequest,
  type NotificationAnswer,
  type NotificationHeader,
  ResponseCode,
} from '@rocketmq-ts/remoting'
import type { QueueState } from '../inflight/inflight.ts'
import { POLL_TIME_MS_MAX } from '../limits.ts'
import type { Topic } from '../topics/topic-table.ts'
import { type PopDeps, checkReadable } from './pop-message.ts'
import { isOpen, retryTopicsOf } from './retry-topics.ts'

type Request = IncomingRequest<NotificationHeader, NotificationAnswer>

/** The handler. */
export function createNotification(
  deps: Pick<PopDeps, 'inflight' | 'reader' | 'topics' | 'groups' | 'moved' | 'polling' | 'waits' | 'groupForConsume'>,
) {
  const { polling, inflight } = deps

  function hasMessages({ topic, consumerGroup, queueId, order }: NotificationHeader): boolean {
    const inOrder = order === true || deps.groups.get(consumerGroup)?.consumeMessageOrderly === true
    const retries = retryTopicsOf(deps.topics, consumerGroup, topic)
    if (retries.some((each) => hasIn(each, consumerGroup, -1, inOrder))) return true
    if (inOrder && retries.some((each) => isOpen(deps, consumerGroup, each))) return false
    return hasIn(deps.topics.require(topic), consumerGroup, queueId, inOrder)
  }

  function hasIn({ config }: Topic, group: string, queueId: number, inOrder: boolean): boolean {
    const { topicName, readQueueNums } = config
    const first = queueId >= 0 ? queueId : 0
    const last = queueId >= 0 ? queueId : readQueueNums - 1
    for (let each = first; each <= last; each += 1) {
      const { min, max } = deps.reader.bounds(topicName, each)
      const queue = inflight.queue(topicName, group, each)
      if (queue === undefined ? max > min : hasWaiting(queue, max) && !(inOrder && isHeldUp(queue, max))) return true
    }
    return false
  }

  function hasWaiting({ ready, cursor }: QueueState, max: number): boolean {
    return ready > 0 || cursor < max
  }

  /** A pop in order would find nothing. Whoever asks hears of it when that changes. */
  function isHeldUp(queue: QueueState, max: number): boolean {
    const { lines } = queue
    if (lines !== undefined) return lines.givable === 0 && (queue.cursor >= max || lines.room.messages === 0)
    const group = deps.groups.get(queue.group)
    // Its lines are not in memory yet: the pop that opens them finds out.
    if (group !== undefined && orderUnitOf(group) === 'MESSAGE_GROUP') return false
    return !inflight.isFree(queue)
  }

  return function notification(request: Request): void {
    const { topic, consumerGroup, queueId, pollTimeMs } = request.header
    checkReadable(deps, topic, consumerGroup, queueId)
    function respond(hasMsg: boolean, pollingFull: boolean): void {
      request.respond({ code: ResponseCode.SUCCESS, header: { hasMsg, pollingFull } })
    }
    if (hasMessages(request.header) || pollTimeMs <= 0) {
      respond(hasMessages(request.header), false)
      return
    }
    request.noteHeld()
    let registered: { done(): void } | undefined
    const held = polling.hold({
      topic,
      group: consumerGroup,
      queueId,
      pollMs: Math.min(pollTimeMs, POLL_TIME_MS_MAX),
      matches: () => true,
      takes: false,
      wake(reason) {
        registered?.done()
        if (reason !== 'gone') respond(reason === 'message', false)
      },
    })
    if (held === undefined) respond(false, true)
    else registered = deps.waits.add(request.peer, held)
  }
}
