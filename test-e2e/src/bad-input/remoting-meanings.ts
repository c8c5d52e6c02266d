// Requests that are well-made and ask for what there is not, or may not be: names, limits, handles.
import { INVALID_PARAMETER, type RemotingCase, type RemotingPort, REQUESTS, samplesOf } from './remoting-requests.ts'
import { remotingFrame } from './remoting-wire.ts'

const OK = 0
const MESSAGE_ILLEGAL = 13
const NO_PERMISSION = 16
const TOPIC_NOT_EXIST = 17
const NO_MESSAGE = 208
const BODY_MAX = 4 * 1024 * 1024
const MIB = 1024 * 1024
/** A topic that another client has made. */
const TOPIC = 'bystander'

type MeaningRow = readonly [name: string, pieces: readonly Buffer[], expected: number, names?: string]

/** A well-made request of the code with some fields changed. */
function requestOf(code: number, fields: object, body: string | Buffer = ''): readonly Buffer[] {
  const shape = REQUESTS.find((each) => each.code === code)
  if (shape === undefined) throw new Error(`no request has the code ${code}`)
  return [remotingFrame({ code, fields: { ...samplesOf(shape.fields), ...fields }, body })]
}

const sendOf = (fields: object, body: string | Buffer = 'body') => requestOf(310, fields, body)
const popOf = (fields: object) => requestOf(200050, fields)
const topicOf = (fields: object) => requestOf(17, fields)

const LIMITS: readonly MeaningRow[] = [
  ['310: a body of 4 MiB − 1', sendOf({}, Buffer.alloc(BODY_MAX - 1, 1)), OK],
  ['10: a body of 4 MiB', requestOf(10, {}, Buffer.alloc(BODY_MAX, 1)), OK],
  ['10: a body of 4 MiB + 1', requestOf(10, {}, Buffer.alloc(BODY_MAX + 1, 1)), MESSAGE_ILLEGAL, 'body'],
  ['10: an empty body', requestOf(10, {}), MESSAGE_ILLEGAL, 'body'],
  ['10: an illegal topic', requestOf(10, { topic: '../x' }, 'body'), INVALID_PARAMETER, 'topic'],
  ['310: a body of 4 MiB', sendOf({}, Buffer.alloc(BODY_MAX, 1)), OK],
  ['310: a body of 4 MiB + 1', sendOf({}, Buffer.alloc(BODY_MAX + 1, 1)), MESSAGE_ILLEGAL, 'body'],
  ['310: an empty body', sendOf({}, ''), MESSAGE_ILLEGAL, 'body'],
  ['310: properties of 32 KiB', sendOf({ i: `k\u0001${'v'.repeat(32_768)}` }), MESSAGE_ILLEGAL, 'properties'],
  ['310: an illegal topic', sendOf({ b: '../x' }), INVALID_PARAMETER, 'topic'],
  ['310: an empty topic', sendOf({ b: '' }), INVALID_PARAMETER, 'topic'],
  ['310: a queue beyond the last', sendOf({ e: '4000' }), INVALID_PARAMETER, 'queueId'],
  ['310: the topic of the journal', sendOf({ b: 'rmq_sys_INFLIGHT_LOG' }), NO_PERMISSION, 'rmq_sys_INFLIGHT_LOG'],
  ['200050: 0 messages', popOf({ maxMsgNums: '0' }), INVALID_PARAMETER, 'maxMsgNums'],
  ['200050: 33 messages', popOf({ maxMsgNums: '33' }), INVALID_PARAMETER, 'maxMsgNums'],
  ['200050: an invisible time of 0', popOf({ invisibleTime: '0' }), INVALID_PARAMETER, 'invisibleTime'],
  [
    '200050: an invisible time of 12 h + 1 ms',
    popOf({ invisibleTime: '43200001' }),
    INVALID_PARAMETER,
    'invisibleTime',
  ],
  ['200050: a topic that does not exist', popOf({ topic: 'nowhere' }), TOPIC_NOT_EXIST, 'nowhere'],
  ['200050: a queue beyond the last', popOf({ queueId: '4000' }), INVALID_PARAMETER, 'queueId'],
  ['200050: queue −2', popOf({ queueId: '-2' }), INVALID_PARAMETER, 'queueId'],
  ['200050: an illegal group', popOf({ consumerGroup: 'a b' }), INVALID_PARAMETER, 'group'],
  ['17: an illegal name', topicOf({ topic: 'a/b' }), INVALID_PARAMETER, 'topic'],
  ['17: a name of the system', topicOf({ topic: 'TBW102' }), INVALID_PARAMETER, 'TBW102'],
  ['17: −1 queues', topicOf({ readQueueNums: '-1' }), INVALID_PARAMETER, 'readQueueNums'],
  ['17: a million queues', topicOf({ writeQueueNums: '1000000' }), INVALID_PARAMETER, 'writeQueueNums'],
  ['17: a permission of 255', topicOf({ perm: '255' }), INVALID_PARAMETER, 'perm'],
  ['17: attributes that are none', topicOf({ attributes: 'x' }), INVALID_PARAMETER, 'attributes'],
  [
    '215: the topic of the journal',
    [remotingFrame({ code: 215, fields: { topic: 'rmq_sys_INFLIGHT_LOG' } })],
    INVALID_PARAMETER,
    'rmq_sys_INFLIGHT_LOG',
  ],
]

/** Requests without mandatory fields: what else comes with them means nothing. */
const NEEDLESS: readonly (readonly [RemotingPort, number])[] = [
  ['broker', 28],
  ['nameserver', 106],
  ['nameserver', 206],
]

const NOWHERE = 'no-such-topic'
const NOBODY = 'no-such-group'
const UNKNOWN_TOPICS = [200050, 200051, 200053, 200054, 14, 30, 31, 351, 202]
/** Nothing is there to be done: success, as with Apache's servers. */
const NOTHING_TO_DO: readonly (readonly [code: number, fields: object])[] = [
  [215, { topic: NOWHERE }],
  [207, { groupName: NOBODY }],
  [208, { consumerGroup: NOBODY }],
]
const QUEUES = [200050, 200051, 200053, 14, 30, 31]
/** Where a group would be made or asked for; elsewhere a name that none has is a group without anything. */
const GROUPS: readonly (readonly [code: number, field: string])[] = [
  [200050, 'consumerGroup'],
  [200054, 'consumerGroup'],
  [14, 'consumerGroup'],
  [352, 'group'],
]
const ILLEGAL_GROUPS: readonly (readonly [name: string, group: string])[] = [
  ['an empty group', ''],
  ['a group with a space', 'a b'],
  ['a group of 121 characters', 'g'.repeat(121)],
]
const ILLEGAL_BROKERS: readonly (readonly [name: string, fields: object, names: string])[] = [
  ['an empty broker name', { brokerName: '' }, 'brokerName'],
  ['a broker name with a space', { brokerName: 'a b' }, 'brokerName'],
  ['a broker name of 256 characters', { brokerName: 'b'.repeat(256) }, 'brokerName'],
  ['an empty cluster', { clusterName: '' }, 'clusterName'],
  ['an address that is none', { brokerAddr: 'nonsense' }, 'nonsense'],
  ['an address with port 99999', { brokerAddr: '127.0.0.1:99999' }, '99999'],
]

/** What no broker gave, or gave for something else. */
const HANDLES: readonly (readonly [name: string, handle: string, names: string])[] = [
  ['an empty handle', '', 'handle'],
  ['a handle that is none', 'garbage', 'handle'],
  ['a handle of 1,200 characters', '1 '.repeat(600), 'handle'],
  ['a handle with a negative offset', '-1 1 10000 0 0 broker-a 0 0', 'startOffset'],
  ['a handle with an offset beyond 2^53', '9223372036854775807 1 10000 0 0 broker-a 0 0', 'startOffset'],
  ['a handle with an unknown flag', '0 1 10000 0 7 broker-a 0 0', 'retryFlag'],
]

function nameRows(): RemotingCase[] {
  const rows: RemotingCase[] = []
  const add = (port: RemotingPort, [name, pieces, expected, names = '']: MeaningRow) =>
    rows.push({ name: `${port} ${name}`, port, pieces, expected, names })
  for (const code of UNKNOWN_TOPICS) {
    add('broker', [
      `${code}: a topic that does not exist`,
      requestOf(code, { topic: NOWHERE }),
      TOPIC_NOT_EXIST,
      NOWHERE,
    ])
  }
  add('nameserver', ['105: a topic that does not exist', requestOf(105, { topic: NOWHERE }), TOPIC_NOT_EXIST, NOWHERE])
  add('nameserver', ['216: a topic that does not exist', requestOf(216, { topic: NOWHERE }), OK])
  for (const code of [205, 327]) {
    add('nameserver', [`${code}: a broker that does not exist`, requestOf(code, { brokerName: 'no-such-broker' }), OK])
  }
  for (const [code, fields] of NOTHING_TO_DO)
    add('broker', [`${code}: what does not exist`, requestOf(code, fields), OK])
  for (const [code, field] of GROUPS) {
    for (const [name, group] of ILLEGAL_GROUPS) {
      const fields = { ...(code === 352 ? {} : { topic: TOPIC }), [field]: group }
      add('broker', [`${code}: ${name}`, requestOf(code, fields), INVALID_PARAMETER, 'group'])
    }
  }
  for (const code of [103, 104, 904, 322]) {
    for (const [name, fields, names] of ILLEGAL_BROKERS) {
      add('nameserver', [`${code}: ${name}`, requestOf(code, fields, '{}'), INVALID_PARAMETER, names])
    }
  }
  return rows
}

function placeRows(): RemotingCase[] {
  const rows: RemotingCase[] = []
  const add = (name: string, pieces: readonly Buffer[], expected: number, names = '') =>
    rows.push({ name: `broker ${name}`, port: 'broker', pieces, expected, names })
  for (const code of QUEUES) {
    const isHandle = code === 200051 || code === 200053
    const fields = { topic: TOPIC, queueId: '4000', ...(isHandle ? { extraInfo: '0 1 10000 0 0 broker-a 0 0' } : {}) }
    add(
      `${code}: a queue beyond the last`,
      requestOf(code, fields),
      isHandle ? MESSAGE_ILLEGAL : INVALID_PARAMETER,
      'queueId',
    )
  }
  for (const code of [200051, 200053]) {
    for (const [name, extraInfo, names] of HANDLES) {
      add(`${code}: ${name}`, requestOf(code, { topic: TOPIC, extraInfo }), MESSAGE_ILLEGAL, names)
    }
  }
  const foreign = {
    topic: TOPIC,
    consumerGroup: NOBODY,
    extraInfo: '0 1 10000 0 0 no-such-broker 0 0',
    offset: '999999',
  }
  add('200051: an offset beyond the queue', requestOf(200051, foreign), NO_MESSAGE, 'offset 999999')
  for (const invisibleTime of ['-1', '43200001']) {
    const fields = { topic: TOPIC, extraInfo: '0 1 10000 0 0 broker-a 0 0', invisibleTime }
    add(
      `200053: an invisible time of ${invisibleTime} ms`,
      requestOf(200053, fields),
      INVALID_PARAMETER,
      'invisibleTime',
    )
  }
  for (const [topicSeq, maxTopicNum] of [
    ['-5', '0'],
    ['2147483647', '-1'],
  ]) {
    add(`21: a page from ${topicSeq}, ${maxTopicNum} long`, requestOf(21, { topicSeq, maxTopicNum }), OK)
    const groups = { groupSeq: topicSeq, maxGroupNum: maxTopicNum }
    add(`201: a page from ${topicSeq}, ${maxTopicNum} long`, requestOf(201, groups), OK)
  }
  return rows
}

export function meaningCases(): RemotingCase[] {
  const limits = LIMITS.map(([name, pieces, expected, names = '']): RemotingCase => {
    return { name: `broker ${name}`, port: 'broker', pieces, expected, names }
  })
  const needless = NEEDLESS.map(([port, code]): RemotingCase => {
    const pieces = [remotingFrame({ code, fields: { needless: 'x' }, body: Buffer.alloc(MIB, 0xff) })]
    return { name: `${port} ${code}: fields and a body that it does not know`, port, pieces, expected: OK }
  })
  return [...limits, ...needless, ...nameRows(), ...placeRows()]
}
