// CHECK_TRANSACTION_STATE: a broker asks a producer what became of its transaction; one-way, answered by END_TRANSACTION.
// Body: the half message as a record of its real topic and queue. Java: CheckTransactionStateRequestHeader.
import { RequestCode } from '../codec/codes.ts'
import { defineRequest, type RequestHeaderOf } from '../codec/define-request.ts'
import { int64, optional, text } from '../codec/fields.ts'

export const CheckTransactionState = defineRequest({
  code: RequestCode.CHECK_TRANSACTION_STATE,
  name: 'CHECK_TRANSACTION_STATE',
  header: {
    /** The real one. */
    topic: optional(text()),
    tranStateTableOffset: int64(),
    commitLogOffset: int64(),
    /** Unique key of the message. */
    msgId: optional(text()),
    transactionId: optional(text()),
    offsetMsgId: optional(text()),
    brokerName: optional(text({ wire: 'bname' })),
  },
  answer: {},
})

export type CheckTransactionStateHeader = RequestHeaderOf<typeof CheckTransactionState>
