// GET_ROUTEINFO_BY_TOPIC: which brokers have the topic. Body of the answer: TopicRouteData.
// Java: GetRouteInfoRequestHeader.
import { RequestCode } from '../codec/codes.ts'
import { defineRequest, type RequestHeaderOf } from '../codec/define-request.ts'
import { bool, optional, text } from '../codec/fields.ts'

export const GetRouteInfoByTopic = defineRequest({
  code: RequestCode.GET_ROUTEINFO_BY_TOPIC,
  name: 'GET_ROUTEINFO_BY_TOPIC',
  header: {
    topic: text(),
    /** True: map keys of the answer are quoted, as standard JSON wants them. */
    acceptStandardJsonOnly: optional(bool()),
  },
  answer: {},
})

export type GetRouteInfoByTopicHeader = RequestHeaderOf<typeof GetRouteInfoByTopic>
