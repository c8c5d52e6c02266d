// SEND_MESSAGE_V2: what Java and C++ clients send; the letters on the wire save bytes. Body: the message body.
// Java: SendMessageRequestHeaderV2, SendMessageResponseHeader.
import { RequestCode, ResponseCode } from '../codec/codes.ts'
import { defineRequest, type AnswerHeaderOf, type RequestHeaderOf } from '../codec/define-request.ts'
import { bool, int32, int64, optional, text } from '../codec/fields.ts'

/** Codes that say the message is stored; all carry the fields of the answer. */
export const STORED_CODES = [
  ResponseCode.SUCCESS,
  ResponseCode.FLUSH_DISK_TIMEOUT,
  ResponseCode.SLAVE_NOT_AVAILABLE,
  ResponseCode.FLUSH_SLAVE_TIMEOUT,
] as const

/** Java clients unbox msgId, queueId and queueOffset unconditionally and read the last two from the raw fields. */
export const sendMessageAnswer = {
  /** Offset message id, upper-case hex; of a batch several, joined by commas. */
  msgId: text(),
  queueId: int32(),
  queueOffset: int64(),
  transactionId: optional(text()),
  batchUniqId: optional(text()),
  recallHandle: optional(text()),
  msgRegion: optional(text({ wire: 'MSG_REGION' })),
  traceOn: optional(bool({ wire: 'TRACE_ON' })),
}

export const SendMessageV2 = defineRequest({
  code: RequestCode.SEND_MESSAGE_V2,
  name: 'SEND_MESSAGE_V2',
  header: {
    producerGroup: text({ wire: 'a' }),
    topic: text({ wire: 'b' }),
    /** Its settings are the template when the topic is created by this send. */
    defaultTopic: text({ wire: 'c' }),
    defaultTopicQueueNums: int32({ wire: 'd' }),
    /** Negative: any queue. */
    queueId: int32({ wire: 'e' }),
    sysFlag: int32({ wire: 'f' }),
    bornTimestampMs: int64({ wire: 'g' }),
    flag: int32({ wire: 'h' }),
    /** name 0x01 value 0x02 … */
    properties: optional(text({ wire: 'i' })),
    reconsumeTimes: optional(int32({ wire: 'j' })),
    unitMode: optional(bool({ wire: 'k' })),
    maxReconsumeTimes: optional(int32({ wire: 'l' })),
    batch: optional(bool({ wire: 'm' })),
    brokerName: optional(text({ wire: 'n' })),
  },
  answer: sendMessageAnswer,
  answerCodes: STORED_CODES,
})

export type SendMessageHeader = RequestHeaderOf<typeof SendMessageV2>
export type SendMessageAnswer = AnswerHeaderOf<typeof SendMessageV2>
