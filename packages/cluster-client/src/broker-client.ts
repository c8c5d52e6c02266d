// Typed calls to brokers by address. Expected outcomes are union values, everything else rejects with MqError.
import { utf8Encode } from '@rocketmq-ts/bytes'
import {
  decodeSubscriptionGroupConfig,
  decodeTopicConfig,
  formatAttributeChanges,
  parseJavaJson,
  SystemTopic,
  stringifyJavaJson,
  type SubscriptionGroupConfig,
  type TopicConfig,
} from '@rocketmq-ts/model'
import {
  decodeKvTable,
  DeleteTopicInBroker,
  GetBrokerRuntimeInfo,
  GetMaxOffset,
  GetMinOffset,
  GetSubscriptionGroupConfig,
  GetTopicConfig,
  QueryConsumerOffset,
  RecallMessage,
  ResponseCode,
  SendMessageV2,
  UpdateAndCreateSubscriptionGroup,
  UpdateAndCreateTopic,
  type Answer,
  type RequestDeclaration,
  type RecallMessageHeader,
  type SendMessageHeader,
} from '@rocketmq-ts/remoting'
import { createAdminCalls, type AdminCalls } from './admin-calls.ts'
import { createClientCalls, type ClientCalls } from './client-calls.ts'
import { ask, bodyOf, checkSuccess, failure, headerOf, REQUEST_TIMEOUT_MS, type CallOptions } from './call.ts'
import type { PeerSource } from './peer-source.ts'
import { createPopCalls, type PopCalls } from './pop-calls.ts'
import { createQueryCalls, type QueryCalls } from './query-calls.ts'
import { createTransactionCalls, type TransactionCalls } from './transaction-calls.ts'

/** The message is stored. 'stored' also kept the promise of the broker's settings, the others did so too late. */
export interface SendResult {
  readonly kind: 'stored' | 'flush-disk-timeout' | 'flush-slave-timeout' | 'slave-not-available'
  /** Offset message id. */
  readonly msgId: string
  readonly queueId: number
  readonly queueOffset: number
  readonly transactionId: string | undefined
  readonly recallHandle: string | undefined
}

/** 'none': nothing is pending under the handle any more; `reason` is the broker's. */
export type RecallResult =
  | { readonly kind: 'recalled'; readonly messageId: string }
  | { readonly kind: 'none'; readonly reason: string }

export interface QueueOfBroker {
  readonly topic: string
  readonly queueId: number
}

export interface BrokerClient extends PopCalls, AdminCalls, QueryCalls, TransactionCalls, ClientCalls {
  send(address: string, header: SendMessageHeader, body: Uint8Array, options?: CallOptions): Promise<SendResult>
  /** Keeps a delayed message from being delivered. */
  recall(
    address: string,
    header: Pick<RecallMessageHeader, 'topic' | 'recallHandle'>,
    options?: CallOptions,
  ): Promise<RecallResult>
  /** Undefined for a topic that the broker does not have. */
  topicConfig(address: string, topic: string, options?: CallOptions): Promise<TopicConfig | undefined>
  /** Undefined for a group that the broker does not have. */
  subscriptionGroup(address: string, group: string, options?: CallOptions): Promise<SubscriptionGroupConfig | undefined>
  /** Creates the topic or changes it. */
  createTopic(address: string, config: TopicConfig, options?: CallOptions): Promise<void>
  deleteTopic(address: string, topic: string, options?: CallOptions): Promise<void>
  /** Creates the group or changes it. Its attributes are set; others that the group has stay. */
  createSubscriptionGroup(address: string, config: SubscriptionGroupConfig, options?: CallOptions): Promise<void>
  /** Undefined for a group that has consumed nothing of the queue yet. */
  consumerOffset(
    address: string,
    queue: QueueOfBroker & { readonly consumerGroup: string },
    options?: CallOptions,
  ): Promise<number | undefined>
  maxOffset(address: string, queue: QueueOfBroker, options?: CallOptions): Promise<number>
  minOffset(address: string, queue: QueueOfBroker, options?: CallOptions): Promise<number>
  runtimeInfo(address: string, options?: CallOptions): Promise<ReadonlyMap<string, string>>
}

const sendKinds: ReadonlyMap<number, SendResult['kind']> = new Map<number, SendResult['kind']>([
  [ResponseCode.SUCCESS, 'stored'],
  [ResponseCode.FLUSH_DISK_TIMEOUT, 'flush-disk-timeout'],
  [ResponseCode.FLUSH_SLAVE_TIMEOUT, 'flush-slave-timeout'],
  [ResponseCode.SLAVE_NOT_AVAILABLE, 'slave-not-available'],
])

/** The client of all brokers that `peers` reaches. */
export function createBrokerClient(deps: { readonly peers: PeerSource; readonly timeoutMs?: number }): BrokerClient {
  const { peers } = deps
  const timeoutDefaultMs = deps.timeoutMs ?? REQUEST_TIMEOUT_MS

  function call<H extends object, A extends object>(
    address: string,
    request: RequestDeclaration<H, A>,
    content: { readonly header: H; readonly body?: Uint8Array },
    options: CallOptions | undefined,
  ): Promise<Answer<A>> {
    const { header, body } = content
    return ask(peers, address, { request, header, body, timeoutMs: options?.timeoutMs ?? timeoutDefaultMs })
  }

  async function succeed<H extends object, A extends object>(
    address: string,
    request: RequestDeclaration<H, A>,
    content: { readonly header: H; readonly body?: Uint8Array },
    options: CallOptions | undefined,
  ): Promise<Answer<A>> {
    const answer = await call(address, request, content, options)
    checkSuccess(answer, request, address)
    return answer
  }

  return {
    ...createPopCalls(call),
    ...createAdminCalls(call),
    ...createQueryCalls(call),
    ...createTransactionCalls(call),
    ...createClientCalls(call),
    async send(address, header, body, options) {
      const answer = await call(address, SendMessageV2, { header, body }, options)
      const kind = sendKinds.get(answer.code)
      if (kind === undefined) throw failure(answer, SendMessageV2, address)
      const { msgId, queueId, queueOffset, transactionId, recallHandle } = headerOf(answer)
      return { kind, msgId, queueId, queueOffset, transactionId, recallHandle }
    },
    async recall(address, { topic, recallHandle }, options) {
      const header = { producerGroup: topic, topic, recallHandle }
      const answer = await call(address, RecallMessage, { header }, options)
      if (answer.code === ResponseCode.ILLEGAL_OPERATION) return { kind: 'none', reason: answer.remark ?? 'no reason' }
      checkSuccess(answer, RecallMessage, address)
      return { kind: 'recalled', messageId: headerOf(answer).msgId }
    },
    async topicConfig(address, topic, options) {
      const answer = await call(address, GetTopicConfig, { header: { topic } }, options)
      if (answer.code === ResponseCode.TOPIC_NOT_EXIST) return undefined
      checkSuccess(answer, GetTopicConfig, address)
      return decodeTopicConfig(parseJavaJson(bodyOf(answer)))
    },
    async subscriptionGroup(address, group, options) {
      const answer = await call(address, GetSubscriptionGroupConfig, { header: { group } }, options)
      if (answer.code === ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST) return undefined
      checkSuccess(answer, GetSubscriptionGroupConfig, address)
      return decodeSubscriptionGroupConfig(parseJavaJson(bodyOf(answer)))
    },
    async createTopic(address, config, options) {
      const changes = [...config.attributes].map(([name, value]) => ({ kind: 'set', name, value }) as const)
      const header = {
        topic: config.topicName,
        defaultTopic: SystemTopic.AUTO_CREATE,
        readQueueNums: config.readQueueNums,
        writeQueueNums: config.writeQueueNums,
        perm: config.perm,
        topicFilterType: config.topicFilterType,
        topicSysFlag: config.topicSysFlag,
        order: config.order,
        ...(changes.length > 0 && { attributes: formatAttributeChanges(changes) }),
      }
      await succeed(address, UpdateAndCreateTopic, { header }, options)
    },
    async deleteTopic(address, topic, options) {
      await succeed(address, DeleteTopicInBroker, { header: { topic } }, options)
    },
    async createSubscriptionGroup(address, config, options) {
      // Apache's broker refuses names without a sign.
      const attributes = new Map(Array.from(config.attributes, ([name, value]) => [`+${name}`, value]))
      const body = utf8Encode(stringifyJavaJson({ ...config, attributes }))
      await succeed(address, UpdateAndCreateSubscriptionGroup, { header: {}, body }, options)
    },
    async consumerOffset(address, queue, options) {
      const answer = await call(
        address,
        QueryConsumerOffset,
        { header: { ...queue, setZeroIfNotFound: false } },
        options,
      )
      if (answer.code === ResponseCode.QUERY_NOT_FOUND) return undefined
      checkSuccess(answer, QueryConsumerOffset, address)
      return headerOf(answer).queueOffset
    },
    async maxOffset(address, queue, options) {
      return headerOf(await succeed(address, GetMaxOffset, { header: queue }, options)).queueOffset
    },
    async minOffset(address, queue, options) {
      return headerOf(await succeed(address, GetMinOffset, { header: queue }, options)).queueOffset
    },
    async runtimeInfo(address, options) {
      return decodeKvTable(bodyOf(await succeed(address, GetBrokerRuntimeInfo, { header: {} }, options)))
    },
  }
}
