// Operating errors: something outside failed, and the caller must hear of it. Expected outcomes are union values
// instead, programmer errors are assertions. Each protocol translates the codes once, at its edge.

export const MQ_ERROR_CODES = [
  'topic-not-found',
  'topic-illegal',
  'group-not-found',
  'group-illegal',
  'message-illegal',
  'message-too-large',
  'properties-too-large',
  'queue-not-found',
  'no-permission',
  'handle-malformed',
  'handle-invalid',
  'filter-illegal',
  'parameter-invalid',
  'not-implemented',
  'busy',
  'polling-full',
  'timeout',
  'unavailable',
  'store-refused',
  'disk-full',
  'damaged',
  'protocol',
  'closed',
  'internal',
] as const
export type MqErrorCode = (typeof MQ_ERROR_CODES)[number]

/** An error that names cause, field and remedy in its message, with a stable code for programs. */
export class MqError extends Error {
  readonly code: MqErrorCode
  constructor(code: MqErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'MqError'
    this.code = code
  }
}
