// The methods of apache.rocketmq.v2.MessagingService: where each is called, how it flows and what it carries.
import type { Codec } from './codec.ts'
import * as v2 from './generated/v2.ts'

/** One method of a service. */
export interface MethodDeclaration<Kind extends MethodKind, Request, RequestInit, Response, ResponseInit> {
  /** As in the `:path` of a call. */
  readonly path: string
  readonly kind: Kind
  readonly request: Codec<Request, RequestInit>
  readonly response: Codec<Response, ResponseInit>
}
export type MethodKind = 'unary' | 'server-streaming' | 'bidirectional'

function method<Kind extends MethodKind, Request, RequestInit, Response, ResponseInit>(
  name: string,
  kind: Kind,
  request: Codec<Request, RequestInit>,
  response: Codec<Response, ResponseInit>,
): MethodDeclaration<Kind, Request, RequestInit, Response, ResponseInit> {
  return { path: `/apache.rocketmq.v2.MessagingService/${name}`, kind, request, response }
}

/** All methods by name. */
export const MessagingService = {
  QueryRoute: method('QueryRoute', 'unary', v2.QueryRouteRequest, v2.QueryRouteResponse),
  Heartbeat: method('Heartbeat', 'unary', v2.HeartbeatRequest, v2.HeartbeatResponse),
  SendMessage: method('SendMessage', 'unary', v2.SendMessageRequest, v2.SendMessageResponse),
  QueryAssignment: method('QueryAssignment', 'unary', v2.QueryAssignmentRequest, v2.QueryAssignmentResponse),
  ReceiveMessage: method('ReceiveMessage', 'server-streaming', v2.ReceiveMessageRequest, v2.ReceiveMessageResponse),
  AckMessage: method('AckMessage', 'unary', v2.AckMessageRequest, v2.AckMessageResponse),
  ForwardMessageToDeadLetterQueue: method(
    'ForwardMessageToDeadLetterQueue',
    'unary',
    v2.ForwardMessageToDeadLetterQueueRequest,
    v2.ForwardMessageToDeadLetterQueueResponse,
  ),
  PullMessage: method('PullMessage', 'server-streaming', v2.PullMessageRequest, v2.PullMessageResponse),
  UpdateOffset: method('UpdateOffset', 'unary', v2.UpdateOffsetRequest, v2.UpdateOffsetResponse),
  GetOffset: method('GetOffset', 'unary', v2.GetOffsetRequest, v2.GetOffsetResponse),
  QueryOffset: method('QueryOffset', 'unary', v2.QueryOffsetRequest, v2.QueryOffsetResponse),
  EndTransaction: method('EndTransaction', 'unary', v2.EndTransactionRequest, v2.EndTransactionResponse),
  Telemetry: method('Telemetry', 'bidirectional', v2.TelemetryCommand, v2.TelemetryCommand),
  NotifyClientTermination: method(
    'NotifyClientTermination',
    'unary',
    v2.NotifyClientTerminationRequest,
    v2.NotifyClientTerminationResponse,
  ),
  ChangeInvisibleDuration: method(
    'ChangeInvisibleDuration',
    'unary',
    v2.ChangeInvisibleDurationRequest,
    v2.ChangeInvisibleDurationResponse,
  ),
  RecallMessage: method('RecallMessage', 'unary', v2.RecallMessageRequest, v2.RecallMessageResponse),
  SyncLiteSubscription: method(
    'SyncLiteSubscription',
    'unary',
    v2.SyncLiteSubscriptionRequest,
    v2.SyncLiteSubscriptionResponse,
  ),
} as const
export type MessagingMethodName = keyof typeof MessagingService
