// SEARCH_OFFSET_BY_TIMESTAMP: queue offset of the message stored at a time. Java: SearchOffsetRequestHeader.
import { RequestCode } from '../codec/codes.ts'
import { defineRequest, type RequestHeaderOf } from '../codec/define-request.ts'
import { int32, int64, optional, text } from '../codec/fields.ts'

export const SearchOffsetByTimestamp = defineRequest({
  code: RequestCode.SEARCH_OFFSET_BY_TIMESTAMP,
  name: 'SEARCH_OFFSET_BY_TIMESTAMP',
  header: {
    topic: text(),
    queueId: int32(),
    timestampMs: int64({ wire: 'timestamp' }),
    /** 'UPPER' in any case: the last one stored then or before. Anything else: the first one then or later. */
    boundaryType: optional(text()),
  },
  answer: { queueOffset: int64({ wire: 'offset' }) },
})

export type SearchOffsetByTimestampHeader = RequestHeaderOf<typeof SearchOffsetByTimestamp>
