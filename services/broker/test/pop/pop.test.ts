import { expect, test } from '@jest/globals'
import { decodeProperties, deadLetterTopicOf, Perm } from '@rocketmq-ts/model'
import { PopMessage, ResponseCode, UpdateAndCreateTopic } from '@rocketmq-ts/remoting'
import { MINUTE_MS, startBroker } from '../broker-harness.ts'

const bodies = (popped: readonly { record: { body: Uint8Array } }[]) =>
  popped.map(({ record }) => Buffer.from(record.body).toString())

test('pop: messages sent before the group existed → a new group on a whole topic starts at 0', async () => {
  const broker = await startBroker()
  await broker.send('T', 'one')
  await broker.send('T', 'two')
  expect(bodies(await broker.pop('T', 'G'))).toStrictEqual(['one', 'two'])
  expect(await broker.pop('T', 'G')).toStrictEqual([])
})

test('pop: a topic that may not be read → NO_PERMISSION, and nothing is claimed', async () => {
  const broker = await startBroker()
  await broker.send('T', 'one')
  const settings = { topic: 'T', readQueueNums: 4, writeQueueNums: 4, perm: Perm.WRITE, order: false }
  await broker.ask(UpdateAndCreateTopic, { ...settings, defaultTopic: '', topicFilterType: 'SINGLE_TAG' })
  const header = { consumerGroup: 'G', topic: 'T', queueId: -1, maxMsgNums: 1, invisibleTimeMs: 60_000, pollTimeMs: 0 }
  const { code } = await broker.ask(PopMessage, { ...header, bornTimeMs: 0, initMode: 0 })
  expect(code).toBe(ResponseCode.NO_PERMISSION)
  expect(broker.broker.ledger().some(({ group }) => group === 'G')).toBe(false)
})

test('pop: nothing there → waits, and a send wakes it', async () => {
  const broker = await startBroker()
  await broker.send('T', 'first')
  await broker.ack('T', 'G', (await broker.pop('T', 'G'))[0]!)
  const waiting = broker.popLater('T', 'G', { pollMs: 20_000 })
  await broker.send('T', 'late', { queueId: 3 })
  expect(bodies(await broker.settled(waiting))).toStrictEqual(['late'])
})

test('pop: the polling time is over → POLLING_TIMEOUT, and no later send is lost to it', async () => {
  const broker = await startBroker()
  await broker.send('T', 'first')
  await broker.ack('T', 'G', (await broker.pop('T', 'G'))[0]!)
  const before = broker.world.nowMs
  expect(await broker.pop('T', 'G', { pollMs: 5000 })).toStrictEqual([])
  expect(broker.world.nowMs - before).toBeGreaterThanOrEqual(5000)
  await broker.send('T', 'second')
  expect(bodies(await broker.pop('T', 'G'))).toStrictEqual(['second'])
})

test('pop: a tag expression → others are passed for good and counted as filtered', async () => {
  const broker = await startBroker()
  await broker.send('T', 'a', { properties: 'TAGS\u0001A\u0002' })
  await broker.send('T', 'b', { properties: 'TAGS\u0001B\u0002' })
  await broker.send('T', 'c', { properties: 'TAGS\u0001A\u0002' })
  expect(bodies(await broker.pop('T', 'G', { expression: 'A' }))).toStrictEqual(['a', 'c'])
  const [line] = broker.broker.ledger()
  expect(line?.buckets).toMatchObject({ filtered: 1, inFlight: 2 })
  expect(line?.balanced).toBe(true)
})

test('ack: settles the delivery once → nothing comes again, a second ack is a success without effect', async () => {
  const broker = await startBroker()
  await broker.send('T', 'one')
  const [popped] = await broker.pop('T', 'G')
  expect((await broker.ack('T', 'G', popped!)).code).toBe(ResponseCode.SUCCESS)
  expect((await broker.ack('T', 'G', popped!)).code).toBe(ResponseCode.SUCCESS)
  await broker.advance(2 * MINUTE_MS)
  expect(await broker.pop('T', 'G')).toStrictEqual([])
  expect(broker.broker.ledger()[0]?.buckets).toMatchObject({ acked: 1, inFlight: 0, ready: 0 })
})

test('expiry: the invisible time passes without an ack → delivered again in place, its attempt counted', async () => {
  const broker = await startBroker()
  await broker.send('T', 'one')
  const [first] = await broker.pop('T', 'G', { invisibleMs: 10_000 })
  await broker.advance(9000)
  expect(await broker.pop('T', 'G')).toStrictEqual([])
  await broker.advance(1001)
  const [second] = await broker.pop('T', 'G')
  expect(second?.record.reconsumeTimes).toBe(1)
  expect(second?.record.queueOffset).toBe(first?.record.queueOffset)
  expect(second!.popTimeMs).toBeGreaterThan(first!.popTimeMs)
})

test('expiry: a pop waits while the message is invisible → the release wakes it', async () => {
  const broker = await startBroker()
  await broker.send('T', 'one')
  await broker.pop('T', 'G', { invisibleMs: 10_000 })
  expect(bodies(await broker.pop('T', 'G', { pollMs: 20_000 }))).toStrictEqual(['one'])
})

test('ack: a handle whose time is over and whose message was delivered again → no effect on the new delivery', async () => {
  const broker = await startBroker()
  await broker.send('T', 'one')
  const [stale] = await broker.pop('T', 'G', { invisibleMs: 10_000 })
  await broker.advance(10_001)
  await broker.pop('T', 'G')
  expect((await broker.ack('T', 'G', stale!)).code).toBe(ResponseCode.SUCCESS)
  expect(broker.broker.ledger()[0]?.buckets).toMatchObject({ acked: 0, inFlight: 1 })
})

test('change of the invisible time: longer → not before the new time; 0 → at once', async () => {
  const broker = await startBroker()
  await broker.send('T', 'one')
  const [popped] = await broker.pop('T', 'G', { invisibleMs: 10_000 })
  const changed = await broker.changeInvisible('T', 'G', popped!, 60_000)
  expect(changed.header).toMatchObject({ invisibleTimeMs: 60_000 })
  await broker.advance(59_000)
  expect(await broker.pop('T', 'G')).toStrictEqual([])
  await broker.advance(1001)
  const [again] = await broker.pop('T', 'G')
  await broker.changeInvisible('T', 'G', again!, 0)
  expect(bodies(await broker.pop('T', 'G'))).toStrictEqual(['one'])
})

test('dead letter: attempts used up → the copy lies in the dead-letter topic with its origin, the message is settled', async () => {
  const broker = await startBroker()
  await broker.setRetries('G', 1)
  await broker.send('T', 'poison', { properties: 'UNIQ_KEY\u0001K1\u0002' })
  for (let attempt = 0; attempt < 2; attempt += 1) {
    expect(await broker.pop('T', 'G', { invisibleMs: 10_000 })).toHaveLength(1)
    await broker.advance(10_001)
  }
  expect(await broker.pop('T', 'G')).toStrictEqual([])
  await broker.advance(1000)
  const [dead] = await broker.pop(deadLetterTopicOf('G'), 'watchers')
  expect(Buffer.from(dead!.record.body).toString()).toBe('poison')
  const properties = decodeProperties(Buffer.from(dead!.record.properties).toString())
  expect(properties.get('DLQ_ORIGIN_TOPIC')).toBe('T')
  expect(properties.get('DLQ_ORIGIN_MESSAGE_ID')).toBe('K1')
  const line = broker.broker.ledger().find(({ topic }) => topic === 'T')
  expect(line?.buckets).toMatchObject({ dead: 1, inFlight: 0 })
  expect(line?.balanced).toBe(true)
})

test.each([
  ['with messages', 'G', 1],
  ['without messages', 'H', 0],
])(
  'pop: the first one of a group, %s → answered when its start is flushed; the next one when it is written',
  async (_name, group, count) => {
    const broker = await startBroker()
    await broker.send('T', 'one', { properties: 'TAGS\u0001A\u0002' })
    await broker.setRetries(group, 3)
    const slow = broker.machine.disk.fail({ on: 'sync', path: 'commitlog', delayMs: 700, times: Infinity })
    const expression = count === 1 ? 'A' : 'B'
    const timeOf = async () => {
      const before = broker.world.nowMs
      const popped = await broker.pop('T', group, { expression })
      return { popped: popped.length, tookMs: broker.world.nowMs - before }
    }
    const first = await timeOf()
    expect(first.popped).toBe(count)
    expect(first.tookMs).toBeGreaterThanOrEqual(700)
    expect((await timeOf()).tookMs).toBeLessThan(100)
    slow.clear()
  },
)

test.each([
  ['maxMsgNums', { max: 0 }],
  ['maxMsgNums', { max: 33 }],
  ['invisibleTime', { invisibleMs: 0 }],
  ['queueId', { queueId: 4 }],
])('pop: %s out of its range → INVALID_PARAMETER that names it', async (field, options) => {
  const broker = await startBroker()
  await broker.send('T', 'one')
  const { PopMessage } = await import('@rocketmq-ts/remoting')
  const {
    max = 1,
    invisibleMs = 1000,
    queueId = -1,
  } = options as { max?: number; invisibleMs?: number; queueId?: number }
  const answer = await broker.ask(PopMessage, {
    consumerGroup: 'G',
    topic: 'T',
    queueId,
    maxMsgNums: max,
    invisibleTimeMs: invisibleMs,
    pollTimeMs: 0,
    bornTimeMs: 0,
    initMode: 1,
  })
  expect(answer.code).toBe(ResponseCode.INVALID_PARAMETER)
  expect(answer.remark).toContain(field)
})
