// PULL_MESSAGE: messages of a queue from an offset on; takes nothing from anybody. Body of the answer: records, one after
// the other. Java: PullMessageRequestHeader, PullMessageResponseHeader, PullSysFlag.
import { RequestCode, ResponseCode } from '../codec/codes.ts'
import { defineRequest, type AnswerHeaderOf, type RequestHeaderOf } from '../codec/define-request.ts'
import { int32, int64, optional, text } from '../codec/fields.ts'

/** Bits of `sysFlag`. */
export const PullFlag = {
  /** The answer is to commit `commitOffset` for the group. */
  COMMIT_OFFSET: 0x1,
  /** The broker is to hold the request while nothing is there. */
  SUSPEND: 0x2,
  /** `subscription` is to be used. */
  SUBSCRIPTION: 0x4,
} as const

export const PullMessage = defineRequest({
  code: RequestCode.PULL_MESSAGE,
  name: 'PULL_MESSAGE',
  header: {
    consumerGroup: text(),
    topic: text(),
    queueId: int32(),
    queueOffset: int64(),
    maxMsgNums: int32(),
    sysFlag: int32(),
    commitOffset: int64(),
    suspendTimeoutMs: int64({ wire: 'suspendTimeoutMillis' }),
    subscription: optional(text()),
    subVersion: int64(),
    expressionType: optional(text()),
    maxMsgBytes: optional(int32()),
  },
  answer: {
    suggestWhichBrokerId: int64(),
    nextBeginOffset: int64(),
    minOffset: int64(),
    maxOffset: int64(),
  },
  answerCodes: [
    ResponseCode.SUCCESS,
    ResponseCode.PULL_NOT_FOUND,
    ResponseCode.PULL_RETRY_IMMEDIATELY,
    ResponseCode.PULL_OFFSET_MOVED,
  ],
})

export type PullMessageHeader = RequestHeaderOf<typeof PullMessage>
export type PullMessageAnswer = AnswerHeaderOf<typeof PullMessage>
