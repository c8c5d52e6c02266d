// Where a topic is, and what a cluster consists of. Member names are those of the JSON, so that a value prints as it is.
import type { JavaJson } from './java-json.ts'
import { JsonFields } from './json-fields.ts'

/** brokerId of a master. Java: MixAll.MASTER_ID. */
export const MASTER_ID = 0

/** Queues of a topic on one broker name. */
export interface QueueData {
  readonly brokerName: string
  readonly readQueueNums: number
  readonly writeQueueNums: number
  readonly perm: number
  readonly topicSysFlag: number
}

/** A master and its slaves. */
export interface BrokerData {
  readonly cluster: string
  readonly brokerName: string
  /** 'host:port' by brokerId. */
  readonly brokerAddrs: ReadonlyMap<number, string>
  readonly enableActingMaster: boolean
  readonly zoneName?: string
}

export interface TopicRouteData {
  readonly queueDatas: readonly QueueData[]
  readonly brokerDatas: readonly BrokerData[]
  readonly filterServerTable: ReadonlyMap<string, readonly string[]>
  readonly orderTopicConf?: string
}

export interface ClusterInfo {
  readonly brokerAddrTable: ReadonlyMap<string, BrokerData>
  /** Broker names by cluster. */
  readonly clusterAddrTable: ReadonlyMap<string, readonly string[]>
}

export interface TopicList {
  readonly topicList: readonly string[]
  readonly brokerAddr?: string
}

export function decodeTopicRouteData(json: JavaJson | undefined, path = 'TopicRouteData'): TopicRouteData {
  const fields = new JsonFields(json, path)
  const orderTopicConf = fields.optionalText('orderTopicConf')
  return {
    queueDatas: fields.items('queueDatas').map((item, index) => decodeQueueData(item, `${path}.queueDatas[${index}]`)),
    brokerDatas: fields
      .items('brokerDatas')
      .map((item, index) => decodeBrokerData(item, `${path}.brokerDatas[${index}]`)),
    filterServerTable: textLists(fields, 'filterServerTable'),
    ...(orderTopicConf === undefined ? {} : { orderTopicConf }),
  }
}

export function decodeQueueData(json: JavaJson | undefined, path = 'QueueData'): QueueData {
  const fields = new JsonFields(json, path)
  return {
    brokerName: fields.text('brokerName'),
    readQueueNums: fields.int32('readQueueNums'),
    writeQueueNums: fields.int32('writeQueueNums'),
    perm: fields.int32('perm'),
    topicSysFlag: fields.int32('topicSysFlag', 0),
  }
}

export function decodeBrokerData(json: JavaJson | undefined, path = 'BrokerData'): BrokerData {
  const fields = new JsonFields(json, path)
  const brokerAddrs = new Map<number, string>()
  for (const [id, address] of fields.textMap('brokerAddrs')) {
    const brokerId = Number(id)
    if (!/^\d{1,16}$/.test(id) || !Number.isSafeInteger(brokerId))
      throw fields.wrong('brokerAddrs', 'keyed by brokerId')
    brokerAddrs.set(brokerId, address)
  }
  const zoneName = fields.optionalText('zoneName')
  return {
    cluster: fields.text('cluster', ''),
    brokerName: fields.text('brokerName'),
    brokerAddrs,
    enableActingMaster: fields.flag('enableActingMaster', false),
    ...(zoneName === undefined ? {} : { zoneName }),
  }
}

export function decodeClusterInfo(json: JavaJson | undefined, path = 'ClusterInfo'): ClusterInfo {
  const fields = new JsonFields(json, path)
  const brokerAddrTable = new Map<string, BrokerData>()
  for (const [name, data] of fields.object('brokerAddrTable').entries()) {
    brokerAddrTable.set(name, decodeBrokerData(data, `${path}.brokerAddrTable.${name}`))
  }
  return { brokerAddrTable, clusterAddrTable: textLists(fields, 'clusterAddrTable') }
}

export function decodeTopicList(json: JavaJson | undefined, path = 'TopicList'): TopicList {
  const fields = new JsonFields(json, path)
  const brokerAddr = fields.optionalText('brokerAddr')
  return { topicList: fields.texts('topicList'), ...(brokerAddr === undefined ? {} : { brokerAddr }) }
}

function textLists(fields: JsonFields, name: string): Map<string, readonly string[]> {
  const below = fields.object(name)
  return new Map(below.entries().map(([key]) => [key, below.texts(key)]))
}
