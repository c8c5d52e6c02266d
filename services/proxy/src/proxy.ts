// The proxy as a service: everything is created here and nowhere else. It keeps nothing that must survive.
import { createFilterCache } from '@rocketmq-ts/filter'
import { type GrpcCall, type GrpcServer, GrpcStatus, type GrpcTransport } from '@rocketmq-ts/grpc'
import { createMetricsRegistry, type MetricsRegistry } from '@rocketmq-ts/metrics'
import { connectPeer, type Peer, type RequestHandler } from '@rocketmq-ts/remoting'
import {
  createDeadlines,
  type Effects,
  type Logger,
  type Readiness,
  readinessOf,
  type Service,
  type SocketAddress,
} from '@rocketmq-ts/runtime'
import type { ProxyConfig } from './config.ts'
import { type ProxyEvent, reasonOf } from './events.ts'
import { createBrokerClocks } from './messaging/broker-clocks.ts'
import { proxyMemory } from './memory.ts'
import { createBrokerHealth } from './messaging/broker-health.ts'
import { createGroups } from './messaging/groups.ts'
import { createPresence } from './messaging/presence.ts'
import { createReceive } from './messaging/receive.ts'
import { createRenewals } from './messaging/renewals.ts'
import { createSend } from './messaging/send.ts'
import { createSettle } from './messaging/settle.ts'
import { createTopicTypes } from './messaging/topic-types.ts'
import { createTopics } from './messaging/topics.ts'
import { createProxyMetrics, type ProxyMetrics } from './proxy-metrics.ts'
import { type Gate, openGate } from './rpc/access.ts'
import { createAdmission } from './rpc/admission.ts'
import { parseEndpoints } from './rpc/endpoints.ts'
import { createCommandedClients } from './rpc/client-commands.ts'
import { createMethods } from './rpc/methods.ts'
import { createOrphans } from './rpc/orphans.ts'
import { createClients } from './sessions/clients.ts'
import { createClientCommands } from './sessions/commands.ts'
import { createProducers } from './sessions/producers.ts'
import { type ClusterUpstreamDeps, createClusterUpstream } from './upstream/cluster-upstream.ts'
import { measureUpstream } from './upstream/measured-upstream.ts'
import { createRoster } from './upstream/roster.ts'
import type { Upstream } from './upstream/upstream.ts'
import { pause } from './waiting.ts'

/** How often brokers hear of producers. Java: transactionHeartbeatPeriodSecond. */
const PRODUCERS_ANNOUNCED_MS = 20_000
/** Tells proxies apart, and one from what it was before a restart. */
const PROXY_ID_BYTES = 8
/** How long calls under way may take to be answered at a stop. */
const STOP_GRACE_MS = 2000
const CLOCK_REMEDY =
  'set the clocks of both machines by NTP; until then times of messages differ, and other proxies may take live ' +
  'receipt handles of this broker for expired'

export interface ProxyDeps extends Pick<Effects, 'clock' | 'scheduler' | 'random' | 'network'> {
  readonly logger: Logger<ProxyEvent>
  /** Where clients come in. */
  readonly transport: GrpcTransport
  /** Reaches nameservers and brokers; sockets by default. Services of the same process may be reached directly. */
  readonly connect?: (address: string, handler: RequestHandler) => Promise<Peer>
  /** Takes the place of nameservers and brokers altogether; closed with the proxy. */
  readonly upstream?: Upstream
  readonly gate?: Gate
  readonly metrics?: MetricsRegistry
}

export interface Proxy extends Service {
  /** Where clients connect; empty before the start. */
  readonly addresses: readonly SocketAddress[]
  readiness(): Readiness
}

/** Creates a proxy; throws MqError 'parameter-invalid' for endpoints that clients could not use. */
export function createProxy(config: ProxyConfig, deps: ProxyDeps): Proxy {
  const { clock, scheduler, random, logger: log, transport, gate = openGate } = deps
  const timeoutMs = config.mqClientAsyncTimeoutMillis
  let server: GrpcServer | undefined
  let stopping: Promise<void> | undefined
  const { requestBytesMax, receiveBytesMax, heldMessagesMax } = proxyMemory(config)
  const metrics = createProxyMetrics(deps.metrics ?? createMetricsRegistry(), {
    isUp: () => server !== undefined,
    isReady: () => readiness().ready,
    receivesWaiting: () => receiveAdmission.inFlight,
    clients: () => clients.all(),
    telemetryStreams: () => telemetryStreams.size,
    heldMessages: () => renewals.size,
  })
  const brokers =
    deps.upstream ??
    connectUpstream(config, deps, metrics, {
      onOrphaned: (orphan) => orphans.ask(orphan),
      onSettingsChanged(kind, name) {
        if (kind === 'group') groups.changed(name)
        else topicTypes.changed(name)
      },
      commanded: () => commanded,
    })
  const upstream = measureUpstream(brokers, metrics.upstream, clock)
  const admission = createAdmission({
    what: 'calls',
    inFlightMax: config.requestsInFlightMax,
    requestBytesMax,
    onFull: () => metrics.rejected('calls'),
  })
  const receiveAdmission = createAdmission({
    what: 'receives',
    inFlightMax: config.receivesInFlightMax,
    requestBytesMax: receiveBytesMax,
    onFull: () => metrics.rejected('receives'),
  })
  const releaseMs = config.invisibleTimeMillisWhenClear
  const topics = createTopics({
    routes: upstream,
    clock,
    scheduler,
    createWithQueues: config.autoCreateTopic ? config.defaultTopicQueueNums : undefined,
  })
  const health = createBrokerHealth({
    clock,
    onAway: (brokerName, error) => log.warn({ event: 'broker.away', brokerName, reason: reasonOf(error) }),
  })
  const groups = createGroups({
    lookup: upstream,
    clock,
    onChanged(group) {
      for (const client of clients.all()) if (client.group === group) client.tellSettings?.()
    },
    onLookupFailed: (group, error) => log.warn({ event: 'group.lookup-failed', group, reason: reasonOf(error) }),
  })
  const renewals = createRenewals({
    receiver: upstream,
    groups: upstream,
    clock,
    scheduler,
    limits: {
      heldMax: heldMessagesMax,
      firstInvisibleMs: config.defaultInvisibleTimeMills,
      renewAheadMs: config.renewAheadTimeMillis,
      renewMaxMs: config.renewMaxTimeMillis,
      failuresMax: config.maxRenewRetryTimes,
      releaseMs,
    },
    onLost: ({ group, topic }, error) => log.warn({ event: 'renewal.lost', group, topic, reason: reasonOf(error) }),
    onRenewal: metrics.renewal,
  })
  const clocks = createBrokerClocks({
    clock,
    onDiffers: (brokerName, aheadMs) =>
      log.warn({ event: 'broker.clock-differs', brokerName, aheadMs, remedy: CLOCK_REMEDY }),
  })
  const clients = createClients({
    clock,
    scheduler,
    clientsMax: config.clientsMax,
    expireMs: config.channelExpiredTimeout,
    onGone(client, why) {
      const { clientId, seenMs } = client
      producers.remove(client)
      commands.gone(clientId)
      roster.changed(clientId)
      if (why === 'expired') log.info({ event: 'client.expired', clientId, silentMs: clock.monotonicMs() - seenMs })
      void renewals.releaseClient(clientId)
    },
    onChanged: ({ clientId }) => roster.changed(clientId),
    onFull: () => metrics.rejected('clients'),
  })
  const commands = createClientCommands({ clients, scheduler })
  const commanded = createCommandedClients({ clients, commands, clock })
  const roster = createRoster({
    clients,
    teller: upstream,
    clock,
    scheduler,
    proxyId: Buffer.from(random.bytes(PROXY_ID_BYTES)).toString('hex'),
    port: () => server?.addresses[0]?.port ?? 0,
    onFailed: (error) => log.debug({ event: 'clients.untold', reason: reasonOf(error) }),
  })
  const receive = createReceive({
    topics,
    receiver: upstream,
    renewals,
    clocks,
    health,
    clock,
    scheduler,
    random,
    releaseMs,
    onUnanswered: ({ group, topic }, brokerName, waitedMs, error) =>
      log.debug({ event: 'pop.unanswered', brokerName, group, topic, waitedMs, reason: reasonOf(error) }),
    onUnsettled: ({ group, topic }, error) =>
      log.warn({ event: 'delivery.unsettled', group, topic, reason: reasonOf(error) }),
    onFull: () => metrics.rejected('held-messages'),
  })
  const topicTypes = createTopicTypes({ lookup: upstream, clock })
  const producers = createProducers(() => presence.changed())
  const presence = createPresence({
    producers,
    topicTypes,
    announcer: upstream,
    scheduler,
    periodMs: PRODUCERS_ANNOUNCED_MS,
    onFailed: (error) => log.debug({ event: 'producers.unannounced', reason: reasonOf(error) }),
  })
  const orphans = createOrphans({ producers, onAsked: metrics.orphan })
  const telemetryStreams = new Set<GrpcCall>()
  const methods = createMethods({
    filters: createFilterCache(),
    telemetryStreams,
    isStopping: () => stopping !== undefined,
    gate,
    log,
    metrics,
    admission,
    receiveAdmission,
    advertised: parseEndpoints(config.advertisedEndpoints),
    topics,
    groups,
    clients,
    commands,
    clock,
    scheduler,
    receive,
    topicTypes,
    producers,
    ender: upstream,
    recaller: upstream,
    send: createSend({ topics, topicTypes, sender: upstream, health, clock, random, timeoutMs }),
    settle: createSettle({ receiver: upstream, renewals, clocks }),
    messageLimits: {
      bodyBytesMax: config.maxMessageSize,
      userPropertiesMax: config.userPropertyMaxNum,
      propertyBytesMax: config.maxUserPropertySize,
      messagesMax: config.messagesPerSendMax,
      delayMsMax: config.maxDelayTimeMills,
    },
    receiveLimits: {
      batchSizeMax: config.grpcClientConsumerLongPollingBatchSize,
      pollMsMax: config.grpcClientConsumerMaxLongPollingTimeoutMillis,
      reserveMs: config.longPollingReserveTimeInMillis,
      invisibleMsMin: config.minInvisibleTimeMillsForRecv,
      invisibleMsMax: config.maxInvisibleTimeMills,
      renewedInvisibleMs: config.defaultInvisibleTimeMills,
    },
    publishing: {
      bodyBytesMax: config.maxMessageSize,
      attemptsMax: config.grpcClientProducerMaxAttempts,
      backoffInitialMs: config.grpcClientProducerBackoffInitialMillis,
      backoffMaxMs: config.grpcClientProducerBackoffMaxMillis,
      backoffMultiplier: config.grpcClientProducerBackoffMultiplier,
    },
    subscription: {
      batchSizeMax: config.grpcClientConsumerLongPollingBatchSize,
      pollMsMax: config.grpcClientConsumerMaxLongPollingTimeoutMillis,
    },
  })

  async function stop(): Promise<void> {
    // Clients go over to another proxy if they can, telemetry streams end in order, answers under way go out; what waits for
    // messages ends with the server.
    commanded.reconnectAll()
    for (const call of telemetryStreams) call.finish(GrpcStatus.OK)
    await Promise.race([admission.close(), pause(scheduler, STOP_GRACE_MS)])
    void receiveAdmission.close()
    await server?.close(0)
    server = undefined
    clients.clear()
    presence.stop()
    roster.stop()
    producers.clear()
    await renewals.releaseAll()
    await upstream.close()
    log.info({ event: 'proxy.stopped' })
  }

  function readiness(): Readiness {
    const isServing = server !== undefined
    return readinessOf([
      {
        name: 'lifecycle',
        ready: stopping === undefined,
        ...(stopping !== undefined && { reason: 'the proxy is stopping' }),
      },
      { name: 'listener', ready: isServing, ...(!isServing && { reason: 'the proxy has not started' }) },
    ])
  }

  return {
    async start() {
      server = await transport.serve(methods)
      const addresses = server.addresses.map(({ host, port }) => `${host}:${port}`)
      log.info({ event: 'proxy.started', addresses })
    },
    stop() {
      stopping ??= stop()
      return stopping
    },
    get addresses() {
      return server?.addresses ?? []
    },
    readiness,
  }
}

function connectUpstream(
  config: ProxyConfig,
  deps: ProxyDeps,
  { routeLookup }: ProxyMetrics,
  asked: ClusterUpstreamDeps['asked'],
): Upstream {
  const { clock, scheduler, random, network, connect } = deps
  const deadlines = createDeadlines({ clock, scheduler })
  return createClusterUpstream({
    asked,
    onRouteLookup: routeLookup,
    clock,
    scheduler,
    random,
    timeoutMs: config.mqClientAsyncTimeoutMillis,
    nameServers: config.namesrvAddr.split(';').map((address) => address.trim()),
    connect: connect ?? ((address, handler) => connectPeer(network, address, { clock, scheduler, deadlines, handler })),
  })
}
