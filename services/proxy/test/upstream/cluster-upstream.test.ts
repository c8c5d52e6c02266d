// The upstream against nameservers and brokers that answer from a script, through the validators of the protocol.
import { expect, test } from '@jest/globals'
import { utf8Encode } from '@rocketmq-ts/bytes'
import {
  commitLogOffset,
  encodeProperties,
  formatTransactionId,
  offsetMessageId,
  encodeRecord,
  popRetryTopicOf,
  queueOffset,
  type ReceiptHandle,
  recordSize,
  stringifyJavaJson,
  subscriptionGroupConfig,
  topicConfig,
} from '@rocketmq-ts/model'
import {
  AckMessage,
  type ArrivedRequest,
  BatchAckMessage,
  ChangeMessageInvisibleTime,
  CheckTransactionState,
  createDirectPeers,
  decodeBatchAckBody,
  decodeHeartbeatData,
  EndTransaction,
  GetBrokerClusterInfo,
  GetRouteInfoByTopic,
  GetSubscriptionGroupConfig,
  HeartBeat,
  PopMessage,
  RequestCode,
  ResponseCode,
  SendMessageV2,
  UpdateAndCreateTopic,
} from '@rocketmq-ts/remoting'
import { createManualEffects } from '@rocketmq-ts/testkit'
import { createClusterUpstream } from '../../src/upstream/cluster-upstream.ts'
import type { CommandedClients } from '../../src/upstream/asked.ts'
import type { OrphanedTransaction } from '../../src/upstream/orphaned.ts'

const NAME_SERVER = '10.0.0.9:9876'
const MASTER_A = '10.0.0.1:10911'
const MASTER_B = '10.0.0.2:10911'
const SLAVE_A = '10.0.0.3:10911'

function brokerData(brokerName: string, addresses: Readonly<Record<number, string>>) {
  return {
    brokerName,
    cluster: 'c',
    brokerAddrs: new Map(Object.entries(addresses).map(([id, address]) => [Number(id), address])),
    enableActingMaster: false,
  }
}

const queues = { readQueueNums: 4, writeQueueNums: 2, perm: 6, topicSysFlag: 0 }
const route = {
  queueDatas: [
    { brokerName: 'b', ...queues, perm: 4 },
    { brokerName: 'orphan', ...queues },
    { brokerName: 'a', ...queues },
  ],
  brokerDatas: [
    brokerData('b', { 0: MASTER_B }),
    brokerData('orphan', { 1: '10.0.0.8:10911' }),
    brokerData('a', { 0: MASTER_A, 1: SLAVE_A }),
  ],
  filterServerTable: new Map(),
}
const cluster = {
  brokerAddrTable: new Map(route.brokerDatas.map((data) => [data.brokerName, data])),
  clusterAddrTable: new Map([['c', ['a', 'b', 'orphan']]]),
}

function body(value: Parameters<typeof stringifyJavaJson>[0]): Uint8Array {
  return Buffer.from(stringifyJavaJson(value))
}

interface Asked {
  readonly address: string
  readonly request: ArrivedRequest
}

function setUp(answer: (asked: Asked) => void = () => {}) {
  const effects = createManualEffects()
  const asked: Asked[] = []
  const orphans: OrphanedTransaction[] = []
  const upstream = createClusterUpstream({
    ...effects,
    nameServers: [NAME_SERVER],
    timeoutMs: 3_000,
    asked: {
      onOrphaned: (orphan) => void orphans.push(orphan),
      onSettingsChanged() {},
      commanded: () => ({}) as CommandedClients,
    },
    connect: async (address, handlerA) => {
      if (![NAME_SERVER, MASTER_A, MASTER_B].includes(address)) throw new Error(`nobody listens at ${address}`)
      return createDirectPeers({
        ...effects,
        handlerA,
        handlerB(request) {
          asked.push({ address, request })
          if (request.code === GetRouteInfoByTopic.code) {
            const { topic } = request.as(GetRouteInfoByTopic).header
            if (topic === 'T') request.respond({ code: ResponseCode.SUCCESS, body: body(route) })
            else request.respond({ code: ResponseCode.TOPIC_NOT_EXIST, remark: 'no such topic' })
          } else if (request.code === GetBrokerClusterInfo.code) {
            request.respond({ code: ResponseCode.SUCCESS, body: body(cluster) })
          } else answer({ address, request })
        },
      })[0]
    },
  })
  async function ended<Value>(promise: Promise<Value>): Promise<Value> {
    promise.catch(() => {})
    await effects.settle()
    return promise
  }
  const toBrokers = () => asked.filter(({ address }) => address !== NAME_SERVER)
  return { upstream, ended, effects, asked, orphans, toBrokers }
}

const record = {
  topic: 'T',
  queueId: 1,
  producerGroup: 'T',
  sysFlag: 1,
  bornTimestampMs: 1_700_000_000_000,
  properties: 'UNIQ_KEY\u0001ID\u0002',
  body: Buffer.from('hello'),
}

function handleAt(brokerName: string, offset: number, start = 0): ReceiptHandle {
  return {
    startOffset: queueOffset(start),
    popTimeMs: 1_700_000_000_000,
    invisibleMs: 60_000,
    reviveQueueId: 2,
    topicKind: 'normal',
    brokerName,
    queueId: 3,
    queueOffset: queueOffset(offset),
    commitLogOffset: commitLogOffset(9_000 + offset),
  }
}

test('upstream: a route → masters only, ascending by name, with what may be read and written', async () => {
  const { upstream, ended } = setUp()
  const counts = { readQueues: 4, writeQueues: 2 }
  const found = await ended(upstream.route('T'))
  expect(found).toEqual({
    topic: 'T',
    brokers: [
      { brokerName: 'a', ...counts, readable: true, writable: true },
      { brokerName: 'b', ...counts, readable: true, writable: false },
    ],
  })
  expect(await ended(upstream.route('T'))).toBe(found)
  expect(await ended(upstream.route('Nowhere'))).toBeUndefined()
})

test('upstream: a send → to the master, for exactly this queue, with no topic to create', async () => {
  const { upstream, ended, toBrokers } = setUp(({ request }) =>
    request
      .as(SendMessageV2)
      .respond({ code: ResponseCode.FLUSH_DISK_TIMEOUT, header: { msgId: 'X', queueId: 1, queueOffset: 7 } }),
  )
  expect(await ended(upstream.send('a', record, 3_000))).toEqual({
    queueOffset: 7,
    transactionId: '',
    recallHandle: '',
    copies: 'flush-timeout',
  })
  const [only] = toBrokers()
  expect(only?.address).toBe(MASTER_A)
  expect(only?.request.as(SendMessageV2).header).toMatchObject({
    topic: 'T',
    queueId: 1,
    producerGroup: 'T',
    defaultTopic: '',
    sysFlag: 1,
    properties: record.properties,
    bornTimestampMs: 1_700_000_000_000,
  })
  expect(Buffer.from(only!.request.body).toString()).toBe('hello')
})

test('upstream: a broker without a master, and one that is not of the topic → unavailable, naming it', async () => {
  const { upstream, ended } = setUp()
  for (const name of ['orphan', 'stranger']) {
    await expect(ended(upstream.send(name, record, 3_000))).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining(name),
    })
  }
})

test('upstream: a pop → any queue, from the newest for a new group, held by the time of the broker', async () => {
  const fields = {
    topic: 'T',
    queueId: 3,
    flag: 0,
    sysFlag: 0,
    bornTimestampMs: 1_700_000_000_000,
    bornHost: { host: '10.1.1.1', port: 5_000 },
    storeHost: { host: '10.0.0.1', port: 10_911 },
    reconsumeTimes: 2,
    preparedTransactionOffset: 0,
    body: Buffer.from('hello'),
    properties: Buffer.from(encodeProperties([['TAGS', 'A']])),
  }
  const stored = new Uint8Array(recordSize(fields))
  const place = {
    queueOffset: queueOffset(14),
    commitLogOffset: commitLogOffset(900),
    storeTimestampMs: 1_700_000_000_001,
  }
  encodeRecord(fields, place, stored, 0)
  const { upstream, ended, toBrokers } = setUp(({ request }) =>
    request.as(PopMessage).respond({
      code: ResponseCode.SUCCESS,
      header: {
        popTimeMs: 1_700_000_001_000,
        invisibleTimeMs: 60_000,
        reviveQid: 4,
        restNum: 0,
        startOffsetInfo: '0 3 12',
        msgOffsetInfo: '0 3 14',
      },
      body: stored,
    }),
  )
  const outcome = await ended(
    upstream.pop({
      clientId: 'here@7@1',
      brokerName: 'a',
      group: 'g',
      topic: 'T',
      batchSize: 8,
      invisibleMs: 60_000,
      pollMs: 19_900.4,
      filter: { type: 'TAG', expression: 'A || B' },
      attemptId: 'try-1',
      inOrder: true,
    }),
  )
  expect(toBrokers()[0]?.request.as(PopMessage).header).toMatchObject({
    consumerGroup: 'g',
    queueId: -1,
    maxMsgNums: 8,
    invisibleTimeMs: 60_000,
    pollTimeMs: 19_900,
    bornTimeMs: 0,
    initMode: 1,
    expType: 'TAG',
    exp: 'A || B',
    attemptId: 'try-1',
    order: true,
    clientId: 'here@7@1',
  })
  expect(outcome).toMatchObject({
    kind: 'found',
    messages: [
      {
        queueId: 3,
        queueOffset: 14,
        bornHost: '10.1.1.1:5000',
        storeHost: '10.0.0.1:10911',
        reconsumeTimes: 2,
        storeId: '0A00000100002A9F0000000000000384',
        handle: { startOffset: 12, queueOffset: 14, reviveQueueId: 4, brokerName: 'a', commitLogOffset: 900 },
      },
    ],
  })
})

test('upstream: one ack → ACK_MESSAGE without the part that is ours; several → one BATCH_ACK_MESSAGE', async () => {
  const { upstream, ended, toBrokers } = setUp(({ request }) => request.respond({ code: ResponseCode.SUCCESS }))
  const delivery = (offset: number) => ({ group: 'g', topic: 'T', handle: handleAt('b', offset) })
  await ended(upstream.ack([delivery(5)]))
  expect(toBrokers()[0]).toMatchObject({ address: MASTER_B })
  expect(toBrokers()[0]?.request.as(AckMessage).header).toMatchObject({
    consumerGroup: 'g',
    topic: 'T',
    queueId: 3,
    queueOffset: 5,
    extraInfo: '0 1700000000000 60000 2 0 b 3 5',
  })
  await ended(upstream.ack([delivery(5), delivery(6)]))
  const second = toBrokers()[1]!.request
  expect(second.code).toBe(BatchAckMessage.code)
  expect(decodeBatchAckBody(second.body)).toMatchObject({ brokerName: 'b', acks: [{ offsetsFromStart: [5, 6] }] })
})

test('upstream: a forged handle far from its start → acknowledged alone, so that the others are not refused', async () => {
  const { upstream, ended, toBrokers } = setUp(({ request }) => request.respond({ code: ResponseCode.SUCCESS }))
  const delivery = (offset: number, start = 0) => ({ group: 'g', topic: 'T', handle: handleAt('a', offset, start) })
  await ended(upstream.ack([delivery(5), delivery(2 ** 50), delivery(6), delivery(3, 4)]))
  const codes = toBrokers().map(({ request }) => request.code)
  expect(codes.filter((code) => code === AckMessage.code)).toHaveLength(2)
  expect(codes.filter((code) => code === BatchAckMessage.code)).toHaveLength(1)
})

test('upstream: a message of the retry topic → settled there; an offset outside of the queue → handle-invalid', async () => {
  const { upstream, ended, toBrokers } = setUp(({ request }) =>
    request.respond({ code: ResponseCode.NO_MESSAGE, remark: 'outside' }),
  )
  const handle = { ...handleAt('a', 5), topicKind: 'retry-v1' as const }
  await expect(ended(upstream.ack([{ group: 'g', topic: 'T', handle }]))).rejects.toMatchObject({
    code: 'handle-invalid',
  })
  expect(toBrokers()[0]?.request.as(AckMessage).header.topic).toBe(popRetryTopicOf('g', 'T'))
})

test('upstream: the broker finds no sense in a handle → handle-invalid, for acks and changes', async () => {
  const { upstream, ended } = setUp(({ request }) =>
    request.respond({ code: ResponseCode.MESSAGE_ILLEGAL, remark: 'queueId is 9' }),
  )
  const delivery = { group: 'g', topic: 'T', handle: handleAt('a', 5) }
  const invalid = { code: 'handle-invalid', message: expect.stringContaining('queueId is 9') }
  await expect(ended(upstream.ack([delivery]))).rejects.toMatchObject(invalid)
  await expect(ended(upstream.changeInvisible(delivery, 1000))).rejects.toMatchObject(invalid)
})

test('upstream: a change of the invisible time → the new handle keeps the place', async () => {
  const { upstream, ended } = setUp(({ request }) =>
    request.as(ChangeMessageInvisibleTime).respond({
      code: ResponseCode.SUCCESS,
      header: { popTimeMs: 1_700_000_009_000, invisibleTimeMs: 1_000, reviveQid: 6 },
    }),
  )
  const old = handleAt('a', 5)
  const renewed = await ended(upstream.changeInvisible({ group: 'g', topic: 'T', handle: old }, 1_000))
  expect(renewed).toEqual({ ...old, popTimeMs: 1_700_000_009_000, invisibleMs: 1_000, reviveQueueId: 6 })
})

test('upstream: settings of a group → those of a master of the topic; undefined where it has none', async () => {
  const { upstream, ended } = setUp(({ request }) => {
    const { group } = request.as(GetSubscriptionGroupConfig).header
    if (group === 'known') {
      const config = subscriptionGroupConfig('known', { consumeMessageOrderly: true, retryMaxTimes: 3 })
      request.respond({ code: ResponseCode.SUCCESS, body: body(config) })
    } else request.respond({ code: ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, remark: 'no such group' })
  })
  expect(await ended(upstream.groupSettings('known', 'T'))).toEqual({
    fifo: true,
    retryMax: 3,
    retryPolicy: { type: 'CUSTOMIZED' },
  })
  expect(await ended(upstream.groupSettings('new', 'T'))).toBeUndefined()
  expect(await ended(upstream.groupSettings('known', 'Nowhere'))).toBeUndefined()
})

test('upstream: a topic is created → on every master; one that fails does not hinder, all that fail do', async () => {
  let broken: readonly string[] = [MASTER_B]
  const { upstream, ended, toBrokers } = setUp(({ address, request }) => {
    if (broken.includes(address)) request.respond({ code: ResponseCode.SYSTEM_ERROR, remark: 'disk' })
    else if (request.code === RequestCode.GET_TOPIC_CONFIG)
      request.respond({ code: ResponseCode.TOPIC_NOT_EXIST, remark: 'new' })
    else request.respond({ code: ResponseCode.SUCCESS })
  })
  const creating = upstream.createTopic('New', 4)
  expect(await ended(creating)).toEqual(['a'])
  expect(new Set(toBrokers().map(({ address }) => address))).toEqual(new Set([MASTER_A, MASTER_B]))
  const created = toBrokers().filter(({ request }) => request.code === RequestCode.UPDATE_AND_CREATE_TOPIC)
  expect(created.map(({ address }) => address)).toEqual([MASTER_A])
  expect(created[0]?.request.as(UpdateAndCreateTopic).header).toMatchObject({
    topic: 'New',
    readQueueNums: 4,
    writeQueueNums: 4,
    perm: 6,
  })
  broken = [MASTER_A, MASTER_B]
  await expect(ended(upstream.createTopic('New', 4))).rejects.toThrow('disk')
})

test('upstream: a topic is created while a master hangs → on the others, without waiting for it for long', async () => {
  const { upstream, effects } = setUp(({ address, request }) => {
    if (address === MASTER_A) request.respond({ code: ResponseCode.SUCCESS, body: body(topicConfig('New')) })
  })
  let names: readonly string[] = []
  void upstream.createTopic('New', 4).then((created) => (names = created))
  await effects.advance(600)
  expect(names).toEqual(['a'])
})

test('upstream: the first master does not answer → the settings of a group come from the next one', async () => {
  const { upstream, ended } = setUp(({ address, request }) => {
    if (address === MASTER_A) request.respond({ code: ResponseCode.SERVICE_NOT_AVAILABLE, remark: 'stopping' })
    else request.respond({ code: ResponseCode.SUCCESS, body: body(subscriptionGroupConfig('G', { retryMaxTimes: 3 })) })
  })
  expect(await ended(upstream.groupSettings('G', 'T'))).toMatchObject({ retryMax: 3 })
})

test('upstream: a master stops answering, or the route has none → the route is fetched anew, served meanwhile', async () => {
  const { upstream, ended, asked, effects } = setUp(({ request }) => {
    request.respond({ code: ResponseCode.SERVICE_NOT_AVAILABLE, remark: 'stopping' })
  })
  const fetches = () => asked.filter(({ request }) => request.code === GetRouteInfoByTopic.code).length
  await ended(upstream.route('T'))
  await effects.advance(1000)
  const delivery = { group: 'G', topic: 'T', handle: handleAt('a', 5) }
  await expect(ended(upstream.changeInvisible(delivery, 1))).rejects.toMatchObject({ code: 'unavailable' })
  expect(fetches()).toBe(2)
  await effects.advance(1000)
  const elsewhere = { ...delivery, handle: handleAt('gone', 5) }
  await expect(ended(upstream.ack([elsewhere]))).rejects.toMatchObject({ code: 'unavailable' })
  expect(fetches()).toBe(3)
})

test('upstream: a topic is created that a broker has already → it stays as it is there', async () => {
  const config = topicConfig('Old', { readQueueNums: 8, writeQueueNums: 8 })
  const { upstream, ended, toBrokers } = setUp(({ request }) => {
    request.respond({ code: ResponseCode.SUCCESS, body: utf8Encode(stringifyJavaJson(config)) })
  })
  await ended(upstream.createTopic('Old', 4))
  expect(toBrokers().every(({ request }) => request.code === RequestCode.GET_TOPIC_CONFIG)).toBe(true)
})

test('upstream: the type of a topic → as a master has it; undefined where it is unknown', async () => {
  const attributes = new Map([['message.type', 'FIFO']])
  const { upstream, ended } = setUp(({ request }) => {
    request.respond({ code: ResponseCode.SUCCESS, body: body(topicConfig('T', { attributes })) })
  })
  expect(await ended(upstream.topicFacts('T'))).toEqual({ type: 'FIFO', shardingQueues: undefined, dedupBy: undefined })
  expect(await ended(upstream.topicFacts('Nowhere'))).toBeUndefined()
})

test.each([
  [
    'a:4;b:2',
    [
      { brokerName: 'a', queues: 4 },
      { brokerName: 'b', queues: 2 },
    ],
  ],
  ['nothing that we wrote', undefined],
])("upstream: a topic whose order is '%s' → %j", async (text, shardingQueues) => {
  const attributes = new Map([
    ['message.type', 'FIFO'],
    ['sharding.queues', text],
  ])
  const { upstream, ended } = setUp(({ request }) => {
    request.respond({ code: ResponseCode.SUCCESS, body: body(topicConfig('T', { attributes })) })
  })
  expect(await ended(upstream.topicFacts('T'))).toEqual({ type: 'FIFO', shardingQueues, dedupBy: undefined })
})

test('upstream: brokers of a topic say differently where its message groups go → every proxy believes the first by name', async () => {
  const { upstream, ended } = setUp(({ address, request }) => {
    const text = address === MASTER_A ? 'a:4' : 'a:4;b:4'
    const attributes = new Map([['sharding.queues', text]])
    request.respond({ code: ResponseCode.SUCCESS, body: body(topicConfig('T', { attributes })) })
  })
  expect(await ended(upstream.topicFacts('T'))).toMatchObject({ shardingQueues: [{ brokerName: 'a', queues: 4 }] })
})

test('upstream: the first master does not answer → the type of a topic comes from the next one', async () => {
  const attributes = new Map([['message.type', 'FIFO']])
  const { upstream, ended } = setUp(({ address, request }) => {
    if (address === MASTER_A) request.respond({ code: ResponseCode.SERVICE_NOT_AVAILABLE, remark: 'stopping' })
    else request.respond({ code: ResponseCode.SUCCESS, body: body(topicConfig('T', { attributes })) })
  })
  expect(await ended(upstream.topicFacts('T'))).toMatchObject({ type: 'FIFO' })
})

const place = { brokerName: 'a', queueOffset: queueOffset(7), commitLogOffset: commitLogOffset(4096) }

test('upstream: a half message → its transaction id says where it lies', async () => {
  const { upstream, ended } = setUp(({ request }) =>
    request.as(SendMessageV2).respond({
      code: ResponseCode.SUCCESS,
      header: { msgId: offsetMessageId('10.0.0.1', 10911, commitLogOffset(4096)), queueId: 0, queueOffset: 7 },
    }),
  )
  const half = await ended(upstream.send('a', { ...record, sysFlag: 4 }, 1000))
  expect(half).toMatchObject({ queueOffset: 7, transactionId: formatTransactionId(place) })
  expect(await ended(upstream.send('a', record, 1000))).toMatchObject({ transactionId: '' })
})

test.each([
  ['commit', 8],
  ['rollback', 12],
] as const)('upstream: %s of a transaction → its broker is asked, and answers', async (decision, code) => {
  const { upstream, ended, toBrokers } = setUp(({ request }) => request.respond({ code: ResponseCode.SUCCESS }))
  await ended(upstream.endTransaction({ place, topic: 'T', messageId: 'ID', decision, isAnswer: true }))
  const [asked] = toBrokers()
  expect(asked!.address).toBe(MASTER_A)
  expect(asked!.request.oneway).toBe(false)
  expect(asked!.request.as(EndTransaction).header).toEqual({
    topic: 'T',
    producerGroup: 'T',
    tranStateTableOffset: 7,
    commitLogOffset: 4096,
    commitOrRollback: code,
    fromTransactionCheck: true,
    msgId: 'ID',
    transactionId: 'ID',
    brokerName: 'a',
  })
})

test('upstream: the broker has no such half message → handle-invalid; another failure stays what it is', async () => {
  const codes = [ResponseCode.SYSTEM_ERROR, ResponseCode.TOPIC_NOT_EXIST]
  const { upstream, ended } = setUp(({ request }) => request.respond({ code: codes.shift()!, remark: 'no' }))
  const end = { place, topic: 'T', messageId: 'ID', decision: 'commit', isAnswer: false } as const
  await expect(ended(upstream.endTransaction(end))).rejects.toMatchObject({ code: 'handle-invalid' })
  await expect(ended(upstream.endTransaction(end))).rejects.toMatchObject({ code: 'topic-not-found' })
})

test('upstream: producers are announced → each broker of their topics hears of them; one fails → the others still do', async () => {
  const { upstream, ended, toBrokers } = setUp(({ address, request }) => {
    if (address === MASTER_A) request.respond({ code: ResponseCode.SYSTEM_BUSY, remark: 'busy' })
    else request.respond({ code: ResponseCode.SUCCESS })
  })
  await expect(ended(upstream.announceProducers(['T', 'unknown']))).rejects.toMatchObject({ code: 'busy' })
  const told = toBrokers().map(({ address, request }) => {
    expect(request.code).toBe(HeartBeat.code)
    return [address, decodeHeartbeatData(request.body).producerDataSet]
  })
  expect(told).toEqual([
    [MASTER_A, [{ groupName: 'T' }]],
    [MASTER_B, [{ groupName: 'T' }]],
  ])
})

test('upstream: a broker asks about a transaction → told with its place and message; one that names no broker is not', async () => {
  const { upstream, ended, effects, orphans, toBrokers } = setUp(({ request }) =>
    request.respond({ code: ResponseCode.SUCCESS }),
  )
  await ended(upstream.announceProducers(['T']))
  const { peer } = toBrokers()[0]!.request
  const fields = {
    ...record,
    flag: 0,
    bornHost: { host: '10.0.0.5', port: 1 },
    storeHost: { host: '10.0.0.1', port: 10911 },
    reconsumeTimes: 0,
    preparedTransactionOffset: 0,
    properties: utf8Encode(encodeProperties(new Map([['UNIQ_KEY', 'ID']]))),
  }
  const body = Buffer.alloc(recordSize(fields))
  encodeRecord(fields, { ...place, storeTimestampMs: 5 }, body, 0)
  const header = { tranStateTableOffset: 7, commitLogOffset: 4096, brokerName: 'a' }
  peer.oneway(CheckTransactionState, header, body)
  peer.oneway(CheckTransactionState, { tranStateTableOffset: 7, commitLogOffset: 4096 }, body)
  peer.oneway(CheckTransactionState, header, Buffer.from('no record'))
  await effects.settle()
  expect(orphans).toEqual([{ place, topic: 'T', message: expect.objectContaining({ storeTimestampMs: 5 }) }])
  expect(orphans[0]!.message.properties.get('UNIQ_KEY')).toBe('ID')
  expect(Buffer.from(orphans[0]!.message.body).toString()).toBe('hello')
})
