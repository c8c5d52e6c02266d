// A broker, composed: the store below, Turns around everything that changes state, requests above.
import {
  type Authorize,
  type Peer,
  type RemotingEvent,
  type RequestHandler,
  allowAll,
  createDirectPeers,
  createRemotingServer,
  dispatchRequests,
  formatAddress,
  observeRequests,
  refuseAll,
} from '@rocketmq-ts/remoting'
import { type MetricsRegistry, createMetricsRegistry } from '@rocketmq-ts/metrics'
import {
  type Effects,
  type Logger,
  type Readiness,
  type Service,
  type SocketAddress,
  createTurns,
} from '@rocketmq-ts/runtime'
import { type MessageStore, type StoreEvent, type TimerIndexLimits } from '@rocketmq-ts/store'
import { createBrokerMetrics } from './broker-metrics.ts'
import { builtInTopics } from './built-in-topics.ts'
import { createBrokerClients } from './clients/broker-clients.ts'
import { createDelays } from './delay/delays.ts'
import { createDerivedFiles } from './derived-files.ts'
import type { BrokerEvent } from './events.ts'
import { createExpiry } from './expiry.ts'
import { createKeptEntries } from './foreign/kept-entries.ts'
import { createGroupRequests } from './groups/group-requests.ts'
import { createGroupTable } from './groups/group-table.ts'
import { type HostPort, hostPortOf } from './host-port.ts'
import { createInflight } from './inflight/inflight.ts'
import { createBrokerJoin } from './joining/broker-join.ts'
import type { ClusterPeers } from './joining/cluster-peers.ts'
import { createJournal, recordBytesSoftOf } from './journal/journal.ts'
import { type QueueLedger, ledgerReport } from './ledger-report.ts'
import { createLongPolling } from './long-polling.ts'
import { createOffsetRequests } from './offsets/offset-requests.ts'
import { createResetOffset } from './offsets/reset-offset.ts'
import { createDeadLetters } from './pop/dead-letter.ts'
import { createMovedDeliveries } from './pop/moved-deliveries.ts'
import { createPopHandlers } from './pop/pop-handlers.ts'
import { createRemovalFence } from './pop/removal-fence.ts'
import { createSurvivors } from './pop/survivors.ts'
import { createQueryHandlers } from './queries/query-handlers.ts'
import { createRuntimeInfo } from './queries/runtime-info.ts'
import { createRegistration, registrationOf } from './registration.ts'
import { brokerMemory } from './memory.ts'
import { type NameServers, unregisterWithin } from './name-servers.ts'
import { brokerReadiness } from './readiness.ts'
import { startRetention } from './retention.ts'
import { createRequestEntry } from './request-entry.ts'
import { createBrokerRequestTable } from './request-table.ts'
import { restore } from './restore.ts'
import { createDuplicates } from './dedup/duplicates.ts'
import { createSendMessage } from './send/send-message.ts'
import { createSettingsWriter } from './settings-writer.ts'
import type { BrokerSettings } from './config.ts'
import { DRAIN_MS, TURN_JOBS_MAX, UNREGISTER_WAIT_MS } from './limits.ts'
import { createStateRoll } from './state-roll.ts'
import { type SteadyClock, createSteadyClock } from './steady-clock.ts'
import { openStore } from './open-store.ts'
import { attemptsBy, createBrokerTransactions } from './transaction/broker-transactions.ts'
import { createTopicRequests } from './topics/topic-requests.ts'
import { createTopicTable } from './topics/topic-table.ts'

export interface BrokerDeps extends Effects {
  readonly logger: Logger<BrokerEvent | StoreEvent | RemotingEvent>
  /** Every nameserver of the cluster. */
  readonly nameServers: NameServers
  /** The other brokers of the cluster; without it, this one joins nobody, whatever `joinCluster` says. */
  readonly peers?: ClusterPeers
  readonly metrics?: MetricsRegistry
  /** Bounds of the index of delayed messages; a simulation has smaller ones, so that few messages fill its files. */
  readonly timerLimits?: TimerIndexLimits
  /** The gate before every handler. Default: everybody may do everything. */
  readonly authorize?: Authorize
  /** A broken invariant: the owner stops the process, nothing may be written any more. */
  readonly onDefect: (error: unknown) => void
}

export interface Broker extends Service {
  /** Where clients connect; only while it runs. */
  readonly address: SocketAddress
  /** The address that routes name. */
  readonly advertisedAddress: string
  readiness(): Readiness
  /** A connection within the process. `handler` takes what the broker asks of its clients. */
  connectLocal(handler?: RequestHandler): Peer
  /** Where every message is, for each group. */
  ledger(): QueueLedger[]
}

/** A broker that listens. */
export interface RunningBroker extends Omit<Broker, 'start'> {
  /**
   * Takes over the settings of the cluster where it is told to, then makes it known; resolves after the first attempt, or
   * when the broker stops.
   */
  register(): Promise<void>
}

/** Opens the folder, recovers and listens; what fails on the way leaves nothing open. */
export async function openBroker(settings: BrokerSettings, deps: BrokerDeps): Promise<RunningBroker> {
  const clock = createSteadyClock(deps.clock)
  const metrics = deps.metrics ?? createMetricsRegistry()
  const store = await openStore(settings, { ...deps, clock, metrics })
  try {
    return await openAround(store, clock, settings, { ...deps, metrics })
  } catch (error) {
    await store.close()
    throw error
  }
}

async function openAround(
  store: MessageStore,
  clock: SteadyClock,
  settings: BrokerSettings,
  deps: BrokerDeps & { readonly metrics: MetricsRegistry },
): Promise<RunningBroker> {
  const { scheduler, network, files, random, logger } = deps
  const polling = createLongPolling(scheduler)
  const topics = createTopicTable(builtInTopics(settings), clock.nowMs())
  const groups = createGroupTable()
  const kept = createKeptEntries()
  const inflight = createInflight({
    maxAttempts: attemptsBy(groups, settings),
    onFree: ({ topic, group, queueId }) => polling.messageReleased(topic, group, queueId),
  })
  const moved = createMovedDeliveries({ inflight, store })
  const root = settings.storePathRootDir
  const recordBytesSoft = recordBytesSoftOf(settings.mappedFileSizeCommitLog)
  const tables = { inflight, moved, topics, groups, kept }
  const restored = await restore({
    ...tables,
    files,
    root,
    store,
    clock,
    recordBytesSoft,
    scheduler,
    logger,
    timerLimits: deps.timerLimits,
  })

  /** Stands in every record; known once the broker listens, and the same from then on. */
  let listening: HostPort | undefined
  const storeHost = () => (listening ??= hostPortOf(advertisedAddress()))
  const metrics = createBrokerMetrics(deps.metrics, {
    inflight,
    store,
    files,
    folder: settings.storePathRootDir,
    clock,
    logger,
    topics: () => topics.size,
    groups: () => groups.size,
    requestsWaiting: () => turns.waiting,
    connections: () => server.connectionCount,
    isReady: () => readiness().ready,
    halfMessages: () => transactions.undecided,
  })
  const journal = createJournal({ store, inflight, clock, storeHost, recordBytesSoft })
  const turns = createTurns({
    scheduler,
    jobsMax: TURN_JOBS_MAX,
    flushTimeoutMs: settings.syncFlushTimeout,
    onDefect,
    observer: { clock, turned: metrics.turned },
    log: {
      seal() {
        journal.seal()
        expiry.rearm()
      },
      get appended() {
        return store.appended
      },
      submit: () => store.submit(),
      whenFlushed: (position) => store.whenFlushed(position),
      flushBeforeRelease: store.flushBeforeRelease,
    },
  })
  const fence = createRemovalFence(polling)
  const clients = createBrokerClients({ clock, store, turns, logger, registry: deps.metrics })
  const writer = createSettingsWriter({
    topics,
    groups,
    kept,
    journal,
    clock,
    logger,
    dropQueues: (topic) => store.endTopic(topic),
    topicsChanged: () => registration.changed(),
    onChanged: clients.settingsChanged,
  })
  const copying = { inflight, store, turns, clock, scheduler, logger, storeHost, ensureTopic: writer.ensureTopic }
  const deadLetters = createDeadLetters({ ...copying, onDead: (topic, group) => metrics.dead(topic, group) })
  const survivors = createSurvivors({
    ...copying,
    moved,
    topics,
    settleGone: (...args) => transactions.settleGone(...args),
  })
  const delays = createDelays({ ...copying, restored: restored.timers, settings, topics, metrics: deps.metrics })
  const transacting = { ...copying, ...clients, moved, topics, deadLetters, settings, ...metrics }
  const transactions = createBrokerTransactions(transacting)
  const expiry = createExpiry({ inflight, scheduler, clock, turns, polling, deadLetters, checkBack: transactions })
  const live = { ...tables, turns, scheduler, store, logger }
  const stateRoll = createStateRoll({ ...live, recordBytesSoft, statesCompleteFrom: restored.statesCompleteFrom })
  const derivedFiles = createDerivedFiles({
    ...live,
    files,
    clock,
    journal,
    root: settings.storePathRootDir,
    levels: restored.timers.levels,
    intervalMs: settings.flushConsumerOffsetInterval,
  })
  const onChange = (): void => derivedFiles.touch()
  const topicRequests = createTopicRequests({
    inflight,
    topics,
    writer,
    turns,
    ownNames: new Set([settings.brokerClusterName, settings.brokerName]),
    autoCreateTopicEnable: settings.autoCreateTopicEnable,
  })
  const { autoCreateSubscriptionGroup } = settings
  const groupRequests = createGroupRequests({ groups, writer, turns, inflight, polling, autoCreateSubscriptionGroup })
  const { groupForConsume } = groupRequests
  const runtimeInfo = createRuntimeInfo({ clock, store, delays, topics: () => topics.size, groups: () => groups.size })
  const { brokerName } = settings
  const dispatch = dispatchRequests({
    authorize: deps.authorize ?? allowAll,
    defects: 'throw',
    logger,
    table: createBrokerRequestTable({
      send: createSendMessage({
        store,
        turns,
        clock,
        random,
        storeHost,
        bodyBytesMax: settings.maxMessageSize,
        topicForSend: topicRequests.topicForSend,
        transactions,
        delays,
        duplicates: createDuplicates({ store, clock, logger }),
        isStopping: () => draining,
        onDuplicate: metrics.duplicate,
        onSent(topic, bytes) {
          metrics.sent(topic, bytes)
          runtimeInfo.sent(1)
        },
      }),
      endTransaction: transactions.endTransaction,
      clients: clients.requests,
      ...createPopHandlers({
        ...live,
        clock,
        brokerName,
        polling,
        fence,
        deadLetters,
        groupForConsume,
        onDelivered(topic, group, messages, bytes) {
          metrics.delivered(topic, group, messages, bytes)
          runtimeInfo.delivered(messages)
        },
        onFull: metrics.full,
      }),
      recall: delays.recallMessage,
      topics: topicRequests,
      groups: groupRequests,
      offsets: createOffsetRequests({ inflight, reader: store, topics, groupForConsume }),
      resetOffset: createResetOffset({ ...live, groups, polling, brokerName, onChange }),
      ...createQueryHandlers({ store, topics, groups, inflight, scheduler, clock, brokerName }),
      runtimeInfo,
    }),
  })
  const entry = createRequestEntry({ turns, journal, derivedFiles, dispatch, isDraining: () => draining })
  const handler = observeRequests(entry, { clock, observer: metrics.remoting })
  const server = createRemotingServer({
    network,
    scheduler,
    clock,
    listen: { host: settings.listenHost, port: settings.listenPort },
    name: 'broker',
    handler,
    limits: { ...brokerMemory(settings.memoryBudget).listener, drainMs: DRAIN_MS },
    logger,
    observer: metrics.remoting,
  })
  const registration = createRegistration({
    scheduler,
    logger,
    periodMs: settings.registerNameServerPeriod,
    nameServers: deps.nameServers.addresses,
    current: (since) => registrationOf(topics, since),
    register: (nameServer, current, onLost) =>
      deps.nameServers.register(nameServer, { ...identity(), ...current }, onLost),
  })
  const join = createBrokerJoin(settings, deps, { topics, groups, writer, turns, store, onChange })
  let stopping = false
  /** Nothing may be written any more: what a job half changed must not reach the log. */
  let isDefective = false
  /** Requests are turned away: from now on nothing new begins. */
  let draining = false

  function advertisedAddress(): string {
    return formatAddress({
      host: settings.brokerIP1 === '' ? server.address.host : settings.brokerIP1,
      port: server.address.port,
    })
  }

  function identity() {
    const { brokerClusterName: clusterName, brokerName, brokerId } = settings
    return { clusterName, brokerName, brokerId, brokerAddr: advertisedAddress() }
  }

  function onDefect(error: unknown): void {
    isDefective = true
    const { message, stack = '' } = error instanceof Error ? error : new Error(String(error))
    logger.error({ event: 'broker.defect', message, stack })
    deps.onDefect(error)
  }

  function readiness(): Readiness {
    return brokerReadiness({ store, isStopping: stopping, isKnown: registration.known })
  }

  store.onVisible((record) => {
    polling.messageVisible(record.topic, record.queueId, record.tagsCode)
    transactions.visible(record)
  })
  store.onRoll((base) => stateRoll.rolled(base))
  startRetention({ survivors, delays, fence, ...live, stateRoll, settings, wallClock: deps.clock })
  await transactions.recover(restored)
  await server.start()
  expiry.rearm()
  transactions.start()
  delays.start()

  return {
    async register() {
      await join?.begin()
      await registration.start()
      join?.follow()
      logger.info({
        event: 'broker.started',
        brokerName: settings.brokerName,
        listen: advertisedAddress(),
        storeRecoveredBytes: store.recovery.end,
      })
    },
    get address() {
      return server.address
    },
    get advertisedAddress() {
      return advertisedAddress()
    },
    readiness,
    connectLocal(handlerA = refuseAll) {
      return createDirectPeers({ clock, scheduler, handlerA, handlerB: handler, listener: 'broker' })[0]
    },
    ledger: () => ledgerReport(inflight, store),
    async stop() {
      stopping = true
      join?.stop()
      registration.stop()
      await unregisterWithin(deps.nameServers, identity(), { scheduler, waitMs: UNREGISTER_WAIT_MS })
      draining = true
      polling.stop()
      expiry.stop()
      stateRoll.stop()
      survivors.stop()
      derivedFiles.stop()
      await server.stop()
      if (isDefective) return
      transactions.stop()
      await delays.stop()
      await turns.idle()
      await derivedFiles.writeLast()
      await store.close()
      logger.info({ event: 'broker.stopped', brokerName: settings.brokerName })
    },
  }
}
