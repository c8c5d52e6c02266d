// The one place where failures become codes of the v2 protocol. Business failures travel in the body of an answer.
import { Code, type StatusInit } from '@rocketmq-ts/grpc/v2'
import { MqError, type MqErrorCode } from '@rocketmq-ts/model'

/** Why a request is not done: code and a text that names cause, field and remedy. Also the body of a status. */
export interface Refusal {
  readonly code: Code
  readonly message: string
}

export const OK: StatusInit = { code: Code.OK, message: 'OK' }

export function refusal(code: Code, message: string): Refusal {
  return { code, message }
}

/** Says that a feature is not there yet. Never a hang, never an internal error. */
export function notImplemented(feature: string): Refusal {
  return refusal(Code.NOT_IMPLEMENTED, `${feature} is not implemented by this proxy yet`)
}

// Java: ResponseBuilder, GrpcProxyException. Differs in two places. A malformed handle is invalid, since clients would
// retry for ever. A broker that is away is no internal error: SDKs show those to the user as a fault of the server's.
const codes = {
  'topic-not-found': Code.TOPIC_NOT_FOUND,
  'topic-illegal': Code.ILLEGAL_TOPIC,
  'group-not-found': Code.CONSUMER_GROUP_NOT_FOUND,
  'group-illegal': Code.ILLEGAL_CONSUMER_GROUP,
  'message-illegal': Code.MESSAGE_CORRUPTED,
  'message-too-large': Code.MESSAGE_BODY_TOO_LARGE,
  'properties-too-large': Code.MESSAGE_PROPERTIES_TOO_LARGE,
  'queue-not-found': Code.BAD_REQUEST,
  'no-permission': Code.FORBIDDEN,
  'handle-malformed': Code.INVALID_RECEIPT_HANDLE,
  'handle-invalid': Code.INVALID_RECEIPT_HANDLE,
  'filter-illegal': Code.ILLEGAL_FILTER_EXPRESSION,
  'parameter-invalid': Code.BAD_REQUEST,
  'not-implemented': Code.NOT_IMPLEMENTED,
  busy: Code.TOO_MANY_REQUESTS,
  'polling-full': Code.TOO_MANY_REQUESTS,
  timeout: Code.PROXY_TIMEOUT,
  unavailable: Code.PROXY_TIMEOUT,
  'store-refused': Code.INTERNAL_SERVER_ERROR,
  'disk-full': Code.INTERNAL_SERVER_ERROR,
  damaged: Code.INTERNAL_SERVER_ERROR,
  protocol: Code.INTERNAL_SERVER_ERROR,
  closed: Code.PROXY_TIMEOUT,
  internal: Code.INTERNAL_SERVER_ERROR,
} as const satisfies Record<MqErrorCode, Code>

/** Body status of a failure. What is no MqError is a defect: its text stays inside, `isDefect` tells the caller. */
export function statusOf(error: unknown): Refusal {
  if (error instanceof MqError) return refusal(codes[error.code], error.message)
  return refusal(Code.INTERNAL_SERVER_ERROR, 'the proxy failed; its log tells more')
}

export function isDefect(error: unknown): boolean {
  return !(error instanceof MqError)
}

/** Top status of an answer with entries: their common code, else MULTIPLE_RESULTS. */
export function commonStatus(statuses: readonly StatusInit[]): StatusInit {
  const first = statuses[0]
  if (first === undefined) return OK
  if (statuses.every((status) => status.code === first.code)) return first
  return { code: Code.MULTIPLE_RESULTS, message: 'entries differ, each has its own status' }
}
