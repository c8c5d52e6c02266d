// CHANGE_MESSAGE_INVISIBLETIME: a popped message stays invisible for another time, counted from now; the answer gives
// the parts of the new receipt handle. Java: ChangeInvisibleTimeRequestHeader, ChangeInvisibleTimeResponseHeader.
import { RequestCode } from '../codec/codes.ts'
import { defineRequest, type AnswerHeaderOf, type RequestHeaderOf } from '../codec/define-request.ts'
import { int32, int64, text } from '../codec/fields.ts'

export const ChangeMessageInvisibleTime = defineRequest({
  code: RequestCode.CHANGE_MESSAGE_INVISIBLETIME,
  name: 'CHANGE_MESSAGE_INVISIBLETIME',
  header: {
    consumerGroup: text(),
    topic: text(),
    queueId: int32(),
    /** Receipt handle, POP_CK text. */
    extraInfo: text(),
    queueOffset: int64({ wire: 'offset' }),
    invisibleTimeMs: int64({ wire: 'invisibleTime' }),
  },
  answer: {
    popTimeMs: int64({ wire: 'popTime' }),
    invisibleTimeMs: int64({ wire: 'invisibleTime' }),
    reviveQid: int32(),
  },
})

export type ChangeMessageInvisibleTimeHeader = RequestHeaderOf<typeof ChangeMessageInvisibleTime>
export type ChangeMessageInvisibleTimeAnswer = AnswerHeaderOf<typeof ChangeMessageInvisibleTime>
