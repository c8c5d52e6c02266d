// AckMessage: one result per entry, in order. Acknowledging twice is fine. Java: AckMessageActivity.
import { type AckMessageRequest, type AckMessageResponseInit, Code } from '@rocketmq-ts/grpc/v2'
import type { Settle } from '../messaging/settle.ts'
import { commonStatus, notImplemented, OK, refusal, statusOf } from '../status.ts'
import { checkGroup, checkTopic } from '../validators.ts'
import { group as groupAccess, sub } from './access.ts'
import type { UnaryRpc } from './method.ts'

const ENTRIES_MAX = 1024

export function createAckMessage({
  settle,
}: {
  readonly settle: Settle
}): UnaryRpc<AckMessageRequest, AckMessageResponseInit> {
  return {
    access: ({ topic, group }) => [sub(topic?.name), groupAccess(group?.name)],
    async answer({ topic, group, entries }) {
      const illegal = checkTopic(topic) ?? checkGroup(group)
      if (illegal !== undefined) return { status: illegal }
      if (entries.length === 0) return { status: refusal(Code.BAD_REQUEST, 'entries: is empty') }
      if (entries.length > ENTRIES_MAX) {
        return { status: refusal(Code.BAD_REQUEST, `entries: ${entries.length}, at most ${ENTRIES_MAX} are allowed`) }
      }
      if (entries.some((entry) => entry.liteTopic !== null)) {
        return { status: notImplemented('entries.lite_topic: lite topics') }
      }
      const failures = await settle.ack(
        group?.name ?? '',
        topic?.name ?? '',
        entries.map((entry) => entry.receiptHandle),
      )
      const results = entries.map(({ messageId, receiptHandle }, index) => {
        const failure = failures[index]
        return { messageId, receiptHandle, status: failure === undefined ? OK : statusOf(failure.error) }
      })
      return { status: commonStatus(results.map(({ status }) => status)), entries: results }
    },
    refuse: (status) => ({ status }),
  }
}
