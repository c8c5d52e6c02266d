// GET_MIN_OFFSET: the first queue offset that is kept. Java: GetMinOffsetRequestHeader.
import { RequestCode } from '../codec/codes.ts'
import { defineRequest, type RequestHeaderOf } from '../codec/define-request.ts'
import { int32, int64, text } from '../codec/fields.ts'

export const GetMinOffset = defineRequest({
  code: RequestCode.GET_MIN_OFFSET,
  name: 'GET_MIN_OFFSET',
  header: { topic: text(), queueId: int32() },
  answer: { queueOffset: int64({ wire: 'offset' }) },
})

export type GetMinOffsetHeader = RequestHeaderOf<typeof GetMinOffset>
