// GET_SUBSCRIPTIONGROUP_CONFIG: settings of one consumer group. Body of the answer: SubscriptionGroupConfig.
// Java: GetSubscriptionGroupConfigRequestHeader.
import { RequestCode } from '../codec/codes.ts'
import { defineRequest, type RequestHeaderOf } from '../codec/define-request.ts'
import { text } from '../codec/fields.ts'

export const GetSubscriptionGroupConfig = defineRequest({
  code: RequestCode.GET_SUBSCRIPTIONGROUP_CONFIG,
  name: 'GET_SUBSCRIPTIONGROUP_CONFIG',
  header: { group: text() },
  answer: {},
})

export type GetSubscriptionGroupConfigHeader = RequestHeaderOf<typeof GetSubscriptionGroupConfig>
