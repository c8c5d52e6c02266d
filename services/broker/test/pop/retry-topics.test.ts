// A group's pops of a topic also serve its retry topics: messages that Apache's broker put there, and those that outlived
// their records.
import { expect, test } from '@jest/globals'
import { PropertyName, deadLetterTopicOf, decodeProperties, popRetryTopicOf, topicConfig } from '@rocketmq-ts/model'
import {
  BatchAckMessage,
  GetTopicConfig,
  Notification,
  ResponseCode,
  UpdateAndCreateTopic,
  encodeBatchAckBody,
} from '@rocketmq-ts/remoting'
import type { BrokerHarness } from '../broker-harness.ts'
import { onApacheFolder } from '../foreign/apache-folder.ts'

const V1 = popRetryTopicOf('G', 'T')
const V2 = popRetryTopicOf('G', 'T', 2)
const INVISIBLE_MS = 10_000

interface Waiting {
  readonly topic?: string
  readonly queueId?: number
  readonly body: string
  readonly reconsumeTimes?: number
}

/** A folder of Apache's broker with messages in retry topics, and one in T. */
function withRetries(waiting: readonly Waiting[], retryMaxTimes = 16): Promise<BrokerHarness> {
  const records = waiting.map(({ topic = V1, queueId = 0, body, reconsumeTimes = 1 }) => {
    return { topic, queueId, body, reconsumeTimes, properties: { TAGS: 'other', '1ST_POP_TIME': '7' } }
  })
  const topics = Object.fromEntries(
    ['T', V1, V2].map((name) => [name, { ...topicConfig(name, { readQueueNums: 2, writeQueueNums: 2 }) }]),
  )
  return onApacheFolder({
    records: [...records, { topic: 'T', body: 'ordinary', properties: { TAGS: 'wanted' } }],
    files: {
      'topics.json': JSON.stringify({ topicConfigTable: topics }),
      'subscriptionGroup.json': JSON.stringify({ subscriptionGroupTable: { G: { groupName: 'G', retryMaxTimes } } }),
    },
  })
}

const bodiesOf = (popped: readonly { record: { body: Uint8Array } }[]) =>
  popped.map(({ record }) => Buffer.from(record.body).toString())

const bucketsOf = (broker: BrokerHarness, topic: string) =>
  broker.broker.ledger().find((each) => each.topic === topic && each.queueId === 0)?.buckets

test('retry topics: all queues of both versions, whatever the tag → under the topic that was asked for, with their handles', async () => {
  const broker = await withRetries([
    { body: 'v1' },
    { body: 'v1 too', queueId: 1 },
    { topic: V2, body: 'v2', reconsumeTimes: 3 },
  ])
  const popped = await broker.pop('T', 'G', { expression: 'wanted' })
  expect(bodiesOf(popped).sort()).toStrictEqual(['ordinary', 'v1', 'v1 too', 'v2'])
  expect(popped.every(({ record }) => record.topic === 'T')).toBe(true)
  const flags = new Map(popped.map(({ record, handle }) => [Buffer.from(record.body).toString(), handle.split(' ')[4]]))
  expect(Object.fromEntries(flags)).toStrictEqual({ ordinary: '0', v1: '1', 'v1 too': '1', v2: '2' })
  const v2 = popped.find(({ record }) => Buffer.from(record.body).toString() === 'v2')!
  expect(v2.record.reconsumeTimes).toBe(3)
  const properties = decodeProperties(Buffer.from(v2.record.properties).toString())
  expect(Object.fromEntries(properties)).toMatchObject({ TAGS: 'other', '1ST_POP_TIME': '7', POP_CK: v2.handle })
  expect(v2.handle).toBe(`0 ${v2.popTimeMs} 60000 0 2 broker-a 0 0`)
})

test('retry topics: one pop of five takes from them first, the others last', async () => {
  const broker = await withRetries(Array.from({ length: 4 }, (_, index) => ({ body: `retry ${index}` })))
  for (let index = 0; index < 30; index += 1) await broker.send('T', `T ${index}`)
  const firsts: string[] = []
  for (let index = 0; index < 10; index += 1)
    firsts.push(...bodiesOf(await broker.pop('T', 'G', { max: 1, queueId: 0 })))
  expect(firsts.filter((body) => body.startsWith('retry'))).toHaveLength(2)
})

test('retry topics: acknowledged, alone or in a batch → settled; not acknowledged → again, counted on', async () => {
  const broker = await withRetries(['one', 'two', 'three'].map((body) => ({ body })))
  const popped = (await broker.pop('T', 'G', { invisibleMs: INVISIBLE_MS })).filter(
    ({ handle }) => handle.split(' ')[4] === '1',
  )
  expect((await broker.ack('T', 'G', popped[0]!)).code).toBe(ResponseCode.SUCCESS)
  const batch = {
    consumerGroup: 'G',
    topic: 'T',
    topicKind: 'retry-v1' as const,
    startOffset: popped[0]!.record.queueOffset,
    queueId: 0,
    reviveQid: 0,
    popTimeMs: popped[1]!.popTimeMs,
    invisibleTimeMs: INVISIBLE_MS,
    offsetsFromStart: [1],
  }
  await broker.ask(BatchAckMessage, {}, encodeBatchAckBody({ brokerName: 'broker-a', acks: [batch] }))
  expect(bucketsOf(broker, V1)).toMatchObject({ acked: 2, inFlight: 1 })
  await broker.advance(INVISIBLE_MS)
  const again = await broker.pop('T', 'G', { expression: 'none' })
  expect(again.map(({ record }) => [Buffer.from(record.body).toString(), record.reconsumeTimes])).toStrictEqual([
    ['ordinary', 1],
    ['three', 2],
  ])
  expect(broker.broker.ledger().every(({ balanced }) => balanced)).toBe(true)
})

test('retry topics: the invisible time changed → a new handle; 0 → there again at once', async () => {
  const broker = await withRetries([{ body: 'one' }])
  const [popped] = await broker.pop('T', 'G', { expression: 'none' })
  expect((await broker.changeInvisible('T', 'G', popped!, 0)).code).toBe(ResponseCode.SUCCESS)
  const [again] = await broker.pop('T', 'G', { expression: 'none' })
  expect(again?.record.reconsumeTimes).toBe(2)
})

test('retry topics: delivered as often as the group may, here and before → dead, not delivered', async () => {
  const broker = await withRetries([{ body: 'poison', reconsumeTimes: 2 }, { body: 'fine' }], 2)
  const first = await broker.pop('T', 'G', { expression: 'none', invisibleMs: INVISIBLE_MS })
  expect(bodiesOf(first)).toStrictEqual(['poison', 'fine'])
  await broker.advance(INVISIBLE_MS)
  const second = await broker.pop('T', 'G', { expression: 'none', invisibleMs: INVISIBLE_MS })
  expect(bodiesOf(second)).toStrictEqual(['fine'])
  await broker.advance(1000)
  expect(bucketsOf(broker, V1)).toMatchObject({ dead: 1, inFlight: 1 })
  const [dead] = await broker.pop(deadLetterTopicOf('G'), 'watchers')
  expect(bodiesOf([dead!])).toStrictEqual(['poison'])
  expect(dead!.record.reconsumeTimes).toBe(2)
  const properties = decodeProperties(Buffer.from(dead!.record.properties).toString())
  expect(properties.get(PropertyName.DLQ_ORIGIN_TOPIC)).toBe('T')
  broker.crash({ powerLoss: true })
  await broker.restart()
  expect(bucketsOf(broker, V1)).toMatchObject({ dead: 1 })
})

test('retry topics: a pop or a question waits for the topic → a message of the retry topic ends the wait', async () => {
  const broker = await withRetries([])
  await broker.pop('T', 'G')
  const waiting = broker.popLater('T', 'G', { pollMs: 20_000, queueId: 1, expression: 'none' })
  await broker.advance(100)
  await broker.send(V1, 'sent back')
  expect(bodiesOf(await broker.settled(waiting))).toStrictEqual(['sent back'])
  const question = { consumerGroup: 'G', topic: 'T', queueId: -1, pollTimeMs: 20_000, bornTimeMs: 0 }
  const asked = broker.peer.request(Notification, question, { timeoutMs: 60_000 })
  await broker.advance(100)
  await broker.send(V1, 'sent back too')
  expect((await broker.settled(asked)).header).toMatchObject({ hasMsg: true })
  expect((await broker.ask(Notification, { ...question, pollTimeMs: 0 })).header).toMatchObject({ hasMsg: true })
})

test('retry topics: a pop waits, a message of the retry topic is released → the wait ends', async () => {
  const broker = await withRetries([{ body: 'one' }])
  const popped = await broker.pop('T', 'G', { invisibleMs: INVISIBLE_MS })
  await broker.ack(
    'T',
    'G',
    popped.find(({ handle }) => handle.split(' ')[4] === '0')!,
  )
  await broker.advance(1000)
  const waiting = broker.popLater('T', 'G', { pollMs: 20_000, expression: 'none' })
  expect(bodiesOf(await broker.settled(waiting))).toStrictEqual(['one'])
})

test('retry topics: the topic is deleted → they go with it, those of other topics stay', async () => {
  const broker = await withRetries([{ body: 'one' }, { topic: V2, body: 'two' }])
  const other = popRetryTopicOf('G', 'U')
  await broker.send(other, 'stays')
  await broker.pop('T', 'G', { max: 1, queueId: 1 })
  expect((await broker.deleteTopic('T')).code).toBe(ResponseCode.SUCCESS)
  const codes: number[] = []
  for (const topic of [V1, V2, other]) codes.push((await broker.ask(GetTopicConfig, { topic })).code)
  const { TOPIC_NOT_EXIST, SUCCESS } = ResponseCode
  expect(codes).toStrictEqual([TOPIC_NOT_EXIST, TOPIC_NOT_EXIST, SUCCESS])
})

test('retry topics: one that may not be read → its messages wait', async () => {
  const broker = await withRetries([{ body: 'one' }])
  const queues = { readQueueNums: 2, writeQueueNums: 2 }
  const header = { topic: V1, defaultTopic: 'TBW102', ...queues, perm: 2, topicFilterType: 'SINGLE_TAG', order: false }
  await broker.ask(UpdateAndCreateTopic, header)
  expect(await broker.pop('T', 'G', { expression: 'none' })).toStrictEqual([])
})
