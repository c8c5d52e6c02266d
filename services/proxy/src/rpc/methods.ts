// The whole surface of the proxy on one page: method → what answers it.
import type { GrpcMethod, GrpcMethods } from '@rocketmq-ts/grpc'
import { MessagingService } from '@rocketmq-ts/grpc/v2'
import type { Settle } from '../messaging/settle.ts'
import type { TransactionEnder } from '../upstream/upstream.ts'
import { createAckMessage } from './ack-message.ts'
import type { Admission } from './admission.ts'
import { createChangeInvisibleDuration } from './change-invisible-duration.ts'
import { createEndTransaction } from './end-transaction.ts'
import { createForwardMessageToDeadLetterQueue } from './forward-message-to-dead-letter-queue.ts'
import { createHeartbeat } from './heartbeat.ts'
import { laterMethods } from './later.ts'
import { type MethodDeps, streamMethod, unaryMethod } from './method.ts'
import { createNotifyClientTermination } from './notify-client-termination.ts'
import { createQueryAssignment, type QueryAssignmentDeps } from './query-assignment.ts'
import { createQueryRoute } from './query-route.ts'
import { createRecallMessage, type RecallMessageDeps } from './recall-message.ts'
import { createReceiveMessage, type ReceiveMessageDeps } from './receive-message.ts'
import { createSendMessage, type SendMessageDeps } from './send-message.ts'
import { createTelemetry, type TelemetryDeps } from './telemetry.ts'

export interface MethodsDeps
  extends
    MethodDeps,
    QueryAssignmentDeps,
    Omit<SendMessageDeps, 'limits'>,
    RecallMessageDeps,
    Omit<ReceiveMessageDeps, 'limits'>,
    TelemetryDeps {
  readonly settle: Settle
  readonly ender: TransactionEnder
  /** Counted apart: a receive waits, it does not work. */
  readonly receiveAdmission: Admission
  readonly messageLimits: SendMessageDeps['limits']
  readonly receiveLimits: ReceiveMessageDeps['limits']
}

export function createMethods(deps: MethodsDeps): GrpcMethods {
  const { clients, settle, messageLimits, receiveLimits, receiveAdmission } = deps
  const { QueryRoute, QueryAssignment, SendMessage, ReceiveMessage, AckMessage } = MessagingService
  const { ChangeInvisibleDuration, ForwardMessageToDeadLetterQueue } = MessagingService
  const { EndTransaction, Heartbeat, NotifyClientTermination, RecallMessage, Telemetry } = MessagingService
  const changeDeps = { settle, invisibleMsMax: receiveLimits.invisibleMsMax }
  const receive = createReceiveMessage({ ...deps, limits: receiveLimits })
  return new Map<string, GrpcMethod>([
    [QueryRoute.path, unaryMethod(QueryRoute, createQueryRoute(deps), deps)],
    [QueryAssignment.path, unaryMethod(QueryAssignment, createQueryAssignment(deps), deps)],
    [SendMessage.path, unaryMethod(SendMessage, createSendMessage({ ...deps, limits: messageLimits }), deps)],
    [ReceiveMessage.path, streamMethod(ReceiveMessage, receive, { ...deps, admission: receiveAdmission })],
    [AckMessage.path, unaryMethod(AckMessage, createAckMessage({ settle }), deps)],
    [
      ChangeInvisibleDuration.path,
      unaryMethod(ChangeInvisibleDuration, createChangeInvisibleDuration(changeDeps), deps),
    ],
    [
      ForwardMessageToDeadLetterQueue.path,
      unaryMethod(ForwardMessageToDeadLetterQueue, createForwardMessageToDeadLetterQueue({ settle }), deps),
    ],
    [RecallMessage.path, unaryMethod(RecallMessage, createRecallMessage(deps), deps)],
    [Heartbeat.path, unaryMethod(Heartbeat, createHeartbeat({ clients }), deps)],
    [
      NotifyClientTermination.path,
      unaryMethod(NotifyClientTermination, createNotifyClientTermination({ clients }), deps),
    ],
    [EndTransaction.path, unaryMethod(EndTransaction, createEndTransaction(deps), deps)],
    [Telemetry.path, createTelemetry(deps)],
    ...laterMethods(deps),
  ])
}
