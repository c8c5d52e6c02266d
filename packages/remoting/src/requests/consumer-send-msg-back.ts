// CONSUMER_SEND_MSG_BACK: a consumer could not process a message: again later, or never. Java:
// ConsumerSendMsgBackRequestHeader. `extraInfo` is our own: Apache's brokers leave it unread.
import { RequestCode } from '../codec/codes.ts'
import { defineRequest, type RequestHeaderOf } from '../codec/define-request.ts'
import { bool, int32, int64, optional, text } from '../codec/fields.ts'

export const ConsumerSendMsgBack = defineRequest({
  code: RequestCode.CONSUMER_SEND_MSG_BACK,
  name: 'CONSUMER_SEND_MSG_BACK',
  header: {
    commitLogOffset: int64({ wire: 'offset' }),
    group: text(),
    /** Negative: never, to the dead-letter topic. */
    delayLevel: int32(),
    originMsgId: optional(text()),
    originTopic: optional(text()),
    unitMode: optional(bool()),
    maxReconsumeTimes: optional(int32()),
    /** Receipt handle of the delivery that is given up, POP_CK text. */
    extraInfo: optional(text()),
  },
  answer: {},
})

export type ConsumerSendMsgBackHeader = RequestHeaderOf<typeof ConsumerSendMsgBack>
