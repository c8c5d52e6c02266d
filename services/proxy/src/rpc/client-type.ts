import { ClientType, Code } from '@rocketmq-ts/grpc/v2'
import { notImplemented, refusal, type Refusal } from '../status.ts'

/** The kinds of clients this build serves. */
export function checkClientType(type: ClientType, field: string): Refusal | undefined {
  switch (type) {
    case ClientType.PRODUCER:
    case ClientType.PUSH_CONSUMER:
    case ClientType.SIMPLE_CONSUMER:
    case ClientType.CLIENT_TYPE_UNSPECIFIED:
      return undefined
    case ClientType.LITE_PUSH_CONSUMER:
    case ClientType.LITE_SIMPLE_CONSUMER:
      return notImplemented(`${field}: lite consumers`)
    case ClientType.PULL_CONSUMER:
    default:
      return refusal(Code.UNRECOGNIZED_CLIENT_TYPE, `${field}: ${type} is no client this proxy serves`)
  }
}

export function isConsumer(type: ClientType): boolean {
  return type === ClientType.PUSH_CONSUMER || type === ClientType.SIMPLE_CONSUMER
}
