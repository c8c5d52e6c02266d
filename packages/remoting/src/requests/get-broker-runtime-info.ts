// GET_BROKER_RUNTIME_INFO: figures of a broker for tools. Body of the answer: KVTable, all values texts.
import { RequestCode } from '../codec/codes.ts'
import { defineRequest } from '../codec/define-request.ts'

export const GetBrokerRuntimeInfo = defineRequest({
  code: RequestCode.GET_BROKER_RUNTIME_INFO,
  name: 'GET_BROKER_RUNTIME_INFO',
  header: {},
  answer: {},
})
