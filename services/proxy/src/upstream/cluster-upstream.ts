// The upstream of a real cluster: routes from nameservers, everything else from masters found in the topic's route.
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
  isReadable,
  isWritable,
  MASTER_ID,
  MqError,
  offsetMessageId,
  topicConfig,
  topicMessageType,
  type TopicRouteData,
} from '@rocketmq-ts/model'
import { formatAddress, type Peer, PopInitMode } from '@rocketmq-ts/remoting'
import type { Clock } from '@rocketmq-ts/runtime'
import { createMissingBrokers } from './missing-brokers.ts'
import type { BrokerQueues, Delivery, PoppedMessage, Stored, TopicRoute, Upstream } from './upstream.ts'

/** Offsets this far behind the start of their batch are acknowledged one by one: a handle comes from outside. */
const BATCH_SPAN_MAX = 4096
/** The broker takes its own time as the start of the hold: clocks of two machines differ. */
const BORN_AT_BROKER = 0
const ANY_QUEUE = -1

export interface ClusterUpstreamDeps {
  readonly clock: Clock
  /** 'host:port' of each nameserver. */
  readonly nameServers: readonly string[]
  /** Opens a connection; brokers of the same process may be reached without a socket. */
  readonly connect: (address: string) => Promise<Peer>
  readonly timeoutMs: number
}

/** A route as use cases see it, and where its masters are. */
interface RouteView {
  readonly route: TopicRoute
  readonly masters: ReadonlyMap<string, string>
}

export function createClusterUpstream({ clock, nameServers, connect, timeoutMs }: ClusterUpstreamDeps): Upstream {
  const peers = createPeerSource({ connect, clock })
  const nameServer = createNameServerClient({ addresses: nameServers, peers, timeoutMs })
  const cache = createRouteCache({ nameServers: nameServer, clock })
  const brokers = createBrokerClient({ peers, timeoutMs })
  const missingBrokers = createMissingBrokers({
    clock,
    nameServers: nameServers.map((address) => createNameServerClient({ addresses: [address], peers, timeoutMs })),
  })
  const views = new WeakMap<TopicRouteData, RouteView>()

  async function viewOf(topic: string): Promise<RouteView | undefined> {
    const data = await cache.route(topic).catch(withRemedy)
    if (data === undefined) return undefined
    let view = views.get(data)
    if (view === undefined) {
      view = readRoute(topic, data)
      views.set(data, view)
    }
    return view
  }

  /** Address of the topic's master of this name. */
  async function masterOf(topic: string, brokerName: string): Promise<string> {
    const address = (await viewOf(topic))?.masters.get(brokerName)
    if (address !== undefined) return address
    throw new MqError('unavailable', `broker '${brokerName}' has no master that serves topic '${topic}' right now`)
  }

  async function createTopic(topic: string, queues: number): Promise<void> {
    const { brokerAddrTable } = await nameServer.clusterInfo()
    const masters = Array.from(brokerAddrTable.values(), (broker) => broker.brokerAddrs.get(MASTER_ID)).filter(
      (address) => address !== undefined,
    )
    if (masters.length === 0) {
      const reason = (await missingBrokers()) ?? 'no master is registered at the nameserver that was asked'
      throw new MqError('unavailable', `topic '${topic}' can not be created: ${reason}`)
    }
    const config = topicConfig(topic, { readQueueNums: queues, writeQueueNums: queues })
    const results = await Promise.allSettled(
      masters.map(async (address) => {
        // A nameserver that has just started knows no topics: those that are there keep their queues.
        if ((await brokers.topicConfig(address, topic)) === undefined) await brokers.createTopic(address, config)
      }),
    )
    // One master is enough to begin with; the others take the topic when they are back and asked again.
    const failed = results.find((result) => result.status === 'rejected')
    if (failed !== undefined && results.every((result) => result.status === 'rejected')) throw failed.reason
  }

  return {
    route: async (topic) => (await viewOf(topic))?.route,
    forget: (topic) => cache.invalidate(topic),
    createTopic,
    missingBrokers,
    async topicType(topic) {
      const [address] = (await viewOf(topic))?.masters.values() ?? []
      const config = address === undefined ? undefined : await brokers.topicConfig(address, topic)
      return config === undefined ? undefined : topicMessageType(config)
    },
    async groupSettings(group, topic) {
      const [address] = (await viewOf(topic))?.masters.values() ?? []
      if (address === undefined) return undefined
      const config = await brokers.subscriptionGroup(address, group)
      if (config === undefined) return undefined
      const { consumeMessageOrderly, retryMaxTimes, groupRetryPolicy } = config
      return { fifo: consumeMessageOrderly, retryMax: retryMaxTimes, retryPolicy: groupRetryPolicy }
    },
    async send(brokerName, record, sendTimeoutMs) {
      const { topic, queueId, producerGroup, sysFlag, bornTimestampMs, properties, body } = record
      const address = await masterOf(topic, brokerName)
      const header = {
        producerGroup,
        topic,
        // Java: ProducerProcessor; a topic is never made by a send.
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
      return storedOf(await brokers.send(address, header, body, { timeoutMs: sendTimeoutMs }))
    },
    async pop({ brokerName, group, topic, batchSize, invisibleMs, pollMs, tagExpression, attemptId }) {
      const address = await masterOf(topic, brokerName)
      const result = await brokers.pop(
        { address, brokerName },
        {
          consumerGroup: group,
          topic,
          queueId: ANY_QUEUE,
          maxMsgNums: batchSize,
          invisibleTimeMs: invisibleMs,
          pollTimeMs: Math.floor(pollMs),
          bornTimeMs: BORN_AT_BROKER,
          initMode: PopInitMode.MAX,
          expType: 'TAG',
          exp: tagExpression,
          order: false,
          ...(attemptId !== '' && { attemptId }),
        },
      )
      return result.kind === 'found' ? { kind: 'found', messages: result.messages.map(poppedOf) } : result
    },
    async ack(deliveries) {
      const first = deliveries[0]
      if (first === undefined) return
      const { brokerName } = first.handle
      const address = await masterOf(first.topic, brokerName)
      const together = deliveries.length > 1 ? deliveries.filter(fitsBatch) : []
      const alone = together.length > 0 ? deliveries.filter((delivery) => !fitsBatch(delivery)) : deliveries
      const batch = together.length > 0 ? brokers.batchAck({ address, brokerName }, together.map(placeOf)) : undefined
      await Promise.all([batch, ...alone.map((delivery) => ackOne(brokers, address, delivery))])
    },
    async changeInvisible(delivery, invisibleMs) {
      const address = await masterOf(delivery.topic, delivery.handle.brokerName)
      const change = { ...placeOf(delivery), invisibleTimeMs: invisibleMs }
      const result = await brokers.changeInvisibleTime(address, change).catch(asHandle)
      if (result.kind === 'changed') return result.handle
      throw outsideOf(delivery)
    },
    close() {
      peers.close()
      return Promise.resolve()
    },
  }
}

/** Where no nameserver answers, a person has to do something. */
function withRemedy(error: unknown): never {
  if (!(error instanceof MqError)) throw error
  throw new MqError(error.code, `${error.message}; start a nameserver, or correct namesrvAddr of this proxy`, error)
}

function readRoute(topic: string, { queueDatas, brokerDatas }: TopicRouteData): RouteView {
  const masters = new Map<string, string>()
  for (const { brokerName, brokerAddrs } of brokerDatas) {
    const address = brokerAddrs.get(MASTER_ID)
    if (address !== undefined) masters.set(brokerName, address)
  }
  const brokers = queueDatas
    .filter(({ brokerName }) => masters.has(brokerName))
    .map(({ brokerName, readQueueNums, writeQueueNums, perm }): BrokerQueues => ({
      brokerName,
      readQueues: readQueueNums,
      writeQueues: writeQueueNums,
      readable: isReadable(perm),
      writable: isWritable(perm),
    }))
    .toSorted((a, b) => (a.brokerName < b.brokerName ? -1 : 1))
  return { route: { topic, brokers }, masters }
}

const copiesOf = {
  stored: 'kept',
  'flush-disk-timeout': 'flush-timeout',
  'flush-slave-timeout': 'replica-timeout',
  'slave-not-available': 'replica-missing',
} as const satisfies Record<SendResult['kind'], Stored['copies']>

function storedOf({ kind, queueOffset, transactionId }: SendResult): Stored {
  return { queueOffset, transactionId: transactionId ?? '', copies: copiesOf[kind] }
}

function poppedOf({ record, properties, handle, reconsumeTimes }: ClientPopped): PoppedMessage {
  const { queueId, queueOffset, commitLogOffset, sysFlag, bornTimestampMs, storeTimestampMs, storeHost, body } = record
  return {
    queueId,
    queueOffset,
    sysFlag,
    bornTimestampMs,
    bornHost: formatAddress(record.bornHost),
    storeTimestampMs,
    storeHost: formatAddress(storeHost),
    reconsumeTimes,
    storeId: offsetMessageId(storeHost.host, storeHost.port, commitLogOffset),
    properties,
    body,
    handle: { ...handle, commitLogOffset },
  }
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

async function ackOne(brokers: BrokerClient, address: string, delivery: Delivery): Promise<void> {
  const result = await brokers.ack(address, placeOf(delivery)).catch(asHandle)
  if (result.kind === 'no-message') throw outsideOf(delivery)
}

function outsideOf({ topic, handle }: Delivery): MqError {
  const place = `offset ${handle.queueOffset} of queue ${handle.queueId} of topic '${topic}'`
  return new MqError('handle-invalid', `receipt handle: ${place} is not in the queue`)
}
