// QUERY_CONSUMER_OFFSET, GET_MAX_OFFSET and GET_MIN_OFFSET.
import { expect, test } from '@jest/globals'
import { GetMaxOffset, GetMinOffset, QueryConsumerOffset, ResponseCode } from '@rocketmq-ts/remoting'
import { startBroker } from '../broker-harness.ts'

const query = (changes: object = {}) => ({ consumerGroup: 'G', topic: 'T', queueId: 0, ...changes })

test('offsets: acknowledged out of order → the low mark, not the highest offset', async () => {
  const broker = await startBroker()
  for (const body of ['a', 'b', 'c']) await broker.send('T', body)
  const popped = await broker.pop('T', 'G')
  const offset = async () => (await broker.ask(QueryConsumerOffset, query())).header?.queueOffset
  await broker.ack('T', 'G', popped[2]!)
  expect(await offset()).toBe(0)
  await broker.ack('T', 'G', popped[0]!)
  expect(await offset()).toBe(1)
  await broker.ack('T', 'G', popped[1]!)
  expect(await offset()).toBe(3)
})

test('offsets: a group that has not begun, on a queue that is whole → 0, unless zero is not wanted', async () => {
  const broker = await startBroker()
  await broker.send('T', 'one')
  expect((await broker.ask(QueryConsumerOffset, query())).header).toMatchObject({ queueOffset: 0 })
  const answer = await broker.ask(QueryConsumerOffset, query({ setZeroIfNotFound: false }))
  expect(answer.code).toBe(ResponseCode.QUERY_NOT_FOUND)
})

test('offsets: unknown topic, queue or group → told apart', async () => {
  const broker = await startBroker({ autoCreateSubscriptionGroup: false })
  await broker.setRetries('G', 3)
  await broker.send('T', 'one')
  const code = async (changes: object) => (await broker.ask(QueryConsumerOffset, query(changes))).code
  expect(await code({ topic: 'unknown' })).toBe(ResponseCode.TOPIC_NOT_EXIST)
  expect(await code({ queueId: 4 })).toBe(ResponseCode.INVALID_PARAMETER)
  expect(await code({ queueId: -1 })).toBe(ResponseCode.INVALID_PARAMETER)
  expect(await code({ consumerGroup: 'unknown' })).toBe(ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST)
})

test('offsets: bounds of a queue → one past the last message and 0; of a queue that is not there → INVALID_PARAMETER', async () => {
  const broker = await startBroker()
  await broker.send('T', 'one')
  await broker.send('T', 'two')
  const place = { topic: 'T', queueId: 0 }
  expect((await broker.ask(GetMaxOffset, place)).header).toStrictEqual({ queueOffset: 2 })
  expect((await broker.ask(GetMinOffset, place)).header).toStrictEqual({ queueOffset: 0 })
  expect((await broker.ask(GetMaxOffset, { topic: 'T', queueId: 3 })).header).toStrictEqual({ queueOffset: 0 })
  for (const queueId of [-1, 4, 2 ** 31 - 1]) {
    expect((await broker.ask(GetMaxOffset, { topic: 'T', queueId })).code).toBe(ResponseCode.INVALID_PARAMETER)
    expect((await broker.ask(GetMinOffset, { topic: 'T', queueId })).code).toBe(ResponseCode.INVALID_PARAMETER)
  }
})

test('offsets: sync flush → the maximum never shows a message that is not flushed', async () => {
  const broker = await startBroker()
  await broker.send('T', 'one')
  broker.machine.disk.fail({ on: 'sync', path: 'commitlog', delayMs: 500, times: Infinity })
  const sent = broker.send('T', 'two')
  const early = broker.broker.connectLocal().request(GetMaxOffset, { topic: 'T', queueId: 0 }, { timeoutMs: 1000 })
  await sent
  expect((await early).header).toStrictEqual({ queueOffset: 1 })
  expect((await broker.ask(GetMaxOffset, { topic: 'T', queueId: 0 })).header).toStrictEqual({ queueOffset: 2 })
})
