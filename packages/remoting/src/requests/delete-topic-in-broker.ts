// DELETE_TOPIC_IN_BROKER: removes a topic with its retry topics and offsets. Java: DeleteTopicRequestHeader.
import { RequestCode } from '../codec/codes.ts'
import { defineRequest, type RequestHeaderOf } from '../codec/define-request.ts'
import { text } from '../codec/fields.ts'

export const DeleteTopicInBroker = defineRequest({
  code: RequestCode.DELETE_TOPIC_IN_BROKER,
  name: 'DELETE_TOPIC_IN_BROKER',
  header: { topic: text() },
  answer: {},
})

export type DeleteTopicInBrokerHeader = RequestHeaderOf<typeof DeleteTopicInBroker>
