// Requests about positions of queues and groups. Java: ConsumerManageProcessor, AdminBrokerProcessor.
import {
  type GetMaxOffsetHeader,
  type GetMinOffsetHeader,
  type IncomingRequest,
  type QueryConsumerOffsetHeader,
  ResponseCode,
} from '@rocketmq-ts/remoting'
import type { QueueReader } from '@rocketmq-ts/store'
import type { Inflight } from '../inflight/inflight.ts'
import { requireQueue, type TopicTable } from '../topics/topic-table.ts'

export interface OffsetRequestsDeps {
  readonly inflight: Inflight
  readonly reader: QueueReader
  readonly topics: TopicTable
  readonly groupForConsume: (name: string) => unknown
}

interface OffsetAnswer {
  readonly queueOffset: number
}

/** Handlers of offset requests. */
export function createOffsetRequests(deps: OffsetRequestsDeps) {
  const { inflight, reader, topics } = deps

  function boundsOf(topic: string, queueId: number) {
    requireQueue(topics.require(topic), queueId)
    return reader.bounds(topic, queueId)
  }

  return {
    /** The low mark; 0 for a group that is new to a queue whose messages are all there. */
    queryConsumerOffset(request: IncomingRequest<QueryConsumerOffsetHeader, OffsetAnswer>): void {
      const { topic, consumerGroup, queueId, setZeroIfNotFound } = request.header
      deps.groupForConsume(consumerGroup)
      const bounds = boundsOf(topic, queueId)
      const queue = inflight.queue(topic, consumerGroup, queueId)
      if (queue !== undefined) {
        request.respond({ code: ResponseCode.SUCCESS, header: { queueOffset: inflight.lowMark(queue) } })
      } else if (setZeroIfNotFound !== false && bounds.min === 0) {
        request.respond({ code: ResponseCode.SUCCESS, header: { queueOffset: 0 } })
      } else {
        request.respond({
          code: ResponseCode.QUERY_NOT_FOUND,
          remark: `group '${consumerGroup}' has no offset in queue ${queueId} of '${topic}'`,
        })
      }
    },
    getMaxOffset(request: IncomingRequest<GetMaxOffsetHeader, OffsetAnswer>): void {
      const { topic, queueId } = request.header
      request.respond({ code: ResponseCode.SUCCESS, header: { queueOffset: boundsOf(topic, queueId).max } })
    },
    getMinOffset(request: IncomingRequest<GetMinOffsetHeader, OffsetAnswer>): void {
      const { topic, queueId } = request.header
      request.respond({ code: ResponseCode.SUCCESS, header: { queueOffset: boundsOf(topic, queueId).min } })
    },
  }
}
