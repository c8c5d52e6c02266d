// UPDATE_AND_CREATE_SUBSCRIPTIONGROUP: creates a consumer group or changes it. Body: SubscriptionGroupConfig.
import { RequestCode } from '../codec/codes.ts'
import { defineRequest } from '../codec/define-request.ts'

export const UpdateAndCreateSubscriptionGroup = defineRequest({
  code: RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP,
  name: 'UPDATE_AND_CREATE_SUBSCRIPTIONGROUP',
  header: {},
  answer: {},
})
