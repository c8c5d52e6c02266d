// Every metric of the system, on one page. Names, labels and buckets are Apache's wherever Apache has the metric, with
// the unit at the end as its Prometheus exporter writes it, so that existing dashboards and alerts keep working; ours
// begin with `rocketmq_ts_`. A label never holds an address, a client or a message id.
import { counter, gauge, histogram } from './definition.ts'

const ofTopic = { open: ['topic'], fixed: ['message_type', 'is_system'] } as const
const ofDelivery = { open: ['topic', 'consumer_group'], fixed: ['is_system', 'is_retry'] } as const
const ofGroup = { open: ['topic', 'consumer_group'] } as const
const ofQueue = { open: ['topic', 'consumer_group', 'queue_id'] } as const
const ofDisk = { fixed: ['storage_type', 'storage_medium'] } as const
const KiB = 1024
const MiB = 1024 * KiB
/** Java: RemotingMetricsManager. */
const RPC_MS_BUCKETS = [1, 3, 5, 7, 10, 100, 1000, 2000, 3000]
/** From a write into the page cache to a disk that hangs. */
const STORE_MS_BUCKETS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 1000, 5000]

/** The definitions, by the name that code uses. Java: BrokerMetricsConstant, DefaultStoreMetricsConstant. */
export const MetricName = {
  // Every service
  ready: gauge('rocketmq_ts_ready', '1 while /readyz says ready, else 0.'),
  logEvents: counter(
    'rocketmq_ts_log_events_total',
    'Log lines that warn or tell of an error, left out ones included.',
    {
      fixed: ['level', 'event'],
    },
  ),

  // Broker: messages
  messagesIn: counter('rocketmq_messages_in_total', 'Messages appended.', ofTopic),
  throughputIn: counter('rocketmq_throughput_in_total', 'Bytes appended.', ofTopic),
  // Without Apache's label of the topic: nine lines for each would be most of a scrape. Throughput by messages is the mean.
  messageSize: histogram(
    'rocketmq_message_size',
    'Bytes of appended messages.',
    [KiB, 4 * KiB, 512 * KiB, MiB, 2 * MiB, 4 * MiB],
    { fixed: ['message_type', 'is_system'] },
  ),
  messagesOut: counter('rocketmq_messages_out_total', 'Messages delivered, each delivery counted.', ofDelivery),
  throughputOut: counter('rocketmq_throughput_out_total', 'Bytes delivered.', ofDelivery),
  duplicateSends: counter(
    'rocketmq_ts_duplicate_sends_total',
    'Messages that were not stored, because the topic had them already.',
    { open: ['topic'] },
  ),
  sendToDlqMessages: counter('rocketmq_send_to_dlq_messages_total', 'Messages moved to a dead-letter topic.', {
    open: ['topic', 'consumer_group'],
    fixed: ['is_system'],
  }),

  // Broker: transactions
  // Without Apache's label of the topic: their records alone tell it, and a start does not read all of them.
  halfMessages: gauge('rocketmq_half_messages', 'Messages of transactions that nobody has ended yet.'),
  commitMessages: counter('rocketmq_commit_messages_total', 'Messages of transactions that were committed.', {
    open: ['topic'],
  }),
  rollbackMessages: counter('rocketmq_rollback_messages_total', 'Messages of transactions that were rolled back.', {
    open: ['topic'],
  }),
  transactionFinishLatency: histogram(
    'rocketmq_finish_message_latency_milliseconds',
    'Milliseconds from a half message to the end of its transaction.',
    [5, 100, 1000, 10_000, 60_000, 600_000, 3_600_000],
  ),
  transactionChecks: counter(
    'rocketmq_ts_transaction_checks_total',
    'Questions about transactions that nobody ended: asked of a producer, or unanswerable for want of one.',
    { open: ['topic'], fixed: ['result'] },
  ),

  // Broker: consuming
  consumerLagMessages: gauge(
    'rocketmq_consumer_lag_messages',
    'Messages not yet acknowledged by the group.',
    ofDelivery,
  ),
  consumerLagLatency: gauge(
    'rocketmq_consumer_lag_latency_milliseconds',
    'Age of the oldest message that the group has not acknowledged; 0 without one.',
    { ...ofDelivery, other: 'max' },
  ),
  consumerInflightMessages: gauge(
    'rocketmq_consumer_inflight_messages',
    'Messages delivered, neither acknowledged nor expired.',
    ofDelivery,
  ),
  consumerReadyMessages: gauge('rocketmq_consumer_ready_messages', 'Messages that could be delivered now.', ofDelivery),
  consumerQueueingLatency: gauge(
    'rocketmq_consumer_queueing_latency_milliseconds',
    'Age of the oldest message that was never delivered to the group; 0 without one.',
    { ...ofDelivery, other: 'max' },
  ),
  popFull: counter(
    'rocketmq_ts_pop_full_total',
    'Pops that left messages behind because a bound in flight was reached.',
    { ...ofGroup, fixed: ['bound'] },
  ),
  ledgerMessages: gauge(
    'rocketmq_ts_ledger_messages',
    'Messages of a topic as a group has settled them: all buckets together are all messages written. Empty ones are left out.',
    { ...ofGroup, fixed: ['bucket'] },
  ),
  ledgerUnbalanced: gauge(
    'rocketmq_ts_ledger_unbalanced_queues',
    'Queues whose buckets are not exactly the messages written, or not what is in flight. Anything but 0 is a defect.',
  ),

  differingSubscriptions: gauge(
    'rocketmq_ts_group_differing_subscriptions',
    'Ways in which the clients of a group have subscribed, of groups with more than one: some messages reach nobody.',
    { open: ['consumer_group'], other: 'max' },
  ),

  // Broker: clients of all proxies
  knownClients: gauge('rocketmq_ts_known_clients', 'Clients of all proxies that this broker knows.'),
  knownClientsFull: gauge(
    'rocketmq_ts_known_clients_full',
    '1 while clients or proxies are left out because a bound is reached: they are served, but not listed; else 0.',
  ),

  // Broker: single queues of a group, on /metrics/queues?group=…
  queueLagMessages: gauge('rocketmq_ts_queue_lag_messages', 'Messages not yet acknowledged by the group.', ofQueue),
  queueLagLatency: gauge(
    'rocketmq_ts_queue_lag_latency_milliseconds',
    'Age of the oldest message that the group has not acknowledged; 0 without one.',
    { ...ofQueue, other: 'max' },
  ),
  queueInflightMessages: gauge(
    'rocketmq_ts_queue_inflight_messages',
    'Messages delivered, neither acknowledged nor expired.',
    ofQueue,
  ),
  queueReadyMessages: gauge('rocketmq_ts_queue_ready_messages', 'Messages that could be delivered now.', ofQueue),

  // Broker: state
  topicNumber: gauge('rocketmq_topic_number', 'Topics on this broker.'),
  consumerGroupNumber: gauge('rocketmq_consumer_group_number', 'Consumer groups on this broker.'),
  processorWatermark: gauge('rocketmq_processor_watermark', 'Requests that wait for the next Turn.', {
    fixed: ['processor'],
  }),
  turn: histogram(
    'rocketmq_ts_turn_milliseconds',
    'From the first job of a Turn until its log write was done.',
    STORE_MS_BUCKETS,
  ),

  // Broker: delayed messages
  timerMessages: gauge(
    'rocketmq_ts_timer_messages',
    'Delayed messages by what became of them: pending, or how they ended.',
    {
      fixed: ['state'],
    },
  ),
  timerBehind: gauge(
    'rocketmq_ts_timer_behind_milliseconds',
    'How long the delayed message has been due that is to be delivered next; 0 when none is due.',
  ),
  timerLateness: histogram(
    'rocketmq_ts_timer_lateness_milliseconds',
    'From the time when a delayed message is due until it is in its topic.',
    STORE_MS_BUCKETS,
  ),

  // Broker: store
  storageSize: gauge('rocketmq_storage_size_bytes', 'Used bytes of the disk that the store is on.', ofDisk),
  diskFree: gauge('rocketmq_ts_disk_free_bytes', 'Bytes of that disk that the broker may still use.'),
  diskFull: gauge(
    'rocketmq_ts_disk_full',
    '1 while sends are refused because that disk is full, or over its last mark, else 0.',
  ),
  storageFlushBehind: gauge('rocketmq_storage_flush_behind_bytes', 'Bytes written but not yet flushed.', ofDisk),
  storageDispatchBehind: gauge(
    'rocketmq_storage_dispatch_behind_bytes',
    'Bytes appended that consumers can not see yet.',
    ofDisk,
  ),
  storageMessageReserveTime: gauge(
    'rocketmq_storage_message_reserve_time_milliseconds',
    'Age of the oldest message in the log; 0 without one.',
    ofDisk,
  ),
  storeSegments: gauge('rocketmq_ts_store_segments', 'Files of the commit log.'),
  storeRemovedSegments: counter(
    'rocketmq_ts_store_removed_segments_total',
    'Files of the commit log that went: by age, by age as the disk did not wait for the hour, or as it needed the room.',
    { fixed: ['reason'] },
  ),
  storeHolds: gauge('rocketmq_ts_store_holds', 'Readers and replicas that keep the log from being removed.'),
  storeRefuses: gauge('rocketmq_ts_store_refuses', '1 when the log refuses appends until a restart, else 0.'),
  storeWrite: histogram(
    'rocketmq_ts_store_write_milliseconds',
    'Time of one log write into the page cache.',
    STORE_MS_BUCKETS,
  ),
  storeFlush: histogram('rocketmq_ts_store_flush_milliseconds', 'Time of one flush to the disk.', STORE_MS_BUCKETS),

  // Nameserver and broker: remoting
  rpcLatency: histogram('rocketmq_rpc_latency_milliseconds', 'From a remoting request to its answer.', RPC_MS_BUCKETS, {
    fixed: ['protocol_type', 'request_code', 'response_code', 'is_long_polling', 'result'],
  }),
  remotingBytes: counter('rocketmq_ts_remoting_bytes_total', 'Bytes of remoting connections.', {
    fixed: ['direction'],
  }),
  remotingConnections: gauge('rocketmq_ts_remoting_connections', 'Remoting connections that are open.'),
  remotingRefused: counter(
    'rocketmq_ts_remoting_refused_total',
    'Connections and requests refused because a bound was reached or the bytes are no frames.',
    { fixed: ['bound'] },
  ),

  // Proxy
  proxyUp: gauge('rocketmq_proxy_up', '1 while the proxy runs.', { fixed: ['proxy_mode'] }),
  grpcRequests: counter('rocketmq_ts_grpc_requests_total', 'gRPC calls answered.', { fixed: ['method', 'code'] }),
  grpcLatency: histogram(
    'rocketmq_ts_grpc_latency_milliseconds',
    'From a gRPC call to its answer; calls that wait for messages are left out.',
    RPC_MS_BUCKETS,
    { fixed: ['method', 'code'] },
  ),
  grpcReceivesWaiting: gauge('rocketmq_ts_grpc_receives_waiting', 'Receives that wait for a message.'),
  grpcRejected: counter('rocketmq_ts_grpc_rejected_total', 'Calls refused because a bound was reached.', {
    fixed: ['bound'],
  }),
  clients: gauge('rocketmq_ts_clients', 'Clients heard of lately.', { fixed: ['client_type'] }),
  telemetryStreams: gauge('rocketmq_ts_telemetry_streams', 'Telemetry streams that are open.'),
  orphanedTransactions: counter(
    'rocketmq_ts_orphaned_transactions_total',
    'Questions of brokers about transactions: asked of a client, or unanswerable for want of one.',
    { fixed: ['result'] },
  ),
  heldMessages: gauge('rocketmq_ts_held_messages', 'Deliveries that the proxy keeps invisible for push consumers.'),
  renewals: counter('rocketmq_ts_renewals_total', 'Invisible times renewed for push consumers.', {
    fixed: ['result'],
  }),
  routeCache: counter('rocketmq_ts_route_cache_total', 'Routes looked up in the cache.', { fixed: ['result'] }),
  upstreamLatency: histogram(
    'rocketmq_ts_upstream_latency_milliseconds',
    'From a request to a broker to its answer; requests that wait for messages are left out.',
    RPC_MS_BUCKETS,
    { fixed: ['request'] },
  ),
  upstreamErrors: counter('rocketmq_ts_upstream_errors_total', 'Requests to brokers that failed.', {
    open: ['broker_name'],
    fixed: ['request', 'error'],
  }),

  // Nameserver
  brokersRegistered: gauge('rocketmq_ts_brokers_registered', 'Brokers registered and alive.'),
  routeTopics: gauge('rocketmq_ts_route_topics', 'Topics that have a route.'),
  routeRequests: counter('rocketmq_ts_route_requests_total', 'Routes asked for.', { fixed: ['result'] }),
  registrations: counter('rocketmq_ts_registrations_total', 'Registrations of brokers, by what became of them.', {
    fixed: ['result'],
  }),
  brokersLeft: counter('rocketmq_ts_brokers_left_total', 'Brokers that left the routes.', { fixed: ['reason'] }),
} as const
