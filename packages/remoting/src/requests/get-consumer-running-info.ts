// GET_CONSUMER_RUNNING_INFO: what a client says of its inside; a broker passes it on to the client, and the answer back.
// Java: GetConsumerRunningInfoRequestHeader, ConsumerRunningInfo.
import { utf8Encode } from '@rocketmq-ts/bytes'
import { JsonFields, parseJavaJson, stringifyJavaJson } from '@rocketmq-ts/model'
import { RequestCode } from '../codec/codes.ts'
import { defineRequest, type RequestHeaderOf } from '../codec/define-request.ts'
import { bool, optional, text } from '../codec/fields.ts'

export const GetConsumerRunningInfo = defineRequest({
  code: RequestCode.GET_CONSUMER_RUNNING_INFO,
  name: 'GET_CONSUMER_RUNNING_INFO',
  header: {
    consumerGroup: text(),
    clientId: text(),
    /** With the stacks of its threads. */
    jstackEnable: optional(bool()),
  },
  answer: {},
})

export type GetConsumerRunningInfoHeader = RequestHeaderOf<typeof GetConsumerRunningInfo>

/** As far as clients of proxies tell. */
export interface ConsumerRunningInfo {
  readonly properties: ReadonlyMap<string, string>
  /** Stacks of its threads; '' where they were not asked for. */
  readonly jstack: string
}

/** Body of the answer; Java's tables are empty. Java: ConsumerRunningInfo. */
export function encodeConsumerRunningInfo({ properties, jstack }: ConsumerRunningInfo): Uint8Array {
  const tables = { subscriptionSet: [], mqTable: {}, mqPopTable: {}, statusTable: {}, userConsumerInfo: {} }
  return utf8Encode(stringifyJavaJson({ properties: Object.fromEntries(properties), ...tables, jstack }))
}

/** MqError 'parameter-invalid' names the member. */
export function decodeConsumerRunningInfo(bytes: Uint8Array): ConsumerRunningInfo {
  const fields = new JsonFields(parseJavaJson(bytes), 'ConsumerRunningInfo')
  return { properties: fields.textMap('properties'), jstack: fields.text('jstack', '') }
}
