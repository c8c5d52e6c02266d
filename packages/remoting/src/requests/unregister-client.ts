// UNREGISTER_CLIENT: a client leaves its groups. Java: UnregisterClientRequestHeader.
import { RequestCode } from '../codec/codes.ts'
import { defineRequest, type RequestHeaderOf } from '../codec/define-request.ts'
import { optional, text } from '../codec/fields.ts'

export const UnregisterClient = defineRequest({
  code: RequestCode.UNREGISTER_CLIENT,
  name: 'UNREGISTER_CLIENT',
  header: {
    clientId: text({ wire: 'clientID' }),
    /** Absent or '': not a producer. */
    producerGroup: optional(text()),
    consumerGroup: optional(text()),
  },
  answer: {},
})

export type UnregisterClientHeader = RequestHeaderOf<typeof UnregisterClient>
