// What a broker announces of its topics: JSON, or Apache's compressed form, told apart by the first byte because
// the header's `compressed` flag may lie. Java: RegisterBrokerBody.
import { inflateSync } from 'node:zlib'
import { BytesError, ByteReader, utf8Encode } from '@rocketmq-ts/bytes'
import { decodeDataVersion, INITIAL_DATA_VERSION, type DataVersion } from './data-version.ts'
import { parseJavaJson } from './java-json.ts'
import { stringifyJavaJson } from './java-json-printer.ts'
import { JsonFields } from './json-fields.ts'
import { MqError } from './mq-error.ts'
import { DERIVED_TOPIC_CHARS_MAX } from './names.ts'
import { decodeTopicConfig, type TopicConfig } from './topic-config.ts'

export interface RegisterBrokerBody {
  readonly dataVersion: DataVersion
  readonly topicConfigTable: ReadonlyMap<string, TopicConfig>
  readonly filterServerList: readonly string[]
}

export interface RegisterBrokerBodyLimits {
  /** Bytes of the JSON, or of what the compressed form inflates to. */
  readonly bytesMax: number
  readonly topicsMax: number
}

const ZLIB_FIRST_BYTE = 0x78
const FIELD = 'RegisterBrokerBody'

/** As JSON, which every nameserver reads. */
export function encodeRegisterBrokerBody(body: RegisterBrokerBody): Uint8Array {
  return utf8Encode(
    stringifyJavaJson({
      filterServerList: body.filterServerList,
      topicConfigSerializeWrapper: {
        dataVersion: body.dataVersion,
        mappingDataVersion: INITIAL_DATA_VERSION,
        topicConfigTable: body.topicConfigTable,
        topicQueueMappingDetailMap: {},
        topicQueueMappingInfoMap: {},
      },
    }),
  )
}

/** MqError 'parameter-invalid' names the field. No body at all announces no topic, as from old brokers. */
export function decodeRegisterBrokerBody(bytes: Uint8Array, limits: RegisterBrokerBodyLimits): RegisterBrokerBody {
  if (bytes.length === 0) {
    return { dataVersion: INITIAL_DATA_VERSION, topicConfigTable: new Map(), filterServerList: [] }
  }
  if (bytes.length > limits.bytesMax) throw wrong(`${bytes.length} bytes, at most ${limits.bytesMax} are accepted`)
  return bytes[0] === ZLIB_FIRST_BYTE ? decodeCompressed(bytes, limits) : decodeJson(bytes, limits)
}

function decodeJson(bytes: Uint8Array, limits: RegisterBrokerBodyLimits): RegisterBrokerBody {
  const fields = new JsonFields(parseJavaJson(bytes, { bytesMax: limits.bytesMax }), FIELD)
  const wrapper = fields.object('topicConfigSerializeWrapper')
  const table = wrapper.object('topicConfigTable').entries()
  checkTopicCount(table.length, limits)
  const version = wrapper.raw('dataVersion')
  return {
    dataVersion: version === undefined ? INITIAL_DATA_VERSION : decodeDataVersion(version, `${FIELD}.dataVersion`),
    topicConfigTable: tableOf(table.map(([name, json]) => decodeTopicConfig(json, `${FIELD}.${name.slice(0, 128)}`))),
    filterServerList: fields.texts('filterServerList'),
  }
}

/** i4 + DataVersion | i4 count, per topic i4 + text | i4 + filter servers | (mappings of static topics, not read). */
function decodeCompressed(bytes: Uint8Array, limits: RegisterBrokerBodyLimits): RegisterBrokerBody {
  try {
    const reader = new ByteReader(inflate(bytes, limits.bytesMax))
    const part = (field: string): string => reader.utf8(reader.int32(`${field} length`), field)
    const dataVersion = decodeDataVersion(parseJavaJson(part('dataVersion')), `${FIELD}.dataVersion`)
    const count = reader.int32('topic count')
    checkTopicCount(count, limits)
    const topics: TopicConfig[] = []
    for (let index = 0; index < count; index += 1) topics.push(decodeTopicText(part('topic')))
    const servers = new JsonFields({ list: parseJavaJson(part('filterServerList')) }, FIELD)
    return { dataVersion, topicConfigTable: tableOf(topics), filterServerList: servers.texts('list') }
  } catch (error) {
    if (error instanceof BytesError) throw wrong(error.message)
    throw error
  }
}

function inflate(bytes: Uint8Array, bytesMax: number): Uint8Array {
  try {
    return inflateSync(bytes, { maxOutputLength: bytesMax })
  } catch (error) {
    throw wrong(`does not inflate to at most ${bytesMax} bytes`, error)
  }
}

/** `name readQueueNums writeQueueNums perm filterType attributes`; 4.x leaves the last out. Java: TopicConfig.decode. */
function decodeTopicText(text: string): TopicConfig {
  const match = /^(\S+) (\d{1,10}) (\d{1,10}) (\d{1,10}) (\S+)(?: (.*))?$/s.exec(text)
  if (match === null) throw wrong(`topic '${text.slice(0, 128)}' is not 'name read write perm filterType attributes'`)
  const [, topicName = '', readQueueNums = '', writeQueueNums = '', perm = '', topicFilterType = '', json = ''] = match
  const attributes = json.trim() === '' ? {} : parseJavaJson(json)
  return decodeTopicConfig({ topicName, readQueueNums, writeQueueNums, perm, topicFilterType, attributes }, FIELD)
}

function tableOf(topics: readonly TopicConfig[]): Map<string, TopicConfig> {
  const table = new Map<string, TopicConfig>()
  for (const config of topics) {
    const { topicName, readQueueNums, writeQueueNums } = config
    if (topicName === '' || topicName.length > DERIVED_TOPIC_CHARS_MAX) {
      throw wrong(`topic '${topicName.slice(0, 32)}…' needs 1 to ${DERIVED_TOPIC_CHARS_MAX} characters`)
    }
    if (readQueueNums < 0 || writeQueueNums < 0) throw wrong(`topic '${topicName}' has a negative number of queues`)
    table.set(topicName, config)
  }
  return table
}

function checkTopicCount(count: number, limits: RegisterBrokerBodyLimits): void {
  if (!(count >= 0 && count <= limits.topicsMax))
    throw wrong(`${count} topics, at most ${limits.topicsMax} are accepted`)
}

function wrong(reason: string, cause?: unknown): MqError {
  return new MqError('parameter-invalid', `${FIELD}: ${reason}`, cause)
}
