// CONSUME_MESSAGE_DIRECTLY: a client consumes a stored message on the spot, and nothing of its group moves. A broker adds the
// record as the body and passes it on to the client. Java: ConsumeMessageDirectlyResultRequestHeader,
// ConsumeMessageDirectlyResult.
import { utf8Encode } from '@rocketmq-ts/bytes'
import { JsonFields, parseJavaJson, stringifyJavaJson } from '@rocketmq-ts/model'
import { RequestCode } from '../codec/codes.ts'
import { defineRequest, type RequestHeaderOf } from '../codec/define-request.ts'
import { int32, optional, text } from '../codec/fields.ts'

export const ConsumeMessageDirectly = defineRequest({
  code: RequestCode.CONSUME_MESSAGE_DIRECTLY,
  name: 'CONSUME_MESSAGE_DIRECTLY',
  header: {
    consumerGroup: text(),
    clientId: optional(text()),
    /** Offset message id. */
    msgId: optional(text()),
    brokerName: optional(text()),
    topic: optional(text()),
    topicSysFlag: optional(int32()),
    groupSysFlag: optional(int32()),
  },
  answer: {},
})

export type ConsumeMessageDirectlyHeader = RequestHeaderOf<typeof ConsumeMessageDirectly>

/** Java: CMResult. */
export const CONSUME_RESULTS = [
  'CR_SUCCESS',
  'CR_LATER',
  'CR_ROLLBACK',
  'CR_COMMIT',
  'CR_THROW_EXCEPTION',
  'CR_RETURN_NULL',
] as const

export interface ConsumeMessageDirectlyResult {
  readonly consumeResult: (typeof CONSUME_RESULTS)[number]
  /** What the client says of it. */
  readonly remark: string
  readonly spentTimeMs: number
}

/** Body of the answer. Java: ConsumeMessageDirectlyResult. */
export function encodeConsumeResult({ consumeResult, remark, spentTimeMs }: ConsumeMessageDirectlyResult): Uint8Array {
  const text = { order: false, autoCommit: true, consumeResult, remark, spentTimeMills: spentTimeMs }
  return utf8Encode(stringifyJavaJson(text))
}

/** MqError 'parameter-invalid' names the member. */
export function decodeConsumeResult(bytes: Uint8Array): ConsumeMessageDirectlyResult {
  const fields = new JsonFields(parseJavaJson(bytes), 'ConsumeMessageDirectlyResult')
  const result = fields.text('consumeResult')
  const consumeResult = CONSUME_RESULTS.find((known) => known === result)
  if (consumeResult === undefined) throw fields.wrong('consumeResult', CONSUME_RESULTS.join(', '))
  return { consumeResult, remark: fields.text('remark', ''), spentTimeMs: fields.integer('spentTimeMills', 0) }
}
