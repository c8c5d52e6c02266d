// ReceiveMessage: status, messages, delivery timestamp, then the end. Exactly one status; OK only with messages.
// Refusals are held back a little: some clients ask again at once, a thousand times a second.
// Java: ReceiveMessageActivity, ReceiveMessageResponseStreamWriter.
import type { FilterCache, MessageFilter } from '@rocketmq-ts/filter'
import { type GrpcCall, GrpcStatus } from '@rocketmq-ts/grpc'
import {
  Code,
  type Duration,
  durationToMs,
  msToTimestamp,
  type ReceiveMessageRequest,
  ReceiveMessageResponse,
  type Resource,
  type StatusInit,
} from '@rocketmq-ts/grpc/v2'
import type { Clock, Scheduler } from '@rocketmq-ts/runtime'
import type { Groups } from '../messaging/groups.ts'
import type { Receive, ReceiveRequest } from '../messaging/receive.ts'
import type { Clients } from '../sessions/clients.ts'
import { OK, refusal, type Refusal } from '../status.ts'
import type { PoppedMessage } from '../upstream/upstream.ts'
import { checkGroup, checkTopic } from '../validators.ts'
import { pause } from '../waiting.ts'
import { group as groupAccess, sub } from './access.ts'
import { deliveredMessage } from './delivered-message.ts'
import { filterOf } from './filter-expression.ts'
import type { RpcContext, StreamRpc } from './method.ts'

/** Clients send 36. */
const ATTEMPT_ID_BYTES_MAX = 255
const REFUSAL_DELAY_MS = 200
/** What clients have that did not say. */
const REQUEST_TIMEOUT_MS = 3000

export interface ReceiveLimits {
  readonly batchSizeMax: number
  readonly pollMsMax: number
  /** The answer leaves so long before the client's deadline. */
  readonly reserveMs: number
  readonly invisibleMsMin: number
  readonly invisibleMsMax: number
  /** First invisible time of what the proxy renews. */
  readonly renewedInvisibleMs: number
}

export interface ReceiveMessageDeps {
  readonly receive: Receive
  readonly groups: Groups
  readonly clients: Clients
  readonly filters: FilterCache
  readonly clock: Clock
  readonly scheduler: Scheduler
  readonly limits: ReceiveLimits
}

export function createReceiveMessage(deps: ReceiveMessageDeps): StreamRpc<ReceiveMessageRequest> {
  const { receive, groups, clients, clock, scheduler, limits } = deps

  function finish(call: GrpcCall): void {
    call.write(ReceiveMessageResponse.encode({ deliveryTimestamp: msToTimestamp(clock.nowMs()) }))
    call.finish(GrpcStatus.OK)
  }

  async function refuse(status: StatusInit, call: GrpcCall): Promise<Code> {
    const leftMs = (call.deadlineMonotonicMs ?? Infinity) - clock.monotonicMs() - limits.reserveMs
    await pause(scheduler, Math.max(0, Math.min(REFUSAL_DELAY_MS, leftMs)), call.signal)
    call.write(ReceiveMessageResponse.encode({ status }))
    finish(call)
    return status.code ?? Code.CODE_UNSPECIFIED
  }

  function none(call: GrpcCall): Code {
    call.write(ReceiveMessageResponse.encode({ status: refusal(Code.MESSAGE_NOT_FOUND, 'no new message') }))
    finish(call)
    return Code.MESSAGE_NOT_FOUND
  }

  /** Resolves with false when the client is gone before everything was written. */
  async function deliver(call: GrpcCall, topic: Resource, messages: readonly PoppedMessage[]): Promise<boolean> {
    call.write(ReceiveMessageResponse.encode({ status: OK }))
    for (const message of messages) {
      if (call.signal.aborted) return false
      const more = call.write(ReceiveMessageResponse.encode({ message: deliveredMessage(message, topic) }))
      if (!more) await call.drained()
    }
    if (call.signal.aborted) return false
    finish(call)
    return true
  }

  async function answer(message: ReceiveMessageRequest, { clientId, call }: RpcContext): Promise<Code> {
    const topic = message.messageQueue?.topic ?? null
    const plan = planReceive(message, deps)
    if (plan.kind === 'refused') return refuse(plan.status, call)
    const client = clients.see(clientId, call)
    if (client === undefined) return refuse(refusal(Code.TOO_MANY_REQUESTS, 'too many clients: try again later'), call)
    if (topic === null) return refuse(refusal(Code.ILLEGAL_TOPIC, 'message_queue.topic: is missing'), call)
    const group = message.group?.name ?? ''
    const request: ReceiveRequest = {
      clientId,
      group,
      topic: topic.name,
      brokerName: message.messageQueue?.broker?.name ?? '',
      batchSize: plan.batchSize,
      filter: plan.filter,
      invisibleMs: plan.invisibleMs,
      untilMs: untilMs(message.longPollingTimeout, call, client.requestTimeoutMs ?? REQUEST_TIMEOUT_MS),
      renew: message.autoRenew,
      attemptId: message.attemptId ?? '',
      inOrder: (await groups.settings(group, topic.name)).fifo,
    }
    const outcome = await receive.receive(request, call.signal)
    switch (outcome.kind) {
      case 'found':
        // Nobody would say goodbye for a client that already did: what it holds would be renewed for hours.
        if (request.renew && clients.find(clientId) === undefined) {
          await receive.release(request, outcome.messages)
          return none(call)
        }
        if (!(await deliver(call, topic, outcome.messages))) await receive.release(request, outcome.messages)
        return Code.OK
      case 'polling-full':
        return refuse(
          refusal(Code.TOO_MANY_REQUESTS, 'polling full: the broker holds as many receives as it may'),
          call,
        )
      case 'none':
        return none(call)
    }
  }

  /** The poll a client asks for, cut to what its own deadline allows. Java refuses short ones; we just poll less. */
  function untilMs(asked: Duration | null, call: GrpcCall, requestTimeoutMs: number): number {
    const now = clock.monotonicMs()
    const leftMs = (call.deadlineMonotonicMs ?? Infinity) - now
    const pollMs = asked === null ? leftMs - requestTimeoutMs / 2 : durationToMs(asked)
    return now + Math.max(0, Math.min(pollMs, limits.pollMsMax, leftMs - limits.reserveMs))
  }

  return {
    access: ({ messageQueue, group }) => [sub(messageQueue?.topic?.name), groupAccess(group?.name)],
    answer,
    refuse,
  }
}

type ReceivePlan =
  | { readonly kind: 'refused'; readonly status: Refusal }
  | {
      readonly kind: 'receive'
      readonly batchSize: number
      readonly filter: MessageFilter
      readonly invisibleMs: number
    }

function refused(code: Code, message: string): ReceivePlan {
  return { kind: 'refused', status: refusal(code, message) }
}

function planReceive(
  request: ReceiveMessageRequest,
  { limits, filters }: Pick<ReceiveMessageDeps, 'limits' | 'filters'>,
): ReceivePlan {
  const illegal = checkTopic(request.messageQueue?.topic ?? null, 'message_queue.topic') ?? checkGroup(request.group)
  if (illegal !== undefined) return { kind: 'refused', status: illegal }
  if (request.batchSize < 1) return refused(Code.BAD_REQUEST, `batch_size: ${request.batchSize} is less than 1`)
  if (Buffer.byteLength(request.attemptId ?? '') > ATTEMPT_ID_BYTES_MAX) {
    return refused(Code.BAD_REQUEST, `attempt_id: longer than ${ATTEMPT_ID_BYTES_MAX} bytes`)
  }
  if (request.longPollingTimeout !== null && durationToMs(request.longPollingTimeout) < 0) {
    return refused(Code.ILLEGAL_POLLING_TIME, 'long_polling_timeout: is negative')
  }
  const invisibleMs = request.autoRenew
    ? limits.renewedInvisibleMs
    : request.invisibleDuration === null
      ? 0
      : durationToMs(request.invisibleDuration)
  if (!request.autoRenew && (invisibleMs < limits.invisibleMsMin || invisibleMs > limits.invisibleMsMax)) {
    return refused(
      Code.ILLEGAL_INVISIBLE_TIME,
      `invisible_duration: ${invisibleMs} ms is not within ${limits.invisibleMsMin} … ${limits.invisibleMsMax} ms`,
    )
  }
  const filter = filterOf(request.filterExpression, filters, 'filter_expression')
  if ('code' in filter) return { kind: 'refused', status: filter }
  return { kind: 'receive', batchSize: Math.min(request.batchSize, limits.batchSizeMax), filter, invisibleMs }
}
