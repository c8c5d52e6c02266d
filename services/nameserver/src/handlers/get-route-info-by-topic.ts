// GET_ROUTEINFO_BY_TOPIC: where a topic is. Broker ids are quoted only for those who can read that: Go's client cuts
// the raw text and needs bare ones. Java: ClientRequestProcessor.getRouteInfoByTopic.
import { utf8Encode } from '@rocketmq-ts/bytes'
import { stringifyJavaJson } from '@rocketmq-ts/model'
import { ResponseCode, type GetRouteInfoByTopicHeader, type IncomingRequest } from '@rocketmq-ts/remoting'
import type { RouteTable } from '../route-table.ts'

/** MQVersion ordinal of 4.9.4, the first that reads standard JSON. */
export const STANDARD_JSON_VERSION = 401
const SHOWN_TOPIC_CHARS_MAX = 255

export interface GetRouteInfoByTopicDeps {
  readonly routes: Pick<RouteTable, 'route'>
  readonly onAnswered: (result: 'found' | 'not-found') => void
}

export function createGetRouteInfoByTopic({ routes, onAnswered }: GetRouteInfoByTopicDeps) {
  return (request: IncomingRequest<GetRouteInfoByTopicHeader, object>): void => {
    const { topic, acceptStandardJsonOnly = false } = request.header
    const route = routes.route(topic)
    onAnswered(route === undefined ? 'not-found' : 'found')
    if (route === undefined) {
      request.respond({
        code: ResponseCode.TOPIC_NOT_EXIST,
        remark:
          `No topic route info in name server for the topic: ${topic.slice(0, SHOWN_TOPIC_CHARS_MAX)}; ` +
          'no registered broker has it: create it, or check that its brokers name this nameserver',
      })
      return
    }
    const isStandard = acceptStandardJsonOnly || request.version >= STANDARD_JSON_VERSION
    const body = stringifyJavaJson(route, { integerKeys: isStandard ? 'quoted' : 'bare' })
    request.respond({ code: ResponseCode.SUCCESS, body: utf8Encode(body) })
  }
}
