// Groups that consume in order by message group: only what is behind a message of the same group is held up.
import { expect, test } from '@jest/globals'
import { deadLetterTopicOf, decodeProperties, PropertyName } from '@rocketmq-ts/model'
import { type BrokerHarness, MINUTE_MS, type Popped, startBroker } from '../broker-harness.ts'

const bodies = (popped: readonly Popped[]) => popped.map(({ record }) => Buffer.from(record.body).toString())
const attempts = (popped: readonly Popped[]) => popped.map(({ record }) => record.reconsumeTimes + 1)
const inGroup = (messageGroup: string) => ({ properties: `${PropertyName.SHARDING_KEY}\u0001${messageGroup}\u0002` })

/** Messages of queue 0: 'a1' is the first one of message group a, '-1' of none. */
async function ordered(names: string, settings: { retryMaxTimes?: number } = {}): Promise<BrokerHarness> {
  const broker = await startBroker()
  await broker.setOrder('G', settings.retryMaxTimes, 'MESSAGE_GROUP')
  for (const name of names.split(' ')) await broker.send('T', name, name[0] === '-' ? {} : inGroup(name[0]!))
  return broker
}

const ledgerOf = (broker: BrokerHarness, topic = 'T') => broker.broker.ledger().find((row) => row.topic === topic)

test('fifo by message group: messages of one are with somebody → those behind them wait, others go on', async () => {
  const broker = await ordered('a1 b1 a2 -1 b2 c1 a3 -2')
  const [a1] = await broker.pop('T', 'G', { max: 1 })
  const others = await broker.pop('T', 'G', { max: 2 })
  expect(bodies([a1!, ...others])).toStrictEqual(['a1', 'b1', '-1'])
  expect(bodies(await broker.pop('T', 'G'))).toStrictEqual(['c1'])
  expect(await broker.pop('T', 'G')).toStrictEqual([])
  await broker.ack('T', 'G', a1!)
  expect(bodies(await broker.pop('T', 'G'))).toStrictEqual(['a2', 'a3'])
  await broker.ack('T', 'G', others[0]!)
  await broker.ack('T', 'G', others[1]!)
  const last = await broker.pop('T', 'G')
  expect(bodies(last)).toStrictEqual(['b2', '-2'])
  expect(attempts(last)).toStrictEqual([1, 1])
})

test('fifo by message group: the invisible time passes → only that group starts again, its attempt counted', async () => {
  const broker = await ordered('a1 b1 a2 b2')
  await broker.pop('T', 'G', { max: 1, invisibleMs: 1000 })
  const [b1] = await broker.pop('T', 'G', { max: 1, invisibleMs: MINUTE_MS })
  await broker.advance(1001)
  const again = await broker.pop('T', 'G')
  expect(bodies(again)).toStrictEqual(['a1', 'a2'])
  expect(attempts(again)).toStrictEqual([2, 1])
  await broker.ack('T', 'G', b1!)
  expect(bodies(await broker.pop('T', 'G'))).toStrictEqual(['b2'])
})

test('fifo by message group: attempts are used up → a dead letter, and its group alone goes on behind it', async () => {
  const broker = await ordered('a1 b1 a2 b2', { retryMaxTimes: 1 })
  const held = await broker.pop('T', 'G', { max: 2 })
  await broker.changeInvisible('T', 'G', held[0]!, 1)
  await broker.advance(10)
  expect(bodies(await broker.pop('T', 'G', { max: 1, invisibleMs: 1 }))).toStrictEqual(['a1'])
  await broker.advance(2000)
  expect(bodies(await broker.pop(deadLetterTopicOf('G'), 'watchers'))).toStrictEqual(['a1'])
  expect(bodies(await broker.pop('T', 'G'))).toStrictEqual(['a2'])
  expect(ledgerOf(broker)?.buckets).toMatchObject({ dead: 1, inFlight: 2, ready: 1 })
})

test('fifo by message group: a pop waits while all groups are held up → the acknowledgement of one wakes it', async () => {
  const broker = await ordered('a1 b1 a2')
  const held = await broker.pop('T', 'G', { max: 2 })
  const waiting = broker.popLater('T', 'G', { pollMs: 20_000 })
  const before = broker.world.nowMs
  await broker.ack('T', 'G', held[0]!)
  expect(bodies(await broker.settled(waiting))).toStrictEqual(['a2'])
  expect(broker.world.nowMs - before).toBeLessThan(1000)
})

test.each([true, false])(
  'fifo by message group: power loss %s → what was held up is so, by whom is known, and what waited goes on',
  async (powerLoss) => {
    const broker = await ordered('a1 b1 a2 b2 c1 c2')
    const [a1] = await broker.pop('T', 'G', { max: 1, attemptId: 'A' })
    const [b1] = await broker.pop('T', 'G', { max: 1, attemptId: 'B' })
    const [c1] = await broker.pop('T', 'G', { max: 1, attemptId: 'C' })
    await broker.ack('T', 'G', b1!)
    broker.crash({ powerLoss })
    await broker.restart()
    expect(bodies(await broker.pop('T', 'G'))).toStrictEqual(['b2'])
    expect(bodies(await broker.pop('T', 'G', { attemptId: 'A' }))).toStrictEqual(['a1'])
    const again = await broker.pop('T', 'G', { attemptId: 'C' })
    expect([bodies(again), attempts(again)]).toStrictEqual([['c1'], [1]])
    expect((await broker.ack('T', 'G', c1!)).code).toBe(0)
    expect(await broker.pop('T', 'G')).toStrictEqual([])
    await broker.ack('T', 'G', again[0]!)
    expect(bodies(await broker.pop('T', 'G'))).toStrictEqual(['c2'])
    await broker.ack('T', 'G', a1!)
    expect(await broker.pop('T', 'G')).toStrictEqual([])
  },
)

test('fifo by message group: an orderly stop → the batches are in the states that the next start reads', async () => {
  const broker = await ordered('a1 b1 a2')
  await broker.pop('T', 'G', { max: 1, attemptId: 'A' })
  await broker.pop('T', 'G', { max: 1, attemptId: 'B' })
  await broker.stop()
  await broker.restart()
  expect(bodies(await broker.pop('T', 'G', { attemptId: 'B' }))).toStrictEqual(['b1'])
  expect(bodies(await broker.pop('T', 'G', { attemptId: 'A' }))).toStrictEqual(['a1'])
})

test('fifo by message group: the same attempt asks again → its own batch, not those of others, and nothing is counted', async () => {
  const broker = await ordered('a1 b1 a2')
  const [a1] = await broker.pop('T', 'G', { max: 1, attemptId: 'A' })
  await broker.pop('T', 'G', { max: 1, attemptId: 'B' })
  const again = await broker.pop('T', 'G', { max: 1, attemptId: 'A' })
  expect([bodies(again), attempts(again)]).toStrictEqual([['a1'], [1]])
  await broker.ack('T', 'G', a1!)
  expect(bodies(await broker.pop('T', 'G', { attemptId: 'X' }))).toStrictEqual([])
  await broker.ack('T', 'G', again[0]!)
  expect(bodies(await broker.pop('T', 'G', { attemptId: 'A' }))).toStrictEqual(['a2'])
})

test('fifo by message group: the setting changes while messages are with somebody → the new one holds from the next pop on', async () => {
  const broker = await ordered('a1 b1 a2 b2')
  await broker.setOrder('G', 16, 'QUEUE')
  const [a1] = await broker.pop('T', 'G', { max: 1 })
  expect(await broker.pop('T', 'G')).toStrictEqual([])
  await broker.setOrder('G', 16, 'MESSAGE_GROUP')
  const others = await broker.pop('T', 'G')
  expect(bodies(others)).toStrictEqual(['b1', 'b2'])
  await broker.setOrder('G', 16, 'QUEUE')
  await broker.ack('T', 'G', a1!)
  expect(await broker.pop('T', 'G')).toStrictEqual([])
  for (const popped of others) await broker.ack('T', 'G', popped)
  const last = await broker.pop('T', 'G')
  expect(bodies(last)).toStrictEqual(['a2'])
  expect(decodeProperties(Buffer.from(last[0]!.record.properties).toString('latin1')).get('__SHARDINGKEY')).toBe('a')
})
