// Waiting for messages: nobody waits while there is something, and nobody takes for a client that is gone.
import { expect, test } from '@jest/globals'
import { utf8Encode } from '@rocketmq-ts/bytes'
import { Notification, PopMessage, ResponseCode, SendMessageV2 } from '@rocketmq-ts/remoting'
import { type BrokerHarness, MINUTE_MS, startBroker } from '../broker-harness.ts'

const bodies = (popped: readonly { record: { body: Uint8Array } }[]) =>
  popped.map(({ record }) => Buffer.from(record.body).toString())

const popHeader = (group: string, pollTimeMs: number) => ({
  consumerGroup: group,
  topic: 'T',
  queueId: -1,
  maxMsgNums: 1,
  invisibleTimeMs: MINUTE_MS,
  pollTimeMs,
  bornTimeMs: 0,
  initMode: 1,
})

/** Many messages of a tag into queue 0, fast. */
async function sendMany(broker: BrokerHarness, count: number, tag: string): Promise<void> {
  const header = {
    producerGroup: 'p',
    topic: 'T',
    defaultTopic: 'TBW102',
    defaultTopicQueueNums: 4,
    queueId: 0,
    sysFlag: 0,
    bornTimestampMs: 1,
    flag: 0,
    properties: `TAGS\u0001${tag}\u0002`,
  }
  const options = { timeoutMs: MINUTE_MS, body: utf8Encode('x') }
  const answers = await broker.settled(
    Promise.all(Array.from({ length: count }, () => broker.peer.request(SendMessageV2, header, options))),
  )
  expect(answers.every(({ code }) => code === ResponseCode.SUCCESS)).toBe(true)
}

test('long poll: the only message for it lies behind thousands of others → found at once, not when the time is over', async () => {
  const broker = await startBroker({ mappedFileSizeCommitLog: 16 * 1024 * 1024 })
  await sendMany(broker, 5000, 'common')
  await broker.send('T', 'rare', { properties: 'TAGS\u0001rare\u0002' })
  const before = broker.world.nowMs
  expect(bodies(await broker.pop('T', 'G', { expression: 'rare', pollMs: 20_000 }))).toStrictEqual(['rare'])
  expect(broker.world.nowMs - before).toBeLessThan(1000)
})

test('long poll: several messages are released at once → as many waiters get one, without a further event', async () => {
  const broker = await startBroker()
  for (const body of ['a', 'b', 'c']) await broker.send('T', body)
  expect(await broker.pop('T', 'G', { invisibleMs: 10_000 })).toHaveLength(3)
  const waiting = Array.from({ length: 4 }, () => broker.popLater('T', 'G', { max: 1, pollMs: 30_000 }))
  await broker.advance(10_100)
  const before = broker.world.nowMs
  const got = await broker.settled(Promise.all(waiting.slice(0, 3)))
  expect(broker.world.nowMs - before).toBeLessThan(100)
  expect(got.flatMap(bodies).sort()).toStrictEqual(['a', 'b', 'c'])
  expect(await broker.settled(waiting[3]!)).toStrictEqual([])
})

test('long poll: a client that only wants to know waits first → the pop behind it is woken by the same message', async () => {
  const broker = await startBroker()
  await broker.send('T', 'first')
  await broker.ack('T', 'G', (await broker.pop('T', 'G'))[0]!)
  const header = { consumerGroup: 'G', topic: 'T', queueId: -1, pollTimeMs: 20_000, bornTimeMs: 0 }
  const told = broker.peer.request(Notification, header, { timeoutMs: 30_000 })
  const popped = broker.popLater('T', 'G', { pollMs: 20_000 })
  await broker.advance(100)
  await broker.send('T', 'second')
  const before = broker.world.nowMs
  expect(bodies(await broker.settled(popped))).toStrictEqual(['second'])
  expect((await broker.settled(told)).header).toMatchObject({ hasMsg: true })
  expect(broker.world.nowMs - before).toBeLessThan(1000)
})

test('long poll: a client is gone before its requests had their Turn → a message goes to one who is there', async () => {
  const broker = await startBroker()
  await broker.send('T', 'first')
  await broker.ack('T', 'G', (await broker.pop('T', 'G'))[0]!)
  const peer = broker.broker.connectLocal()
  for (let index = 0; index < 3; index += 1)
    peer.request(PopMessage, popHeader('G', 60_000), { timeoutMs: 90_000 }).catch(() => undefined)
  peer.close()
  await broker.advance(10)
  const popped = broker.popLater('T', 'G', { pollMs: 20_000 })
  await broker.advance(100)
  await broker.send('T', 'late')
  expect(bodies(await broker.settled(popped))).toStrictEqual(['late'])
})
