// DELETE_TOPIC_IN_NAMESRV: forgets a topic's route. A broker that still has the topic brings it back when it registers,
// so it is deleted there first. Java: DefaultRequestProcessor.deleteTopicInNamesrv.
import { type DeleteTopicInNameServerHeader, type IncomingRequest, ResponseCode } from '@rocketmq-ts/remoting'
import type { RouteTable } from '../route-table.ts'

export function createDeleteTopic({ routes }: { readonly routes: Pick<RouteTable, 'deleteTopic'> }) {
  return (request: IncomingRequest<DeleteTopicInNameServerHeader, object>): void => {
    const { topic, clusterName = '' } = request.header
    routes.deleteTopic(topic, clusterName === '' ? undefined : clusterName)
    request.respond({ code: ResponseCode.SUCCESS })
  }
}
