// ForwardMessageToDeadLetterQueue: a consumer in order gives a message up, so that the next one comes. Clients repeat this
// until they hear OK, so a delivery that is over already is no failure. Java: ForwardMessageToDLQActivity.
import {
  Code,
  type ForwardMessageToDeadLetterQueueRequest,
  type ForwardMessageToDeadLetterQueueResponseInit,
} from '@rocketmq-ts/grpc/v2'
import type { Settle } from '../messaging/settle.ts'
import { notImplemented, OK, refusal } from '../status.ts'
import { checkGroup, checkMessageId, checkTopic } from '../validators.ts'
import { group as groupAccess, sub } from './access.ts'
import type { UnaryRpc } from './method.ts'

// The attempts that a client counted decide nothing here: it gives the message up whatever they are.
export function createForwardMessageToDeadLetterQueue({
  settle,
}: {
  readonly settle: Settle
}): UnaryRpc<ForwardMessageToDeadLetterQueueRequest, ForwardMessageToDeadLetterQueueResponseInit> {
  return {
    access: ({ topic, group }) => [sub(topic?.name), groupAccess(group?.name)],
    async answer({ topic, group, receiptHandle, messageId, liteTopic }) {
      const illegal = checkTopic(topic) ?? checkGroup(group) ?? checkMessageId(messageId)
      if (illegal !== undefined) return { status: illegal }
      if (liteTopic !== null) return { status: notImplemented('lite_topic: lite topics') }
      if (receiptHandle === '') {
        return { status: refusal(Code.INVALID_RECEIPT_HANDLE, 'receipt_handle: is missing') }
      }
      await settle.deadLetter(group?.name ?? '', topic?.name ?? '', receiptHandle, messageId)
      return { status: OK }
    },
    refuse: (status) => ({ status }),
  }
}
