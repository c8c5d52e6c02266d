// BATCH_ACK_MESSAGE: settles many popped messages of one broker; everything is in the body.
// Java: BatchAckMessageRequestBody, BatchAck.
import { RequestCode } from '../codec/codes.ts'
import { defineRequest } from '../codec/define-request.ts'

export const BatchAckMessage = defineRequest({
  code: RequestCode.BATCH_ACK_MESSAGE,
  name: 'BATCH_ACK_MESSAGE',
  header: {},
  answer: {},
})
