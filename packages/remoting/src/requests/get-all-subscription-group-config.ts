// GET_ALL_SUBSCRIPTIONGROUP_CONFIG: settings of all consumer groups of a broker, whole or page by page.
// Java: GetAllSubscriptionGroupRequestHeader, SubscriptionGroupWrapper.
import { utf8Encode } from '@rocketmq-ts/bytes'
import {
  type DataVersion,
  decodeDataVersion,
  decodeSubscriptionGroupConfig,
  JsonFields,
  parseJavaJson,
  stringifyJavaJson,
  type SubscriptionGroupConfig,
} from '@rocketmq-ts/model'
import { RequestCode } from '../codec/codes.ts'
import { defineRequest, type AnswerHeaderOf, type RequestHeaderOf } from '../codec/define-request.ts'
import { int32, optional, text } from '../codec/fields.ts'

export const GetAllSubscriptionGroupConfig = defineRequest({
  code: RequestCode.GET_ALL_SUBSCRIPTIONGROUP_CONFIG,
  name: 'GET_ALL_SUBSCRIPTIONGROUP_CONFIG',
  header: {
    /** First group of the page; absent: all groups in one answer. */
    groupSeq: optional(int32()),
    maxGroupNum: optional(int32()),
    /** As in GET_ALL_TOPIC_CONFIG. */
    dataVersion: optional(text()),
  },
  answer: {
    /** Of all pages; absent: this answer holds all groups. */
    totalGroupNum: optional(int32()),
  },
})

export type GetAllSubscriptionGroupConfigHeader = RequestHeaderOf<typeof GetAllSubscriptionGroupConfig>
export type GetAllSubscriptionGroupConfigAnswer = AnswerHeaderOf<typeof GetAllSubscriptionGroupConfig>

/** Settings of groups, as a broker keeps them at one version. */
export interface SubscriptionGroups {
  readonly dataVersion: DataVersion
  readonly groups: readonly SubscriptionGroupConfig[]
}

export function encodeSubscriptionGroups({ dataVersion, groups }: SubscriptionGroups): Uint8Array {
  const subscriptionGroupTable = new Map(groups.map((config) => [config.groupName, config]))
  return utf8Encode(stringifyJavaJson({ dataVersion, forbiddenTable: {}, subscriptionGroupTable }))
}

/** MqError 'parameter-invalid' names the member. */
export function decodeSubscriptionGroups(bytes: Uint8Array): SubscriptionGroups {
  const fields = new JsonFields(parseJavaJson(bytes), 'SubscriptionGroups')
  const table = fields.object('subscriptionGroupTable')
  return {
    dataVersion: decodeDataVersion(fields.raw('dataVersion') ?? {}, 'SubscriptionGroups.dataVersion'),
    groups: table
      .entries()
      .map(([name, json]) => decodeSubscriptionGroupConfig(json, `SubscriptionGroups.${name.slice(0, 128)}`)),
  }
}
