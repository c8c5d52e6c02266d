// UPDATE_AND_CREATE_TOPIC, DELETE_TOPIC_IN_BROKER, GET_TOPIC_CONFIG, and topics that a send creates.
import { expect, test } from '@jest/globals'
import { utf8Encode } from '@rocketmq-ts/bytes'
import { SystemTopic, decodeTopicConfig, parseJavaJson } from '@rocketmq-ts/model'
import {
  DeleteTopicInBroker,
  GetMaxOffset,
  GetTopicConfig,
  ResponseCode,
  SendMessageV2,
  UpdateAndCreateTopic,
} from '@rocketmq-ts/remoting'
import { type BrokerHarness, startBroker } from '../broker-harness.ts'
import { onApacheFolder } from '../foreign/apache-folder.ts'

const header = (topic: string, changes: object = {}) => ({
  topic,
  defaultTopic: 'TBW102',
  readQueueNums: 4,
  writeQueueNums: 4,
  perm: 6,
  topicFilterType: 'SINGLE_TAG',
  order: false,
  ...changes,
})

async function configOf(broker: BrokerHarness, topic: string) {
  const { body } = await broker.ask(GetTopicConfig, { topic })
  return decodeTopicConfig(parseJavaJson(body ?? new Uint8Array(0)))
}

function sendTo(broker: BrokerHarness, topic: string, changes: object) {
  const send = {
    producerGroup: 'p',
    topic,
    defaultTopic: 'TBW102',
    defaultTopicQueueNums: 4,
    queueId: -1,
    sysFlag: 0,
    bornTimestampMs: 1,
    flag: 0,
    ...changes,
  }
  return broker.ask(SendMessageV2, send, utf8Encode('x'))
}

test('topic requests: created, changed, looked up → what was asked for, also after a kill', async () => {
  const broker = await startBroker()
  expect((await broker.ask(UpdateAndCreateTopic, header('T', { attributes: '+a=1,+b=2' }))).code).toBe(0)
  expect((await broker.ask(UpdateAndCreateTopic, header('T', { perm: 4, attributes: '-a,+b=3' }))).code).toBe(0)
  const config = await configOf(broker, 'T')
  expect(config).toMatchObject({ perm: 4, readQueueNums: 4 })
  expect(Object.fromEntries(config.attributes)).toStrictEqual({ b: '3' })
  broker.crash({ powerLoss: true })
  await broker.restart()
  expect(await configOf(broker, 'T')).toStrictEqual(config)
})

test.each(['PRIORITY', 'LITE'])(
  'topic requests: type %s, whose messages are not offered → refused, nothing is made or changed',
  async (type) => {
    const broker = await startBroker()
    const attributes = `+message.type=${type}`
    const { code, remark } = await broker.ask(UpdateAndCreateTopic, header('T', { attributes }))
    expect(code).toBe(ResponseCode.INVALID_PARAMETER)
    expect(remark).toContain(
      `message.type is ${type}, and such messages are not offered yet; it can be one of NORMAL, FIFO, DELAY, TRANSACTION, MIXED`,
    )
    expect((await broker.ask(GetTopicConfig, { topic: 'T' })).code).toBe(ResponseCode.TOPIC_NOT_EXIST)
    for (const served of ['NORMAL', 'FIFO', 'TRANSACTION', 'MIXED']) {
      const change = header('T', { attributes: `+message.type=${served}` })
      expect((await broker.ask(UpdateAndCreateTopic, change)).code).toBe(0)
    }
    expect((await broker.ask(UpdateAndCreateTopic, header('T', { attributes }))).code).not.toBe(0)
    expect((await configOf(broker, 'T')).attributes.get('message.type')).toBe('MIXED')
  },
)

test('topic requests: a type that another broker made → is kept, and all else of it can be changed', async () => {
  const topics = { topicConfigTable: { T: { topicName: 'T', attributes: { 'message.type': 'PRIORITY' } } } }
  const broker = await onApacheFolder({ records: [], files: { 'topics.json': JSON.stringify(topics) } })
  const changed = header('T', { readQueueNums: 8, attributes: '+message.type=PRIORITY' })
  expect((await broker.ask(UpdateAndCreateTopic, changed)).code).toBe(ResponseCode.SUCCESS)
  expect(await configOf(broker, 'T')).toMatchObject({
    readQueueNums: 8,
    attributes: new Map([['message.type', 'PRIORITY']]),
  })
})

test('topic requests: no answer before the change is flushed', async () => {
  const broker = await startBroker()
  await broker.send('warm', 'up')
  broker.machine.disk.fail({ on: 'sync', path: 'commitlog', delayMs: 700, times: Infinity })
  const before = broker.world.nowMs
  await broker.ask(UpdateAndCreateTopic, header('T'))
  expect(broker.world.nowMs - before).toBeGreaterThanOrEqual(700)
})

test('topic requests: more queues for a topic in use → its messages and offsets stay', async () => {
  const broker = await startBroker()
  await broker.send('T', 'one')
  await broker.send('T', 'two')
  await broker.ack('T', 'G', (await broker.pop('T', 'G', { max: 1 }))[0]!)
  await broker.ask(UpdateAndCreateTopic, header('T', { readQueueNums: 16, writeQueueNums: 16 }))
  expect((await broker.send('T', 'three', { queueId: 15 })).header).toMatchObject({ queueOffset: 0 })
  expect((await broker.ask(GetMaxOffset, { topic: 'T', queueId: 0 })).header).toMatchObject({ queueOffset: 2 })
  const bodies = (await broker.pop('T', 'G')).map(({ record }) => Buffer.from(record.body).toString())
  expect(bodies.sort()).toStrictEqual(['three', 'two'])
})

test.each([SystemTopic.AUTO_CREATE, SystemTopic.INFLIGHT_LOG, 'rmq_sys_x', 'DefaultCluster', 'broker-a'])(
  'topic requests: %s belongs to the system → neither changed nor deleted',
  async (topic) => {
    const broker = await startBroker()
    expect((await broker.ask(UpdateAndCreateTopic, header(topic))).code).toBe(ResponseCode.INVALID_PARAMETER)
    expect((await broker.ask(DeleteTopicInBroker, { topic })).code).toBe(ResponseCode.INVALID_PARAMETER)
  },
)

test.each([
  ['readQueueNums', { readQueueNums: -1 }],
  ['writeQueueNums', { writeQueueNums: 1025 }],
  ['perm', { perm: 8 }],
  ['attributes', { attributes: 'a=1' }],
  ['attributes', { attributes: '-a' }],
])(
  'topic requests: %s out of its range → INVALID_PARAMETER that names it, nothing is created',
  async (field, changes) => {
    const broker = await startBroker()
    const answer = await broker.ask(UpdateAndCreateTopic, header('T', changes))
    expect(answer.code).toBe(ResponseCode.INVALID_PARAMETER)
    expect(answer.remark).toContain(field)
    expect((await broker.ask(GetTopicConfig, { topic: 'T' })).code).toBe(ResponseCode.TOPIC_NOT_EXIST)
  },
)

test('topic requests: a topic that is not there → its look-up says so, its deletion succeeds', async () => {
  const broker = await startBroker()
  expect((await broker.ask(GetTopicConfig, { topic: 'T' })).code).toBe(ResponseCode.TOPIC_NOT_EXIST)
  expect((await broker.ask(DeleteTopicInBroker, { topic: 'T' })).code).toBe(ResponseCode.SUCCESS)
})

test('topic requests: the disk is full → refused, and nothing has changed in memory either', async () => {
  const broker = await startBroker({ flushDiskType: 'ASYNC_FLUSH' })
  await broker.setRetries('G', 3)
  await broker.send('T', 'stored')
  broker.machine.disk.fail({ on: 'write', path: 'commitlog', error: 'no-space' })
  broker.machine.disk.fail({ on: 'write', path: 'reserve', error: 'no-space', times: Infinity })
  await broker.send('T', 'stored too')
  expect((await broker.ask(UpdateAndCreateTopic, header('U'))).code).toBe(ResponseCode.SERVICE_NOT_AVAILABLE)
  expect((await broker.ask(DeleteTopicInBroker, { topic: 'T' })).code).toBe(ResponseCode.SERVICE_NOT_AVAILABLE)
  expect((await broker.ask(GetTopicConfig, { topic: 'U' })).code).toBe(ResponseCode.TOPIC_NOT_EXIST)
  expect(await broker.pop('T', 'G')).toHaveLength(2)
})

test('topic requests: deleted while a pop waits for it → the pop ends in time, and one of the new topic is served', async () => {
  const broker = await startBroker()
  await broker.send('T', 'old')
  await broker.ack('T', 'G', (await broker.pop('T', 'G'))[0]!)
  const waiting = broker.popLater('T', 'G', { pollMs: 5000 })
  await broker.advance(100)
  await broker.deleteTopic('T')
  await broker.send('T', 'new')
  expect((await broker.settled(waiting)).map(({ record }) => record.queueOffset)).toStrictEqual([0])
})

test.each([
  ['fewer queues than the template has', { defaultTopicQueueNums: 2 }, 2],
  ['more queues than the template has', { defaultTopicQueueNums: 64 }, 8],
])('send: creates its topic with %s → the smaller number', async (_name, changes, queues) => {
  const broker = await startBroker()
  expect((await sendTo(broker, 'T', changes)).code).toBe(ResponseCode.SUCCESS)
  expect(await configOf(broker, 'T')).toMatchObject({ readQueueNums: queues, writeQueueNums: queues, perm: 6 })
})

test('send: names a template that does not pass on its settings, or none → the topic is not created', async () => {
  const broker = await startBroker()
  for (const defaultTopic of ['SELF_TEST_TOPIC', 'unknown']) {
    expect((await sendTo(broker, 'T', { defaultTopic })).code).toBe(ResponseCode.TOPIC_NOT_EXIST)
  }
})
