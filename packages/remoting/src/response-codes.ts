// Operating errors as remoting shows them: one table, so that a new code does not compile before it has an answer.
import { MqError, type MqErrorCode } from '@rocketmq-ts/model'
import { ResponseCode } from './codec/codes.ts'
import type { FailureAnswer } from './peer.ts'

const responseCodes = {
  'topic-not-found': ResponseCode.TOPIC_NOT_EXIST,
  'topic-illegal': ResponseCode.INVALID_PARAMETER,
  'group-not-found': ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
  'group-illegal': ResponseCode.INVALID_PARAMETER,
  'message-illegal': ResponseCode.MESSAGE_ILLEGAL,
  'message-too-large': ResponseCode.MESSAGE_ILLEGAL,
  'properties-too-large': ResponseCode.MESSAGE_ILLEGAL,
  'queue-not-found': ResponseCode.INVALID_PARAMETER,
  'no-permission': ResponseCode.NO_PERMISSION,
  'handle-malformed': ResponseCode.MESSAGE_ILLEGAL,
  'handle-invalid': ResponseCode.NO_MESSAGE,
  'filter-illegal': ResponseCode.SUBSCRIPTION_PARSE_FAILED,
  'parameter-invalid': ResponseCode.INVALID_PARAMETER,
  'not-implemented': ResponseCode.REQUEST_CODE_NOT_SUPPORTED,
  busy: ResponseCode.SYSTEM_BUSY,
  'polling-full': ResponseCode.POLLING_FULL,
  timeout: ResponseCode.SYSTEM_ERROR,
  unavailable: ResponseCode.SERVICE_NOT_AVAILABLE,
  'store-refused': ResponseCode.SERVICE_NOT_AVAILABLE,
  'disk-full': ResponseCode.SERVICE_NOT_AVAILABLE,
  damaged: ResponseCode.SYSTEM_ERROR,
  protocol: ResponseCode.SYSTEM_ERROR,
  closed: ResponseCode.SYSTEM_ERROR,
  internal: ResponseCode.SYSTEM_ERROR,
} as const satisfies Record<MqErrorCode, number>

// Where several errors share a response code, the one that fits what a caller can do about it.
const errorCodes: ReadonlyMap<number, MqErrorCode> = new Map<number, MqErrorCode>([
  [ResponseCode.SYSTEM_ERROR, 'internal'],
  [ResponseCode.SYSTEM_BUSY, 'busy'],
  [ResponseCode.REQUEST_CODE_NOT_SUPPORTED, 'not-implemented'],
  [ResponseCode.MESSAGE_ILLEGAL, 'message-illegal'],
  [ResponseCode.SLAVE_NOT_AVAILABLE, 'unavailable'],
  [ResponseCode.SERVICE_NOT_AVAILABLE, 'unavailable'],
  [ResponseCode.NO_PERMISSION, 'no-permission'],
  [ResponseCode.TOPIC_NOT_EXIST, 'topic-not-found'],
  [ResponseCode.SUBSCRIPTION_PARSE_FAILED, 'filter-illegal'],
  [ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, 'group-not-found'],
  [ResponseCode.INVALID_PARAMETER, 'parameter-invalid'],
  [ResponseCode.NO_MESSAGE, 'handle-invalid'],
  [ResponseCode.POLLING_FULL, 'polling-full'],
  [ResponseCode.FLOW_CONTROL, 'busy'],
  [ResponseCode.GO_AWAY, 'unavailable'],
])

/** What brokers, ours and Apache's, say of SERVICE_NOT_AVAILABLE where a disk is the reason; other reasons pass sooner. */
const DISK_FULL = /no space is left|disk is full|disk full/
const DISK = /\bdisk\b/

function errorCodeOf(code: number, remark: string): MqErrorCode {
  if (code === ResponseCode.SERVICE_NOT_AVAILABLE && DISK_FULL.test(remark)) return 'disk-full'
  if (code === ResponseCode.SERVICE_NOT_AVAILABLE && DISK.test(remark)) return 'store-refused'
  return errorCodes.get(code) ?? 'internal'
}

/** The response code of an operating error. */
export function responseCodeOf(code: MqErrorCode): number {
  return responseCodes[code]
}

/** The answer that tells a caller of this error. */
export function failureOf(error: MqError): FailureAnswer {
  return { code: responseCodeOf(error.code), remark: error.message }
}

/** The error of an answer that is no success, for callers that expected one. `request` names what was asked of whom. */
export function errorOf(answer: { readonly code: number; readonly remark?: string }, request: string): MqError {
  const remark = answer.remark ?? 'no remark'
  return new MqError(errorCodeOf(answer.code, remark), `${request}: answer ${answer.code}: ${remark}`)
}
