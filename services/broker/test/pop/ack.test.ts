// ACK_MESSAGE, BATCH_ACK_MESSAGE and CHANGE_MESSAGE_INVISIBLETIME: only the very delivery that a handle names is settled.
import { expect, test } from '@jest/globals'
import {
  AckMessage,
  BatchAckMessage,
  ChangeMessageInvisibleTime,
  ResponseCode,
  encodeBatchAckBody,
} from '@rocketmq-ts/remoting'
import { type BrokerHarness, type Popped, startBroker } from '../broker-harness.ts'

async function popped(count: number): Promise<{ broker: BrokerHarness; messages: Popped[] }> {
  const broker = await startBroker()
  for (let index = 0; index < count; index += 1) await broker.send('T', `message ${index}`)
  return { broker, messages: await broker.pop('T', 'G') }
}

/** Asked past the tally of the harness: these tests look at the ledger themselves. */
const ackHeader = ({ record, handle }: Popped, changes: object = {}) => ({
  consumerGroup: 'G',
  topic: 'T',
  queueId: record.queueId,
  extraInfo: handle,
  queueOffset: record.queueOffset,
  ...changes,
})

const batch = (popTimeMs: number, offsetsFromStart: number[], changes: object = {}) => ({
  consumerGroup: 'G',
  topic: 'T',
  topicKind: 'normal' as const,
  startOffset: 0,
  queueId: 0,
  reviveQid: 0,
  popTimeMs,
  invisibleTimeMs: 60_000,
  offsetsFromStart,
  ...changes,
})

const bucketsOf = (broker: BrokerHarness) => broker.broker.ledger()[0]?.buckets

test('batch ack: some of a pop → those are settled, the others expire', async () => {
  const { broker, messages } = await popped(5)
  const acks = [batch(messages[0]!.popTimeMs, [0, 2, 4])]
  const answer = await broker.ask(BatchAckMessage, {}, encodeBatchAckBody({ brokerName: 'broker-a', acks }))
  expect(answer.code).toBe(ResponseCode.SUCCESS)
  expect(bucketsOf(broker)).toMatchObject({ acked: 3, inFlight: 2 })
  for (const at of [0, 2, 4]) await broker.ack('T', 'G', messages[at]!)
  await broker.advance(60_001)
  expect((await broker.pop('T', 'G')).map(({ record }) => record.queueOffset)).toStrictEqual([1, 3])
})

test('batch ack: other pop times, queues, topics, groups and offsets far away → a success without effect', async () => {
  const { broker, messages } = await popped(2)
  const { popTimeMs } = messages[0]!
  const acks = [
    batch(popTimeMs + 1, [0, 1]),
    batch(popTimeMs, [0], { queueId: 3 }),
    batch(popTimeMs, [0], { topic: 'unknown' }),
    batch(popTimeMs, [0], { consumerGroup: 'unknown' }),
    batch(popTimeMs, [0, 65_535], { startOffset: Number.MAX_SAFE_INTEGER }),
    batch(popTimeMs, [0], { startOffset: -1 }),
  ]
  const answer = await broker.ask(BatchAckMessage, {}, encodeBatchAckBody({ brokerName: 'broker-a', acks }))
  expect(answer.code).toBe(ResponseCode.SUCCESS)
  expect(bucketsOf(broker)).toMatchObject({ acked: 0, inFlight: 2 })
})

test('batch ack: answered, then a kill → settled', async () => {
  const { broker, messages } = await popped(40)
  const acks = [
    batch(
      messages[0]!.popTimeMs,
      messages.map((_, index) => index),
    ),
  ]
  await broker.ask(BatchAckMessage, {}, encodeBatchAckBody({ brokerName: 'broker-a', acks }))
  for (const each of messages) await broker.ack('T', 'G', each)
  broker.crash({ powerLoss: false })
  await broker.restart()
  expect(bucketsOf(broker)).toMatchObject({ acked: 32, inFlight: 0, waiting: 8 })
})

test.each([
  ['a queue that is not there', { queueId: 4 }, ResponseCode.MESSAGE_ILLEGAL],
  ['a queue below 0', { queueId: -1 }, ResponseCode.MESSAGE_ILLEGAL],
  ['an unknown topic', { topic: 'unknown' }, ResponseCode.TOPIC_NOT_EXIST],
  ['an offset that was never written', { queueOffset: 1 }, ResponseCode.NO_MESSAGE],
  ['an offset below 0', { queueOffset: -1 }, ResponseCode.NO_MESSAGE],
  ['a handle that is none', { extraInfo: 'x' }, ResponseCode.MESSAGE_ILLEGAL],
  [
    'a handle with a pop time beyond 2^53',
    { extraInfo: '0 99999999999999999 1 0 0 b 0 0' },
    ResponseCode.MESSAGE_ILLEGAL,
  ],
])('ack: %s → refused with its code, nothing is settled', async (_name, changes, code) => {
  const { broker, messages } = await popped(1)
  expect((await broker.ask(AckMessage, ackHeader(messages[0]!, changes))).code).toBe(code)
  expect(bucketsOf(broker)).toMatchObject({ acked: 0, inFlight: 1 })
})

test.each([
  ['below 0', { invisibleTimeMs: -1 }, ResponseCode.INVALID_PARAMETER],
  ['above the bound', { invisibleTimeMs: 12 * 3_600_000 + 1 }, ResponseCode.INVALID_PARAMETER],
  ['of a queue that is not there', { queueId: 4 }, ResponseCode.MESSAGE_ILLEGAL],
  ['by a handle that is none', { extraInfo: '' }, ResponseCode.MESSAGE_ILLEGAL],
])('change of the invisible time: %s → refused, the delivery stays as it is', async (_name, changes, code) => {
  const { broker, messages } = await popped(1)
  const header = { ...ackHeader(messages[0]!), invisibleTimeMs: 10_000, ...changes }
  expect((await broker.ask(ChangeMessageInvisibleTime, header)).code).toBe(code)
  await broker.advance(59_000)
  expect(bucketsOf(broker)).toMatchObject({ inFlight: 1 })
})

test('ack, change of the invisible time: an unknown topic and a handle that is none → the topic is said', async () => {
  const { broker, messages } = await popped(1)
  const header = ackHeader(messages[0]!, { topic: 'missing', extraInfo: 'none' })
  expect((await broker.ask(AckMessage, header)).code).toBe(ResponseCode.TOPIC_NOT_EXIST)
  const change = { ...header, invisibleTimeMs: 1000 }
  expect((await broker.ask(ChangeMessageInvisibleTime, change)).code).toBe(ResponseCode.TOPIC_NOT_EXIST)
})

test('change of the invisible time: the old handle afterwards → no effect; the new one settles', async () => {
  const { broker, messages } = await popped(1)
  const [first] = messages
  const { header } = await broker.changeInvisible('T', 'G', first!, 120_000)
  await broker.ask(AckMessage, ackHeader(first!))
  expect(bucketsOf(broker)).toMatchObject({ acked: 0, inFlight: 1 })
  const { popTimeMs } = header as { popTimeMs: number }
  expect(popTimeMs).toBeGreaterThan(first!.popTimeMs)
  const handle = first!.handle.replace(String(first!.popTimeMs), String(popTimeMs))
  await broker.ask(AckMessage, ackHeader(first!, { extraInfo: handle }))
  expect(bucketsOf(broker)?.acked).toBe(1)
  await broker.ack('T', 'G', first!)
})

test('change of the invisible time: of an acknowledged message → a success, it does not come back', async () => {
  const { broker, messages } = await popped(1)
  await broker.ack('T', 'G', messages[0]!)
  expect((await broker.changeInvisible('T', 'G', messages[0]!, 0)).code).toBe(ResponseCode.SUCCESS)
  expect(await broker.pop('T', 'G')).toStrictEqual([])
})
