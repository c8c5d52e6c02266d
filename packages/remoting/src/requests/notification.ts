// NOTIFICATION: held until a pop of the same queue would find messages. Java: NotificationRequestHeader,
// NotificationResponseHeader.
import { RequestCode } from '../codec/codes.ts'
import { defineRequest, type AnswerHeaderOf, type RequestHeaderOf } from '../codec/define-request.ts'
import { bool, int32, int64, optional, text } from '../codec/fields.ts'

export const Notification = defineRequest({
  code: RequestCode.NOTIFICATION,
  name: 'NOTIFICATION',
  header: {
    consumerGroup: text(),
    topic: text(),
    queueId: int32(),
    pollTimeMs: int64({ wire: 'pollTime' }),
    bornTimeMs: int64({ wire: 'bornTime' }),
    order: optional(bool()),
    attemptId: optional(text()),
  },
  answer: {
    hasMsg: bool(),
    pollingFull: optional(bool()),
  },
})

export type NotificationHeader = RequestHeaderOf<typeof Notification>
export type NotificationAnswer = AnswerHeaderOf<typeof Notification>
