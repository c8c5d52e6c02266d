// POP_MESSAGE: claims messages for an invisible time, or waits for some. Java: PopMessageProcessor.
import type { FilterCache } from '@rocketmq-ts/filter'
import {
  MqError,
  ORDERED_REVIVE_QUEUE_ID,
  orderUnitOf,
  Perm,
  type SubscriptionGroupConfig,
  SystemTopic,
  decodeRecord,
  popTopicFlag,
  topicMessageType,
} from '@rocketmq-ts/model'
import {
  type IncomingRequest,
  type PopMessageAnswer,
  type PopMessageHeader,
  PopInitMode,
  ResponseCode,
  failureOf,
} from '@rocketmq-ts/remoting'
import type { Clock, Turns } from '@rocketmq-ts/runtime'
import type { QueueReader, UnitReader } from '@rocketmq-ts/store'
import { type GroupTable, attemptsMax } from '../groups/group-table.ts'
import { ATTEMPT_ID_BYTES_MAX, type FullReason, type Inflight, type QueueState } from '../inflight/inflight.ts'
import type { LongPolling } from '../long-polling.ts'
import type { PeerWaits } from '../peer-waits.ts'
import { INVISIBLE_TIME_MS_MAX, POLL_TIME_MS_MAX, POP_MESSAGES_MAX } from '../limits.ts'
import type { TopicTable } from '../topics/topic-table.ts'
import { createLineOpener } from './line-opener.ts'
import type { MovedDeliveries } from './moved-deliveries.ts'
import { type MatcherOf, type RewriteOf, readMessages } from './read-messages.ts'
import { createRecordMatcher, type Verdicts } from './record-filter.ts'
import type { RemovalFence } from './removal-fence.ts'
import { deliveredRecord, deliveriesBefore } from './retry-delivery.ts'
import { popKindOf, retryTopicsOf } from './retry-topics.ts'
import { type ByMessageGroup, type PopRequest, type Taken, type TakenMessage, takeMessages } from './take-messages.ts'

type Request = IncomingRequest<PopMessageHeader, PopMessageAnswer>

interface Attempt {
  readonly request: Request
  /** Monotonic milliseconds. */
  readonly pollUntilMs: number
  /** Queue of the message that ended a wait. */
  readonly wokenBy: number | undefined
  /** The group began with this request: its answer waits for the flush. */
  readonly started: boolean
  /** It waited for the disk before. */
  readonly loaded: boolean
  readonly verdicts: Verdicts
  /** Of use where the group consumes so. */
  readonly byMessageGroup: ByMessageGroup
}

/** reviveQueueId of answers in any order: our in-flight state needs no revive queues. */
const REVIVE_QUEUE_ID = 0
/** One pop of so many takes from the retry topics first; all others do so last. Java: popFromRetryProbability, 20 %. */
const RETRIES_FIRST_EVERY = 5

export interface PopDeps {
  readonly inflight: Inflight
  readonly reader: QueueReader & UnitReader
  readonly topics: TopicTable
  readonly groups: Pick<GroupTable, 'get'>
  readonly brokerName: string
  readonly turns: Pick<Turns, 'enter' | 'release'>
  readonly clock: Clock
  readonly polling: LongPolling
  readonly fence: RemovalFence
  readonly moved: Pick<MovedDeliveries, 'awaitsCopies'>
  readonly waits: PeerWaits
  /** The group's settings, created where that is allowed. Throws MqError 'group-not-found'. */
  readonly groupForConsume: (name: string) => SubscriptionGroupConfig
  readonly filters: Pick<FilterCache, 'filter'>
  /** A claimed message can not be read: it settles as damaged. */
  readonly onUnreadable: (message: TakenMessage, popTime: number, error: Error) => void
  /** A claimed message of a retry topic was delivered as often as it may be, over all its copies. */
  readonly onExhausted: (message: TakenMessage, popTime: number) => void
  /** A claimed message does not match the filter, though its tags code does: it settles as filtered. */
  readonly onFiltered: (message: TakenMessage, popTime: number) => void
  readonly onDelivered: (topic: string, group: string, messages: number, bytes: number) => void
  readonly onFull: (topic: string, group: string, bound: FullReason) => void
  /** A group that consumes in any order asks for messages that were sent to be consumed in order. */
  readonly onUnordered: (topic: string, group: string) => void
}

/** Checks what a pop asks for. Exported for NOTIFICATION, which asks the same. */
export function checkReadable(
  deps: Pick<PopDeps, 'topics' | 'groupForConsume'>,
  topicName: string,
  groupName: string,
  queueId: number,
) {
  const topic = deps.topics.require(topicName)
  if (topicName === SystemTopic.HALF) {
    throw new MqError('no-permission', `topic '${topicName}' holds messages that are not decided: nobody may see them`)
  }
  if ((topic.config.perm & Perm.READ) === 0) throw new MqError('no-permission', `topic '${topicName}' is not readable`)
  const group = deps.groupForConsume(groupName)
  if (!group.consumeEnable) {
    throw new MqError(
      'no-permission',
      `group '${groupName}' is switched off (consumeEnable); switch it on with: rmq group update ${groupName} --consume-enable true`,
    )
  }
  const queues = topic.config.readQueueNums
  if (queueId < -1 || queueId >= queues) {
    throw new MqError(
      'parameter-invalid',
      `queueId is ${queueId}; topic '${topicName}' has readable queues 0 to ${queues - 1}`,
    )
  }
  return topic
}

function popRequest(
  deps: PopDeps,
  { request: { header }, verdicts, byMessageGroup }: Attempt,
  turn: number,
): PopRequest {
  const { maxMsgNums, invisibleTimeMs } = header
  if (maxMsgNums < 1 || maxMsgNums > POP_MESSAGES_MAX) {
    throw new MqError('parameter-invalid', `maxMsgNums is ${maxMsgNums}; allowed is 1 to ${POP_MESSAGES_MAX}`)
  }
  if (invisibleTimeMs <= 0 || invisibleTimeMs > INVISIBLE_TIME_MS_MAX) {
    throw new MqError(
      'parameter-invalid',
      `invisibleTime is ${invisibleTimeMs} ms; allowed is 1 to ${INVISIBLE_TIME_MS_MAX}`,
    )
  }
  const attemptId = header.attemptId ?? ''
  if (Buffer.byteLength(attemptId) > ATTEMPT_ID_BYTES_MAX) {
    throw new MqError('parameter-invalid', `attemptId is longer than ${ATTEMPT_ID_BYTES_MAX} bytes`)
  }
  const topic = checkReadable(deps, header.topic, header.consumerGroup, header.queueId)
  const group = deps.groups.get(header.consumerGroup)
  const inOrder = header.order === true || group?.consumeMessageOrderly === true
  if (!inOrder && topicMessageType(topic.config) === 'FIFO') deps.onUnordered(header.topic, header.consumerGroup)
  return {
    topic,
    attemptId: inOrder ? attemptId : undefined,
    byMessageGroup: group !== undefined && orderUnitOf(group) === 'MESSAGE_GROUP' ? byMessageGroup : undefined,
    group: header.consumerGroup,
    queueId: header.queueId,
    max: maxMsgNums,
    invisibleMs: invisibleTimeMs,
    filter: deps.filters.filter(header.expType, header.exp),
    verdicts,
    startAt: header.initMode === PopInitMode.MIN ? 'min' : 'max',
    retries: retryTopicsOf(deps.topics, header.consumerGroup, header.topic),
    retriesFirst: turn % RETRIES_FIRST_EVERY === 0,
  }
}

/** The handler. */
export function createPopMessage(deps: PopDeps) {
  const { turns, clock, polling } = deps
  const openLines = createLineOpener(deps)
  let nextQueue = 0

  function pop(earlier: Attempt): void {
    const { request, pollUntilMs } = earlier
    if (deps.waits.isGone(request.peer)) {
      passOn(earlier)
      return
    }
    nextQueue += 1
    const wanted = popRequest(deps, earlier, nextQueue)
    // Proxies ask for their clients; anybody else is known by its address.
    const client = request.header.clientId ?? request.peer.remoteAddress
    const taken = deps.inflight.deliverTo(client, () => takeMessages(deps, wanted, clock.nowMs(), nextQueue))
    const attempt = { ...earlier, started: earlier.started || taken.started }
    if (taken.full !== undefined) deps.onFull(request.header.topic, request.header.consumerGroup, taken.full)
    if (taken.queues.length > 0) {
      // What is not in memory must not wait until the other queues are empty. A failure shows when nothing else is left.
      taken.load?.().catch(() => undefined)
      wakeNext(taken, wanted)
      const isHeld = attempt.started || wanted.attemptId !== undefined
      turns.release(isHeld ? 'flushed' : 'written', () => void answer(attempt, wanted, taken))
    } else if (taken.load !== undefined && (!attempt.loaded || clock.monotonicMs() < pollUntilMs)) {
      taken.load().then(
        () => enterAgain({ ...attempt, loaded: true }),
        (error: unknown) => fail(request, error),
      )
    } else if (taken.more && clock.monotonicMs() < pollUntilMs) {
      enterAgain(attempt)
    } else {
      wait(attempt, wanted)
    }
  }

  /** Who woke for a message that nobody is there to take leaves it to the next one. */
  function passOn({ request: { header }, wokenBy }: Attempt): void {
    if (wokenBy !== undefined) polling.messageReleased(header.topic, header.consumerGroup, wokenBy)
  }

  /** Many messages are released by one event: whoever leaves some wakes the next. */
  function wakeNext({ queues }: Taken, { topic, group, attemptId }: PopRequest): void {
    // A message that woke nobody because its queue was held up may wait in any queue that is free now.
    if (attemptId !== undefined) polling.messageReleased(topic.config.topicName, group, -1)
    for (const { queue } of queues) {
      if (queue.lines === undefined ? queue.ready > 0 : queue.lines.givable > 0)
        polling.messageReleased(queue.topic, queue.group, queue.queueId)
    }
  }

  // Outside of jobs nobody translates an exception: this does what the dispatcher does for the first attempt.
  function popAgain(attempt: Attempt): void {
    try {
      pop(attempt)
    } catch (error) {
      if (!(error instanceof MqError)) throw error
      fail(attempt.request, error)
    }
  }

  function enterAgain(attempt: Attempt): void {
    if (turns.enter(() => popAgain(attempt))) return
    const remark = 'too many requests wait for the broker'
    attempt.request.respond({ code: ResponseCode.SYSTEM_BUSY, remark })
  }

  function wait(attempt: Attempt, wanted: PopRequest): void {
    const { request, pollUntilMs, started } = attempt
    const pollMs = Math.min(pollUntilMs - clock.monotonicMs(), POLL_TIME_MS_MAX)
    if (pollMs <= 0) {
      turns.release(started ? 'flushed' : 'written', () => respondNone(request))
      return
    }
    request.noteHeld()
    let registered: { done(): void } | undefined
    const held = polling.hold({
      topic: request.header.topic,
      group: request.header.consumerGroup,
      queueId: request.header.queueId,
      pollMs,
      matches: (tagsCode) => wanted.filter.matchesCode(tagsCode),
      takes: true,
      wake(reason, queueId) {
        registered?.done()
        if (reason === 'message') enterAgain({ ...attempt, wokenBy: queueId })
        else if (reason === 'timeout') respondNone(request)
      },
    })
    if (held === undefined) {
      request.respond({
        code: ResponseCode.POLLING_FULL,
        remark: 'too many requests wait for messages: poll less often',
      })
      return
    }
    registered = deps.waits.add(request.peer, held)
  }

  function respondNone(request: Request): void {
    request.respond({ code: ResponseCode.POLLING_TIMEOUT, remark: 'no message within the polling time' })
  }

  function fail(request: Request, error: unknown): void {
    request.respond(failureOf(error instanceof MqError ? error : new MqError('internal', String(error), error)))
  }

  /** Messages of retry topics are delivered under the topic that was asked for, unless their deliveries are used up. */
  function rewriteOf({ topic, group, invisibleMs, retries }: PopRequest, { popTime }: Taken): RewriteOf | undefined {
    if (retries.length === 0) return undefined
    const { topicName } = topic.config
    const pop = { topic: topicName, brokerName: deps.brokerName, popTime, invisibleMs }
    const deliveriesMax = attemptsMax(deps.groups.get(group))
    function rewrite(bytes: Uint8Array, message: TakenMessage, startOffset: number): Uint8Array | undefined {
      const record = decodeRecord(bytes)
      if (deliveriesBefore(record, message) < deliveriesMax) return deliveredRecord(record, message, startOffset, pop)
      deps.onExhausted(message, popTime)
      return undefined
    }
    return (queue) => (queue.topic === topicName ? undefined : rewrite)
  }

  /** Copies in retry topics are delivered whatever the filter says, as all redeliveries. Java: filterSupportRetry, false. */
  function matcherOf({ topic, filter }: PopRequest): MatcherOf | undefined {
    if (filter.all) return undefined
    const matches = createRecordMatcher(filter)
    return (queue) => (queue.topic === topic.config.topicName ? matches : undefined)
  }

  async function answer(attempt: Attempt, wanted: PopRequest, taken: Taken): Promise<void> {
    const { request } = attempt
    const { topic, consumerGroup } = request.header
    let filtered = 0
    const { body, count, offsets } = await readMessages(
      {
        ...deps,
        inOrder: wanted.attemptId !== undefined,
        rewriteOf: rewriteOf(wanted, taken),
        matcherOf: matcherOf(wanted),
        onFiltered(message, popTime) {
          filtered += 1
          deps.onFiltered(message, popTime)
        },
      },
      taken,
    )
    if (count === 0 && filtered > 0 && clock.monotonicMs() < attempt.pollUntilMs) {
      enterAgain(attempt)
      return
    }
    const rest = taken.queues.reduce(
      (sum, { queue }) => sum + deps.inflight.lag(queue, deps.reader.bounds(queue.topic, queue.queueId).max),
      0,
    )
    if (count === 0) {
      respondNone(request)
      return
    }
    deps.onDelivered(topic, consumerGroup, count, body.length)
    const flagOf = (queue: QueueState) => popTopicFlag(popKindOf(queue.topic, consumerGroup, topic))
    const infoOf = (text: (readable: readonly number[]) => string) =>
      offsets.map(({ queue, readable }) => `${flagOf(queue)} ${queue.queueId} ${text(readable)}`).join(';')
    request.respond({
      code: ResponseCode.SUCCESS,
      header: {
        popTimeMs: taken.popTime,
        invisibleTimeMs: wanted.invisibleMs,
        reviveQid: wanted.attemptId === undefined ? REVIVE_QUEUE_ID : ORDERED_REVIVE_QUEUE_ID,
        restNum: rest,
        startOffsetInfo: infoOf(([first]) => `${first}`),
        msgOffsetInfo: infoOf((readable) => readable.join(',')),
        orderCountInfo: '',
      },
      body,
    })
  }

  return function popMessage(request: Request): void {
    const pollUntilMs = clock.monotonicMs() + request.header.pollTimeMs
    pop({
      request,
      pollUntilMs,
      wokenBy: undefined,
      started: false,
      loaded: false,
      verdicts: new Map(),
      byMessageGroup: { openLines, known: new Map() },
    })
  }
}
