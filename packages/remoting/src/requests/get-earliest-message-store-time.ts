// GET_EARLIEST_MSG_STORETIME: when the first message of a queue was stored. Java: GetEarliestMsgStoretimeRequestHeader.
import { RequestCode } from '../codec/codes.ts'
import { defineRequest, type RequestHeaderOf } from '../codec/define-request.ts'
import { int32, int64, text } from '../codec/fields.ts'

export const GetEarliestMessageStoreTime = defineRequest({
  code: RequestCode.GET_EARLIEST_MSG_STORETIME,
  name: 'GET_EARLIEST_MSG_STORETIME',
  header: { topic: text(), queueId: int32() },
  /** −1 for a queue without messages. */
  answer: { timestampMs: int64({ wire: 'timestamp' }) },
})

export type GetEarliestMessageStoreTimeHeader = RequestHeaderOf<typeof GetEarliestMessageStoreTime>
