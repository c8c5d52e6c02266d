// Requests about topics: create or change, delete, look up, and the creation by a first send.
// Java: AdminBrokerProcessor, TopicConfigManager.createTopicInSendMessageMethod.
import { utf8Encode } from '@rocketmq-ts/bytes'
import {
  MESSAGE_TYPE_ATTRIBUTE,
  type MessageType,
  MqError,
  Perm,
  type TopicConfig,
  isForbiddenToSend,
  isMessageType,
  isSystemTopic,
  parseAttributeChanges,
  popRetryTopicOf,
  stringifyJavaJson,
  topicConfig,
} from '@rocketmq-ts/model'
import {
  type DeleteTopicInBrokerHeader,
  type GetTopicConfigHeader,
  type IncomingRequest,
  ResponseCode,
  type SendMessageHeader,
  type UpdateAndCreateTopicHeader,
} from '@rocketmq-ts/remoting'
import type { Turns } from '@rocketmq-ts/runtime'
import type { Inflight } from '../inflight/inflight.ts'
import { SETTING_BYTES_MAX } from '../limits.ts'
import type { SettingsWriter } from '../settings-writer.ts'
import type { Topic, TopicTable } from './topic-table.ts'

/** Types of topics that messages can be sent to. */
const SERVED_TYPES: ReadonlySet<MessageType> = new Set(['NORMAL', 'FIFO', 'DELAY', 'TRANSACTION', 'MIXED'])

export interface TopicRequestsDeps {
  readonly inflight: Pick<Inflight, 'groupsIn'>
  readonly topics: TopicTable
  readonly writer: SettingsWriter
  readonly turns: Pick<Turns, 'release'>
  readonly autoCreateTopicEnable: boolean
  /** Names of the topics after cluster and broker. */
  readonly ownNames: ReadonlySet<string>
}

/** Handlers of topic requests. */
export function createTopicRequests(deps: TopicRequestsDeps) {
  const { topics, writer, turns } = deps

  function respondWhenFlushed(request: IncomingRequest): void {
    turns.release('flushed', (failure) => {
      if (failure === undefined) request.respond({ code: ResponseCode.SUCCESS })
      else
        request.respond({
          code: ResponseCode.SERVICE_NOT_AVAILABLE,
          remark: `the change may be stored all the same: ${failure.message}`,
        })
    })
  }

  function checkNotOwn(name: string): void {
    if (!isSystemTopic(name) && !deps.ownNames.has(name)) return
    throw new MqError(
      'topic-illegal',
      `topic '${name}' belongs to the system and can not be created, changed or deleted`,
    )
  }

  /** What groups had popped of the topic and waits elsewhere goes with it. Java: clearRetryTopicWhenDeleteTopic. */
  function deleteWithRetries(name: string): void {
    for (const group of Array.from(deps.inflight.groupsIn(name))) {
      for (const version of [1, 2] as const) {
        const retryTopic = popRetryTopicOf(group, name, version)
        if (topics.get(retryTopic) !== undefined) writer.deleteTopic(retryTopic)
      }
    }
    writer.deleteTopic(name)
  }

  return {
    updateAndCreateTopic(request: IncomingRequest<UpdateAndCreateTopicHeader>): void {
      const { header } = request
      checkNotOwn(header.topic)
      const known = topics.get(header.topic)?.config
      writer.putTopic(
        topicConfig(header.topic, {
          readQueueNums: header.readQueueNums,
          writeQueueNums: header.writeQueueNums,
          perm: header.perm,
          topicFilterType: header.topicFilterType === 'MULTI_TAG' ? 'MULTI_TAG' : 'SINGLE_TAG',
          topicSysFlag: header.topicSysFlag ?? 0,
          order: header.order,
          attributes: changedAttributes(known, header.attributes ?? ''),
        }),
      )
      respondWhenFlushed(request)
    },

    deleteTopic(request: IncomingRequest<DeleteTopicInBrokerHeader>): void {
      checkNotOwn(request.header.topic)
      // Java answers success for a topic that is not there: every broker of a cluster is asked.
      if (topics.get(request.header.topic) !== undefined) deleteWithRetries(request.header.topic)
      respondWhenFlushed(request)
    },

    getTopicConfig(request: IncomingRequest<GetTopicConfigHeader>): void {
      const { config } = topics.require(request.header.topic)
      request.respond({ code: ResponseCode.SUCCESS, body: utf8Encode(stringifyJavaJson(config)) })
    },

    /** The topic of a send, created where that is allowed. */
    topicForSend(name: string, header: Pick<SendMessageHeader, 'defaultTopic' | 'defaultTopicQueueNums'>): Topic {
      if (isForbiddenToSend(name))
        throw new MqError('no-permission', `topic '${name}' belongs to the system: clients may not send to it`)
      const known = topics.get(name)
      if (known !== undefined) return known
      const template = topics.get(header.defaultTopic)?.config
      if (!deps.autoCreateTopicEnable || template === undefined || (template.perm & Perm.INHERIT) === 0) {
        throw new MqError(
          'topic-not-found',
          `topic '${name}' does not exist on this broker: create it, or switch autoCreateTopicEnable on`,
        )
      }
      const queues = Math.max(0, Math.min(header.defaultTopicQueueNums, template.writeQueueNums))
      return writer.putTopic(
        topicConfig(name, { readQueueNums: queues, writeQueueNums: queues, perm: template.perm & ~Perm.INHERIT }),
      )
    },
  }
}

/** Nothing could be sent to a topic of another type. One that came from Apache's broker keeps its type. */
function checkType(type: string, known: TopicConfig | undefined): void {
  if (!isMessageType(type) || SERVED_TYPES.has(type) || known?.attributes.get(MESSAGE_TYPE_ATTRIBUTE) === type) return
  throw new MqError(
    'parameter-invalid',
    `attributes: ${MESSAGE_TYPE_ATTRIBUTE} is ${type}, and such messages are not offered yet; ` +
      `it can be one of ${[...SERVED_TYPES].join(', ')}`,
  )
}

function changedAttributes(known: TopicConfig | undefined, text: string): ReadonlyMap<string, string> {
  if (text.length > SETTING_BYTES_MAX) {
    throw new MqError('parameter-invalid', `attributes: ${text.length} characters, allowed are ${SETTING_BYTES_MAX}`)
  }
  const attributes = new Map(known?.attributes)
  for (const change of parseAttributeChanges(text)) {
    if (change.kind === 'set') {
      if (change.name === MESSAGE_TYPE_ATTRIBUTE) checkType(change.value, known)
      attributes.set(change.name, change.value)
    }
    if (change.kind === 'delete' && !attributes.delete(change.name)) {
      throw new MqError('parameter-invalid', `attributes: '${change.name}' is not set and can not be deleted`)
    }
  }
  return attributes
}
