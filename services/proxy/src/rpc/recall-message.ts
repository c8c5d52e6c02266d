// RecallMessage: a delayed message is not to be delivered. The handle names its broker. Java: RecallMessageActivity,
// RecallMessageProcessor, which answer OK whatever the broker finds.
import { Code, type RecallMessageRequest, type RecallMessageResponseInit } from '@rocketmq-ts/grpc/v2'
import { type MessageType, MqError, parseRecallHandle } from '@rocketmq-ts/model'
import type { TopicTypes } from '../messaging/topic-types.ts'
import { OK, refusal, type Refusal } from '../status.ts'
import type { MessageRecaller } from '../upstream/upstream.ts'
import { checkTopic } from '../validators.ts'
import { pub } from './access.ts'
import type { UnaryRpc } from './method.ts'

export interface RecallMessageDeps {
  readonly recaller: MessageRecaller
  readonly topicTypes: TopicTypes
}

const TAKES_DELAYED: ReadonlySet<MessageType> = new Set(['DELAY', 'MIXED'])

export function createRecallMessage({
  recaller,
  topicTypes,
}: RecallMessageDeps): UnaryRpc<RecallMessageRequest, RecallMessageResponseInit> {
  /** Asked again before it is refused: the topic may have changed. */
  async function checkType(topic: string): Promise<Refusal | undefined> {
    if (TAKES_DELAYED.has(await topicTypes.type(topic))) return undefined
    const type = await topicTypes.ask(topic)
    if (TAKES_DELAYED.has(type)) return undefined
    return refusal(
      Code.MESSAGE_PROPERTY_CONFLICT_WITH_TYPE,
      `topic '${topic}' takes ${type} messages, and only DELAY ones can be recalled`,
    )
  }

  /** The broker of the handle, or why it is none. */
  function brokerOf(topic: string, recallHandle: string): string | Refusal {
    try {
      const handle = parseRecallHandle(recallHandle)
      if (handle.topic === topic) return handle.brokerName
      return refusal(Code.BAD_REQUEST, `recall_handle: it is of topic '${handle.topic}', not of '${topic}'`)
    } catch (error) {
      if (error instanceof MqError) return refusal(Code.BAD_REQUEST, `recall_handle: ${error.message}`)
      throw error
    }
  }

  return {
    access: ({ topic }) => [pub(topic?.name)],
    async answer({ topic: resource, recallHandle }) {
      const illegal = checkTopic(resource)
      if (illegal !== undefined) return { status: illegal }
      const topic = resource?.name ?? ''
      const brokerName = brokerOf(topic, recallHandle)
      if (typeof brokerName !== 'string') return { status: brokerName }
      const conflict = await checkType(topic)
      if (conflict !== undefined) return { status: conflict }
      const outcome = await recaller.recall(brokerName, topic, recallHandle)
      if (outcome.kind === 'none') return { status: refusal(Code.MESSAGE_NOT_FOUND, outcome.reason) }
      return { status: OK, messageId: outcome.messageId }
    },
    refuse: (status) => ({ status }),
  }
}
