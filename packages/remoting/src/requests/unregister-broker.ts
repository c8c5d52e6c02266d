// UNREGISTER_BROKER: a broker that stops leaves the routes at once. Java: UnRegisterBrokerRequestHeader.
import { RequestCode } from '../codec/codes.ts'
import { defineRequest, type RequestHeaderOf } from '../codec/define-request.ts'
import { brokerIdentity } from './broker-identity.ts'

export const UnregisterBroker = defineRequest({
  code: RequestCode.UNREGISTER_BROKER,
  name: 'UNREGISTER_BROKER',
  header: brokerIdentity,
  answer: {},
})

export type UnregisterBrokerHeader = RequestHeaderOf<typeof UnregisterBroker>
