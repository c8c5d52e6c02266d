// DELETE_TOPIC_IN_NAMESRV: forgets the route of a topic. Java: DeleteTopicFromNamesrvRequestHeader.
import { RequestCode } from '../codec/codes.ts'
import { defineRequest, type RequestHeaderOf } from '../codec/define-request.ts'
import { optional, text } from '../codec/fields.ts'

export const DeleteTopicInNameServer = defineRequest({
  code: RequestCode.DELETE_TOPIC_IN_NAMESRV,
  name: 'DELETE_TOPIC_IN_NAMESRV',
  header: {
    topic: text(),
    /** Only at the brokers of this cluster. */
    clusterName: optional(text()),
  },
  answer: {},
})

export type DeleteTopicInNameServerHeader = RequestHeaderOf<typeof DeleteTopicInNameServer>
