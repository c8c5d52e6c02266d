// DELETE_SUBSCRIPTIONGROUP: removes a consumer group. Java: DeleteSubscriptionGroupRequestHeader.
import { RequestCode } from '../codec/codes.ts'
import { defineRequest, type RequestHeaderOf } from '../codec/define-request.ts'
import { bool, optional, text } from '../codec/fields.ts'

export const DeleteSubscriptionGroup = defineRequest({
  code: RequestCode.DELETE_SUBSCRIPTIONGROUP,
  name: 'DELETE_SUBSCRIPTIONGROUP',
  header: {
    groupName: text(),
    /** Its offsets go too. Java: false where absent. */
    cleanOffset: optional(bool()),
  },
  answer: {},
})

export type DeleteSubscriptionGroupHeader = RequestHeaderOf<typeof DeleteSubscriptionGroup>
