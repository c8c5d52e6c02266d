// Every request code of both remoting ports with its fields; each is left out, and has values that its kind does not.
import { remotingFrame } from './remoting-wire.ts'

export type RemotingPort = 'broker' | 'nameserver'

export interface RemotingCase {
  readonly name: string
  readonly port: RemotingPort
  /** Written one after the other. */
  readonly pieces: readonly Buffer[]
  /** The client ends its side after the pieces. */
  readonly end?: boolean
  /** A response code; or the connection is closed without an answer; or nothing comes. */
  readonly expected: number | 'closed' | 'silent'
  /** What the remark must tell. */
  readonly names?: string
}

export const INVALID_PARAMETER = 29
export const TOPIC = 'bad-input'

type Kind = 'text' | 'int32' | 'int64' | 'bool'
/** Sample and kind of a field; a name that ends in '?' may be missing. */
export type FieldTable = Readonly<Record<string, readonly [sample: string, kind: Kind]>>

interface RequestShape {
  readonly port: RemotingPort
  readonly code: number
  readonly name: string
  readonly fields: FieldTable
  readonly body?: string
}

const text = (sample: string) => [sample, 'text'] as const
const int32 = (sample: string) => [sample, 'int32'] as const
const int64 = (sample: string) => [sample, 'int64'] as const
const bool = (sample: string) => [sample, 'bool'] as const
const CONSUMER = { consumerGroup: text('bad-input-readers'), topic: text(TOPIC), queueId: int32('0') }
export const BROKER = {
  clusterName: text('bad-input'),
  brokerName: text('bad-input'),
  brokerAddr: text('127.0.0.1:1'),
  brokerId: int64('0'),
}

/** All request codes that both ports answer. Whatever a sample would do, every row breaks it. */
export const REQUESTS: readonly RequestShape[] = [
  {
    port: 'broker',
    code: 10,
    name: 'SEND_MESSAGE',
    fields: {
      producerGroup: text('p'),
      topic: text(TOPIC),
      defaultTopic: text('TBW102'),
      defaultTopicQueueNums: int32('4'),
      queueId: int32('0'),
      sysFlag: int32('0'),
      bornTimestamp: int64('1'),
      flag: int32('0'),
      'reconsumeTimes?': int32('0'),
      'maxReconsumeTimes?': int32('0'),
    },
    body: 'body',
  },
  {
    port: 'broker',
    code: 310,
    name: 'SEND_MESSAGE_V2',
    fields: {
      a: text('p'),
      b: text(TOPIC),
      c: text('TBW102'),
      d: int32('4'),
      e: int32('0'),
      f: int32('0'),
      g: int64('1'),
      h: int32('0'),
      'j?': int32('0'),
      'l?': int32('0'),
    },
    body: 'body',
  },
  {
    port: 'broker',
    code: 200050,
    name: 'POP_MESSAGE',
    fields: {
      ...CONSUMER,
      maxMsgNums: int32('1'),
      invisibleTime: int64('10000'),
      pollTime: int64('0'),
      bornTime: int64('1'),
      initMode: int32('0'),
    },
  },
  {
    port: 'broker',
    code: 200051,
    name: 'ACK_MESSAGE',
    fields: { ...CONSUMER, extraInfo: text('h'), offset: int64('0') },
  },
  {
    port: 'broker',
    code: 200053,
    name: 'CHANGE_MESSAGE_INVISIBLETIME',
    fields: { ...CONSUMER, extraInfo: text('h'), offset: int64('0'), invisibleTime: int64('10000') },
  },
  {
    port: 'broker',
    code: 200054,
    name: 'NOTIFICATION',
    fields: { ...CONSUMER, pollTime: int64('0'), bornTime: int64('1') },
  },
  { port: 'broker', code: 14, name: 'QUERY_CONSUMER_OFFSET', fields: CONSUMER },
  { port: 'broker', code: 30, name: 'GET_MAX_OFFSET', fields: { topic: text(TOPIC), queueId: int32('0') } },
  { port: 'broker', code: 31, name: 'GET_MIN_OFFSET', fields: { topic: text(TOPIC), queueId: int32('0') } },
  {
    port: 'broker',
    code: 17,
    name: 'UPDATE_AND_CREATE_TOPIC',
    fields: {
      topic: text(TOPIC),
      defaultTopic: text('TBW102'),
      readQueueNums: int32('4'),
      writeQueueNums: int32('4'),
      perm: int32('6'),
      topicFilterType: text('SINGLE_TAG'),
      'topicSysFlag?': int32('0'),
      order: bool('false'),
    },
  },
  { port: 'broker', code: 215, name: 'DELETE_TOPIC_IN_BROKER', fields: { topic: text(TOPIC) } },
  { port: 'broker', code: 351, name: 'GET_TOPIC_CONFIG', fields: { topic: text(TOPIC) } },
  { port: 'broker', code: 352, name: 'GET_SUBSCRIPTIONGROUP_CONFIG', fields: { group: text('g') } },
  { port: 'broker', code: 207, name: 'DELETE_SUBSCRIPTIONGROUP', fields: { groupName: text('g') } },
  { port: 'broker', code: 202, name: 'GET_TOPIC_STATS_INFO', fields: { topic: text(TOPIC) } },
  { port: 'broker', code: 208, name: 'GET_CONSUME_STATS', fields: { consumerGroup: text('g') } },
  {
    port: 'broker',
    code: 21,
    name: 'GET_ALL_TOPIC_CONFIG',
    fields: { 'topicSeq?': int32('0'), 'maxTopicNum?': int32('1') },
  },
  {
    port: 'broker',
    code: 201,
    name: 'GET_ALL_SUBSCRIPTIONGROUP_CONFIG',
    fields: { 'groupSeq?': int32('0'), 'maxGroupNum?': int32('1') },
  },
  {
    port: 'nameserver',
    code: 103,
    name: 'REGISTER_BROKER',
    fields: { ...BROKER, 'heartbeatTimeoutMillis?': int64('1'), 'bodyCrc32?': int32('0') },
    body: '{}',
  },
  { port: 'nameserver', code: 104, name: 'UNREGISTER_BROKER', fields: BROKER },
  {
    port: 'nameserver',
    code: 904,
    name: 'BROKER_HEARTBEAT',
    fields: {
      clusterName: text('bad-input'),
      brokerAddr: text('127.0.0.1:1'),
      brokerName: text('bad-input'),
      'heartbeatTimeoutMills?': int64('1'),
      'electionPriority?': int32('1'),
    },
  },
  { port: 'nameserver', code: 322, name: 'QUERY_DATA_VERSION', fields: BROKER, body: '{}' },
  { port: 'nameserver', code: 105, name: 'GET_ROUTEINFO_BY_TOPIC', fields: { topic: text(TOPIC) } },
  { port: 'nameserver', code: 205, name: 'WIPE_WRITE_PERM_OF_BROKER', fields: { brokerName: text('bad-input') } },
  { port: 'nameserver', code: 327, name: 'ADD_WRITE_PERM_OF_BROKER', fields: { brokerName: text('bad-input') } },
  { port: 'nameserver', code: 216, name: 'DELETE_TOPIC_IN_NAMESRV', fields: { topic: text('bad-input-none') } },
]

const WRONG: Readonly<Record<Kind, readonly string[]>> = {
  text: [],
  bool: [],
  int32: ['', 'x', '1.5', '0x10', '2147483648', '-2147483649', '9'.repeat(1000), '１'],
  int64: ['', 'x', '1e3', '9007199254740993', '9223372036854775808', '-9'.repeat(500)],
}

export function samplesOf(fields: FieldTable): Record<string, string> {
  return Object.fromEntries(Object.entries(fields).map(([name, [sample]]) => [wireOf(name), sample]))
}

const wireOf = (name: string) => name.replace('?', '')

export function fieldCases({ port, code, name, fields, body = '' }: RequestShape): RemotingCase[] {
  const whole = samplesOf(fields)
  const cases: RemotingCase[] = []
  const add = (what: string, changed: object, field: string) => {
    const pieces = [remotingFrame({ code, fields: { ...whole, ...changed }, body })]
    cases.push({ name: `${port} ${code}: ${what}`, port, pieces, expected: INVALID_PARAMETER, names: `'${field}'` })
  }
  for (const [key, [, kind]] of Object.entries(fields)) {
    const field = wireOf(key)
    if (key === field) add(`${field} is missing`, { [field]: undefined }, field)
    for (const wrong of WRONG[kind]) add(`${field} is '${wrong.slice(0, 24)}'`, { [field]: wrong }, field)
  }
  if (Object.keys(fields).some((key) => !key.endsWith('?'))) {
    const pieces = [remotingFrame({ code })]
    cases.push({ name: `${port} ${code}: no fields at all`, port, pieces, expected: INVALID_PARAMETER, names: name })
  }
  return cases
}

/** A well-made request that makes a topic. */
export function createTopicFrame(topic: string): Buffer {
  const shape = REQUESTS.find(({ code }) => code === 17)
  return remotingFrame({ code: 17, fields: { ...samplesOf(shape?.fields ?? {}), topic } })
}

/** Asks a nameserver where a topic is. */
export function routeFrame(topic: string): Buffer {
  return remotingFrame({ code: 105, fields: { topic } })
}
