import { expect, test } from '@jest/globals'
import { Notification, ResponseCode, UpdateAndCreateTopic } from '@rocketmq-ts/remoting'
import { type BrokerHarness, startBroker } from '../broker-harness.ts'

const header = (changes: object = {}) => ({
  consumerGroup: 'G',
  topic: 'T',
  queueId: -1,
  pollTimeMs: 0,
  bornTimeMs: 0,
  ...changes,
})

const later = (broker: BrokerHarness, changes: object) =>
  broker.peer.request(Notification, header(changes), { timeoutMs: 90_000 })

async function startEmpty(): Promise<BrokerHarness> {
  const broker = await startBroker()
  await broker.send('T', 'first')
  await broker.ack('T', 'G', (await broker.pop('T', 'G'))[0]!)
  return broker
}

test('notification: messages are there, also for a group that never popped → at once, and nothing is claimed', async () => {
  const broker = await startBroker()
  await broker.send('T', 'one')
  expect((await broker.ask(Notification, header({ pollTimeMs: 20_000 }))).header).toMatchObject({ hasMsg: true })
  expect(await broker.pop('T', 'G')).toHaveLength(1)
})

test('notification: everything is in flight → no messages; one is released → told', async () => {
  const broker = await startBroker()
  await broker.send('T', 'one')
  await broker.pop('T', 'G', { invisibleMs: 10_000 })
  expect((await broker.ask(Notification, header())).header).toMatchObject({ hasMsg: false })
  const before = broker.world.nowMs
  expect((await broker.settled(later(broker, { pollTimeMs: 20_000 }))).header).toMatchObject({ hasMsg: true })
  expect(broker.world.nowMs - before).toBeLessThan(10_500)
})

test('notification: a message of another queue → waits on, one of its own → told', async () => {
  const broker = await startEmpty()
  const waiting = later(broker, { queueId: 2, pollTimeMs: 20_000 })
  await broker.advance(10)
  const before = broker.world.nowMs
  await broker.send('T', 'elsewhere', { queueId: 1 })
  await broker.advance(5000)
  await broker.send('T', 'here', { queueId: 2 })
  expect((await broker.settled(waiting)).header).toMatchObject({ hasMsg: true })
  expect(broker.world.nowMs - before).toBeGreaterThan(5000)
})

test('notification: the polling time is over → no messages, a success; a long time is cut to the bound', async () => {
  const broker = await startEmpty()
  const before = broker.world.nowMs
  const answer = await broker.settled(later(broker, { pollTimeMs: 3_600_000 }))
  expect(answer).toMatchObject({ code: ResponseCode.SUCCESS, header: { hasMsg: false, pollingFull: false } })
  expect(broker.world.nowMs - before).toBeLessThan(61_000)
})

test.each([
  ['an unknown topic', { topic: 'unknown' }, ResponseCode.TOPIC_NOT_EXIST],
  ['a queue that is not there', { queueId: 4 }, ResponseCode.INVALID_PARAMETER],
  ['an illegal group', { consumerGroup: 'a b' }, ResponseCode.INVALID_PARAMETER],
])('notification: %s → refused at once', async (_name, changes, code) => {
  const broker = await startEmpty()
  expect((await broker.ask(Notification, header({ pollTimeMs: 20_000, ...changes }))).code).toBe(code)
})

const hasMessages = async (broker: BrokerHarness) => (await broker.ask(Notification, header())).header?.hasMsg

test.each(['QUEUE', 'MESSAGE_GROUP'] as const)(
  'notification: a group in order by %s, a batch holds the others up → no messages; acknowledged → told',
  async (unit) => {
    const broker = await startBroker()
    await broker.setOrder('G', 16, unit)
    for (const name of ['m1', 'm2', 'm3']) await broker.send('T', name)
    expect(await hasMessages(broker)).toBe(true)
    const [first] = await broker.pop('T', 'G', { max: 1 })
    expect(await broker.pop('T', 'G')).toStrictEqual([])
    expect(await hasMessages(broker)).toBe(false)
    const waiting = later(broker, { pollTimeMs: 20_000 })
    await broker.ack('T', 'G', first!)
    expect((await broker.settled(waiting)).header).toMatchObject({ hasMsg: true })
    expect(await broker.pop('T', 'G')).toHaveLength(2)
  },
)

test('notification: a group in order waits for a copy in its retry topic → no messages until the copy may be had', async () => {
  const broker = await startBroker()
  const queues = { readQueueNums: 1, writeQueueNums: 1, perm: 6, order: false, topicFilterType: 'SINGLE_TAG' }
  const attributes = '+retention.count=3'
  await broker.ask(UpdateAndCreateTopic, { topic: 'T', defaultTopic: '', ...queues, attributes })
  await broker.setOrder('G', 16, 'QUEUE')
  for (let index = 1; index <= 6; index += 1) await broker.send('T', `m${index}`)
  const [held] = await broker.pop('T', 'G', { max: 1, invisibleMs: 600_000 })
  await broker.advance(15_000)
  expect(broker.events.some(({ event }) => event === 'survivors.copied')).toBe(true)
  expect(await hasMessages(broker)).toBe(false)
  await broker.changeInvisible('T', 'G', held!, 0)
  expect(await hasMessages(broker)).toBe(true)
})
