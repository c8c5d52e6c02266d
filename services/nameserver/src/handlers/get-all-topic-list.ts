// GET_ALL_TOPIC_LIST_FROM_NAMESERVER: names of all topics. Java: DefaultRequestProcessor.getAllTopicListFromNameserver.
import { utf8Encode } from '@rocketmq-ts/bytes'
import { stringifyJavaJson } from '@rocketmq-ts/model'
import { ResponseCode, type IncomingRequest } from '@rocketmq-ts/remoting'
import type { RouteTable } from '../route-table.ts'

export interface GetAllTopicListDeps {
  readonly routes: Pick<RouteTable, 'topics'>
  readonly isEnabled: boolean
}

export function createGetAllTopicList({ routes, isEnabled }: GetAllTopicListDeps) {
  return (request: IncomingRequest): void => {
    if (isEnabled) {
      const body = utf8Encode(stringifyJavaJson({ topicList: routes.topics() }))
      request.respond({ code: ResponseCode.SUCCESS, body })
    } else request.respond({ code: ResponseCode.SYSTEM_ERROR, remark: 'disable: set enableAllTopicList to allow it' })
  }
}
