// Apache's properties of a broker that are not settings of ours: BrokerConfig, MessageStoreConfig, NettyServerConfig,
// NettyClientConfig and AuthConfig of 5.x, and what files of earlier versions still name.
import { foreignSettings } from '@rocketmq-ts/config'

const NO_SLAVES = 'there are no slaves and no elections yet, so nothing could keep that promise'
const NO_AUTH = 'there is no access control yet, so everybody could do everything'

export const apacheBrokerSettings = foreignSettings([
  { names: 'brokerRole', only: ['ASYNC_MASTER'], why: NO_SLAVES },
  { names: 'totalReplicas inSyncReplicas minInSyncReplicas', only: ['1'], why: NO_SLAVES },
  {
    names: `allAckInSyncStateSet enableAutoInSyncReplicas enableDLegerCommitLog enableControllerMode duplicationEnable
      enableSlaveActingMaster enableRemoteEscape`,
    only: ['false'],
    why: NO_SLAVES,
  },
  { names: 'haMasterAddress', only: [''], why: NO_SLAVES },
  {
    names: `brokerIP2 haListenPort haSendHeartbeatInterval haHousekeepingInterval haTransferBatchSize
      haSlaveFallbehindMax haSlavefallbehindMax haMaxGapNotInSync haMaxTimeSlaveNotCatchup haFlowControlEnable
      maxHaTransferByteInSecond slaveTimeout slaveReadEnable offsetCheckInSlave syncFromLastFile asyncLearner
      maxSlaveResendLength syncMasterFlushOffsetWhenStartup brokerElectionPriority controllerAddr
      controllerHeartBeatTimeoutMills fetchControllerAddrByDnsLookup syncBrokerMetadataPeriod checkSyncStateSetPeriod
      syncControllerMetadataPeriod syncBrokerMemberGroupPeriod lockInStrictMode skipPreOnline dLegerGroup dLegerPeers
      dLegerSelfId preferredLeaderId isEnableBatchPush dledgerDiskRatio`,
    why: 'there are no slaves and no elections yet',
  },
  {
    names: 'aclEnable authenticationEnabled authorizationEnabled migrateAuthFromV1Enabled',
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
      authorizationWhitelist userCacheMaxNum userCacheExpiredSecond userCacheRefreshSecond aclCacheMaxNum
      aclCacheExpiredSecond aclCacheRefreshSecond statefulAuthenticationCacheMaxNum
      statefulAuthenticationCacheExpiredSecond statefulAuthorizationCacheMaxNum
      statefulAuthorizationCacheExpiredSecond`,
    why: 'there is no access control yet',
  },
  { names: 'useTLS', only: ['false'], why: 'brokers speak plaintext; let proxies take TLS' },
  {
    names: 'fetchNameSrvAddrByDnsLookup fetchNamesrvAddrByDnsLookup fetchNamesrvAddrByAddressServer',
    only: ['false'],
    why: 'nameservers are those of namesrvAddr',
  },
  { names: 'rmqAddressServerDomain rmqAddressServerSubGroup', why: 'nameservers are those of namesrvAddr' },
  { names: 'brokerPermission', only: ['6'], why: 'a broker starts readable and writable; drain it with rmq instead' },
  {
    names: 'enablePropertyFilter',
    why: 'SQL filters are always offered',
  },
  { names: 'clusterTopicEnable brokerTopicEnable', only: ['true'], why: 'these topics are always there' },
  { names: 'storeType', only: ['default'], why: 'there is one kind of store' },
  { names: 'messageStorePlugIn', only: [''], why: 'the store takes no plug-ins' },
  { names: 'regionId', only: ['DefaultRegion'], why: 'all messages are of DefaultRegion' },
  { names: 'startAcceptSendRequestTimeStamp', only: ['0'], why: 'sends are taken from the start' },
  { names: 'defaultMessageRequestMode', only: ['PULL'], why: 'clients choose how they consume' },
  { names: 'traceOn', only: ['true'], why: 'messages are always marked for traces' },
  {
    names: `rejectPullConsumerEnable useStaticSubscription readUnCommitted enableNetWorkFlowControl enableLmq
      enableMultiDispatch enableRetryTopicV2 enableMixedMessageType
      disableConsumeIfConsumerReadSlowly`,
    only: ['false'],
    why: 'it is not there yet',
  },
  {
    names: `sendMessageThreadPoolNums putMessageFutureThreadPoolNums pullMessageThreadPoolNums
      litePullMessageThreadPoolNums ackMessageThreadPoolNums processReplyMessageThreadPoolNums
      queryMessageThreadPoolNums adminBrokerThreadPoolNums clientManageThreadPoolNums consumerManageThreadPoolNums
      loadBalanceProcessorThreadPoolNums heartbeatThreadPoolNums recoverThreadPoolNums endTransactionThreadPoolNums
      sendThreadPoolQueueCapacity putThreadPoolQueueCapacity pullThreadPoolQueueCapacity
      litePullThreadPoolQueueCapacity ackThreadPoolQueueCapacity replyThreadPoolQueueCapacity
      queryThreadPoolQueueCapacity clientManagerThreadPoolQueueCapacity consumerManagerThreadPoolQueueCapacity
      heartbeatThreadPoolQueueCapacity endTransactionPoolQueueCapacity adminBrokerThreadPoolQueueCapacity
      loadBalanceThreadPoolQueueCapacity serverWorkerThreads serverCallbackExecutorThreads serverSelectorThreads
      serverOnewaySemaphoreValue serverAsyncSemaphoreValue clientWorkerThreads clientCallbackExecutorThreads
      clientOnewaySemaphoreValue clientAsyncSemaphoreValue commitLogDispatcherThreadNum timerGetMessageThreadNum
      timerPutMessageThreadNum batchDispatchRequestThreadPoolNums`,
    why: 'one thread answers all requests, so there are no pools to size; memoryBudget bounds what waits',
  },
  {
    names: `brokerFastFailureEnable waitTimeMillsInSendQueue waitTimeMillsInPullQueue waitTimeMillsInLitePullQueue
      waitTimeMillsInHeartbeatQueue waitTimeMillsInTransactionQueue waitTimeMillsInAckQueue
      waitTimeMillsInAdminBrokerQueue osPageCacheBusyTimeOutMills putMessageTimeout maxWaitTimeMillsInQueue`,
    why: 'nothing waits in queues of threads; what is too much is refused when it comes',
  },
  {
    names: `warmMapedFileEnable flushLeastPagesWhenWarmMapedFile transientStorePoolEnable transientStorePoolSize
      fastFailIfNoBufferInStorePool commitIntervalCommitLog commitCommitLogLeastPages commitCommitLogThoroughInterval
      writeWithoutMmap transferMsgByHeap accessMessageInMemoryMaxRatio accessMessageInMemoryHotRatio
      destroyMapedFileIntervalForcibly redeleteHangedFileInterval useReentrantLockWhenPutMessage useABSLock
      abortFileAsyncFlushDisk debugLockEnable topicQueueLockNum mappedFileSwapEnable cleanRocksDBDirtyCQIntervalMin
      dataReadAheadEnable enableScheduleAsyncDeliver coldDataFlowControlEnable coldDataScanEnable diskFallRecorded`,
    why: 'files are not memory-mapped: batches are written, and the page cache of the system is used',
  },
  {
    names: `flushCommitLogTimed flushCommitLogLeastPages flushCommitLogThoroughInterval flushIntervalConsumeQueue
      flushConsumeQueueLeastPages flushConsumeQueueThoroughInterval putConsumeQueueDataByFileChannel
      flushConsumerOffsetHistoryInterval`,
    why: 'flushIntervalCommitLog alone paces flushes, and queues are rebuilt from the log',
  },
  {
    names: 'deleteConsumeQueueFilesInterval enabledDeleteTopicInBroker',
    why: 'files of queues go right behind those of the log, and topics are always deleted when asked',
  },
  {
    names: `mapedFileSizeConsumeQueue mappedFileSizeConsumeQueueExt mappedFileSizeTimerLog
      enableConsumeQueueExt bitMapLengthConsumeQueueExt enableCalcFilterBitMap expectConsumerNumUseFilter
      maxErrorRateOfBloomFilter filterDataCleanTimeSpan filterSupportRetry searchBcqByCacheEnable
      diffBcqSearchThreshold travelCqFileNumWhenGetMessage maxLmqConsumeQueueNum`,
    why: 'mappedFileSizeConsumeQueue alone is the size of queue files, as in 5.x, and they have no filter beside them',
  },
  {
    names: 'messageIndexEnable messageIndexSafe maxMsgsNumBatch defaultQueryMaxNum',
    why: 'messages are always found by key, also after a crash; a query answers 64, or 32 of a unique key',
  },
  {
    names: 'putMsgIndexHightWater putMsgIndexHighWater',
    why: 'the key index has a bound of its own, beyond which sends wait for it',
  },
  {
    names: `storePathConsumeQueue storePathIndex storeCheckpoint abortFile storePathEpochFile storePathDLedgerCommitLog
      storePathBrokerIdentity readOnlyCommitLogStorePaths brokerConfigPath rocketmqHome`,
    why: 'all that derives from the log lies in storePathRootDir',
  },
  {
    names: `maxTransferBytesOnMessageInMemory maxTransferCountOnMessageInMemory maxTransferBytesOnMessageInDisk
      maxTransferCountOnMessageInDisk maxFilterMessageSize pullBatchMaxMessageCount longPollingEnable
      shortPollingTimeMills litePullMessageEnable consumerFallbehindThreshold`,
    why: 'deliveries have bounds of their own: 32 messages, 8 MiB, held until a message or their deadline',
  },
  {
    names: `popPollingSize popPollingMapSize maxPopPollingSize reviveQueueNum reviveInterval reviveMaxSlow
      reviveScanTime enableSkipLongAwaitingAck reviveAckWaitMs enablePopLog enablePopBufferMerge popCkStayBufferTime
      popCkStayBufferTimeOut popCkMaxBufferSize popCkOffsetMaxQueueSize enablePopBatchAck popFromRetryProbability
      enableNotifyAfterPopOrderLockRelease initPopOffsetByCheckMsgInMem popResponseReturnActualRetryTopic
      enablePopMessageThreshold popInflightMessageThreshold retrieveMessageFromPopRetryTopicV1
      popConsumerFSServiceInit popConsumerKVServiceInit popConsumerKVServiceEnable popConsumerKVServiceLog
      popReviveMaxReturnSizePerRead popReviveMaxAttemptTimes popConsumerMaxInvisibleTime`,
    why: 'one table of what is in flight takes the place of checkpoints and revive topics',
  },
  {
    names: 'timerStopEnqueue timerStopDequeue',
    only: ['false'],
    why: 'delayed messages are always taken and delivered',
  },
  {
    names: `flushDelayOffsetInterval delayOffsetUpdateVersionStep timerRollWindowSlot timerFlushIntervalMs
      timerCongestNumEachSlot timerMetricSmallThreshold timerProgressLogIntervalMs timerWarmEnable
      timerInterceptDelayLevel timerCheckMetricsWhen timerEnableRetryUntilSuccess timerSkipUnknownError
      timerEnableCheckMetrics timerEnableDisruptor`,
    why: 'delayed messages are in an index of our own',
  },
  {
    names: 'transactionOpMsgMaxSize transactionOpBatchInterval transactionMetricFlushInterval asyncSendEnable',
    why: 'decisions are in the journal at once; records for Apache tools follow within 3 s or 4 KiB',
  },
  {
    names: `metricsExporterType metricsGrpcExporterTarget metricsGrpcExporterHeader metricGrpcExporterTimeOutInMills
      metricGrpcExporterIntervalInMills metricLoggingExporterIntervalInMills metricsPromExporterPort
      metricsPromExporterHost metricsLabel metricsInDelta metricsOtelCardinalityLimit accountStatsEnable
      accountStatsPrintZeroValues enableDetailStat autoDeleteUnusedStats estimateAccumulation commercialEnable
      commercialTimerCount commercialTransCount commercialBigCount commercialBaseCount commercialSizePerMsg
      isolateLogEnable brokerLogLevel`,
    why: 'metrics are at /metrics of the health port',
  },
  { names: 'traceTopicEnable msgTraceTopicName', why: 'traces of messages are not kept yet' },
  {
    names: `registerBrokerTimeoutMills sendHeartbeatTimeoutMillis brokerHeartbeatInterval brokerNotActiveTimeoutMillis
      forceRegister compressedRegister compatibleWithOldNameSrv enableSplitRegistration splitRegistrationSize
      enableSingleTopicRegister loadBalancePollNameServerInterval cleanOfflineBrokerInterval`,
    why: 'registrations are their own heartbeats, as often as registerNameServerPeriod says',
  },
  {
    names: `serverChannelMaxIdleTimeSeconds serverSocketSndBufSize serverSocketRcvBufSize serverSocketBacklog
      serverNettyWorkerGroupEnable serverPooledByteBufAllocatorEnable useEpollNativeSelector enableShutdownGracefully
      shutdownWaitTimeSeconds writeBufferHighWaterMark writeBufferLowWaterMark connectTimeoutMillis
      channelNotActiveInterval clientChannelMaxIdleTimeSeconds clientSocketSndBufSize clientSocketRcvBufSize
      clientPooledByteBufAllocatorEnable clientCloseSocketIfTimeout disableCallbackExecutor disableNettyWorkerGroup
      socksProxyConfig scanAvailableNameSrv enableReconnectForGoAway enableTransparentRetry`,
    why: 'connections are not handled by Netty',
  },
  {
    names: `checkCRCOnRecover forceVerifyPropCRC enabledAppendPropCRC recoverConcurrently enableRunningFlagsInFlush
      notifyConsumerIdsChangedEnable realTimeNotifyConsumerChange consumerOffsetUpdateVersionStep highSpeedMode
      validateSystemTopicWhenUpdateTopic forwardTimeout useServerSideResetOffset serverLoadBalancerEnable
      defaultPopShareQueueNum enableBroadcastOffsetStore broadcastOffsetExpireSecond broadcastOffsetExpireMaxSecond
      channelExpiredTimeout subscriptionExpiredTimeout configManagerVersion enableCompaction maxOffsetMapSize
      compactionThreadNum compactionScheduleInternal compactionCqMappedFileSize compactionMappedFileSize
      enableBuildConsumeQueueConcurrently autoMessageVersionOnTopicLen autoCreateUserTopic configBlackList
      rocksdbCQDoubleWriteEnable checkTransactionMessageEnable persistConsumerOffsetIncrementally splitMetadataSize appendAckAsync appendCkAsync`,
    why: 'the broker does this in its own way',
  },
])
