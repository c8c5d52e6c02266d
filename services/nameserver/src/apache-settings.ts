// Apache's properties of a nameserver that are not settings of ours: NamesrvConfig, NettyServerConfig, ControllerConfig.
import { foreignSettings } from '@rocketmq-ts/config'

const NO_SLAVES = 'there are no slaves and no elections yet'

export const apacheNameServerSettings = foreignSettings([
  { names: 'supportActingMaster enableControllerInNamesrv', only: ['false'], why: NO_SLAVES },
  {
    names: 'orderMessageEnable clusterTest needWaitForService',
    only: ['false'],
    why: 'routes are what brokers announce, from the start, and nothing else',
  },
  {
    names: `returnOrderTopicConfigToBroker notifyMinBrokerIdChanged notifyMinBrokerIdChangeTimeoutMillis
      waitSecondsForService unRegisterBrokerQueueCapacity scanNotActiveBrokerInterval configBlackList enableTopicList`,
    why: 'routes are what brokers announce; each is dropped at its own time-out',
  },
  {
    names: 'rocketmqHome kvConfigPath configStorePath productEnvName',
    why: 'a nameserver keeps nothing in files',
  },
  {
    names: `clientRequestThreadPoolNums defaultThreadPoolNums clientRequestThreadPoolQueueCapacity
      defaultThreadPoolQueueCapacity serverWorkerThreads serverCallbackExecutorThreads serverSelectorThreads
      serverOnewaySemaphoreValue serverAsyncSemaphoreValue`,
    why: 'one thread answers all requests, so there are no pools to size; memoryBudget bounds what waits',
  },
  {
    names: `serverChannelMaxIdleTimeSeconds serverSocketSndBufSize serverSocketRcvBufSize serverSocketBacklog
      serverNettyWorkerGroupEnable serverPooledByteBufAllocatorEnable useEpollNativeSelector enableShutdownGracefully
      shutdownWaitTimeSeconds writeBufferHighWaterMark writeBufferLowWaterMark`,
    why: 'connections are not handled by Netty',
  },
  {
    names: `controllerType controllerDLegerGroup controllerDLegerPeers controllerDLegerSelfId controllerStorePath
      enableElectUncleanMaster isProcessReadEvent notifyBrokerRoleChanged scanInactiveMasterInterval
      electMasterMaxRetryCount controllerThreadPoolNums controllerRequestThreadPoolQueueCapacity mappedFileSize`,
    why: NO_SLAVES,
  },
])
