// INVOKE_BROKER_TO_RESET_OFFSET: a group goes on elsewhere in a topic. It is the topic's queues that move, never those of its
// retry topics. Answered when the change is as durable as a send. Java: AdminBrokerProcessor.resetOffsetInner.
import { isSystemGroup, isSystemTopic, MqError } from '@rocketmq-ts/model'
import {
  encodeQueuePositions,
  failureOf,
  type IncomingRequest,
  type InvokeBrokerToResetOffsetHeader,
  ResponseCode,
} from '@rocketmq-ts/remoting'
import type { Logger, Turns } from '@rocketmq-ts/runtime'
import type { MessageQueries, QueueReader } from '@rocketmq-ts/store'
import type { BrokerEvent } from '../events.ts'
import type { GroupTable } from '../groups/group-table.ts'
import type { Inflight } from '../inflight/inflight.ts'
import { RESETS_IN_WORK_MAX, RESETS_WAITING_MAX } from '../limits.ts'
import type { LongPolling } from '../long-polling.ts'
import { createWorkLine } from '../queries/work-line.ts'
import { requireQueue, type Topic, type TopicTable } from '../topics/topic-table.ts'

type Request = IncomingRequest<InvokeBrokerToResetOffsetHeader>

export interface ResetOffsetDeps {
  readonly inflight: Pick<Inflight, 'queue' | 'start' | 'reset' | 'lowMark'>
  readonly store: Pick<QueueReader, 'bounds'> & Pick<MessageQueries, 'searchOffset'>
  readonly topics: Pick<TopicTable, 'get' | 'require'>
  readonly groups: Pick<GroupTable, 'get'>
  readonly turns: Pick<Turns, 'enter' | 'release'>
  readonly polling: Pick<LongPolling, 'lookAgain'>
  readonly brokerName: string
  readonly logger: Logger<BrokerEvent>
  /** Settings or positions are others now. */
  readonly onChange: () => void
}

/** Where to go on: an offset as it was given, or what a search by time found, which the bounds may have passed since. */
interface Target {
  readonly queueId: number
  readonly offset: number
}

/** A value that stands for 'not given'. */
const NONE = -1

/** The handler. */
export function createResetOffset(deps: ResetOffsetDeps) {
  const { inflight, store, topics, groups, turns, polling, brokerName, logger } = deps
  const withinBounds = createWorkLine({
    inWorkMax: RESETS_IN_WORK_MAX,
    waitingMax: RESETS_WAITING_MAX,
    name: 'resets by time',
  })

  function check({ topic: name, group, queueId = NONE }: InvokeBrokerToResetOffsetHeader): Topic {
    if (isSystemTopic(name))
      throw new MqError('topic-illegal', `topic '${name}' belongs to the system: it stays as it is`)
    if (isSystemGroup(group))
      throw new MqError('group-illegal', `group '${group}' belongs to the system: it stays as it is`)
    const topic = topics.require(name)
    if (queueId !== NONE) requireQueue(topic, queueId)
    if (groups.get(group) === undefined) {
      throw new MqError(
        'group-not-found',
        `group '${group}' does not exist on this broker: it has no position to reset`,
      )
    }
    return topic
  }

  async function byTime(name: string, queueIds: readonly number[], timestampMs: number): Promise<Target[]> {
    const targets: Target[] = []
    for (const queueId of queueIds) {
      const offset =
        timestampMs < 0
          ? store.bounds(name, queueId).max
          : await store.searchOffset({ topic: name, queueId }, timestampMs, 'LOWER')
      targets.push({ queueId, offset })
    }
    return targets
  }

  /** In a job. */
  function move(request: Request, topic: Topic, targets: readonly Target[]): void {
    const { group } = request.header
    const { topicName } = topic.config
    let again = 0
    let skipped = 0
    const positions = targets.map(({ queueId, offset: wanted }) => {
      const { min, max } = store.bounds(topicName, queueId)
      const offset = Math.min(Math.max(wanted, min), max)
      const queue = inflight.queue(topicName, group, queueId)
      const from = queue === undefined ? offset : inflight.lowMark(queue)
      if (queue === undefined)
        inflight.start({ topic: topicName, incarnation: topic.incarnation, group, queueId }, offset)
      else inflight.reset(queue, offset)
      again += Math.max(0, from - offset)
      skipped += Math.max(0, offset - from)
      return { topic: topicName, brokerName, queueId, offset }
    })
    logger.info({ event: 'group.reset', topic: topicName, group, queues: positions.length, again, skipped })
    polling.lookAgain(topicName, group)
    deps.onChange()
    const body = encodeQueuePositions(positions)
    turns.release('flushed', (failure) => {
      if (failure === undefined) request.respond({ code: ResponseCode.SUCCESS, body })
      else
        request.respond({
          code: ResponseCode.SERVICE_NOT_AVAILABLE,
          remark: `the reset may be stored all the same: ${failure.message}`,
        })
    })
  }

  /** Java lets the offset be one more than the max, which is where the group then goes on once it is there. */
  function toOffset(request: Request, topic: Topic, { queueId, offset }: Target): void {
    const { min, max } = store.bounds(topic.config.topicName, queueId)
    if (offset >= min && offset <= max + 1) return move(request, topic, [{ queueId, offset }])
    const remark = `offset ${offset} is outside of queue ${queueId} of '${topic.config.topicName}': ${min} to ${max}`
    request.respond({ code: ResponseCode.SYSTEM_ERROR, remark })
  }

  /** Outside of jobs nobody translates an exception: this does what the dispatcher does. */
  function answering(request: Request, job: () => void): void {
    try {
      job()
    } catch (error) {
      if (!(error instanceof MqError)) throw error
      request.respond(failureOf(error))
    }
  }

  return async function resetOffset(request: Request): Promise<void> {
    const { topic: name, queueId = NONE, offset = NONE, timestampMs } = request.header
    const topic = check(request.header)
    if (queueId !== NONE && offset !== NONE) return toOffset(request, topic, { queueId, offset })
    const all = Array.from({ length: topic.config.readQueueNums }, (_, each) => each)
    const targets = await withinBounds(() => byTime(name, queueId === NONE ? all : [queueId], timestampMs))
    const entered = turns.enter(() =>
      answering(request, () => {
        const now = check(request.header)
        if (now.incarnation !== topic.incarnation)
          throw new MqError('busy', `topic '${name}' was created anew meanwhile`)
        move(request, now, targets)
      }),
    )
    if (!entered) throw new MqError('busy', 'too many requests wait for the broker')
  }
}
