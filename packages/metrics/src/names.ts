// Every metric of the system, on one page. Names and labels are Apache's wherever Apache has the metric, so that existing
// dashboards and alerts keep working; ours begin with `rocketmq_ts_`. A label never holds a client or message id.
import { counter, gauge, histogram } from './definition.ts'

const ofTopic = { open: ['topic'], fixed: ['message_type', 'is_system'] } as const
const ofDelivery = { open: ['topic', 'consumer_group'], fixed: ['is_system', 'is_retry'] } as const
const LATENCY_MS_BUCKETS = [1, 3, 5, 7, 10, 100, 1000, 2000, 3000]

/** The definitions, by the name that code uses. Java: BrokerMetricsConstant, ProxyMetricsConstant. */
export const MetricName = {
  // Broker: messages
  messagesIn: counter('rocketmq_messages_in_total', 'Messages appended.', ofTopic),
  throughputIn: counter('rocketmq_throughput_in_total', 'Bytes appended.', ofTopic),
  messagesOut: counter('rocketmq_messages_out_total', 'Messages delivered, each delivery counted.', ofDelivery),
  throughputOut: counter('rocketmq_throughput_out_total', 'Bytes delivered.', ofDelivery),
  sendToDlqMessages: counter('rocketmq_send_to_dlq_messages_total', 'Messages moved to a dead-letter topic.', {
    open: ['topic', 'consumer_group'],
    fixed: ['is_system'],
  }),

  // Broker: consuming
  popFull: counter(
    'rocketmq_ts_pop_full_total',
    'Pops that left messages behind because a bound in flight was reached.',
    {
      open: ['topic', 'consumer_group'],
      fixed: ['bound'],
    },
  ),
  consumerLagMessages: gauge(
    'rocketmq_consumer_lag_messages',
    'Messages not yet acknowledged by the group.',
    ofDelivery,
  ),
  consumerInflightMessages: gauge(
    'rocketmq_consumer_inflight_messages',
    'Messages delivered, neither acknowledged nor expired.',
    ofDelivery,
  ),
  consumerReadyMessages: gauge('rocketmq_consumer_ready_messages', 'Messages that could be delivered now.', ofDelivery),
  ledgerMessages: gauge(
    'rocketmq_ts_ledger_messages',
    'Messages of a topic as a group has settled them: all buckets together are all messages written.',
    { open: ['topic', 'consumer_group'], fixed: ['bucket'] },
  ),

  // Broker: state
  topicNumber: gauge('rocketmq_topic_number', 'Topics on this broker.'),
  consumerGroupNumber: gauge('rocketmq_consumer_group_number', 'Consumer groups on this broker.'),
  storageFlushBehind: gauge('rocketmq_storage_flush_behind_bytes', 'Bytes written but not yet flushed.', {
    fixed: ['storage_type', 'storage_medium'],
  }),
  storeRefuses: gauge('rocketmq_ts_store_refuses', '1 when the log refuses appends until a restart, else 0.'),

  // Proxy
  proxyUp: gauge('rocketmq_proxy_up', '1 while the proxy runs.', { fixed: ['proxy_mode'] }),
  grpcRequests: counter('rocketmq_ts_grpc_requests_total', 'gRPC calls answered.', { fixed: ['method', 'code'] }),
  grpcLatency: histogram(
    'rocketmq_ts_grpc_latency_milliseconds',
    'From a gRPC call to its answer.',
    LATENCY_MS_BUCKETS,
    {
      fixed: ['method'],
    },
  ),
  grpcReceivesWaiting: gauge('rocketmq_ts_grpc_receives_waiting', 'Receives that wait for a message.'),
  grpcRejected: counter('rocketmq_ts_grpc_rejected_total', 'Calls refused because a bound was reached.', {
    fixed: ['bound'],
  }),

  // Nameserver
  brokersRegistered: gauge('rocketmq_ts_brokers_registered', 'Brokers registered and alive.'),
  routeRequests: counter('rocketmq_ts_route_requests_total', 'Routes asked for.', { fixed: ['result'] }),
} as const
