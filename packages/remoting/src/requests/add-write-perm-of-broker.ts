// ADD_WRITE_PERM_OF_BROKER: takes WIPE_WRITE_PERM_OF_BROKER back. Java: AddWritePermOfBrokerRequestHeader.
import { RequestCode } from '../codec/codes.ts'
import { defineRequest, type AnswerHeaderOf, type RequestHeaderOf } from '../codec/define-request.ts'
import { int32, text } from '../codec/fields.ts'

export const AddWritePermOfBroker = defineRequest({
  code: RequestCode.ADD_WRITE_PERM_OF_BROKER,
  name: 'ADD_WRITE_PERM_OF_BROKER',
  header: { brokerName: text() },
  answer: {
    /** Topics of the broker. */
    addTopicCount: int32(),
  },
})

export type AddWritePermOfBrokerHeader = RequestHeaderOf<typeof AddWritePermOfBroker>
export type AddWritePermOfBrokerAnswer = AnswerHeaderOf<typeof AddWritePermOfBroker>
