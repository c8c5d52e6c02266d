// GET_BROKER_CLUSTER_INFO: all clusters and their brokers. Broker ids are bare for everybody, as in Java.
import { utf8Encode } from '@rocketmq-ts/bytes'
import { stringifyJavaJson } from '@rocketmq-ts/model'
import { ResponseCode, type IncomingRequest } from '@rocketmq-ts/remoting'
import type { RouteTable } from '../route-table.ts'

export function createGetBrokerClusterInfo({ routes }: { readonly routes: Pick<RouteTable, 'clusterInfo'> }) {
  return (request: IncomingRequest): void => {
    request.respond({ code: ResponseCode.SUCCESS, body: utf8Encode(stringifyJavaJson(routes.clusterInfo())) })
  }
}
