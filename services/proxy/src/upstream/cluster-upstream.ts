// The upstream of a real cluster: routes from nameservers, everything else from masters found in the topic's route. A
// master that does not answer, or is not in the route, is a reason to fetch the route anew.
import {
  type BrokerClient,
  createBrokerClient,
  createNameServerClient,
  createPeerSource,
  createRouteCache,
  type PoppedMessage as ClientPopped,
  type SendResult,
} from '@rocketmq-ts/cluster-client'
import {
  formatTransactionId,
  MASTER_ID,
  MqError,
  readAttribute,
  parseOffsetMessageId,
  queueOffset,
  SysFlag,
  type TopicConfig,
  topicConfig,
  topicDedup,
  topicMessageType,
  topicShardingQueues,
  type TopicRouteData,
} from '@rocketmq-ts/model'
import {
  type Peer,
  PopInitMode,
  type RequestHandler,
  type SendMessageHeader,
  TransactionDecision,
} from '@rocketmq-ts/remoting'
import type { Clock, Random, Scheduler } from '@rocketmq-ts/runtime'
import { createAnnouncer } from './announce.ts'
import { type AskedDeps, askedHandler } from './asked.ts'
import { createMissingBrokers } from './missing-brokers.ts'
import { readRoute, type RouteView } from './route-view.ts'
import { storedMessageOf } from './stored-message.ts'
import {
  type Delivery,
  isAway,
  type OutgoingRecord,
  type PoppedMessage,
  type Stored,
  type Upstream,
} from './upstream.ts'

/** Offsets this far behind the start of their batch are acknowledged one by one: a handle comes from outside. */
const BATCH_SPAN_MAX = 4096
/** The broker takes its own time as the start of the hold: clocks of two machines differ. */
const BORN_AT_BROKER = 0
const ANY_QUEUE = -1
/** Once a topic was created on one master, the others get so long: a client waits for its route. */
const CREATE_OTHERS_MS = 500

export interface ClusterUpstreamDeps {
  readonly clock: Clock
  readonly scheduler: Scheduler
  readonly random: Random
  /** 'host:port' of each nameserver. */
  readonly nameServers: readonly string[]
  /** Opens a connection; brokers of the same process may be reached without a socket. */
  readonly connect: (address: string, handler: RequestHandler) => Promise<Peer>
  readonly timeoutMs: number
  /** What brokers ask. */
  readonly asked: AskedDeps
  readonly onRouteLookup?: (result: 'hit' | 'miss') => void
}

/** Creates it. Connections are opened when they are needed; `close` closes them. */
export function createClusterUpstream(deps: ClusterUpstreamDeps): Upstream {
  const { clock, scheduler, random, nameServers, connect, timeoutMs } = deps
  const handler = askedHandler(deps.asked)
  const peers = createPeerSource({ connect: (address) => connect(address, handler), clock, scheduler })
  const nameServer = createNameServerClient({ addresses: nameServers, peers, scheduler, timeoutMs })
  const cache = createRouteCache({
    nameServers: nameServer,
    clock,
    scheduler,
    random,
    ...(deps.onRouteLookup && { onLookup: deps.onRouteLookup }),
  })
  const brokers = createBrokerClient({ peers, timeoutMs })
  const missingBrokers = createMissingBrokers({
    clock,
    nameServers: nameServers.map((address) => createNameServerClient({ addresses: [address], peers, timeoutMs })),
  })
  const views = new WeakMap<TopicRouteData, RouteView>()

  function viewOfData(topic: string, data: TopicRouteData | undefined): RouteView | undefined {
    if (data === undefined) return undefined
    let view = views.get(data)
    if (view === undefined) {
      view = readRoute(topic, data)
      views.set(data, view)
    }
    return view
  }

  /** Without a promise, as almost every call of a busy proxy finds it. */
  function knownView(topic: string): RouteView | undefined {
    return viewOfData(topic, cache.known(topic))
  }

  async function viewOf(topic: string): Promise<RouteView | undefined> {
    return viewOfData(topic, await cache.route(topic).catch(withRemedy))
  }

  /** Asks the topic's master of this name. */
  async function atMaster<Value>(
    topic: string,
    brokerName: string,
    question: (address: string) => Promise<Value>,
  ): Promise<Value> {
    try {
      const view = knownView(topic) ?? (await viewOf(topic))
      const address = view?.masters.get(brokerName)
      if (address !== undefined) return await question(address)
      throw new MqError('unavailable', `broker '${brokerName}' has no master that serves topic '${topic}' right now`)
    } catch (error) {
      if (isAway(error)) cache.refresh(topic)
      throw error
    }
  }

  /** From the first of the topic's masters by name that answers; undefined where it has none. */
  async function atAnyMaster<Value>(
    topic: string,
    question: (address: string) => Promise<Value>,
  ): Promise<Value | undefined> {
    let failed: MqError | undefined
    for (const address of (await viewOf(topic))?.masters.values() ?? []) {
      try {
        return await question(address)
      } catch (error) {
        if (!isAway(error)) throw error
        failed = error
      }
    }
    if (failed !== undefined) throw failed
    return undefined
  }

  async function mastersOfCluster(): Promise<{ readonly brokerName: string; readonly address: string }[]> {
    const { brokerAddrTable } = await nameServer.clusterInfo()
    return Array.from(brokerAddrTable.values()).flatMap(({ brokerName, brokerAddrs }) => {
      const address = brokerAddrs.get(MASTER_ID)
      return address === undefined ? [] : [{ brokerName, address }]
    })
  }

  async function createTopic(topic: string, queues: number): Promise<readonly string[]> {
    const masters = await mastersOfCluster()
    if (masters.length === 0) {
      const reason = (await missingBrokers()) ?? 'no master is registered at the nameserver that was asked'
      throw new MqError('unavailable', `topic '${topic}' can not be created: ${reason}`)
    }
    const config = topicConfig(topic, { readQueueNums: queues, writeQueueNums: queues })
    const names: string[] = []
    const failures: unknown[] = []
    // One master is enough to begin with, and a client waits: those that are slow, or away, are not waited for.
    await new Promise<void>((resolve) => {
      for (const { brokerName, address } of masters) {
        createAt(address, config)
          .then(
            () => {
              if (names.length === 0) scheduler.after(CREATE_OTHERS_MS, resolve)
              names.push(brokerName)
            },
            (error: unknown) => void failures.push(error),
          )
          .finally(() => {
            if (names.length + failures.length === masters.length) resolve()
          })
      }
    })
    if (names.length === 0) throw failures[0]
    return [...names]
  }

  /** A nameserver that has just started knows no topics: those that are there keep their queues. */
  async function createAt(address: string, config: TopicConfig): Promise<void> {
    if ((await brokers.topicConfig(address, config.topicName)) === undefined) await brokers.createTopic(address, config)
  }

  return {
    known: (topic) => knownView(topic)?.route,
    route: async (topic) => (await viewOf(topic))?.route,
    forget: (topic) => cache.invalidate(topic),
    refresh: (topic) => cache.refresh(topic),
    createTopic,
    missingBrokers,
    async topicFacts(topic) {
      const config = await atAnyMaster(topic, (address) => brokers.topicConfig(address, topic))
      if (config === undefined) return undefined
      const shardingQueues = readAttribute(() => topicShardingQueues(config))
      const dedupBy = readAttribute(() => topicDedup(config))?.by
      return { type: topicMessageType(config), shardingQueues, dedupBy }
    },
    async groupSettings(group, topic) {
      const config = await atAnyMaster(topic, (address) => brokers.subscriptionGroup(address, group))
      if (config === undefined) return undefined
      const { consumeMessageOrderly, retryMaxTimes, groupRetryPolicy } = config
      return { fifo: consumeMessageOrderly, retryMax: retryMaxTimes, retryPolicy: groupRetryPolicy }
    },
    async send(brokerName, record, sendTimeoutMs) {
      const header = headerOf(record, brokerName)
      const options = { timeoutMs: sendTimeoutMs }
      const result = await atMaster(record.topic, brokerName, (address) =>
        brokers.send(address, header, record.body, options),
      )
      const isHalf = (record.sysFlag & SysFlag.TRANSACTION_MASK) === SysFlag.TRANSACTION_PREPARED
      return isHalf ? { ...storedOf(result), transactionId: transactionIdOf(result, brokerName) } : storedOf(result)
    },
    recall: (brokerName, topic, recallHandle) =>
      atMaster(topic, brokerName, (address) => brokers.recall(address, { topic, recallHandle })),
    async pop({ clientId, brokerName, group, topic, batchSize, invisibleMs, pollMs, filter, attemptId, inOrder }) {
      const wanted = {
        consumerGroup: group,
        topic,
        queueId: ANY_QUEUE,
        maxMsgNums: batchSize,
        invisibleTimeMs: invisibleMs,
        pollTimeMs: Math.floor(pollMs),
        bornTimeMs: BORN_AT_BROKER,
        initMode: PopInitMode.MAX,
        expType: filter.type,
        exp: filter.expression,
        order: inOrder,
        clientId,
        ...(attemptId !== '' && { attemptId }),
      }
      const result = await atMaster(topic, brokerName, (address) => brokers.pop({ address, brokerName }, wanted))
      return result.kind === 'found' ? { kind: 'found', messages: result.messages.map(poppedOf) } : result
    },
    async ack(deliveries) {
      const first = deliveries[0]
      if (first === undefined) return
      const { brokerName } = first.handle
      if (deliveries.length === 1) {
        await atMaster(first.topic, brokerName, (address) => ackOne(brokers, address, first))
        return
      }
      const together = deliveries.length > 1 ? deliveries.filter(fitsBatch) : []
      const alone = together.length > 0 ? deliveries.filter((delivery) => !fitsBatch(delivery)) : deliveries
      await atMaster(first.topic, brokerName, async (address) => {
        const batch = together.length > 0 ? brokers.batchAck({ address, brokerName }, together.map(placeOf)) : undefined
        await Promise.all([batch, ...alone.map((delivery) => ackOne(brokers, address, delivery))])
      })
    },
    async deadLetter(delivery, messageId) {
      await atMaster(delivery.topic, delivery.handle.brokerName, async (address) => {
        await brokers.deadLetter(address, { ...placeOf(delivery), messageId }).catch(asHandle)
        // Ours settled it with the copy; Apache's brokers do not know of the delivery.
        await brokers.ack(address, placeOf(delivery)).catch(asHandle)
      })
    },
    async changeInvisible(delivery, invisibleMs) {
      const { topic, handle } = delivery
      const change = { ...placeOf(delivery), invisibleTimeMs: invisibleMs }
      const result = await atMaster(topic, handle.brokerName, (address) =>
        brokers.changeInvisibleTime(address, change).catch(asHandle),
      )
      if (result.kind === 'changed') return result.handle
      throw outsideOf(delivery)
    },
    async endTransaction({ place, topic, messageId, decision, isAnswer }) {
      const { brokerName } = place
      const header = {
        topic,
        producerGroup: topic,
        tranStateTableOffset: place.queueOffset,
        commitLogOffset: place.commitLogOffset,
        commitOrRollback: TransactionDecision[decision],
        fromTransactionCheck: isAnswer,
        msgId: messageId,
        transactionId: messageId,
        brokerName,
      }
      await atMaster(topic, brokerName, (address) => brokers.endTransaction(address, header).catch(asTransaction))
    },
    announceProducers: createAnnouncer(brokers, async (topic) => (await viewOf(topic))?.masters.values() ?? []),
    masters: async () => (await mastersOfCluster()).map(({ address }) => address),
    tellClients: (address, proxy, news) => brokers.syncClients(address, proxy, news),
    close() {
      cache.close()
      peers.close()
      return Promise.resolve()
    },
  }
}

// Java: ProducerProcessor; a topic is never made by a send.
function headerOf(record: OutgoingRecord, brokerName: string): SendMessageHeader {
  const { topic, queueId, producerGroup, sysFlag, bornTimestampMs, properties } = record
  return {
    producerGroup,
    topic,
    defaultTopic: '',
    defaultTopicQueueNums: 0,
    queueId,
    sysFlag,
    bornTimestampMs,
    flag: 0,
    properties,
    reconsumeTimes: 0,
    brokerName,
  }
}

/** Where no nameserver answers, a person has to do something. */
function withRemedy(error: unknown): never {
  if (!(error instanceof MqError)) throw error
  throw new MqError(error.code, `${error.message}; start a nameserver, or correct namesrvAddr of this proxy`, error)
}

const copiesOf = {
  stored: 'kept',
  'flush-disk-timeout': 'flush-timeout',
  'flush-slave-timeout': 'replica-timeout',
  'slave-not-available': 'replica-missing',
} as const satisfies Record<SendResult['kind'], Stored['copies']>

function storedOf({ kind, queueOffset, transactionId = '', recallHandle = '' }: SendResult): Stored {
  return { queueOffset, transactionId, recallHandle, copies: copiesOf[kind] }
}

function transactionIdOf({ msgId, queueOffset: offset }: SendResult, brokerName: string): string {
  const { commitLogOffset } = parseOffsetMessageId(msgId)
  return formatTransactionId({ brokerName, queueOffset: queueOffset(offset), commitLogOffset })
}

function poppedOf({ record, properties, handle, reconsumeTimes }: ClientPopped): PoppedMessage {
  const { commitLogOffset } = record
  return { ...storedMessageOf(record, properties, reconsumeTimes), handle: { ...handle, commitLogOffset } }
}

function placeOf({ group, topic, handle }: Delivery) {
  return { consumerGroup: group, topic, handle }
}

function fitsBatch({ handle }: Delivery): boolean {
  const distance = handle.queueOffset - handle.startOffset
  return distance >= 0 && distance < BATCH_SPAN_MAX
}

/** What the broker finds wrong with one delivery is what the client's handle says: a handle is all that it sent. */
function asHandle(error: unknown): never {
  if (!(error instanceof MqError) || error.code !== 'message-illegal') throw error
  throw new MqError('handle-invalid', `receipt handle: ${error.message}`, error)
}

/** Brokers, ours and Apache's, answer so where there is no such half message, or it is another producer's. */
function asTransaction(error: unknown): never {
  if (!(error instanceof MqError) || error.code !== 'internal') throw error
  throw new MqError('handle-invalid', error.message, error)
}

async function ackOne(brokers: BrokerClient, address: string, delivery: Delivery): Promise<void> {
  const result = await brokers.ack(address, placeOf(delivery)).catch(asHandle)
  if (result.kind === 'no-message') throw outsideOf(delivery)
}

function outsideOf({ topic, handle }: Delivery): MqError {
  const place = `offset ${handle.queueOffset} of queue ${handle.queueId} of topic '${topic}'`
  return new MqError('handle-invalid', `receipt handle: ${place} is not in the queue`)
}
