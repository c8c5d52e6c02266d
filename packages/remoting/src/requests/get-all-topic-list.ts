// GET_ALL_TOPIC_LIST_FROM_NAMESERVER: names of all topics. Body of the answer: TopicList.
import { RequestCode } from '../codec/codes.ts'
import { defineRequest } from '../codec/define-request.ts'

export const GetAllTopicList = defineRequest({
  code: RequestCode.GET_ALL_TOPIC_LIST_FROM_NAMESERVER,
  name: 'GET_ALL_TOPIC_LIST_FROM_NAMESERVER',
  header: {},
  answer: {},
})
