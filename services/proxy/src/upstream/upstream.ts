// What the proxy needs of nameservers and brokers, in words of the domain. Failures are MqError; expected outcomes
// are union values. Use cases depend on these interfaces only, tests implement them in memory.
import type { MessageFilter } from '@rocketmq-ts/filter'
import {
  type DedupBy,
  type GroupRetryPolicy,
  type MessageType,
  MqError,
  type MqErrorCode,
  type ShardingQueues,
  type ReceiptHandle,
  type TransactionPlace,
} from '@rocketmq-ts/model'
import type { ClientNews } from '@rocketmq-ts/remoting'

/** The queues of a topic on one master: ids below the counts, usable as the permissions say. */
export interface BrokerQueues {
  readonly brokerName: string
  readonly readQueues: number
  readonly writeQueues: number
  readonly readable: boolean
  readonly writable: boolean
}

/** Where a topic lives: masters only, ascending by name. */
export interface TopicRoute {
  readonly topic: string
  readonly brokers: readonly BrokerQueues[]
}

/** What a send must know of a topic beside its route. */
export interface TopicFacts {
  readonly type: MessageType
  /** Over which its message groups and keys are spread, whoever is away; undefined: over those of the route. */
  readonly shardingQueues: readonly ShardingQueues[] | undefined
  /** Messages of one id or key go to one queue, which knows what it has; undefined: the topic takes everything. */
  readonly dedupBy: DedupBy | undefined
}

export interface TopicRoutes {
  /** The cached route, when it can be had without waiting; otherwise undefined: then ask `route`. */
  known(topic: string): TopicRoute | undefined
  /** The cached route; undefined where no nameserver knows the topic. */
  route(topic: string): Promise<TopicRoute | undefined>
  /** Drops the cached route, so that the next question is asked anew. */
  forget(topic: string): void
  /** The cached route may be wrong: fetched anew in the background, served as it is meanwhile. */
  refresh(topic: string): void
  /**
   * Creates the topic with so many read and write queues on every master of the cluster. Names of those that have it now;
   * rejects where none has.
   */
  createTopic(topic: string, queues: number): Promise<readonly string[]>
  /** Why no topic can be found at all; undefined where the cluster has brokers. */
  missingBrokers(): Promise<string | undefined>
  /**
   * The topic as the first of its brokers by name that answers has it, so that all proxies see the same where brokers differ;
   * undefined where it is unknown.
   */
  topicFacts(topic: string): Promise<TopicFacts | undefined>
}

/** Settings of a consumer group that clients are told. Java: SubscriptionGroupConfig. */
export interface GroupSettings {
  readonly fifo: boolean
  /** Deliveries after the first. */
  readonly retryMax: number
  readonly retryPolicy: GroupRetryPolicy
}

export interface GroupLookup {
  /** Settings of the group as a broker of the topic has them; undefined where it is unknown there. */
  groupSettings(group: string, topic: string): Promise<GroupSettings | undefined>
}

/** A message on its way to a queue; `properties` is already in its stored text form. */
export interface OutgoingRecord {
  readonly topic: string
  readonly queueId: number
  readonly producerGroup: string
  readonly sysFlag: number
  readonly bornTimestampMs: number
  readonly properties: string
  readonly body: Uint8Array
}

/** Stored in every case; `copies` tells which promise about its copies was not kept in time. */
export interface Stored {
  readonly queueOffset: number
  /** Of a half message the id that ends its transaction, over any proxy; else what the broker names, or ''. */
  readonly transactionId: string
  /** Recalls the message; '' where it can not be. */
  readonly recallHandle: string
  readonly copies: 'kept' | 'flush-timeout' | 'replica-timeout' | 'replica-missing'
}

export interface MessageSender {
  send(brokerName: string, record: OutgoingRecord, timeoutMs: number): Promise<Stored>
}

/** 'none': nothing is pending under the handle any more, or the broker knows no reason. */
export type RecallOutcome =
  | { readonly kind: 'recalled'; readonly messageId: string }
  | { readonly kind: 'none'; readonly reason: string }

export interface MessageRecaller {
  /** Keeps a delayed message from being delivered. */
  recall(brokerName: string, topic: string, recallHandle: string): Promise<RecallOutcome>
}

export interface PopRequest {
  /** Who gets the messages. */
  readonly clientId: string
  readonly brokerName: string
  readonly group: string
  readonly topic: string
  readonly batchSize: number
  readonly invisibleMs: number
  /** How long the broker may hold the request while nothing is there. */
  readonly pollMs: number
  readonly filter: Pick<MessageFilter, 'type' | 'expression'>
  /** '' where the client sent none. */
  readonly attemptId: string
  /** The group consumes in order. */
  readonly inOrder: boolean
}

/** A message as a broker has it. */
export interface StoredMessage {
  readonly queueId: number
  readonly queueOffset: number
  readonly sysFlag: number
  readonly bornTimestampMs: number
  readonly bornHost: string
  readonly storeTimestampMs: number
  readonly storeHost: string
  readonly reconsumeTimes: number
  /** Offset message id, for messages whose client gave none. */
  readonly storeId: string
  readonly properties: ReadonlyMap<string, string>
  readonly body: Uint8Array
}

/** A message handed out by a broker, with the handle that settles this delivery. */
export interface PoppedMessage extends StoredMessage {
  readonly handle: ReceiptHandle
}

export type PopOutcome =
  | { readonly kind: 'found'; readonly messages: readonly PoppedMessage[] }
  /** Nothing came while the broker held the request. */
  | { readonly kind: 'none' }
  /** The broker holds too many requests already. */
  | { readonly kind: 'polling-full' }

/** One delivery to settle: the topic as the consumer knows it, the handle names broker and retry topic. */
export interface Delivery {
  readonly group: string
  readonly topic: string
  readonly handle: ReceiptHandle
}

export interface MessageReceiver {
  pop(request: PopRequest): Promise<PopOutcome>
  /** Settles deliveries of one group, topic and broker. Handles that are no longer live are fine. */
  ack(deliveries: readonly Delivery[]): Promise<void>
  /** Moves the message to the dead-letter topic of the group and settles it. A handle that is no longer live is fine. */
  deadLetter(delivery: Delivery, messageId: string): Promise<void>
  /** Makes the message visible after `invisibleMs`; the answer replaces the handle. */
  changeInvisible(delivery: Delivery, invisibleMs: number): Promise<ReceiptHandle>
}

/** How a producer ends a transaction. */
export interface TransactionEnd {
  readonly place: TransactionPlace
  readonly topic: string
  readonly messageId: string
  readonly decision: 'commit' | 'rollback'
  /** It was asked. */
  readonly isAnswer: boolean
}

export interface TransactionEnder {
  /**
   * Resolves when the decision is as durable as a send; also for a transaction that is ended already. Rejects with MqError
   * 'handle-invalid' where the broker has no such half message.
   */
  endTransaction(end: TransactionEnd): Promise<void>
}

export interface ProducerAnnouncer {
  /** Tells the brokers of these topics that producers of transactions are here. Rejects where one can not be told. */
  announceProducers(topics: readonly string[]): Promise<void>
}

/** Which proxy tells of its clients. */
export interface TellingProxy {
  /** Differs from start to start. */
  readonly proxyId: string
  /** Where its clients connect. */
  readonly port: number
  /** What it told before is void. */
  readonly isFirst: boolean
}

export interface ClientTeller {
  /** Addresses of the masters of the cluster. */
  masters(): Promise<readonly string[]>
  /** Tells one of them of clients. `known`: so many of this proxy it has now; `isFull`: it may have left some out. */
  tellClients(
    address: string,
    proxy: TellingProxy,
    news: ClientNews,
  ): Promise<{ readonly known: number; readonly isFull: boolean }>
}

/** The broker can not be reached, is stopping, or takes nothing: another one may. */
const AWAY: ReadonlySet<MqErrorCode> = new Set(['unavailable', 'closed', 'timeout', 'store-refused', 'disk-full'])

/** True for failures of a broker as a whole; whether it did what it was asked is not known. */
export function isAway(error: unknown): error is MqError {
  return error instanceof MqError && AWAY.has(error.code)
}

/** Everything at once, as the composition hands it in. */
export interface Upstream
  extends
    TopicRoutes,
    GroupLookup,
    MessageSender,
    MessageRecaller,
    MessageReceiver,
    TransactionEnder,
    ProducerAnnouncer,
    ClientTeller {
  close(): Promise<void>
}
