// GET_TOPIC_CONFIG: settings of one topic. Body of the answer: TopicConfig. Java: GetTopicConfigRequestHeader.
import { RequestCode } from '../codec/codes.ts'
import { defineRequest, type RequestHeaderOf } from '../codec/define-request.ts'
import { bool, optional, text } from '../codec/fields.ts'

export const GetTopicConfig = defineRequest({
  code: RequestCode.GET_TOPIC_CONFIG,
  name: 'GET_TOPIC_CONFIG',
  header: {
    topic: text(),
    /** Logical queues of a static topic. */
    logical: optional(bool({ wire: 'lo' })),
  },
  answer: {},
})

export type GetTopicConfigHeader = RequestHeaderOf<typeof GetTopicConfig>
