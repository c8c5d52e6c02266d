// END_TRANSACTION: a producer decides a half message. Java: EndTransactionRequestHeader; its clients send it one-way.
import { RequestCode } from '../codec/codes.ts'
import { defineRequest, type RequestHeaderOf } from '../codec/define-request.ts'
import { bool, int32, int64, optional, text } from '../codec/fields.ts'

/** Values of `commitOrRollback`: those of the flags of a record. 'unknown' leaves the message undecided. */
export const TransactionDecision = { unknown: 0, commit: 8, rollback: 12 } as const

export const EndTransaction = defineRequest({
  code: RequestCode.END_TRANSACTION,
  name: 'END_TRANSACTION',
  header: {
    /** The real one. */
    topic: optional(text()),
    /** The one that the half message was sent by. */
    producerGroup: text(),
    /** Of the half message in its queue … */
    tranStateTableOffset: int64(),
    /** … and in the log. */
    commitLogOffset: int64(),
    commitOrRollback: int32(),
    fromTransactionCheck: optional(bool()),
    /** Unique key of the message. */
    msgId: text(),
    transactionId: optional(text()),
    brokerName: optional(text({ wire: 'bname' })),
  },
  answer: {},
})

export type EndTransactionHeader = RequestHeaderOf<typeof EndTransaction>
