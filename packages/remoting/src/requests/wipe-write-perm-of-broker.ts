// WIPE_WRITE_PERM_OF_BROKER: routes name the broker for reading only. Java: WipeWritePermOfBrokerRequestHeader.
import { RequestCode } from '../codec/codes.ts'
import { defineRequest, type AnswerHeaderOf, type RequestHeaderOf } from '../codec/define-request.ts'
import { int32, text } from '../codec/fields.ts'

export const WipeWritePermOfBroker = defineRequest({
  code: RequestCode.WIPE_WRITE_PERM_OF_BROKER,
  name: 'WIPE_WRITE_PERM_OF_BROKER',
  header: { brokerName: text() },
  answer: {
    /** Topics of the broker. */
    wipeTopicCount: int32(),
  },
})

export type WipeWritePermOfBrokerHeader = RequestHeaderOf<typeof WipeWritePermOfBroker>
export type WipeWritePermOfBrokerAnswer = AnswerHeaderOf<typeof WipeWritePermOfBroker>
