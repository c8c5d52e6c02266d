// QUERY_MESSAGE: messages by key. Body of the answer: records, one after the other. Java: QueryMessageRequestHeader,
// QueryMessageResponseHeader.
import { RequestCode, ResponseCode } from '../codec/codes.ts'
import { defineRequest, type AnswerHeaderOf, type RequestHeaderOf } from '../codec/define-request.ts'
import { bool, int32, int64, optional, text } from '../codec/fields.ts'

/** Of an answer of ours that stopped at a bound of the query. */
export const QUERY_CUT_REMARK = 'the query was cut short: narrow its window of time'

export const QueryMessage = defineRequest({
  code: RequestCode.QUERY_MESSAGE,
  name: 'QUERY_MESSAGE',
  header: {
    topic: text(),
    key: text(),
    maxNum: int32(),
    /** Store times in milliseconds, both included. */
    beginTimestampMs: int64({ wire: 'beginTimestamp' }),
    endTimestampMs: int64({ wire: 'endTimestamp' }),
    /** The key is a unique key. Java: MixAll.UNIQUE_MSG_QUERY_FLAG. */
    isUniqueKey: optional(bool({ wire: '_UNIQUE_KEY_QUERY' })),
    /** 'T': the key is a tag. Java: MessageConst.INDEX_TAG_TYPE, since 5.4. */
    indexType: optional(text()),
  },
  answer: {
    indexLastUpdateTimestampMs: int64({ wire: 'indexLastUpdateTimestamp' }),
    indexLastUpdateOffset: int64({ wire: 'indexLastUpdatePhyoffset' }),
  },
  answerCodes: [ResponseCode.SUCCESS, ResponseCode.QUERY_NOT_FOUND],
})

export type QueryMessageHeader = RequestHeaderOf<typeof QueryMessage>
export type QueryMessageAnswer = AnswerHeaderOf<typeof QueryMessage>
