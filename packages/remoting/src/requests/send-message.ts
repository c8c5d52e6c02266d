// SEND_MESSAGE: the long form of V2, same domain fields. Body: the message body. Java: SendMessageRequestHeader.
import { RequestCode } from '../codec/codes.ts'
import { defineRequest } from '../codec/define-request.ts'
import { bool, int32, int64, optional, text } from '../codec/fields.ts'
import { sendMessageAnswer, STORED_CODES } from './send-message-v2.ts'

export const SendMessage = defineRequest({
  code: RequestCode.SEND_MESSAGE,
  name: 'SEND_MESSAGE',
  header: {
    producerGroup: text(),
    topic: text(),
    defaultTopic: text(),
    defaultTopicQueueNums: int32(),
    queueId: int32(),
    sysFlag: int32(),
    bornTimestampMs: int64({ wire: 'bornTimestamp' }),
    flag: int32(),
    properties: optional(text()),
    reconsumeTimes: optional(int32()),
    unitMode: optional(bool()),
    maxReconsumeTimes: optional(int32()),
    batch: optional(bool()),
    brokerName: optional(text({ wire: 'bname' })),
  },
  answer: sendMessageAnswer,
  answerCodes: STORED_CODES,
})
