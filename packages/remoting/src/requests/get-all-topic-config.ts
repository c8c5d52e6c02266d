// GET_ALL_TOPIC_CONFIG: settings of all topics of a broker, whole or page by page. Java: GetAllTopicConfigRequestHeader,
// TopicConfigAndMappingSerializeWrapper.
import { utf8Encode } from '@rocketmq-ts/bytes'
import {
  type DataVersion,
  decodeDataVersion,
  decodeTopicConfig,
  INITIAL_DATA_VERSION,
  JsonFields,
  parseJavaJson,
  stringifyJavaJson,
  type TopicConfig,
} from '@rocketmq-ts/model'
import { RequestCode } from '../codec/codes.ts'
import { defineRequest, type AnswerHeaderOf, type RequestHeaderOf } from '../codec/define-request.ts'
import { int32, optional, text } from '../codec/fields.ts'

export const GetAllTopicConfig = defineRequest({
  code: RequestCode.GET_ALL_TOPIC_CONFIG,
  name: 'GET_ALL_TOPIC_CONFIG',
  header: {
    /** First topic of the page; absent: all topics in one answer. */
    topicSeq: optional(int32()),
    maxTopicNum: optional(int32()),
    /** JSON of the version that the earlier pages had; when it is another now, the answer is the first page again. */
    dataVersion: optional(text()),
  },
  answer: {
    /** Of all pages; absent: this answer holds all topics. */
    totalTopicNum: optional(int32()),
  },
})

export type GetAllTopicConfigHeader = RequestHeaderOf<typeof GetAllTopicConfig>
export type GetAllTopicConfigAnswer = AnswerHeaderOf<typeof GetAllTopicConfig>

/** Settings by topic, as a broker keeps them at one version. */
export interface TopicConfigs {
  readonly dataVersion: DataVersion
  readonly topics: readonly TopicConfig[]
}

export function encodeTopicConfigs({ dataVersion, topics }: TopicConfigs): Uint8Array {
  return utf8Encode(
    stringifyJavaJson({
      dataVersion,
      mappingDataVersion: INITIAL_DATA_VERSION,
      topicConfigTable: new Map(topics.map((config) => [config.topicName, config])),
      topicQueueMappingDetailMap: {},
      topicQueueMappingInfoMap: {},
    }),
  )
}

/** MqError 'parameter-invalid' names the member. */
export function decodeTopicConfigs(bytes: Uint8Array): TopicConfigs {
  const fields = new JsonFields(parseJavaJson(bytes), 'TopicConfigs')
  const table = fields.object('topicConfigTable')
  return {
    dataVersion: decodeDataVersion(fields.raw('dataVersion') ?? {}, 'TopicConfigs.dataVersion'),
    topics: table.entries().map(([name, json]) => decodeTopicConfig(json, `TopicConfigs.${name.slice(0, 128)}`)),
  }
}
