// RECONNECT_CLIENT: a client shall connect anew; a broker passes it on to the proxy of the client. Ours alone.
import { RequestCode } from '../codec/codes.ts'
import { defineRequest, type RequestHeaderOf } from '../codec/define-request.ts'
import { text } from '../codec/fields.ts'

export const ReconnectClient = defineRequest({
  code: RequestCode.RECONNECT_CLIENT,
  name: 'RECONNECT_CLIENT',
  header: { clientId: text() },
  /** It was told; clients do not say what they do then. */
  answer: {},
})

export type ReconnectClientHeader = RequestHeaderOf<typeof ReconnectClient>
