// Messages that are sent again to a topic that remembers what it has.
import { expect, test } from '@jest/globals'
import { utf8Encode } from '@rocketmq-ts/bytes'
import { DedupAttribute, encodeProperties, PropertyName } from '@rocketmq-ts/model'
import { createMetricsRegistry } from '@rocketmq-ts/metrics'
import { ResponseCode, SendMessageV2, UpdateAndCreateTopic } from '@rocketmq-ts/remoting'
import { DEDUP_FORGOTTEN_PER_SEND, DEDUP_WAITING_MAX } from '../../src/limits.ts'
import { type BrokerHarness, MINUTE_MS, startBroker } from '../broker-harness.ts'

const WINDOW_MS = 5 * MINUTE_MS

/** Puts the topic with these attributes, or others of it. */
async function putTopic(broker: BrokerHarness, attributes: string): Promise<number> {
  const queues = { readQueueNums: 4, writeQueueNums: 4, perm: 6, topicFilterType: 'SINGLE_TAG', order: false }
  return (await broker.ask(UpdateAndCreateTopic, { topic: 'T', defaultTopic: '', ...queues, attributes })).code
}

async function remembering(
  by: 'MESSAGE_ID' | 'KEY' = 'MESSAGE_ID',
  deps: Parameters<typeof startBroker>[1] = {},
): Promise<BrokerHarness> {
  const broker = await startBroker({}, deps)
  await putTopic(broker, `+${DedupAttribute.by}=${by},+${DedupAttribute.window}=${WINDOW_MS}`)
  return broker
}

/** Without the tally of the harness, which takes every answer for a message. */
function sendLater({ peer }: BrokerHarness, id: string, keys = '') {
  const header = {
    producerGroup: 'p',
    topic: 'T',
    defaultTopic: '',
    defaultTopicQueueNums: 4,
    queueId: 1,
    sysFlag: 0,
    bornTimestampMs: 1,
    flag: 0,
    properties: encodeProperties([
      [PropertyName.UNIQ_KEY, id],
      [PropertyName.KEYS, keys],
    ]),
  }
  return peer.request(SendMessageV2, header, { timeoutMs: MINUTE_MS, body: utf8Encode(`body of ${id}`) })
}

const send = (broker: BrokerHarness, id: string, keys?: string) => broker.settled(sendLater(broker, id, keys))

const sendTogether = (broker: BrokerHarness, ids: readonly string[]) =>
  broker.settled(Promise.all(ids.map((id) => sendLater(broker, id))))

const bodies = async (broker: BrokerHarness) =>
  (await broker.pop('T', 'readers')).map(({ record }) => Buffer.from(record.body).toString())

test('duplicates: sent again within the window → the place of the first one, and one message', async () => {
  const metrics = createMetricsRegistry()
  const broker = await remembering('MESSAGE_ID', { metrics })
  const first = await send(broker, 'a')
  await send(broker, 'b')
  await broker.advance(WINDOW_MS - 1000)
  expect(await send(broker, 'a')).toEqual(first)
  expect(await bodies(broker)).toEqual(['body of a', 'body of b'])
  expect(await broker.settled(metrics.expose())).toMatch(/^rocketmq_ts_duplicate_sends_total\{topic="T"\} 1$/m)
})

test('duplicates: sent again behind the window → stored once more, and that one is remembered', async () => {
  const broker = await remembering()
  // More than a send forgets.
  await sendTogether(
    broker,
    Array.from({ length: 2 * DEDUP_FORGOTTEN_PER_SEND }, (_, index) => `${index}`),
  )
  await send(broker, 'a')
  await broker.advance(WINDOW_MS)
  const second = await send(broker, 'a')
  expect(second.header?.queueOffset).toBe(2 * DEDUP_FORGOTTEN_PER_SEND + 1)
  expect(await send(broker, 'a')).toEqual(second)
})

test.each([
  ['an orderly stop', async (broker: BrokerHarness) => broker.stop()],
  ['a kill', async (broker: BrokerHarness) => broker.crash({ powerLoss: false })],
  ['a power loss', async (broker: BrokerHarness) => broker.crash({ powerLoss: true })],
])('duplicates: %s in between → the place of the first one all the same', async (_name, end) => {
  const broker = await remembering()
  const first = await send(broker, 'ключ 1')
  for (let index = 0; index < 200; index += 1) await send(broker, `other ${index}`)
  await end(broker)
  await broker.restart()
  const again = await sendTogether(broker, ['ключ 1', 'new', 'new'])
  const { queueOffset } = first.header!
  expect(again.map(({ header }) => header?.queueOffset)).toEqual([queueOffset, 201, 201])
})

test('duplicates: by key → other ids with the same keys are the same message; without keys each is stored', async () => {
  const broker = await remembering('KEY')
  const first = await send(broker, 'a', 'order-1 order-2')
  expect(await send(broker, 'b', 'order-1 order-2')).toEqual(first)
  expect((await send(broker, 'c', 'order-1')).header?.queueOffset).toBe(1)
  await send(broker, 'd')
  expect((await send(broker, 'd')).header?.queueOffset).toBe(3)
})

test('duplicates: a topic begins to remember → what it has already counts; it ends, or is made anew → nothing does', async () => {
  const broker = await startBroker()
  await putTopic(broker, '')
  const first = await send(broker, 'a')
  await putTopic(broker, `+${DedupAttribute.by}=MESSAGE_ID`)
  expect(await send(broker, 'a')).toEqual(first)
  await putTopic(broker, `+${DedupAttribute.by}=NONE`)
  expect((await send(broker, 'a')).header?.queueOffset).toBe(1)
  await broker.deleteTopic('T')
  await putTopic(broker, `+${DedupAttribute.by}=MESSAGE_ID`)
  expect((await send(broker, 'a')).header?.queueOffset).toBe(0)
})

test('duplicates: a topic begins to remember while a message is not flushed yet → that one counts, too', async () => {
  const broker = await startBroker()
  await putTopic(broker, '')
  await send(broker, 'before')
  const slow = broker.machine.disk.fail({ on: 'sync', delayMs: 700, times: Infinity })
  const first = sendLater(broker, 'a')
  await broker.advance(1)
  const queues = { readQueueNums: 4, writeQueueNums: 4, perm: 6, topicFilterType: 'SINGLE_TAG', order: false } as const
  const attributes = `+${DedupAttribute.by}=MESSAGE_ID`
  const changed = broker.peer.request(
    UpdateAndCreateTopic,
    { topic: 'T', defaultTopic: '', ...queues, attributes },
    { timeoutMs: MINUTE_MS },
  )
  const second = sendLater(broker, 'a')
  const [one, , two] = await broker.settled(Promise.all([first, changed, second]))
  expect(two.header?.queueOffset).toBe(one.header?.queueOffset)
  slow.clear()
})

test('duplicates: a topic is made anew with the same window → nothing of the one before is remembered', async () => {
  const broker = await remembering()
  await send(broker, 'a')
  await broker.deleteTopic('T')
  await putTopic(broker, `+${DedupAttribute.by}=MESSAGE_ID,+${DedupAttribute.window}=${WINDOW_MS}`)
  await send(broker, 'b')
  expect((await send(broker, 'a')).header?.queueOffset).toBe(1)
})

test('duplicates: two at once → the first one is stored, both are told its place, when it is flushed', async () => {
  const broker = await remembering()
  await send(broker, 'before')
  const slow = broker.machine.disk.fail({ on: 'sync', delayMs: 700, times: Infinity })
  const before = broker.world.nowMs
  const [first, second] = await sendTogether(broker, ['a', 'a'])
  expect(broker.world.nowMs - before).toBeGreaterThanOrEqual(700)
  expect(second).toEqual(first)
  slow.clear()
})

test('duplicates: more sends than may wait until the messages were read → the next one is busy', async () => {
  const broker = await remembering()
  await send(broker, 'a')
  await broker.stop()
  await broker.restart()
  const sends = await sendTogether(
    broker,
    Array.from({ length: DEDUP_WAITING_MAX + 1 }, (_, index) => `${index}`),
  )
  const codes = sends.map(({ code }) => code)
  expect(codes.filter((code) => code === ResponseCode.SYSTEM_BUSY)).toHaveLength(1)
  expect(codes.filter((code) => code === ResponseCode.SUCCESS)).toHaveLength(DEDUP_WAITING_MAX)
})

test('duplicates: the broker stops while messages of the window are read → who waits is told to ask another one', async () => {
  const broker = await remembering()
  await send(broker, 'a')
  await broker.stop()
  await broker.restart()
  const slow = broker.machine.disk.fail({ on: 'read', delayMs: MINUTE_MS / 4, times: Infinity })
  const waiting = sendLater(broker, 'b')
  await broker.advance(1)
  await broker.stop()
  expect(await broker.settled(waiting)).toMatchObject({ code: ResponseCode.SERVICE_NOT_AVAILABLE })
  slow.clear()
})

test.each([
  [`+${DedupAttribute.by}=BODY`, DedupAttribute.by],
  [`+${DedupAttribute.by}=KEY,+${DedupAttribute.window}=999`, DedupAttribute.window],
  [`+${DedupAttribute.by}=KEY,+${DedupAttribute.window}=86400001`, DedupAttribute.window],
  [`+${DedupAttribute.by}=KEY,+${DedupAttribute.window}=1m`, DedupAttribute.window],
  [`+message.type=DELAY,+${DedupAttribute.by}=KEY`, 'DELAY'],
  [`+message.type=TRANSACTION,+${DedupAttribute.by}=KEY`, 'TRANSACTION'],
])('duplicates: a topic with %s → refused, which names %s', async (attributes, named) => {
  const broker = await startBroker()
  const queues = { readQueueNums: 1, writeQueueNums: 1, perm: 6, topicFilterType: 'SINGLE_TAG', order: false }
  const answer = await broker.ask(UpdateAndCreateTopic, { topic: 'T', defaultTopic: '', ...queues, attributes })
  expect(answer.code).toBe(ResponseCode.INVALID_PARAMETER)
  expect(answer.remark).toContain(named)
})
