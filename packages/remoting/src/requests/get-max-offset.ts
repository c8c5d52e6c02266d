// GET_MAX_OFFSET: one past the last queue offset. Java: GetMaxOffsetRequestHeader.
import { RequestCode } from '../codec/codes.ts'
import { defineRequest, type RequestHeaderOf } from '../codec/define-request.ts'
import { bool, int32, int64, optional, text } from '../codec/fields.ts'

export const GetMaxOffset = defineRequest({
  code: RequestCode.GET_MAX_OFFSET,
  name: 'GET_MAX_OFFSET',
  header: {
    topic: text(),
    queueId: int32(),
    /** False: also what consumers do not see yet. Absent: true. */
    committed: optional(bool()),
  },
  answer: { queueOffset: int64({ wire: 'offset' }) },
})

export type GetMaxOffsetHeader = RequestHeaderOf<typeof GetMaxOffset>
