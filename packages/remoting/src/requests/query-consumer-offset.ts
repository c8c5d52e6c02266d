// QUERY_CONSUMER_OFFSET: how far a group has consumed a queue. Java: QueryConsumerOffsetRequestHeader.
import { RequestCode } from '../codec/codes.ts'
import { defineRequest, type RequestHeaderOf } from '../codec/define-request.ts'
import { bool, int32, int64, optional, text } from '../codec/fields.ts'

export const QueryConsumerOffset = defineRequest({
  code: RequestCode.QUERY_CONSUMER_OFFSET,
  name: 'QUERY_CONSUMER_OFFSET',
  header: {
    consumerGroup: text(),
    topic: text(),
    queueId: int32(),
    setZeroIfNotFound: optional(bool()),
  },
  answer: { queueOffset: int64({ wire: 'offset' }) },
})

export type QueryConsumerOffsetHeader = RequestHeaderOf<typeof QueryConsumerOffset>
