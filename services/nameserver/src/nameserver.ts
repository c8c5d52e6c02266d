// The nameserver as a service: everything is created here and nowhere else. Routes live in memory only; brokers tell
// them again after a restart. Nameservers never talk to each other.
import assert from 'node:assert'
import { createMetricsRegistry, type MetricsRegistry } from '@rocketmq-ts/metrics'
import {
  allowAll,
  type Authorize,
  createDirectPeers,
  createRemotingServer,
  dispatchRequests,
  formatAddress,
  observeRequests,
  type Peer,
  type RemotingEvent,
  type RequestHandler,
  ResponseCode,
} from '@rocketmq-ts/remoting'
import {
  type Clock,
  type Logger,
  type Network,
  type Readiness,
  type Scheduler,
  type Service,
  type SocketAddress,
  readinessOf,
} from '@rocketmq-ts/runtime'
import type { NameServerConfig } from './config.ts'
import type { NameServerEvent } from './events.ts'
import { createBrokerHeartbeat } from './handlers/broker-heartbeat.ts'
import { createDeleteTopic } from './handlers/delete-topic.ts'
import { createGetAllTopicList } from './handlers/get-all-topic-list.ts'
import { createGetBrokerClusterInfo } from './handlers/get-broker-cluster-info.ts'
import { createGetRouteInfoByTopic } from './handlers/get-route-info-by-topic.ts'
import { createQueryDataVersion } from './handlers/query-data-version.ts'
import { createRegisterBroker } from './handlers/register-broker.ts'
import { createUnregisterBroker } from './handlers/unregister-broker.ts'
import { createWritePermOfBroker } from './handlers/write-perm-of-broker.ts'
import { nameServerMemory } from './memory.ts'
import { createNameServerMetrics } from './nameserver-metrics.ts'
import { createRegistrations } from './registrations.ts'
import { createNameServerRequestTable } from './request-table.ts'
import { RouteTable } from './route-table.ts'

export interface NameServerDeps {
  readonly clock: Clock
  readonly scheduler: Scheduler
  readonly network: Network
  readonly logger: Logger<NameServerEvent | RemotingEvent>
  readonly metrics?: MetricsRegistry
  readonly authorize?: Authorize
}

export interface NameServer extends Service {
  /** Where brokers and clients connect; empty before the start. */
  readonly addresses: readonly SocketAddress[]
  readiness(): Readiness
  /**
   * A connection for a service in the same process. Closing it drops the brokers that registered on it, as with a
   * socket. It may be taken before `start`; `stop` closes it.
   */
  connectLocal(): Peer
}

const refuseAll: RequestHandler = (request) =>
  request.respond({ code: ResponseCode.REQUEST_CODE_NOT_SUPPORTED, remark: 'a nameserver asks nothing of its clients' })

/** Creates a nameserver. `start` rejects with NetworkError 'address-in-use' naming host and port. */
export function createNameServer(config: NameServerConfig, deps: NameServerDeps): NameServer {
  const { clock, scheduler, network, logger, authorize = allowAll } = deps
  const routes = new RouteTable({
    brokersMax: config.brokersMax,
    topicsMax: config.topicsMax,
    deleteTopicsNotAnnounced: config.deleteTopicWithBrokerRegistration,
  })
  const metrics = createNameServerMetrics(deps.metrics ?? createMetricsRegistry(), {
    isReady: () => readiness().ready,
    brokers: () => routes.brokerCount,
    topics: () => routes.topicCount,
    connections: () => server.connectionCount,
  })
  const registrations = createRegistrations({ routes, clock, scheduler, logger, metrics })

  const table = createNameServerRequestTable({
    registerBroker: createRegisterBroker({ registrations, config }),
    unregisterBroker: createUnregisterBroker({ registrations }),
    brokerHeartbeat: createBrokerHeartbeat({ registrations }),
    queryDataVersion: createQueryDataVersion({ registrations, routes }),
    getRouteInfoByTopic: createGetRouteInfoByTopic({
      routes,
      onAnswered: metrics.routeAnswered,
    }),
    getBrokerClusterInfo: createGetBrokerClusterInfo({ routes }),
    getAllTopicList: createGetAllTopicList({ routes, isEnabled: config.enableAllTopicList }),
    writePermOfBroker: createWritePermOfBroker({
      routes,
      onDrained: (brokerName, isDrained, topics) =>
        logger.info({ event: isDrained ? 'broker.drained' : 'broker.undrained', brokerName, topics }),
    }),
    deleteTopic: createDeleteTopic({ routes }),
  })
  const handler = observeRequests(dispatchRequests({ table, authorize, logger }), { clock, observer: metrics.remoting })
  const server = createRemotingServer({
    network,
    scheduler,
    clock,
    listen: { host: config.listenHost, port: config.listenPort },
    name: 'nameserver',
    handler,
    limits: nameServerMemory(config.memoryBudget),
    logger,
    observer: metrics.remoting,
  })
  const localPeers = new Set<Peer>()
  let state: 'created' | 'started' | 'stopping' = 'created'
  let stopping: Promise<void> | undefined

  async function stop(): Promise<void> {
    state = 'stopping'
    registrations.stop()
    await server.stop()
    for (const peer of localPeers) peer.close()
    logger.info({ event: 'nameserver.stopped' })
  }

  function readiness(): Readiness {
    const isStopping = state === 'stopping'
    const reason = isStopping ? 'the nameserver is stopping' : 'the nameserver has not started'
    return readinessOf([{ name: 'listener', ready: state === 'started', ...(state !== 'started' && { reason }) }])
  }

  return {
    async start() {
      assert(state === 'created', 'a nameserver starts once')
      await server.start()
      state = 'started'
      logger.info({ event: 'nameserver.started', listen: formatAddress(server.address) })
    },
    stop() {
      stopping ??= stop()
      return stopping
    },
    get addresses() {
      return state === 'started' ? [server.address] : []
    },
    readiness,
    connectLocal() {
      const [peer] = createDirectPeers({ clock, scheduler, handlerA: refuseAll, handlerB: handler })
      localPeers.add(peer)
      peer.onClose(() => localPeers.delete(peer))
      if (state === 'stopping') peer.close()
      return peer
    },
  }
}
