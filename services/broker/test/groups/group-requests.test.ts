// UPDATE_AND_CREATE_SUBSCRIPTIONGROUP and what groups then may do.
import { expect, test } from '@jest/globals'
import { utf8Encode } from '@rocketmq-ts/bytes'
import {
  decodeSubscriptionGroupConfig,
  type GroupRetryPolicy,
  parseJavaJson,
  stringifyJavaJson,
  type SubscriptionGroupConfig,
  subscriptionGroupConfig,
} from '@rocketmq-ts/model'
import {
  GetSubscriptionGroupConfig,
  Notification,
  PopMessage,
  ResponseCode,
  UpdateAndCreateSubscriptionGroup,
} from '@rocketmq-ts/remoting'
import { type BrokerHarness, startBroker } from '../broker-harness.ts'

const put = (broker: BrokerHarness, changes: Partial<SubscriptionGroupConfig>) =>
  broker.ask(UpdateAndCreateSubscriptionGroup, {}, utf8Encode(stringifyJavaJson(subscriptionGroupConfig('G', changes))))

async function stored(broker: BrokerHarness): Promise<SubscriptionGroupConfig> {
  const { body } = await broker.ask(GetSubscriptionGroupConfig, { group: 'G' })
  return decodeSubscriptionGroupConfig(parseJavaJson(body!))
}

const customized = (...next: number[]): GroupRetryPolicy => ({ type: 'CUSTOMIZED', customizedRetryPolicy: { next } })
const exponential = (initial: number, max: number, multiplier: number): GroupRetryPolicy => {
  return { type: 'EXPONENTIAL', exponentialRetryPolicy: { initial, max, multiplier } }
}
const HALF_DAY = 43_200_000
const policies: readonly (readonly [GroupRetryPolicy, boolean])[] = [
  [{ type: 'CUSTOMIZED' }, true],
  [{ type: 'EXPONENTIAL' }, true],
  [customized(), true],
  [customized(-1), false],
  [customized(0), true],
  [customized(1, HALF_DAY), true],
  [customized(1, HALF_DAY + 1), false],
  [customized(...Array.from({ length: 64 }, () => 1)), true],
  [customized(...Array.from({ length: 65 }, () => 1)), false],
  [exponential(0, 10, 2), false],
  [exponential(1, 10, 2), true],
  [exponential(10, 10, 2), true],
  [exponential(11, 10, 2), false],
  [exponential(1, HALF_DAY, 2), true],
  [exponential(1, HALF_DAY + 1, 2), false],
  [exponential(1, 10, 0), false],
  [exponential(1, 10, 1), true],
  [exponential(1, 10, 1000), true],
  [exponential(1, 10, 1001), false],
]

test.each(policies)('group settings: retry policy %j → taken: %s, and kept as it was sent', async (policy, isTaken) => {
  const broker = await startBroker()
  const { code, remark } = await put(broker, { groupRetryPolicy: policy })
  expect(code).toBe(isTaken ? ResponseCode.SUCCESS : ResponseCode.INVALID_PARAMETER)
  if (isTaken) expect((await stored(broker)).groupRetryPolicy).toEqual(policy)
  else expect(remark).toContain('groupRetryPolicy')
})

test('group settings: attributes with signs → changed one by one; without → replaced; mixed → refused', async () => {
  const broker = await startBroker()
  const attributes = async (...given: [string, string][]) => {
    const { code } = await put(broker, { attributes: new Map(given) })
    return code === ResponseCode.SUCCESS ? Object.fromEntries((await stored(broker)).attributes) : code
  }
  expect(await attributes(['+a', '1'], ['+b', '2'])).toEqual({ a: '1', b: '2' })
  expect(await attributes(['+b', '3'], ['-a', ''])).toEqual({ b: '3' })
  expect(await attributes(['c', '4'])).toEqual({ c: '4' })
  expect(await attributes(['+d', '5'], ['c', '6'])).toBe(ResponseCode.INVALID_PARAMETER)
  expect(await attributes(['+order.unit', 'nonsense'])).toBe(ResponseCode.INVALID_PARAMETER)
})

test('consume enable: switched off → pops are refused, those that wait at once, and acks are taken', async () => {
  const broker = await startBroker()
  await broker.send('T', 'a')
  const [had] = await broker.pop('T', 'G')
  const pop = {
    consumerGroup: 'G',
    topic: 'T',
    queueId: -1,
    maxMsgNums: 1,
    invisibleTimeMs: 1000,
    pollTimeMs: 15_000,
    bornTimeMs: 0,
    initMode: 1,
  }
  const ask = { consumerGroup: 'G', topic: 'T', queueId: -1, pollTimeMs: 15_000, bornTimeMs: 0 }
  const waiting = Promise.all([
    broker.peer.request(PopMessage, pop, { timeoutMs: 20_000 }),
    broker.peer.request(Notification, ask, { timeoutMs: 20_000 }),
  ])
  await broker.advance(100)
  await put(broker, { consumeEnable: false })
  const startMs = broker.world.nowMs
  const [popped, notified] = await broker.settled(waiting)
  expect(popped.code).toBe(ResponseCode.NO_PERMISSION)
  expect(popped.remark).toContain('switch it on with: rmq group update G --consume-enable true')
  // It is told to look, and refused when it does.
  expect(notified.code).toBe(ResponseCode.SUCCESS)
  expect((await broker.ask(Notification, ask)).code).toBe(ResponseCode.NO_PERMISSION)
  expect(broker.world.nowMs - startMs).toBeLessThan(1000)
  const refused = await broker.ask(PopMessage, pop)
  expect(refused).toMatchObject({ code: ResponseCode.NO_PERMISSION, remark: expect.stringContaining("group 'G'") })
  expect((await broker.ack('T', 'G', had!)).code).toBe(ResponseCode.SUCCESS)
  await put(broker, { consumeEnable: true })
  expect(await broker.pop('T', 'G')).toEqual([])
  await broker.send('T', 'b')
  expect(await broker.pop('T', 'G')).toHaveLength(1)
})

test('consume enable: another group of the topic → goes on, and its pops wait on', async () => {
  const broker = await startBroker()
  await broker.send('T', 'first')
  for (const group of ['G', 'H']) await broker.pop('T', group)
  const waiting = broker.popLater('T', 'H', { pollMs: 15_000 })
  await broker.advance(100)
  await put(broker, { consumeEnable: false })
  await broker.send('T', 'a')
  expect(await broker.settled(waiting)).toHaveLength(1)
})
