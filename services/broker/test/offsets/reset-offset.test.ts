// INVOKE_BROKER_TO_RESET_OFFSET: where a group goes on, and what becomes of what it had.
import { expect, test } from '@jest/globals'
import {
  decodeQueuePositions,
  InvokeBrokerToResetOffset,
  type InvokeBrokerToResetOffsetHeader,
  QueryConsumerOffset,
  ResponseCode,
} from '@rocketmq-ts/remoting'
import { SystemTopic } from '@rocketmq-ts/model'
import { type BrokerHarness, startBroker } from '../broker-harness.ts'

const toOffset = (broker: BrokerHarness, offset: number) => broker.reset({ queueId: 0, offset })

function bodiesOf(popped: readonly { readonly record: { readonly body: Uint8Array } }[]): string[] {
  return popped.map(({ record }) => Buffer.from(record.body).toString())
}

async function sent(broker: BrokerHarness, ...bodies: string[]): Promise<void> {
  for (const body of bodies) await broker.send('T', body)
}

async function position(broker: BrokerHarness, queueId = 0): Promise<number | undefined> {
  const header = { consumerGroup: 'G', topic: 'T', queueId, setZeroIfNotFound: false }
  return (await broker.ask(QueryConsumerOffset, header)).header?.queueOffset
}

function buckets(broker: BrokerHarness) {
  const { buckets: all } = broker.broker.ledger().find(({ topic, queueId }) => topic === 'T' && queueId === 0)!
  return Object.fromEntries(Object.entries(all).filter(([, count]) => count > 0))
}

test('reset: to a time → every queue goes on at the first message stored then or later', async () => {
  const broker = await startBroker()
  await sent(broker, 'a', 'b')
  await broker.send('T', 'x', { queueId: 1 })
  await broker.advance(60_000)
  const timestampMs = broker.machine.nowMs
  await broker.advance(1000)
  await sent(broker, 'c')
  for (const each of await broker.pop('T', 'G')) await broker.ack('T', 'G', each)
  const answer = await broker.reset({ timestampMs })
  expect(answer.code).toBe(ResponseCode.SUCCESS)
  expect(decodeQueuePositions(answer.body!)).toEqual(
    [2, 1, 0, 0].map((offset, queueId) => ({ topic: 'T', brokerName: 'broker-a', queueId, offset })),
  )
  expect(bodiesOf(await broker.pop('T', 'G'))).toEqual(['c'])
})

test('reset: forward over messages in flight and ready → they count as skipped, and do not come again', async () => {
  const broker = await startBroker()
  await sent(broker, 'a', 'b', 'c', 'd')
  const [first] = await broker.pop('T', 'G', { max: 2, invisibleMs: 10_000 })
  await broker.changeInvisible('T', 'G', first!, 0)
  await toOffset(broker, 3)
  expect(buckets(broker)).toEqual({ skipped: 3, waiting: 1 })
  expect(bodiesOf(await broker.pop('T', 'G'))).toEqual(['d'])
  await broker.advance(20_000)
  expect(bodiesOf(await broker.pop('T', 'G', { pollMs: 0 }))).toEqual([])
})

test('reset: back → what was acknowledged comes again as a first delivery, and handles from before do nothing', async () => {
  const broker = await startBroker()
  await sent(broker, 'a', 'b', 'c')
  const old = await broker.pop('T', 'G')
  await broker.ack('T', 'G', old[0]!)
  await toOffset(broker, 0)
  const again = await broker.pop('T', 'G')
  expect(bodiesOf(again)).toEqual(['a', 'b', 'c'])
  expect(again.map(({ record }) => record.reconsumeTimes)).toEqual([0, 0, 0])
  expect((await broker.ack('T', 'G', old[1]!)).code).toBe(ResponseCode.SUCCESS)
  expect((await broker.changeInvisible('T', 'G', old[2]!, 0)).code).toBe(ResponseCode.SUCCESS)
  expect((await broker.sendBack('T', 'G', old[0]!)).code).toBe(ResponseCode.SUCCESS)
  expect(buckets(broker)).toEqual({ inFlight: 3 })
  for (const each of again) await broker.ack('T', 'G', each)
  expect(await position(broker)).toBe(3)
})

test('reset: a message of the dead whose copy finds no room → nobody tries again, and it comes as any other', async () => {
  const broker = await startBroker({ mappedFileSizeCommitLog: 64 * 1024 })
  await broker.setRetries('G', 0)
  await sent(broker, 'x'.repeat(65_360))
  await broker.pop('T', 'G', { invisibleMs: 1000 })
  await broker.advance(5000)
  const tries = () => broker.events.filter(({ event }) => event === 'dead-letter.postponed').length
  expect(tries()).toBeGreaterThan(0)
  const before = tries()
  await toOffset(broker, 0)
  await broker.advance(60_000)
  expect([tries(), buckets(broker)]).toEqual([before, { waiting: 1 }])
  expect(await broker.pop('T', 'G')).toHaveLength(1)
})

test.each(['QUEUE', 'MESSAGE_GROUP'] as const)(
  'reset: a group that consumes in order by %s and is held up → it goes on at once, and no attempt has a batch',
  async (unit) => {
    const broker = await startBroker()
    await broker.setOrder('G', 3, unit)
    const properties = '__SHARDINGKEY\u0001m\u0002'
    for (const body of ['a', 'b', 'c']) await broker.send('T', body, { properties })
    const [old] = await broker.pop('T', 'G', { max: 1, attemptId: 'first' })
    expect(bodiesOf(await broker.pop('T', 'G', { pollMs: 0, attemptId: 'second' }))).toEqual([])
    const waiting = broker.popLater('T', 'G', { pollMs: 10_000, attemptId: 'third' })
    await broker.advance(100)
    await toOffset(broker, 1)
    const got = await broker.settled(waiting)
    expect(bodiesOf(got)).toEqual(['b', 'c'])
    await broker.ack('T', 'G', old!)
    expect(bodiesOf(await broker.pop('T', 'G', { pollMs: 0, attemptId: 'first' }))).toEqual([])
    for (const each of got) await broker.ack('T', 'G', each)
    expect(await position(broker)).toBe(3)
  },
)

test('reset: several pops wait → each of them looks again', async () => {
  const broker = await startBroker()
  await sent(broker, 'a', 'b', 'c')
  for (const each of await broker.pop('T', 'G')) await broker.ack('T', 'G', each)
  const waiting = [1, 2, 3].map(() => broker.popLater('T', 'G', { max: 1, pollMs: 10_000 }))
  await broker.advance(100)
  await toOffset(broker, 0)
  const got = await broker.settled(Promise.all(waiting))
  expect(got.flatMap(bodiesOf).sort()).toEqual(['a', 'b', 'c'])
})

test('reset: another group of the topic, another topic of the group → stay where they are', async () => {
  const broker = await startBroker()
  await sent(broker, 'a')
  await broker.send('U', 'u')
  for (const topic of ['T', 'U']) for (const each of await broker.pop(topic, 'G')) await broker.ack(topic, 'G', each)
  for (const each of await broker.pop('T', 'H')) await broker.ack('T', 'H', each)
  await toOffset(broker, 0)
  expect(bodiesOf(await broker.pop('U', 'G', { pollMs: 0 }))).toEqual([])
  expect(bodiesOf(await broker.pop('T', 'H', { pollMs: 0 }))).toEqual([])
  expect(bodiesOf(await broker.pop('T', 'G'))).toEqual(['a'])
})

test('reset: a queue that the group has not consumed → it begins there', async () => {
  const broker = await startBroker()
  await sent(broker, 'a', 'b', 'c')
  await broker.setRetries('G', 3)
  await toOffset(broker, 2)
  expect(buckets(broker)).toEqual({ beforeStart: 2, waiting: 1 })
  expect(bodiesOf(await broker.pop('T', 'G'))).toEqual(['c'])
})

test.each([true, false])('reset: answered, then a crash with power loss %s → it holds', async (powerLoss) => {
  const broker = await startBroker()
  await sent(broker, 'a', 'b', 'c')
  const old = await broker.pop('T', 'G')
  for (const each of old) await broker.ack('T', 'G', each)
  await toOffset(broker, 1)
  broker.crash({ powerLoss })
  await broker.restart()
  expect(await position(broker)).toBe(1)
  expect(bodiesOf(await broker.pop('T', 'G'))).toEqual(['b', 'c'])
  await broker.ack('T', 'G', old[1]!)
  expect(buckets(broker)).toMatchObject({ inFlight: 2 })
})

test('reset: the power fails before the flush → it was not answered, and the group is where it was or where it was to go', async () => {
  const broker = await startBroker()
  await sent(broker, 'a', 'b', 'c')
  for (const each of await broker.pop('T', 'G')) await broker.ack('T', 'G', each)
  await broker.send('U', 'flushes the acks')
  broker.machine.disk.fail({ on: 'sync', path: 'commitlog', delayMs: 60_000, times: Infinity })
  let answered = false
  const header = { topic: 'T', group: 'G', queueId: 0, offset: 1, timestampMs: 0 }
  const asked = broker.peer.request(InvokeBrokerToResetOffset, header, { timeoutMs: 1000 })
  asked.then(
    ({ code }) => (answered = code === ResponseCode.SUCCESS),
    () => {},
  )
  await broker.advance(10)
  broker.crash({ powerLoss: true })
  expect(answered).toBe(false)
  await broker.restart()
  expect([1, 3]).toContain(await position(broker))
})

test('reset: what is asked for, at the bounds → its code', async () => {
  const broker = await startBroker()
  await sent(broker, 'a', 'b')
  await broker.pop('T', 'G')
  const { SUCCESS, SYSTEM_ERROR, INVALID_PARAMETER } = ResponseCode
  const rows: [Partial<InvokeBrokerToResetOffsetHeader>, number, number?][] = [
    [{ queueId: 0, offset: -2 }, SYSTEM_ERROR],
    [{ queueId: 0, offset: -1, timestampMs: -1 }, SUCCESS, 2],
    [{ queueId: 0, offset: 0 }, SUCCESS, 0],
    [{ queueId: 0, offset: 2 }, SUCCESS, 2],
    [{ queueId: 0, offset: 3 }, SUCCESS, 2],
    [{ queueId: 0, offset: 4 }, SYSTEM_ERROR],
    [{ queueId: 0, timestampMs: 0 }, SUCCESS, 0],
    [{ queueId: 0, timestampMs: Number.MAX_SAFE_INTEGER }, SUCCESS, 2],
    [{ timestampMs: -1, offset: 1 }, SUCCESS, 2],
    [{ queueId: -1, timestampMs: 0 }, SUCCESS, 0],
    [{ queueId: -2 }, INVALID_PARAMETER],
    [{ queueId: 3 }, SUCCESS],
    [{ queueId: 4 }, INVALID_PARAMETER],
    [{ topic: 'unknown' }, ResponseCode.TOPIC_NOT_EXIST],
    [{ group: 'unknown' }, ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST],
    [{ topic: SystemTopic.HALF }, INVALID_PARAMETER],
    [{ group: 'CID_RMQ_SYS_TRANS' }, INVALID_PARAMETER],
  ]
  for (const [changes, code, at] of rows) {
    expect([changes, (await broker.reset(changes)).code]).toEqual([changes, code])
    if (at !== undefined) expect([changes, await position(broker)]).toEqual([changes, at])
  }
})
