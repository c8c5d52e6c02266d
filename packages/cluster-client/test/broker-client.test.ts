import { expect, test } from '@jest/globals'
import {
  commitLogOffset,
  queueOffset,
  subscriptionGroupConfig,
  stringifyJavaJson,
  topicConfig,
  type ReceiptHandle,
} from '@rocketmq-ts/model'
import {
  AckMessage,
  ChangeMessageInvisibleTime,
  decodeBatchAckBody,
  GetMaxOffset,
  Notification,
  PopMessage,
  QueryConsumerOffset,
  SendMessageV2,
  UpdateAndCreateTopic,
  type PopMessageAnswer,
  type PopMessageHeader,
  type RequestHandler,
  type SendMessageHeader,
} from '@rocketmq-ts/remoting'
import { storedRecord } from '@rocketmq-ts/testkit'
import { createBrokerClient } from '../src/index.ts'
import { createScriptedPeers } from './support/scripted-peers.ts'

const address = '10.0.0.1:10911'
const broker = { address, brokerName: 'broker-a' }

function setUp(handler: RequestHandler) {
  const peers = createScriptedPeers({ [address]: handler })
  return { ...peers, client: createBrokerClient({ peers: peers.peers }) }
}

const send: SendMessageHeader = {
  producerGroup: 'p',
  topic: 'T',
  defaultTopic: 'TBW102',
  defaultTopicQueueNums: 4,
  queueId: 1,
  sysFlag: 0,
  bornTimestampMs: 1_700_000_000_000,
  flag: 0,
}
const stored = { msgId: '7F00000100002A9F00000000075BCD15', queueId: 1, queueOffset: 7 }

test.each([
  [0, 'stored'],
  [10, 'flush-disk-timeout'],
  [11, 'slave-not-available'],
  [12, 'flush-slave-timeout'],
])('broker client: send answered %i → %s, with its place', async (code, kind) => {
  const { client, ended } = setUp((arrived) => arrived.as(SendMessageV2).respond({ code, header: stored }))
  expect(await ended(client.send(address, send, Buffer.from('x')))).toEqual({
    kind,
    ...stored,
    transactionId: undefined,
    recallHandle: undefined,
  })
})

test.each([
  [17, 'topic-not-found'],
  [2, 'busy'],
  [13, 'message-illegal'],
  [14, 'unavailable'],
  [16, 'no-permission'],
  [1500, 'unavailable'],
  [999, 'internal'],
])('broker client: send answered %i → MqError %s with request, address and remark', async (code, expected) => {
  const { client, ended } = setUp((request) => request.respond({ code, remark: 'the reason' }))
  await expect(ended(client.send(address, send, Buffer.from('x')))).rejects.toMatchObject({
    code: expected,
    message: `SEND_MESSAGE_V2 at ${address}: answer ${code}: the reason`,
  })
})

const popHeader: PopMessageHeader = {
  consumerGroup: 'g',
  topic: 'T',
  queueId: -1,
  maxMsgNums: 32,
  invisibleTimeMs: 60_000,
  pollTimeMs: 15_000,
  bornTimeMs: 1_700_000_000_000,
  initMode: 0,
}

function record(topic: string, queueId: number, offset: number, properties: Record<string, string> = {}): Buffer {
  const place = { queueOffset: offset, commitLogOffset: 100, storeTimestampMs: 2 }
  return storedRecord({ topic, queueId, body: 'body', properties }, place)
}

const popAnswer: PopMessageAnswer = {
  popTimeMs: 1_700_000_000_123,
  invisibleTimeMs: 60_000,
  reviveQid: 3,
  restNum: 5,
}

function popOf(answer: Partial<PopMessageAnswer>, body: Buffer) {
  const { client, ended } = setUp((arrived) =>
    arrived.as(PopMessage).respond({ code: 0, header: { ...popAnswer, ...answer }, body }),
  )
  return ended(client.pop(broker, popHeader))
}

test('broker client: popped messages of two queues → each with the handle that Java would build', async () => {
  const result = await popOf(
    { startOffsetInfo: '0 1 12;0 2 40', msgOffsetInfo: '0 1 12,14;0 2 40' },
    Buffer.concat([record('T', 1, 12), record('T', 1, 14), record('T', 2, 40)]),
  )
  expect(result).toMatchObject({ kind: 'found', restNum: 5, popTimeMs: popAnswer.popTimeMs, invisibleTimeMs: 60_000 })
  expect(result.kind === 'found' && result.messages.map(({ handleText }) => handleText)).toEqual([
    '12 1700000000123 60000 3 0 broker-a 1 12',
    '12 1700000000123 60000 3 0 broker-a 1 14',
    '40 1700000000123 60000 3 0 broker-a 2 40',
  ])
})

test('broker client: a retried message that carries its handle → keeps it', async () => {
  const carried = '3 1700000000000 60000 5 1 broker-a 0 4'
  const result = await popOf(
    { startOffsetInfo: '1 0 3', msgOffsetInfo: '1 0 4' },
    record('T', 0, 4, { POP_CK: carried }),
  )
  expect(result).toMatchObject({ messages: [{ handleText: carried, handle: { topicKind: 'retry-v1' } }] })
})

test('broker client: a message under the name of a retry topic → a handle of that topic', async () => {
  const result = await popOf({ startOffsetInfo: '2 0 3', msgOffsetInfo: '2 0 4' }, record('%RETRY%g+T', 0, 4))
  expect(result).toMatchObject({ messages: [{ handleText: '3 1700000000123 60000 3 2 broker-a 0 4' }] })
})

test('broker client: an answer without starts, of an old broker → every message starts its own batch', async () => {
  const result = await popOf({}, record('T', 1, 9))
  expect(result).toMatchObject({ messages: [{ handleText: '9 1700000000123 60000 3 0 broker-a 1 9' }] })
})

test('broker client: ordered messages → delivered as often as the answer counts', async () => {
  const result = await popOf(
    { startOffsetInfo: '0 1 9', msgOffsetInfo: '0 1 9,10', orderCountInfo: '0 qo1%9 2' },
    Buffer.concat([record('T', 1, 9), record('T', 1, 10)]),
  )
  expect(result).toMatchObject({ messages: [{ reconsumeTimes: 2 }, { reconsumeTimes: 0 }] })
})

test('broker client: a message that the answer does not list → protocol error that names it', async () => {
  const unlisted = popOf({ startOffsetInfo: '0 1 9', msgOffsetInfo: '0 1 9' }, record('T', 1, 10))
  await expect(unlisted).rejects.toMatchObject({ code: 'protocol', message: expect.stringContaining('offset 10') })
})

test.each([
  [210, 'none'],
  [19, 'none'],
  [209, 'polling-full'],
])('broker client: pop answered %i → %s', async (code, kind) => {
  const { client, ended } = setUp((request) => request.respond({ code, remark: '' }))
  expect(await ended(client.pop(broker, popHeader))).toEqual({ kind })
})

test('broker client: a held pop → waits for the poll time and the time-out on top', async () => {
  const { client, effects } = setUp(() => {})
  let failure: unknown
  client.pop(broker, popHeader, { timeoutMs: 1000 }).catch((error: unknown) => {
    failure = error
  })
  await effects.advance(15_999)
  expect(failure).toBeUndefined()
  await effects.advance(1)
  expect(failure).toMatchObject({ code: 'timeout' })
})

const handle: ReceiptHandle = {
  startOffset: queueOffset(12),
  popTimeMs: 1_700_000_000_123,
  invisibleMs: 60_000,
  reviveQueueId: 3,
  topicKind: 'normal',
  brokerName: 'broker-a',
  queueId: 1,
  queueOffset: queueOffset(14),
}
const popped = { consumerGroup: 'g', topic: 'T', handle }

test('broker client: ack → names the real topic, the queue and the handle without the proxy’s part', async () => {
  const headers: object[] = []
  const { client, ended } = setUp((arrived) => {
    headers.push(arrived.as(AckMessage).header)
    arrived.respond({ code: 0 })
  })
  expect(await ended(client.ack(address, popped))).toEqual({ kind: 'done' })
  const retried = { ...handle, topicKind: 'retry-v1' as const, commitLogOffset: commitLogOffset(77) }
  await ended(client.ack(address, { ...popped, handle: retried }))
  expect(headers).toEqual([
    {
      consumerGroup: 'g',
      topic: 'T',
      queueId: 1,
      queueOffset: 14,
      extraInfo: '12 1700000000123 60000 3 0 broker-a 1 14',
    },
    expect.objectContaining({ topic: '%RETRY%g_T', extraInfo: '12 1700000000123 60000 3 1 broker-a 1 14' }),
  ])
})

test('broker client: ack of an offset outside of the queue → no-message', async () => {
  const { client, ended } = setUp((request) => request.respond({ code: 208, remark: '' }))
  expect(await ended(client.ack(address, popped))).toEqual({ kind: 'no-message' })
  const longer = { ...popped, invisibleTimeMs: 1 }
  expect(await ended(client.changeInvisibleTime(address, longer))).toEqual({ kind: 'no-message' })
})

test('broker client: batch ack → one entry per popped batch', async () => {
  const { client, ended, arrived } = setUp((request) => request.respond({ code: 0 }))
  const at = (offset: number, changes: Partial<ReceiptHandle> = {}) => ({
    ...popped,
    handle: { ...handle, queueOffset: queueOffset(offset), ...changes },
  })
  await ended(client.batchAck(broker, [at(12), at(14), at(21), at(14, { queueId: 2 })]))
  const body = decodeBatchAckBody(arrived[0]?.request.body ?? Buffer.alloc(0))
  expect(body.brokerName).toBe('broker-a')
  expect(body.acks).toMatchObject([
    {
      consumerGroup: 'g',
      topic: 'T',
      queueId: 1,
      startOffset: 12,
      offsetsFromStart: [0, 2, 9],
      popTimeMs: 1_700_000_000_123,
    },
    { queueId: 2, offsetsFromStart: [2] },
  ])
})

test('broker client: change of the invisible time → the new handle keeps start and offset', async () => {
  const { client, ended } = setUp((arrived) =>
    arrived
      .as(ChangeMessageInvisibleTime)
      .respond({ code: 0, header: { popTimeMs: 1_700_000_000_999, invisibleTimeMs: 30_000, reviveQid: 6 } }),
  )
  expect(await ended(client.changeInvisibleTime(address, { ...popped, invisibleTimeMs: 30_000 }))).toEqual({
    kind: 'changed',
    handle: { ...handle, popTimeMs: 1_700_000_000_999, invisibleMs: 30_000, reviveQueueId: 6 },
  })
})

test.each([
  [{ hasMsg: true }, 'messages'],
  [{ hasMsg: false, pollingFull: false }, 'none'],
  [{ hasMsg: false, pollingFull: true }, 'polling-full'],
])('broker client: notification %j → %s', async (header, kind) => {
  const { client, ended } = setUp((arrived) => arrived.as(Notification).respond({ code: 0, header }))
  const question = { consumerGroup: 'g', topic: 'T', queueId: -1, pollTimeMs: 1000, bornTimeMs: 1 }
  expect(await ended(client.notification(address, question))).toEqual({ kind })
})

test('broker client: settings of a topic and a group → as the broker has them, undefined for unknown ones', async () => {
  const topic = topicConfig('T', { attributes: new Map([['message.type', 'NORMAL']]) })
  const group = subscriptionGroupConfig('g', { retryMaxTimes: 3 })
  const known = setUp((request) => {
    const json = stringifyJavaJson(request.code === 351 ? topic : group)
    request.respond({ code: 0, body: Buffer.from(json) })
  })
  expect(await known.ended(known.client.topicConfig(address, 'T'))).toEqual(topic)
  expect(await known.ended(known.client.subscriptionGroup(address, 'g'))).toEqual(group)
  const unknown = setUp((request) => request.respond({ code: request.code === 351 ? 17 : 26, remark: '' }))
  expect(await unknown.ended(unknown.client.topicConfig(address, 'T'))).toBeUndefined()
  expect(await unknown.ended(unknown.client.subscriptionGroup(address, 'g'))).toBeUndefined()
})

test('broker client: create a topic → settings as fields, attributes with their sign', async () => {
  const headers: object[] = []
  const { client, ended } = setUp((arrived) => {
    headers.push(arrived.as(UpdateAndCreateTopic).header)
    arrived.respond({ code: 0 })
  })
  await ended(client.createTopic(address, topicConfig('T', { attributes: new Map([['message.type', 'FIFO']]) })))
  await ended(client.createTopic(address, topicConfig('U')))
  expect(headers).toEqual([
    expect.objectContaining({ topic: 'T', readQueueNums: 16, perm: 6, order: false, attributes: '+message.type=FIFO' }),
    expect.not.objectContaining({ attributes: expect.anything() }),
  ])
})

test('broker client: offsets of a queue → numbers, undefined for a group without one', async () => {
  const { client, ended } = setUp((arrived) => {
    if (arrived.code === QueryConsumerOffset.code) arrived.respond({ code: 22, remark: '' })
    else arrived.as(GetMaxOffset).respond({ code: 0, header: { queueOffset: 9 } })
  })
  const queue = { topic: 'T', queueId: 0 }
  expect(await ended(client.maxOffset(address, queue))).toBe(9)
  expect(await ended(client.consumerOffset(address, { ...queue, consumerGroup: 'g' }))).toBeUndefined()
})
