// RECALL_MESSAGE: a delayed message is not to be delivered. Java: RecallMessageRequestHeader, RecallMessageResponseHeader.
import { RequestCode } from '../codec/codes.ts'
import { defineRequest, type AnswerHeaderOf, type RequestHeaderOf } from '../codec/define-request.ts'
import { optional, text } from '../codec/fields.ts'

export const RecallMessage = defineRequest({
  code: RequestCode.RECALL_MESSAGE,
  name: 'RECALL_MESSAGE',
  header: {
    producerGroup: optional(text()),
    topic: text(),
    /** As the answer to the send named it. */
    recallHandle: text(),
  },
  answer: {
    /** Unique key of the message. */
    msgId: text(),
  },
})

export type RecallMessageHeader = RequestHeaderOf<typeof RecallMessage>
export type RecallMessageAnswer = AnswerHeaderOf<typeof RecallMessage>
