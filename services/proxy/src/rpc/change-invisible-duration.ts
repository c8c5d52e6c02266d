// ChangeInvisibleDuration: when a message comes again. The answer always holds a handle, also with an error: several
// clients replace theirs with whatever comes. Java: ChangeInvisibleDurationActivity.
import {
  type ChangeInvisibleDurationRequest,
  type ChangeInvisibleDurationResponseInit,
  Code,
  durationToMs,
} from '@rocketmq-ts/grpc/v2'
import type { Settle } from '../messaging/settle.ts'
import { notImplemented, OK, refusal, type Refusal } from '../status.ts'
import { checkGroup, checkTopic } from '../validators.ts'
import { group as groupAccess } from './access.ts'
import type { UnaryRpc } from './method.ts'

export interface ChangeInvisibleDurationDeps {
  readonly settle: Settle
  readonly invisibleMsMax: number
}

export function createChangeInvisibleDuration({
  settle,
  invisibleMsMax,
}: ChangeInvisibleDurationDeps): UnaryRpc<ChangeInvisibleDurationRequest, ChangeInvisibleDurationResponseInit> {
  return {
    access: ({ group }) => [groupAccess(group?.name)],
    async answer(request) {
      const { topic, group, receiptHandle } = request
      const invisibleMs = request.invisibleDuration === null ? 0 : durationToMs(request.invisibleDuration)
      const illegal = checkTopic(topic) ?? checkGroup(group) ?? checkRest(request, invisibleMs, invisibleMsMax)
      if (illegal !== undefined) return { status: illegal, receiptHandle }
      const renewed = await settle.changeInvisible(group?.name ?? '', topic?.name ?? '', receiptHandle, invisibleMs)
      return { status: OK, receiptHandle: renewed }
    },
    refuse: (status, { receiptHandle }) => ({ status, receiptHandle }),
  }
}

function checkRest(
  { liteTopic, suspend }: ChangeInvisibleDurationRequest,
  invisibleMs: number,
  invisibleMsMax: number,
): Refusal | undefined {
  if (liteTopic !== null) return notImplemented('lite_topic: lite topics')
  if (suspend === true) return notImplemented('suspend: releasing without counting an attempt')
  if (invisibleMs >= 0 && invisibleMs <= invisibleMsMax) return undefined
  return refusal(
    Code.ILLEGAL_INVISIBLE_TIME,
    `invisible_duration: ${invisibleMs} ms is not within 0 … ${invisibleMsMax} ms`,
  )
}
