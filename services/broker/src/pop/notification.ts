// NOTIFICATION: held until a pop of the same queue would find messages. Claims nothing. Java: NotificationProcessor.
import {
  type IncomingRequest,
  type NotificationAnswer,
  type NotificationHeader,
  ResponseCode,
} from '@rocketmq-ts/remoting'
import { POLL_TIME_MS_MAX } from '../limits.ts'
import type { Topic } from '../topics/topic-table.ts'
import { type PopDeps, checkReadable } from './pop-message.ts'
import { retryTopicsOf } from './retry-topics.ts'

type Request = IncomingRequest<NotificationHeader, NotificationAnswer>

/** The handler. */
export function createNotification(
  deps: Pick<PopDeps, 'inflight' | 'reader' | 'topics' | 'polling' | 'waits' | 'groupForConsume'>,
) {
  const { polling, inflight } = deps

  function hasMessages(header: NotificationHeader): boolean {
    const { topic, consumerGroup, queueId } = header
    if (hasIn(deps.topics.require(topic), consumerGroup, queueId)) return true
    return retryTopicsOf(deps.topics, consumerGroup, topic).some((each) => hasIn(each, consumerGroup, -1))
  }

  function hasIn({ config: { topicName, readQueueNums } }: Topic, group: string, queueId: number): boolean {
    const first = queueId >= 0 ? queueId : 0
    const last = queueId >= 0 ? queueId : readQueueNums - 1
    for (let each = first; each <= last; each += 1) {
      const bounds = deps.reader.bounds(topicName, each)
      const queue = inflight.queue(topicName, group, each)
      if (queue === undefined ? bounds.max > bounds.min : queue.ready > 0 || queue.cursor < bounds.max) return true
    }
    return false
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
