// VIEW_MESSAGE_BY_ID: the message at a place of the log, as an offset message id names it. Body of the answer: the record.
// Java: ViewMessageRequestHeader.
import { RequestCode } from '../codec/codes.ts'
import { defineRequest, type RequestHeaderOf } from '../codec/define-request.ts'
import { int64, optional, text } from '../codec/fields.ts'

export const ViewMessageById = defineRequest({
  code: RequestCode.VIEW_MESSAGE_BY_ID,
  name: 'VIEW_MESSAGE_BY_ID',
  header: {
    commitLogOffset: int64({ wire: 'offset' }),
    /** Clients before 5.x do not send it. */
    topic: optional(text()),
  },
  answer: {},
})

export type ViewMessageByIdHeader = RequestHeaderOf<typeof ViewMessageById>
