// Apache's properties of a proxy that are not settings of ours: ProxyConfig and AuthConfig of 5.x.
import { foreignSettings } from '@rocketmq-ts/config'

const NO_AUTH = 'there is no access control yet, so everybody could do everything'

export const apacheProxySettings = foreignSettings([
  { names: 'proxyMode', only: ['CLUSTER'], why: 'npm start runs all services in one process' },
  {
    names:
      'enableACL enableAclRpcHookForClusterMode authenticationEnabled authorizationEnabled migrateAuthFromV1Enabled',
    only: ['false'],
    why: NO_AUTH,
  },
  {
    names: 'initAuthenticationUser innerClientAuthenticationCredentials',
    only: [''],
    why: NO_AUTH,
    isSecret: true,
  },
  {
    names: `authConfigPath authenticationProvider authenticationMetadataProvider authenticationStrategy
      authenticationWhitelist authorizationProvider authorizationMetadataProvider authorizationStrategy
      authorizationWhitelist userCacheMaxNum userCacheExpiredSecond userCacheRefreshSecond userCacheExpiredSeconds
      userCacheRefreshSeconds aclCacheMaxNum aclCacheExpiredSecond aclCacheRefreshSecond aclCacheExpiredSeconds
      aclCacheRefreshSeconds statefulAuthenticationCacheMaxNum statefulAuthenticationCacheExpiredSecond
      statefulAuthorizationCacheMaxNum statefulAuthorizationCacheExpiredSecond`,
    why: 'there is no access control yet',
  },
  { names: 'tlsKeyPassword', only: [''], why: 'keys are read as they are', isSecret: true },
  {
    names: 'tlsTestModeEnable',
    why: 'a certificate is made where tlsCertPath names none, and only there',
  },
  { names: 'tlsCertWatchIntervalMs', why: 'a certificate is read at the start' },
  { names: 'namesrvDomain namesrvDomainSubgroup', only: [''], why: 'nameservers are those of namesrvAddr' },
  {
    names: 'enableMessageBodyEmptyCheck enableTopicMessageTypeCheck enableProxyAutoRenew',
    only: ['true'],
    why: 'it is always done',
  },
  { names: 'useDelayLevel traceOn', only: ['false'], why: 'it is not there yet' },
  { names: 'regionId', only: ['', 'DefaultRegion'], why: 'all messages are of DefaultRegion' },
  {
    names: `useEndpointPortFromRequest localServeAddr remotingAccessAddr`,
    why: 'clients are told the address that they used themselves, or advertisedEndpoints',
  },
  {
    names: `remotingListenPort enableRemotingLocalProxyGrpc localProxyConnectTimeoutMs remotingHeartbeatThreadPoolNums
      remotingTopicRouteThreadPoolNums remotingSendMessageThreadPoolNums remotingPullMessageThreadPoolNums
      remotingUpdateOffsetThreadPoolNums remotingDefaultThreadPoolNums remotingHeartbeatThreadPoolQueueCapacity
      remotingTopicRouteThreadPoolQueueCapacity remotingSendThreadPoolQueueCapacity
      remotingPullThreadPoolQueueCapacity remotingUpdateOffsetThreadPoolQueueCapacity
      remotingDefaultThreadPoolQueueCapacity remotingWaitTimeMillsInSendQueue remotingWaitTimeMillsInPullQueue
      remotingWaitTimeMillsInHeartbeatQueue remotingWaitTimeMillsInUpdateOffsetQueue
      remotingWaitTimeMillsInTopicRouteQueue remotingWaitTimeMillsInDefaultQueue`,
    why: 'the proxy speaks gRPC only; 4.x clients connect to brokers',
  },
  {
    names: `rocketMQClusterName proxyClusterName proxyName heartbeatSyncerTopicClusterName heartbeatSyncerTopicName
      heartbeatSyncerThreadPoolNums heartbeatSyncerThreadPoolQueueCapacity brokerConfigPath
      enableProxyClientReadServiceCleaner enableProxyClientAdminCrossProxyQuery
      proxyClientAdminPeerRequestTimeoutMillis proxyClientAdminPeerGrpcTargets
      proxyClientReadServiceCleanerInactiveTimeoutMillis proxyClientReadServiceCleanerIntervalMillis`,
    why: 'proxies know nothing of each other',
  },
  {
    names: `grpcBossLoopNum grpcWorkerLoopNum enableGrpcEpoll grpcThreadPoolNums grpcThreadPoolQueueCapacity
      rocketmqMQClientNum grpcProducerThreadPoolNums grpcProducerThreadQueueCapacity grpcConsumerThreadPoolNums
      grpcConsumerThreadQueueCapacity grpcRouteThreadPoolNums grpcRouteThreadQueueCapacity
      grpcClientManagerThreadPoolNums grpcClientManagerThreadQueueCapacity grpcTransactionThreadPoolNums
      grpcTransactionThreadQueueCapacity producerProcessorThreadPoolNums producerProcessorThreadPoolQueueCapacity
      consumerProcessorThreadPoolNums consumerProcessorThreadPoolQueueCapacity topicRouteServiceThreadPoolNums
      topicRouteServiceThreadPoolQueueCapacity metadataThreadPoolNums metadataThreadPoolQueueCapacity
      transactionHeartbeatThreadPoolNums transactionHeartbeatThreadPoolQueueCapacity renewThreadPoolNums
      renewMaxThreadPoolNums renewThreadPoolQueueCapacity returnHandleGroupThreadPoolNums`,
    why: 'one thread answers all calls, so there are no pools to size; memoryBudget bounds what waits',
  },
  {
    names: `grpcShutdownTimeSeconds grpcMaxConcurrentCallsPerConnection grpcClientIdleTimeMills
      grpcServerPermitKeepAliveTimeMillis grpcServerPermitKeepAliveWithoutCalls
      grpcClientConsumerMinLongPollingTimeoutMillis channelExpiredInSeconds contextExpiredInSeconds
      grpcProxyRelayRequestTimeoutInSeconds lockTimeoutMsInHandleGroup renewSchedulePeriodMillis
      topicRouteServiceCacheExpiredInSeconds topicRouteServiceCacheExpiredSeconds topicRouteServiceCacheRefreshSeconds
      topicRouteServiceCacheMaxNum topicRouteCacheMaxNum topicConfigCacheExpiredInSeconds topicConfigCacheExpiredSeconds
      topicConfigCacheRefreshSeconds topicConfigCacheMaxNum subscriptionGroupConfigCacheExpiredInSeconds
      subscriptionGroupConfigCacheExpiredSeconds subscriptionGroupConfigCacheRefreshSeconds
      subscriptionGroupConfigCacheMaxNum sendLatencyEnable startDetectorEnable detectTimeout detectInterval
      enableBatchAck printJstackInMillis printThreadPoolStatusInMillis enablePrintJstack
      maxLiteTopicSize maxLiteRenewNumPerChannel maxSyncLiteSubscriptionRate maxMessageGroupSize`,
    why: 'the proxy has bounds and times of its own for this',
  },
  {
    names: 'messageDelayLevel',
    why: 'clients of the proxy name times, no levels',
  },
  {
    names: `maxTransactionRecoverySecond transactionHeartbeatPeriodSecond transactionHeartbeatBatchNum
      transactionDataExpireScanPeriodMillis transactionDataMaxWaitClearMillis transactionDataExpireMillis
      transactionDataMaxNum`,
    why: 'the id of a transaction says where its message lies: the proxy keeps nothing of it',
  },
  {
    names: `metricCollectorMode metricCollectorAddress metricsExporterType metricsGrpcExporterTarget
      metricsGrpcExporterHeader metricGrpcExporterTimeOutInMills metricGrpcExporterIntervalInMills
      metricLoggingExporterIntervalInMills metricsPromExporterPort metricsPromExporterHost metricsLabel metricsInDelta`,
    why: 'metrics are at /metrics of the health port',
  },
])
