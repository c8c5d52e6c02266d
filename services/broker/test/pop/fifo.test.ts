import { expect, test } from '@jest/globals'
import { ORDERED_REVIVE_QUEUE_ID, deadLetterTopicOf, decodeProperties, parseReceiptHandle } from '@rocketmq-ts/model'
import { ConsumerSendMsgBack, PopMessage, ResponseCode, UpdateAndCreateTopic } from '@rocketmq-ts/remoting'
import { type BrokerHarness, MINUTE_MS, type Popped, startBroker } from '../broker-harness.ts'

const bodies = (popped: readonly Popped[]) => popped.map(({ record }) => Buffer.from(record.body).toString())
const attempts = (popped: readonly Popped[]) => popped.map(({ record }) => record.reconsumeTimes + 1)

/** A group in order, and `count` messages in queue 0. */
async function ordered(count: number, retryMaxTimes?: number): Promise<BrokerHarness> {
  const broker = await startBroker()
  await broker.setOrder('G', retryMaxTimes)
  for (let index = 1; index <= count; index += 1) await broker.send('T', `m${index}`)
  return broker
}

const inFlight = (broker: BrokerHarness) => broker.broker.ledger().find(({ topic }) => topic === 'T')?.buckets.inFlight

test('fifo: a batch is with somebody → nothing else of its queue, until the last of it is acknowledged', async () => {
  const broker = await ordered(5)
  const batch = await broker.pop('T', 'G', { max: 3 })
  expect(bodies(batch)).toStrictEqual(['m1', 'm2', 'm3'])
  expect(parseReceiptHandle(batch[0]!.handle).reviveQueueId).toBe(ORDERED_REVIVE_QUEUE_ID)
  expect(await broker.pop('T', 'G')).toStrictEqual([])
  await broker.ack('T', 'G', batch[2]!)
  await broker.ack('T', 'G', batch[0]!)
  expect(await broker.pop('T', 'G')).toStrictEqual([])
  await broker.ack('T', 'G', batch[1]!)
  expect(bodies(await broker.pop('T', 'G'))).toStrictEqual(['m4', 'm5'])
})

test('fifo: pop, change of the invisible time and acknowledgement → answered after the sync, unlike those of other groups', async () => {
  const broker = await ordered(2)
  broker.machine.disk.fail({ on: 'sync', path: 'commitlog', delayMs: 700, times: Infinity })
  async function took(work: () => Promise<unknown>): Promise<number> {
    await broker.advance(2000)
    const before = broker.world.nowMs
    await work()
    return broker.world.nowMs - before
  }
  let popped: Popped[] = []
  await broker.pop('T', 'loose', { max: 1 })
  expect(await took(async () => void (popped = await broker.pop('T', 'loose')))).toBeLessThan(100)
  expect(await took(() => broker.ack('T', 'loose', popped[0]!))).toBeLessThan(100)
  await broker.pop('T', 'G', { max: 1, invisibleMs: 1 })
  expect(await took(async () => void (popped = await broker.pop('T', 'G')))).toBeGreaterThanOrEqual(700)
  expect(await took(() => broker.changeInvisible('T', 'G', popped[1]!, MINUTE_MS))).toBeGreaterThanOrEqual(700)
  expect(await took(() => broker.ack('T', 'G', popped[0]!))).toBeGreaterThanOrEqual(700)
})

test('fifo: one queue is held up → the others go on', async () => {
  const broker = await ordered(2)
  await broker.send('T', 'other', { queueId: 1 })
  const first = await broker.pop('T', 'G', { max: 1, queueId: 0 })
  expect(bodies(first)).toStrictEqual(['m1'])
  expect(bodies(await broker.pop('T', 'G'))).toStrictEqual(['other'])
})

test('fifo: a pop waits behind a batch → the last acknowledgement wakes it', async () => {
  const broker = await ordered(2)
  const [first] = await broker.pop('T', 'G', { max: 1 })
  const waiting = broker.popLater('T', 'G', { pollMs: 20_000 })
  const before = broker.world.nowMs
  await broker.ack('T', 'G', first!)
  expect(bodies(await broker.settled(waiting))).toStrictEqual(['m2'])
  expect(broker.world.nowMs - before).toBeLessThan(1000)
})

test('fifo: several pops wait behind messages of several queues → each queue that is free finds one', async () => {
  const broker = await startBroker()
  await broker.setOrder('G')
  await broker.send('T', 'a1', { queueId: 0 })
  await broker.send('T', 'b1', { queueId: 1 })
  const held = await broker.pop('T', 'G')
  expect(bodies(held).toSorted()).toStrictEqual(['a1', 'b1'])
  await broker.send('T', 'a2', { queueId: 0 })
  await broker.send('T', 'b2', { queueId: 1 })
  const one = broker.popLater('T', 'G', { pollMs: 20_000, max: 1 })
  const two = broker.popLater('T', 'G', { pollMs: 20_000, max: 1 })
  const before = broker.world.nowMs
  for (const popped of held) await broker.ack('T', 'G', popped)
  const got = bodies([...(await broker.settled(one)), ...(await broker.settled(two))])
  expect(got.toSorted()).toStrictEqual(['a2', 'b2'])
  expect(broker.world.nowMs - before).toBeLessThan(1000)
})

test('fifo: the invisible time passes → what was not acknowledged comes again first, in order, its attempt counted', async () => {
  const broker = await ordered(5)
  const batch = await broker.pop('T', 'G', { max: 3, invisibleMs: 10_000 })
  await broker.ack('T', 'G', batch[1]!)
  await broker.advance(10_001)
  const again = await broker.pop('T', 'G', { max: 3 })
  expect(bodies(again)).toStrictEqual(['m1', 'm3', 'm4'])
  expect(attempts(again)).toStrictEqual([2, 2, 1])
})

test('fifo: messages released out of order → come again in order, all of them before later ones', async () => {
  const broker = await ordered(4)
  const batch = await broker.pop('T', 'G', { max: 3 })
  for (const at of [2, 0, 1]) {
    expect(await broker.pop('T', 'G')).toStrictEqual([])
    await broker.changeInvisible('T', 'G', batch[at]!, 0)
  }
  expect(bodies(await broker.pop('T', 'G', { max: 2 }))).toStrictEqual(['m1', 'm2'])
  await broker.advance(MINUTE_MS + 1)
  expect(bodies(await broker.pop('T', 'G'))).toStrictEqual(['m1', 'm2', 'm3', 'm4'])
})

test('fifo: the same attempt asks again → the same messages with new handles, attempts as before, and only those', async () => {
  const broker = await ordered(5)
  const lost = await broker.pop('T', 'G', { max: 3, attemptId: 'A' })
  expect(await broker.pop('T', 'G', { attemptId: 'B' })).toStrictEqual([])
  const again = await broker.pop('T', 'G', { attemptId: 'A' })
  expect(bodies(again)).toStrictEqual(['m1', 'm2', 'm3'])
  expect(attempts(again)).toStrictEqual([1, 1, 1])
  await broker.ack('T', 'G', lost[0]!)
  expect(inFlight(broker)).toBe(3)
  for (const popped of again) await broker.ack('T', 'G', popped)
  expect(inFlight(broker)).toBe(0)
  const next = await broker.pop('T', 'G', { attemptId: 'A' })
  expect(bodies(next)).toStrictEqual(['m4', 'm5'])
})

test('fifo: an attempt whose batch went over several queues → all of them again, and nothing of a free one', async () => {
  const broker = await startBroker()
  await broker.setOrder('G')
  for (const queueId of [0, 1, 2]) await broker.send('T', `q${queueId}`, { queueId })
  const lost = await broker.pop('T', 'G', { attemptId: 'A' })
  expect(lost).toHaveLength(3)
  await broker.send('T', 'free', { queueId: 3 })
  const again = await broker.pop('T', 'G', { attemptId: 'A' })
  expect(bodies(again).toSorted()).toStrictEqual(['q0', 'q1', 'q2'])
})

test('fifo: the last attempt passes → the message is dead, and then the next one comes', async () => {
  const broker = await ordered(2, 1)
  for (const attempt of [1, 2]) {
    const popped = await broker.pop('T', 'G', { max: 1, invisibleMs: 10_000 })
    expect([bodies(popped), attempts(popped)]).toStrictEqual([['m1'], [attempt]])
    await broker.advance(10_001)
  }
  expect(bodies(await broker.pop('T', 'G', { pollMs: 5000 }))).toStrictEqual(['m2'])
  expect(bodies(await broker.pop(deadLetterTopicOf('G'), 'watchers'))).toStrictEqual(['m1'])
})

test('fifo: the consumer gives a message up → in the dead-letter topic, settled, and the next one comes', async () => {
  const broker = await ordered(2)
  const [first] = await broker.pop('T', 'G', { max: 1 })
  const waiting = broker.popLater('T', 'G', { pollMs: 20_000 })
  expect((await broker.sendBack('T', 'G', first!)).code).toBe(ResponseCode.SUCCESS)
  expect(bodies(await broker.settled(waiting))).toStrictEqual(['m2'])
  const [dead] = await broker.pop(deadLetterTopicOf('G'), 'watchers')
  expect(bodies([dead!])).toStrictEqual(['m1'])
  expect(decodeProperties(Buffer.from(dead!.record.properties).toString()).get('DLQ_ORIGIN_TOPIC')).toBe('T')
  expect((await broker.sendBack('T', 'G', first!)).code).toBe(ResponseCode.SUCCESS)
  expect(await broker.pop(deadLetterTopicOf('G'), 'watchers')).toStrictEqual([])
})

test('fifo: a consumer whose time is over gives a message up → nothing happens to the delivery of another one', async () => {
  const broker = await ordered(1)
  const [stale] = await broker.pop('T', 'G', { invisibleMs: 10_000 })
  await broker.advance(10_001)
  expect(await broker.pop('T', 'G')).toHaveLength(1)
  expect((await broker.sendBack('T', 'G', stale!)).code).toBe(ResponseCode.SUCCESS)
  expect(inFlight(broker)).toBe(1)
  expect(broker.broker.ledger().find(({ topic }) => topic === 'T')?.buckets.dead).toBe(0)
})

test('fifo: given up without a handle, as proxies of Apache do → the latest delivery of the record at that place', async () => {
  const broker = await ordered(1)
  const [popped] = await broker.pop('T', 'G')
  const { commitLogOffset } = popped!.record
  const header = { commitLogOffset, group: 'G', delayLevel: -1, originTopic: 'T', maxReconsumeTimes: 0 }
  expect((await broker.ask(ConsumerSendMsgBack, header)).code).toBe(ResponseCode.SUCCESS)
  expect(bodies(await broker.pop(deadLetterTopicOf('G'), 'watchers'))).toStrictEqual(['m1'])
})

test.each([
  ['a level that asks for a retry', { delayLevel: 0, maxReconsumeTimes: 16 }, 'delayLevel is 0'],
  ['no record at the place', { commitLogOffset: 7 }, 'no message at commit log offset 7'],
  ['a negative place', { commitLogOffset: -1 }, 'no message at commit log offset -1'],
  ['a handle that is none', { extraInfo: 'x y' }, 'handle'],
  ['a handle of an unknown topic', { extraInfo: '0 1 1 999 0 b 0 0', originTopic: 'Nope' }, "'Nope'"],
])('fifo: given up with %s → refused, naming it', async (_what, changes, text) => {
  const broker = await ordered(1)
  const header = { commitLogOffset: 0, group: 'G', delayLevel: -1, originTopic: 'T', ...changes }
  const answer = await broker.ask(ConsumerSendMsgBack, header)
  expect(answer.code).not.toBe(ResponseCode.SUCCESS)
  expect(answer.remark).toContain(text)
})

test.each([true, false])(
  'fifo: power loss %s after a batch was answered → held up as before, and the attempt is known',
  async (powerLoss) => {
    const broker = await ordered(4)
    const batch = await broker.pop('T', 'G', { max: 3, attemptId: 'A' })
    await broker.ack('T', 'G', batch[1]!)
    broker.crash({ powerLoss })
    await broker.restart()
    expect(await broker.pop('T', 'G')).toStrictEqual([])
    expect(await broker.pop('T', 'G', { attemptId: 'B' })).toStrictEqual([])
    const again = await broker.pop('T', 'G', { attemptId: 'A' })
    expect(bodies(again)).toStrictEqual(['m1', 'm3'])
    expect(attempts(again)).toStrictEqual([1, 1])
  },
)

test('fifo: an orderly stop → the attempt is in the states that the next start reads', async () => {
  const broker = await ordered(2)
  await broker.pop('T', 'G', { max: 1, attemptId: 'A' })
  await broker.stop()
  await broker.restart()
  expect(await broker.pop('T', 'G')).toStrictEqual([])
  expect(bodies(await broker.pop('T', 'G', { attemptId: 'A' }))).toStrictEqual(['m1'])
})

test.each([
  [254, true],
  [255, true],
  [256, false],
])('fifo: the name of an attempt has %d bytes → taken: %s', async (bytes, isTaken) => {
  const broker = await ordered(1)
  const wanted = { consumerGroup: 'G', topic: 'T', queueId: -1, maxMsgNums: 1, invisibleTimeMs: 1000, pollTimeMs: 0 }
  const header = { ...wanted, bornTimeMs: 0, initMode: 1, attemptId: 'a'.repeat(bytes) }
  const { code, remark = '' } = await broker.ask(PopMessage, header)
  expect(code === ResponseCode.SUCCESS).toBe(isTaken)
  if (!isTaken) expect(remark).toContain('attemptId')
})

test('fifo: a group in any order consumes a FIFO topic → one warning an hour that names the command', async () => {
  const broker = await startBroker()
  const queues = { readQueueNums: 1, writeQueueNums: 1, perm: 6, order: false, topicFilterType: 'SINGLE_TAG' }
  await broker.ask(UpdateAndCreateTopic, { topic: 'F', defaultTopic: '', ...queues, attributes: '+message.type=FIFO' })
  const warnings = () => broker.events.filter(({ event }) => event === 'group.unordered')
  await broker.pop('F', 'loose')
  await broker.pop('F', 'loose')
  expect(warnings()).toStrictEqual([
    expect.objectContaining({
      topic: 'F',
      group: 'loose',
      remedy: expect.stringContaining('rmq group update loose --order'),
    }),
  ])
  await broker.advance(60 * MINUTE_MS)
  await broker.pop('F', 'loose')
  expect(warnings()).toHaveLength(2)
  await broker.setOrder('tidy')
  await broker.pop('F', 'tidy')
  expect(warnings()).toHaveLength(2)
})

test.each(['QUEUE', 'MESSAGE_GROUP'] as const)(
  'fifo by %s: a topic rule takes what is with somebody → the topic waits until the copy in the retry topic is settled',
  async (unit) => {
    const broker = await startBroker()
    const queues = { readQueueNums: 1, writeQueueNums: 1, perm: 6, order: false, topicFilterType: 'SINGLE_TAG' }
    const attributes = '+retention.count=3'
    await broker.ask(UpdateAndCreateTopic, { topic: 'T', defaultTopic: '', ...queues, attributes })
    await broker.setOrder('G', 16, unit)
    for (let index = 1; index <= 6; index += 1) await broker.send('T', `m${index}`)
    const [held] = await broker.pop('T', 'G', { max: 1, invisibleMs: 10 * MINUTE_MS })
    await broker.advance(15_000)
    expect(broker.events).toContainEqual({ event: 'survivors.copied', topic: 'T', group: 'G', queueId: 0, messages: 1 })
    // Nothing of the topic itself is in flight, and its copy is with who has the message.
    expect(inFlight(broker)).toBe(0)
    expect(await broker.pop('T', 'G')).toStrictEqual([])
    await broker.changeInvisible('T', 'G', held!, 0)
    const again = await broker.pop('T', 'G')
    expect([bodies(again), attempts(again)]).toStrictEqual([['m1'], [2]])
    expect(await broker.pop('T', 'G')).toStrictEqual([])
    const waiting = broker.popLater('T', 'G', { pollMs: 20_000 })
    const before = broker.world.nowMs
    await broker.ack('T', 'G', again[0]!)
    expect(bodies(await broker.settled(waiting))).toStrictEqual(['m4', 'm5', 'm6'])
    expect(broker.world.nowMs - before).toBeLessThan(1000)
  },
)
