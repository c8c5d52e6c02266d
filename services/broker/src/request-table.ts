// The whole surface of a broker on one page: code → handler, resource, action.
import {
  AckMessage,
  CLUSTER_RESOURCE,
  type Resource,
  BatchAckMessage,
  ChangeMessageInvisibleTime,
  ConsumeMessageDirectly,
  ConsumerSendMsgBack,
  DeleteSubscriptionGroup,
  DeleteTopicInBroker,
  EndTransaction,
  GetAllSubscriptionGroupConfig,
  GetAllTopicConfig,
  GetBrokerRuntimeInfo,
  GetConsumeStats,
  GetConsumerRunningInfo,
  GetEarliestMessageStoreTime,
  GetMaxOffset,
  GetMinOffset,
  GetSubscriptionGroupConfig,
  GetTopicConfig,
  GetTopicStatsInfo,
  HeartBeat,
  InvokeBrokerToResetOffset,
  ListClients,
  Notification,
  PopMessage,
  PullMessage,
  QueryConsumerOffset,
  QueryMessage,
  RecallMessage,
  ReconnectClient,
  type RequestTable,
  SearchOffsetByTimestamp,
  SendMessage,
  SendMessageV2,
  SyncClients,
  TraceMessage,
  UnregisterClient,
  UpdateAndCreateSubscriptionGroup,
  UpdateAndCreateTopic,
  ViewMessageById,
  createRequestTable,
  tableEntry,
} from '@rocketmq-ts/remoting'
import type { BrokerClients } from './clients/broker-clients.ts'
import type { createRecallMessage } from './delay/recall-message.ts'
import type { createGroupRequests } from './groups/group-requests.ts'
import type { createOffsetRequests } from './offsets/offset-requests.ts'
import type { createResetOffset } from './offsets/reset-offset.ts'
import type { createAckMessage, createBatchAckMessage } from './pop/ack-message.ts'
import type { createChangeInvisibleTime } from './pop/change-invisible-time.ts'
import type { createConsumerSendMsgBack } from './pop/consumer-send-msg-back.ts'
import type { createNotification } from './pop/notification.ts'
import type { createPopMessage } from './pop/pop-message.ts'
import type { createAllSettings } from './queries/all-settings.ts'
import type { createMessageQueries } from './queries/message-queries.ts'
import type { createPullMessage } from './queries/pull-message.ts'
import type { createProgress } from './queries/progress.ts'
import type { RuntimeInfo } from './queries/runtime-info.ts'
import type { createSendMessage } from './send/send-message.ts'
import type { Transactions } from './transaction/transactions.ts'
import type { createTopicRequests } from './topics/topic-requests.ts'
import type { createTraceMessage } from './trace/trace-message.ts'

export interface Handlers {
  readonly send: ReturnType<typeof createSendMessage>
  readonly endTransaction: Transactions['endTransaction']
  readonly clients: BrokerClients['requests']
  readonly pop: ReturnType<typeof createPopMessage>
  readonly ack: ReturnType<typeof createAckMessage>
  readonly batchAck: ReturnType<typeof createBatchAckMessage>
  readonly changeInvisibleTime: ReturnType<typeof createChangeInvisibleTime>
  readonly consumerSendMsgBack: ReturnType<typeof createConsumerSendMsgBack>
  readonly notification: ReturnType<typeof createNotification>
  readonly recall: ReturnType<typeof createRecallMessage>
  readonly topics: ReturnType<typeof createTopicRequests>
  readonly groups: ReturnType<typeof createGroupRequests>
  readonly offsets: ReturnType<typeof createOffsetRequests>
  readonly resetOffset: ReturnType<typeof createResetOffset>
  readonly allSettings: ReturnType<typeof createAllSettings>
  readonly messageQueries: ReturnType<typeof createMessageQueries>
  readonly pull: ReturnType<typeof createPullMessage>
  readonly traceMessage: ReturnType<typeof createTraceMessage>
  readonly progress: ReturnType<typeof createProgress>
  readonly runtimeInfo: Pick<RuntimeInfo, 'getBrokerRuntimeInfo'>
}

const topicOf = (header: { readonly topic: string }): Resource => ({ kind: 'topic', name: header.topic })
const groupOf = (header: { readonly consumerGroup: string }): Resource => ({
  kind: 'group',
  name: header.consumerGroup,
})
const topicAndGroupOf = (header: { readonly topic: string; readonly consumerGroup: string }): readonly Resource[] => [
  topicOf(header),
  groupOf(header),
]
const cluster = (): Resource => CLUSTER_RESOURCE

/** The table. Every row passes the one gate of `dispatchRequests` before its handler. */
export function createBrokerRequestTable(handlers: Handlers): RequestTable {
  const { topics, groups, offsets, allSettings, messageQueries, progress, runtimeInfo } = handlers
  return createRequestTable([
    tableEntry({ request: SendMessage, resource: topicOf, action: 'pub', handle: handlers.send }),
    tableEntry({ request: SendMessageV2, resource: topicOf, action: 'pub', handle: handlers.send }),
    tableEntry({
      request: EndTransaction,
      resource: ({ topic }) =>
        topic === undefined || topic === '' ? CLUSTER_RESOURCE : { kind: 'topic', name: topic },
      action: 'pub',
      handle: handlers.endTransaction,
    }),
    tableEntry({ request: HeartBeat, resource: cluster, action: 'get', handle: handlers.clients.heartBeat }),
    tableEntry({
      request: UnregisterClient,
      resource: cluster,
      action: 'get',
      handle: handlers.clients.unregisterClient,
    }),
    tableEntry({ request: SyncClients, resource: cluster, action: 'update', handle: handlers.clients.syncClients }),
    tableEntry({ request: ListClients, resource: cluster, action: 'list', handle: handlers.clients.listClients }),
    tableEntry({
      request: GetConsumerRunningInfo,
      resource: cluster,
      action: 'get',
      handle: handlers.clients.getConsumerRunningInfo,
    }),
    tableEntry({
      request: ConsumeMessageDirectly,
      resource: cluster,
      action: 'sub',
      handle: handlers.clients.consumeMessageDirectly,
    }),
    tableEntry({
      request: ReconnectClient,
      resource: cluster,
      action: 'update',
      handle: handlers.clients.reconnectClient,
    }),
    tableEntry({ request: RecallMessage, resource: topicOf, action: 'pub', handle: handlers.recall }),
    tableEntry({ request: PopMessage, resource: topicAndGroupOf, action: 'sub', handle: handlers.pop }),
    tableEntry({ request: AckMessage, resource: topicAndGroupOf, action: 'sub', handle: handlers.ack }),
    tableEntry({ request: BatchAckMessage, resource: cluster, action: 'sub', handle: handlers.batchAck }),
    tableEntry({
      request: ChangeMessageInvisibleTime,
      resource: topicAndGroupOf,
      action: 'sub',
      handle: handlers.changeInvisibleTime,
    }),
    tableEntry({
      request: ConsumerSendMsgBack,
      resource: ({ group }) => ({ kind: 'group', name: group }),
      action: 'sub',
      handle: handlers.consumerSendMsgBack,
    }),
    tableEntry({ request: Notification, resource: topicAndGroupOf, action: 'sub', handle: handlers.notification }),
    tableEntry({
      request: QueryConsumerOffset,
      resource: topicAndGroupOf,
      action: 'sub',
      handle: offsets.queryConsumerOffset,
    }),
    tableEntry({ request: GetMaxOffset, resource: topicOf, action: 'get', handle: offsets.getMaxOffset }),
    tableEntry({ request: GetMinOffset, resource: topicOf, action: 'get', handle: offsets.getMinOffset }),
    tableEntry({
      request: InvokeBrokerToResetOffset,
      resource: ({ topic, group }) => [
        { kind: 'topic', name: topic },
        { kind: 'group', name: group },
      ],
      action: 'update',
      handle: handlers.resetOffset,
    }),
    tableEntry({ request: QueryMessage, resource: topicOf, action: 'get', handle: messageQueries.queryMessage }),
    tableEntry({
      request: ViewMessageById,
      resource: ({ topic }) =>
        topic === undefined || topic === '' ? CLUSTER_RESOURCE : { kind: 'topic', name: topic },
      action: 'get',
      handle: messageQueries.viewMessageById,
    }),
    tableEntry({
      request: SearchOffsetByTimestamp,
      resource: topicOf,
      action: 'get',
      handle: messageQueries.searchOffsetByTimestamp,
    }),
    tableEntry({ request: PullMessage, resource: topicAndGroupOf, action: 'sub', handle: handlers.pull }),
    tableEntry({ request: TraceMessage, resource: topicOf, action: 'get', handle: handlers.traceMessage }),
    tableEntry({
      request: GetEarliestMessageStoreTime,
      resource: topicOf,
      action: 'get',
      handle: messageQueries.getEarliestMessageStoreTime,
    }),
    tableEntry({
      request: UpdateAndCreateTopic,
      resource: topicOf,
      action: 'create',
      handle: topics.updateAndCreateTopic,
    }),
    tableEntry({ request: DeleteTopicInBroker, resource: topicOf, action: 'delete', handle: topics.deleteTopic }),
    tableEntry({ request: GetTopicConfig, resource: topicOf, action: 'get', handle: topics.getTopicConfig }),
    tableEntry({
      request: UpdateAndCreateSubscriptionGroup,
      resource: cluster,
      action: 'create',
      handle: groups.updateAndCreateSubscriptionGroup,
    }),
    tableEntry({
      request: GetSubscriptionGroupConfig,
      resource: (header) => ({ kind: 'group', name: header.group }),
      action: 'get',
      handle: groups.getSubscriptionGroupConfig,
    }),
    tableEntry({
      request: DeleteSubscriptionGroup,
      resource: (header) => ({ kind: 'group', name: header.groupName }),
      action: 'delete',
      handle: groups.deleteSubscriptionGroup,
    }),
    tableEntry({
      request: GetAllTopicConfig,
      resource: cluster,
      action: 'list',
      handle: allSettings.getAllTopicConfig,
    }),
    tableEntry({
      request: GetAllSubscriptionGroupConfig,
      resource: cluster,
      action: 'list',
      handle: allSettings.getAllSubscriptionGroupConfig,
    }),
    tableEntry({
      request: GetTopicStatsInfo,
      resource: topicOf,
      action: 'get',
      handle: progress.getTopicStatsInfo,
    }),
    tableEntry({
      request: GetConsumeStats,
      resource: groupOf,
      action: 'get',
      handle: progress.getConsumeStats,
    }),
    tableEntry({
      request: GetBrokerRuntimeInfo,
      resource: cluster,
      action: 'get',
      handle: runtimeInfo.getBrokerRuntimeInfo,
    }),
  ])
}
