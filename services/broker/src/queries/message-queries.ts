// Requests that find messages otherwise than by queue offset: by key, by time, by place in the log.
// Java: QueryMessageProcessor, and AdminBrokerProcessor.searchOffsetByTimestamp and getEarliestMsgStoretime.
import { commitLogOffset, MqError } from '@rocketmq-ts/model'
import {
  type GetEarliestMessageStoreTimeHeader,
  type IncomingRequest,
  QUERY_CUT_REMARK,
  type QueryMessageAnswer,
  type QueryMessageHeader,
  ResponseCode,
  type SearchOffsetByTimestampHeader,
  type ViewMessageByIdHeader,
} from '@rocketmq-ts/remoting'
import type { MessageQueries } from '@rocketmq-ts/store'
import {
  MESSAGE_QUERIES_IN_WORK_MAX,
  MESSAGE_QUERIES_WAITING_MAX,
  QUERIED_MESSAGES_MAX,
  UNIQUE_KEY_MESSAGES_MAX,
} from '../limits.ts'
import { requireQueue, type TopicTable } from '../topics/topic-table.ts'
import { createWorkLine } from './work-line.ts'

/** Java: MessageConst.INDEX_TAG_TYPE. */
const TAG_INDEX_TYPE = 'T'

export interface MessageQueriesDeps {
  readonly store: MessageQueries
  readonly topics: Pick<TopicTable, 'require'>
}

/** Handlers of these requests. Each holds what it found until it is answered, so few are worked on at a time: the rest wait. */
export function createMessageQueries({ store, topics }: MessageQueriesDeps) {
  const withinBounds = createWorkLine({
    inWorkMax: MESSAGE_QUERIES_IN_WORK_MAX,
    waitingMax: MESSAGE_QUERIES_WAITING_MAX,
    name: 'queries for messages',
  })

  return {
    async queryMessage(request: IncomingRequest<QueryMessageHeader, QueryMessageAnswer>): Promise<void> {
      const {
        topic,
        key,
        maxNum,
        beginTimestampMs: fromMs,
        endTimestampMs: toMs,
        isUniqueKey,
        indexType,
      } = request.header
      const kind = indexType === TAG_INDEX_TYPE && isUniqueKey !== true ? 'tag' : 'key'
      if (maxNum < 1) throw new MqError('parameter-invalid', `maxNum is ${maxNum}; allowed is 1 and more`)
      // Copies of a message share its unique key, so there may be several.
      const max = isUniqueKey === true ? UNIQUE_KEY_MESSAGES_MAX : Math.min(maxNum, QUERIED_MESSAGES_MAX)
      const { records, isCut, lastIndexed } = await withinBounds(() =>
        store.queryKeys({ topic, key, kind, fromMs, toMs, max }),
      )
      const header = {
        indexLastUpdateTimestampMs: lastIndexed.timestampMs,
        indexLastUpdateOffset: lastIndexed.offset,
      }
      if (records.length > 0) {
        const body = Buffer.concat(records.map(({ bytes }) => bytes))
        request.respond({ code: ResponseCode.SUCCESS, header, body, ...(isCut && { remark: QUERY_CUT_REMARK }) })
        return
      }
      const remark = isCut ? QUERY_CUT_REMARK : `no message of topic '${topic}' has this key in this window of time`
      request.respond({ code: ResponseCode.QUERY_NOT_FOUND, header, remark })
    },

    /** A topic that is named is the one that the caller may read. */
    async viewMessageById(request: IncomingRequest<ViewMessageByIdHeader, object>): Promise<void> {
      const { commitLogOffset: offset, topic } = request.header
      const found = offset < 0 ? undefined : await withinBounds(async () => store.recordAt(commitLogOffset(offset)))
      if (found !== undefined && (topic === undefined || topic === '' || found.topic === topic)) {
        request.respond({ code: ResponseCode.SUCCESS, body: found.bytes })
        return
      }
      const ofTopic = topic === undefined ? '' : ` of topic '${topic}'`
      request.respond({
        code: ResponseCode.SYSTEM_ERROR,
        remark: `no message${ofTopic} at commit log offset ${offset}`,
      })
    },

    async searchOffsetByTimestamp(
      request: IncomingRequest<SearchOffsetByTimestampHeader, { readonly queueOffset: number }>,
    ): Promise<void> {
      const { topic, queueId, timestampMs, boundaryType } = request.header
      requireQueue(topics.require(topic), queueId)
      const boundary = boundaryType?.toUpperCase() === 'UPPER' ? 'UPPER' : 'LOWER'
      const queueOffset = await withinBounds(() => store.searchOffset({ topic, queueId }, timestampMs, boundary))
      request.respond({ code: ResponseCode.SUCCESS, header: { queueOffset } })
    },

    async getEarliestMessageStoreTime(
      request: IncomingRequest<GetEarliestMessageStoreTimeHeader, { readonly timestampMs: number }>,
    ): Promise<void> {
      const { topic, queueId } = request.header
      requireQueue(topics.require(topic), queueId)
      const timestampMs = (await withinBounds(() => store.earliestStoredMs({ topic, queueId }))) ?? -1
      request.respond({ code: ResponseCode.SUCCESS, header: { timestampMs } })
    },
  }
}
