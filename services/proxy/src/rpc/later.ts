// What the protocol has and this build does not do yet: the body says so and names the feature. Never a hang.
import { type GrpcMethod, GrpcStatus } from '@rocketmq-ts/grpc'
import { Code, MessagingService, PullMessageResponse, type StatusInit } from '@rocketmq-ts/grpc/v2'
import { notImplemented } from '../status.ts'
import { type MethodDeps, type MethodShape, type StreamRpc, streamMethod, unaryMethod } from './method.ts'

/** Method path → method. */
export function laterMethods(deps: MethodDeps): [path: string, method: GrpcMethod][] {
  function unary<Request>(
    shape: MethodShape<Request, { readonly status: StatusInit }>,
    feature: string,
  ): [string, GrpcMethod] {
    const status = notImplemented(feature)
    const rpc = { access: () => [], answer: () => ({ status }), refuse: (no: StatusInit) => ({ status: no }) }
    return [shape.path, unaryMethod(shape, rpc, deps)]
  }
  const { SyncLiteSubscription } = MessagingService
  const { PullMessage, UpdateOffset, GetOffset, QueryOffset } = MessagingService
  return [
    unary(SyncLiteSubscription, 'SyncLiteSubscription: lite topics'),
    unary(UpdateOffset, 'UpdateOffset: offsets of pull consumers'),
    unary(GetOffset, 'GetOffset: offsets of pull consumers'),
    unary(QueryOffset, 'QueryOffset: offsets of pull consumers'),
    [PullMessage.path, pullMessage(deps)],
  ]
}

function pullMessage(deps: MethodDeps): GrpcMethod {
  const refuse: StreamRpc<unknown>['refuse'] = (status, call) => {
    call.write(PullMessageResponse.encode({ status }))
    call.finish(GrpcStatus.OK)
    return Promise.resolve(status.code ?? Code.CODE_UNSPECIFIED)
  }
  return streamMethod(
    MessagingService.PullMessage,
    {
      access: () => [],
      answer: (_request, { call }) => refuse(notImplemented('PullMessage: pull consumers'), call),
      refuse,
    },
    deps,
  )
}
