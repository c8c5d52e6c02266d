// ACK_MESSAGE: settles one popped message. `topic` is the real one, the retry topic where the handle says so.
// Java: AckMessageRequestHeader.
import { RequestCode } from '../codec/codes.ts'
import { defineRequest, type RequestHeaderOf } from '../codec/define-request.ts'
import { int32, int64, text } from '../codec/fields.ts'

export const AckMessage = defineRequest({
  code: RequestCode.ACK_MESSAGE,
  name: 'ACK_MESSAGE',
  header: {
    consumerGroup: text(),
    topic: text(),
    queueId: int32(),
    /** Receipt handle, POP_CK text. */
    extraInfo: text(),
    queueOffset: int64({ wire: 'offset' }),
  },
  answer: {},
})

export type AckMessageHeader = RequestHeaderOf<typeof AckMessage>
