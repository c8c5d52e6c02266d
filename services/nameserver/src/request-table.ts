// The whole surface of a nameserver on one page: code → handler, resource, action.
import {
  AddWritePermOfBroker,
  BrokerHeartbeat,
  CLUSTER_RESOURCE,
  createRequestTable,
  DeleteTopicInNameServer,
  GetAllTopicList,
  GetBrokerClusterInfo,
  GetRouteInfoByTopic,
  QueryDataVersion,
  RegisterBroker,
  type RequestTable,
  type Resource,
  tableEntry,
  UnregisterBroker,
  WipeWritePermOfBroker,
} from '@rocketmq-ts/remoting'
import type { createBrokerHeartbeat } from './handlers/broker-heartbeat.ts'
import type { createDeleteTopic } from './handlers/delete-topic.ts'
import type { createGetAllTopicList } from './handlers/get-all-topic-list.ts'
import type { createGetBrokerClusterInfo } from './handlers/get-broker-cluster-info.ts'
import type { createGetRouteInfoByTopic } from './handlers/get-route-info-by-topic.ts'
import type { createQueryDataVersion } from './handlers/query-data-version.ts'
import type { createRegisterBroker } from './handlers/register-broker.ts'
import type { createUnregisterBroker } from './handlers/unregister-broker.ts'
import type { createWritePermOfBroker } from './handlers/write-perm-of-broker.ts'

export interface Handlers {
  readonly registerBroker: ReturnType<typeof createRegisterBroker>
  readonly unregisterBroker: ReturnType<typeof createUnregisterBroker>
  readonly brokerHeartbeat: ReturnType<typeof createBrokerHeartbeat>
  readonly queryDataVersion: ReturnType<typeof createQueryDataVersion>
  readonly getRouteInfoByTopic: ReturnType<typeof createGetRouteInfoByTopic>
  readonly getBrokerClusterInfo: ReturnType<typeof createGetBrokerClusterInfo>
  readonly getAllTopicList: ReturnType<typeof createGetAllTopicList>
  readonly writePermOfBroker: ReturnType<typeof createWritePermOfBroker>
  readonly deleteTopic: ReturnType<typeof createDeleteTopic>
}

const clusterOf = (header: { readonly clusterName: string }): Resource => ({
  kind: 'cluster',
  name: header.clusterName,
})
const everyCluster = (): Resource => CLUSTER_RESOURCE
const topicOf = (header: { readonly topic: string }): Resource => ({ kind: 'topic', name: header.topic })

/** The table. Every row passes the one gate of `dispatchRequests` before its handler. */
export function createNameServerRequestTable(handlers: Handlers): RequestTable {
  return createRequestTable([
    tableEntry({ request: RegisterBroker, resource: clusterOf, action: 'update', handle: handlers.registerBroker }),
    tableEntry({ request: UnregisterBroker, resource: clusterOf, action: 'update', handle: handlers.unregisterBroker }),
    tableEntry({ request: BrokerHeartbeat, resource: clusterOf, action: 'update', handle: handlers.brokerHeartbeat }),
    tableEntry({ request: QueryDataVersion, resource: clusterOf, action: 'update', handle: handlers.queryDataVersion }),
    tableEntry({
      request: GetRouteInfoByTopic,
      resource: topicOf,
      action: 'get',
      handle: handlers.getRouteInfoByTopic,
    }),
    tableEntry({
      request: GetBrokerClusterInfo,
      resource: everyCluster,
      action: 'get',
      handle: handlers.getBrokerClusterInfo,
    }),
    tableEntry({ request: GetAllTopicList, resource: everyCluster, action: 'list', handle: handlers.getAllTopicList }),
    tableEntry({
      request: WipeWritePermOfBroker,
      resource: everyCluster,
      action: 'update',
      handle: handlers.writePermOfBroker.wipe,
    }),
    tableEntry({
      request: AddWritePermOfBroker,
      resource: everyCluster,
      action: 'update',
      handle: handlers.writePermOfBroker.add,
    }),
    tableEntry({ request: DeleteTopicInNameServer, resource: topicOf, action: 'delete', handle: handlers.deleteTopic }),
  ])
}
