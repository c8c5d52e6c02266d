import { expect, test } from '@jest/globals'
import { utf8Encode } from '@rocketmq-ts/bytes'
import { PropertyName, decodeProperties, parseRecallHandle } from '@rocketmq-ts/model'
import { GetBrokerRuntimeInfo, RecallMessage, ResponseCode, decodeKvTable } from '@rocketmq-ts/remoting'
import { type BrokerHarness, startBroker } from '../broker-harness.ts'
import { type Properties, inMs, received, sendDelayed } from './delayed.ts'

const DAY_MS = 86_400_000

test.each<readonly [string, Properties, number]>([
  ['level 1', [[PropertyName.DELAY, '1']], 1000],
  ['level 3', [[PropertyName.DELAY, '3']], 10_000],
  ['a level beyond the last', [[PropertyName.DELAY, '99']], 7_200_000],
  [
    'a level beside a time',
    [
      [PropertyName.DELAY, '2'],
      [PropertyName.TIMER_DELAY_SEC, '1'],
    ],
    5000,
  ],
  ['seconds', [[PropertyName.TIMER_DELAY_SEC, '7']], 7000],
  ['milliseconds', [[PropertyName.TIMER_DELAY_MS, '1234']], 1234],
  [
    'seconds beside milliseconds',
    [
      [PropertyName.TIMER_DELAY_MS, '1'],
      [PropertyName.TIMER_DELAY_SEC, '2'],
    ],
    2000,
  ],
])('delay: %s → had at its time, not a millisecond before, in the queue it was sent to', async (_, properties, ms) => {
  const broker = await startBroker()
  expect((await sendDelayed(broker, 'later', properties)).code).toBe(ResponseCode.SUCCESS)
  await broker.advance(ms - 100)
  expect(await received(broker)).toEqual([])
  await broker.advance(150)
  const [popped] = await broker.pop('T', 'G')
  expect(popped?.record).toMatchObject({ topic: 'T', queueId: 1, body: utf8Encode('later') })
  const kept = decodeProperties(Buffer.from(popped!.record.properties).toString())
  for (const [name, value] of properties) {
    if (properties.length === 1) expect(kept.get(name)).toBe(value)
  }
  await broker.stop()
})

test('delay: one is due while another has half a second left → only the first is there; the figures say so', async () => {
  const broker = await startBroker()
  await sendDelayed(broker, 'first', inMs(broker, 1000))
  await sendDelayed(broker, 'second', inMs(broker, 1500))
  await broker.advance(1010)
  expect(await received(broker)).toEqual(['first'])
  const { body } = await broker.ask(GetBrokerRuntimeInfo, {})
  expect(Object.fromEntries(decodeKvTable(body!))).toMatchObject({ timerCongestNum: '1', timerReadBehind: '0' })
  await broker.advance(500)
  expect(await received(broker)).toEqual(['second'])
  await broker.stop()
})

test.each<readonly [string, Properties]>([
  ['level 0', [[PropertyName.DELAY, '0']]],
  ['a time that has passed', [[PropertyName.TIMER_DELIVER_MS, '5']]],
  ['no seconds', [[PropertyName.TIMER_DELAY_SEC, '0']]],
])('delay: %s → had at once', async (_, properties) => {
  const broker = await startBroker()
  const { header } = await sendDelayed(broker, 'now', properties)
  expect(header?.recallHandle).toBeUndefined()
  expect(await received(broker)).toEqual(['now'])
  await broker.stop()
})

test.each<readonly [string, Properties, string]>([
  ['a level that is no number', [[PropertyName.DELAY, 'three']], 'DELAY'],
  ['a time that is no number', [[PropertyName.TIMER_DELIVER_MS, 'soon']], 'TIMER_DELIVER_MS'],
  ['further than the horizon', [[PropertyName.TIMER_DELAY_MS, String(40 * DAY_MS + 1)]], 'timerMaxDelaySec'],
])('delay: %s → MESSAGE_ILLEGAL, which names it', async (_, properties, named) => {
  const broker = await startBroker()
  const { code, remark } = await sendDelayed(broker, 'never', properties)
  expect(code).toBe(ResponseCode.MESSAGE_ILLEGAL)
  expect(remark).toContain(named)
  await broker.stop()
})

test.each([0, -1])('delay: the horizon %i → taken', async (beyond) => {
  const broker = await startBroker({ timerMaxDelaySec: 10 })
  const { code } = await sendDelayed(broker, 'far', [[PropertyName.TIMER_DELAY_MS, String(10_000 + beyond)]])
  expect(code).toBe(ResponseCode.SUCCESS)
  await broker.stop()
})

test('delay: times turned off → SYSTEM_ERROR, levels are taken', async () => {
  const broker = await startBroker({ timerWheelEnable: false })
  expect((await sendDelayed(broker, 'x', [[PropertyName.TIMER_DELAY_SEC, '1']])).code).toBe(ResponseCode.SYSTEM_ERROR)
  expect((await sendDelayed(broker, 'x', [[PropertyName.DELAY, '1']])).code).toBe(ResponseCode.SUCCESS)
  await broker.stop()
})

test.each([
  [-1, -1000],
  [0, -1000],
  [1, 0],
])(
  "delay: Apache's slots, %i ms beside the end of one → rounded down, its end to the slot before",
  async (by, slot) => {
    const broker = await startBroker({ timerPrecisionMs: 1000 })
    const endMs = Math.ceil(broker.machine.nowMs / 1000) * 1000 + 5000
    const { header } = await sendDelayed(broker, 'early', [[PropertyName.TIMER_DELIVER_MS, String(endMs + by)]])
    expect(parseRecallHandle(header!.recallHandle!).dueMs).toBe(endMs + slot)
    await broker.stop()
  },
)

test.each([
  ['stopped', (broker: BrokerHarness) => broker.stop()],
  ['killed', async (broker: BrokerHarness) => broker.crash({ powerLoss: false })],
  ['without power', async (broker: BrokerHarness) => broker.crash({ powerLoss: true })],
])('delay: %s before the time → had after it, once, overdue ones at once', async (_, end) => {
  const broker = await startBroker()
  for (const ms of [1000, 60_000, 3_600_000]) await sendDelayed(broker, `in ${ms}`, inMs(broker, ms))
  await sendDelayed(broker, 'level', [[PropertyName.DELAY, '4']])
  await broker.advance(1500)
  expect(await received(broker)).toEqual(['in 1000'])
  // An acknowledgement is not flushed at once.
  await broker.advance(1000)
  await end(broker)
  await broker.advance(120_000)
  await broker.restart()
  await broker.advance(100)
  expect(await received(broker)).toEqual(['level', 'in 60000'])
  await broker.advance(1000)
  await end(broker)
  await broker.restart()
  await broker.advance(1000)
  expect(await received(broker)).toEqual([])
  await broker.advance(3_600_000)
  expect(await received(broker)).toEqual(['in 3600000'])
  await broker.stop()
})

test('recall: before its time → never had, also after a crash; the second one is refused', async () => {
  const broker = await startBroker()
  const { header } = await sendDelayed(broker, 'gone', inMs(broker, 10_000))
  await sendDelayed(broker, 'kept', inMs(broker, 10_000))
  const { recallHandle = '' } = header!
  const recalled = await broker.ask(RecallMessage, { topic: 'T', recallHandle })
  expect(recalled).toMatchObject({ code: ResponseCode.SUCCESS, header: { msgId: 'key-gone' } })
  expect((await broker.ask(RecallMessage, { topic: 'T', recallHandle })).code).toBe(ResponseCode.ILLEGAL_OPERATION)
  broker.crash({ powerLoss: true })
  await broker.restart()
  await broker.advance(20_000)
  expect(await received(broker)).toEqual(['kept'])
  await broker.stop()
})

test('recall: other topic, other broker, no handle, too late, turned off → each refused by its code', async () => {
  const broker = await startBroker()
  const { header } = await sendDelayed(broker, 'x', inMs(broker, 1000))
  await broker.send('Other', 'x')
  const { recallHandle = '' } = header!
  const refused = async (topic: string, handle: string) =>
    (await broker.ask(RecallMessage, { topic, recallHandle: handle })).code
  expect(await refused('Other', recallHandle)).toBe(ResponseCode.ILLEGAL_OPERATION)
  expect(await refused('T', 'garbage')).toBe(ResponseCode.ILLEGAL_OPERATION)
  expect(await refused('Missing', recallHandle)).toBe(ResponseCode.TOPIC_NOT_EXIST)
  await broker.advance(1100)
  expect(await refused('T', recallHandle)).toBe(ResponseCode.ILLEGAL_OPERATION)
  expect(await received(broker)).toEqual(['x'])
  await broker.stop()
  const off = await startBroker({ recallMessageEnable: false })
  await off.send('T', 'x')
  expect((await off.ask(RecallMessage, { topic: 'T', recallHandle })).code).toBe(ResponseCode.NO_PERMISSION)
  await off.stop()
})

test('delay: the topic is deleted before the time, also when it is there again → dropped', async () => {
  const broker = await startBroker()
  await sendDelayed(broker, 'old', inMs(broker, 10_000))
  await broker.deleteTopic('T')
  await broker.send('T', 'new')
  await sendDelayed(broker, 'new, later', inMs(broker, 10_000))
  await broker.advance(11_000)
  expect((await received(broker)).sort()).toEqual(['new', 'new, later'])
  await broker.stop()
})
