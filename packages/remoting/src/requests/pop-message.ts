// POP_MESSAGE: takes messages for an invisible time. Body of the answer: records, one after the other.
// Java: PopMessageRequestHeader, PopMessageResponseHeader.
import { RequestCode } from '../codec/codes.ts'
import { defineRequest, type AnswerHeaderOf, type RequestHeaderOf } from '../codec/define-request.ts'
import { bool, int32, int64, optional, text } from '../codec/fields.ts'

/** Where a group without an offset starts. Java: ConsumeInitMode. */
export const PopInitMode = { MIN: 0, MAX: 1 } as const

export const PopMessage = defineRequest({
  code: RequestCode.POP_MESSAGE,
  name: 'POP_MESSAGE',
  header: {
    consumerGroup: text(),
    topic: text(),
    /** −1: any queue. */
    queueId: int32(),
    /** 1 … 32. */
    maxMsgNums: int32(),
    invisibleTimeMs: int64({ wire: 'invisibleTime' }),
    /** How long the broker may hold the request, from `bornTimeMs` on. */
    pollTimeMs: int64({ wire: 'pollTime' }),
    bornTimeMs: int64({ wire: 'bornTime' }),
    initMode: int32(),
    /** 'TAG' or 'SQL92'. */
    expType: optional(text()),
    exp: optional(text()),
    order: optional(bool()),
    attemptId: optional(text()),
    /** Ours: who gets the messages, where it is not who asks. */
    clientId: optional(text()),
  },
  answer: {
    popTimeMs: int64({ wire: 'popTime' }),
    invisibleTimeMs: int64({ wire: 'invisibleTime' }),
    /** 0 … 7; 999 for ordered consumption. */
    reviveQid: int32(),
    restNum: int64(),
    /** 'retryFlag queueId startOffset' joined by ';'. */
    startOffsetInfo: optional(text()),
    /** 'retryFlag queueId offset,offset,…' joined by ';'. */
    msgOffsetInfo: optional(text()),
    orderCountInfo: optional(text()),
  },
})

export type PopMessageHeader = RequestHeaderOf<typeof PopMessage>
export type PopMessageAnswer = AnswerHeaderOf<typeof PopMessage>
