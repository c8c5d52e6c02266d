import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { crc32Of31Bits } from '@rocketmq-ts/bytes'
import {
  decodeClusterInfo,
  decodeRecords,
  decodeRegisterBrokerBody,
  decodeSubscriptionGroupConfig,
  decodeTopicConfig,
  decodeTopicList,
  decodeTopicRouteData,
  parseJavaJson,
  recordProperties,
  stringifyJavaJson,
} from '@rocketmq-ts/model'
import * as remoting from '../src/index.ts'
import {
  createFrameDecoder,
  decodeCommand,
  encodeCommand,
  RegisterBroker,
  RequestCode,
  type RemotingCommand,
} from '../src/index.ts'
import { answerTo, commandOf, exchanges, requestOf } from './support/apache-fixtures.ts'

type Declaration = remoting.RequestDeclaration<object, object>
const declarations = new Map(
  Object.values(remoting as Record<string, unknown>)
    .filter(
      (exported): exported is Declaration =>
        typeof exported === 'object' && exported !== null && 'carriesHeader' in exported,
    )
    .map((declaration) => [declaration.code, declaration]),
)
/** Fields that any request may carry and no declaration names. */
const COMMON_FIELDS = new Set(['bname', 'ns', 'nsd', 'oway', 'lo', 'ReqT'])

const labelled = exchanges.map((exchange, index) => {
  const form = exchange.binary ? 'binary' : 'JSON'
  return [
    `${index}: ${exchange.code} as ${form} at the ${exchange.server}, answered ${exchange.answerCode}`,
    exchange,
  ] as const
})

function declarationOf(code: number): Declaration {
  const declaration = declarations.get(code)
  if (declaration === undefined) throw new Error(`no declaration of ${code}`)
  return declaration
}

/** The frame as we write it: without what Java leaves empty. */
function canonical(hex: string): string {
  const frame = Buffer.from(hex, 'hex')
  if (frame[4] !== 0) return hex
  const headerBytes = frame.readUIntBE(5, 3)
  const json = frame.toString('utf8', 8, 8 + headerBytes)
  const header = Buffer.from(json.replace('"extFields":{},', '').replace('"remark":"",', ''))
  const shorter = Buffer.concat([frame.subarray(0, 8), header, frame.subarray(8 + headerBytes)])
  shorter.writeInt32BE(shorter.length - 4, 0)
  shorter.writeUIntBE(header.length, 5, 3)
  return shorter.toString('hex')
}

function textOf(command: RemotingCommand): string {
  return Buffer.from(command.body).toString('utf8')
}

test.each(labelled)('apache: frames of exchange %s → decoded and written again byte for byte', (_label, exchange) => {
  for (const hex of [exchange.request, exchange.answer]) {
    const command = commandOf(hex)
    // A cut POP code gets its full value, which has no binary form.
    if (command.code > 0x7fff && exchange.binary) continue
    // The recorder wrote this one itself, with the names in the order of Go.
    if (command.language === 'GO') continue
    expect(Buffer.concat(encodeCommand(command)).toString('hex')).toBe(canonical(hex))
  }
})

test.each(labelled)('apache: fields of exchange %s → all declared, and the same text again', (_label, exchange) => {
  const request = commandOf(exchange.request)
  const declaration = declarationOf(request.code)
  const written = new Map(declaration.header.encode(declaration.header.decode(request.extFields)))
  for (const [name, value] of request.extFields) {
    if (!COMMON_FIELDS.has(name)) expect([name, written.get(name)]).toEqual([name, value])
  }
  const answer = commandOf(exchange.answer)
  if (declaration.carriesHeader(answer.code)) {
    const header = declaration.answer.decode(answer.extFields)
    expect(new Map(declaration.answer.encode(header))).toEqual(answer.extFields)
  }
})

test('apache: a POP request with a binary header → its cut code is known, also where Apache refuses it', () => {
  const cut = exchanges.find(({ code }) => code === 3442)
  expect(commandOf(cut?.request ?? '').code).toBe(RequestCode.POP_MESSAGE)
  expect(cut?.answerCode).toBe(3)
})

test.each([
  ['Java, with quoted keys', 'nameserver', 'quoted'],
  ['Go, with bare keys', 'nameserver, Go client', 'bare'],
] as const)('apache: route for %s → the same bytes again', (_client, server, integerKeys) => {
  const body = textOf(answerTo(RequestCode.GET_ROUTEINFO_BY_TOPIC, server))
  expect(stringifyJavaJson(decodeTopicRouteData(parseJavaJson(body)), { integerKeys })).toBe(body)
})

test('apache: cluster, topic and group settings → the same bytes again', () => {
  const cluster = textOf(answerTo(RequestCode.GET_BROKER_CLUSTER_INFO))
  expect(stringifyJavaJson(decodeClusterInfo(parseJavaJson(cluster)))).toBe(cluster)
  const topic = textOf(answerTo(RequestCode.GET_TOPIC_CONFIG))
  expect(stringifyJavaJson(decodeTopicConfig(parseJavaJson(topic)))).toBe(topic)
  const created = textOf(requestOf(RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP))
  expect(stringifyJavaJson(decodeSubscriptionGroupConfig(parseJavaJson(created)))).toBe(created)
  const group = textOf(answerTo(RequestCode.GET_SUBSCRIPTIONGROUP_CONFIG))
  expect(stringifyJavaJson(decodeSubscriptionGroupConfig(parseJavaJson(group)))).toBe(group)
  const topics = textOf(answerTo(RequestCode.GET_ALL_TOPIC_LIST_FROM_NAMESERVER))
  expect(stringifyJavaJson(decodeTopicList(parseJavaJson(topics)))).toBe(topics)
})

test('apache: registration of a broker → identity, topics, and the checksum that we compute', () => {
  const request = requestOf(RequestCode.REGISTER_BROKER)
  const header = RegisterBroker.header.decode(request.extFields)
  expect(header).toMatchObject({ brokerName: 'broker-a', brokerId: 0, compressed: false, enableActingMaster: false })
  expect(header.bodyCrc32).toBe(crc32Of31Bits(request.body))
  const body = decodeRegisterBrokerBody(request.body, { bytesMax: 1_000_000, topicsMax: 100 })
  expect(body.topicConfigTable.get('TBW102')).toMatchObject({ readQueueNums: 8, perm: 7 })
})

test('apache: a heartbeat → groups and subscriptions', () => {
  const data = remoting.decodeHeartbeatData(requestOf(RequestCode.HEART_BEAT).body)
  expect(data).toMatchObject({ clientID: 'client@1', producerDataSet: [{ groupName: 'p' }] })
  expect(data.consumerDataSet[0]?.subscriptionDataSet).toMatchObject([{ topic: 'Recorded', tagsSet: ['TagA'] }])
})

test('apache: a client that leaves → its id and groups', () => {
  const header = remoting.UnregisterClient.header.decode(requestOf(RequestCode.UNREGISTER_CLIENT).extFields)
  expect(header).toMatchObject({ clientId: 'client@1', producerGroup: 'p' })
})

test('apache: a batch acknowledgement → the same bytes again', () => {
  const { body } = requestOf(RequestCode.BATCH_ACK_MESSAGE)
  expect(Buffer.from(remoting.encodeBatchAckBody(remoting.decodeBatchAckBody(body)))).toEqual(Buffer.from(body))
})

test('apache: what was sent → what is popped', () => {
  const sent = requestOf(RequestCode.SEND_MESSAGE_V2)
  const popped = decodeRecords(answerTo(RequestCode.POP_MESSAGE).body)
  expect(popped.map(({ topic, queueId, queueOffset }) => [topic, queueId, queueOffset])).toEqual([
    ['Recorded', 0, 0],
    ['Recorded', 0, 1],
    ['Recorded', 1, 0],
  ])
  expect(Buffer.from(popped[0]?.body ?? []).toString()).toBe(textOf(sent))
  expect(popped.map((record) => recordProperties(record).get('KEYS'))).toEqual(['key-0', 'key-2', 'key-1'])
})

test('apache: recorded frames with some bytes changed → a command or an MqError, nothing else', () => {
  const changes = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 5 })
  fc.assert(
    fc.property(fc.constantFrom(...exchanges), fc.boolean(), changes, (exchange, answer, changed) => {
      const frame = Buffer.from(answer ? exchange.answer : exchange.request, 'hex')
      for (const [at, byte] of changed) frame[at % frame.length] = byte
      try {
        createFrameDecoder().push(frame, (parts) => {
          const command = decodeCommand(parts)
          declarations.get(command.code)?.header.decode(command.extFields)
        })
      } catch (error) {
        expect(error).toMatchObject({ name: 'MqError' })
      }
    }),
    { numRuns: 1000 },
  )
})
