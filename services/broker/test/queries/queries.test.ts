import { expect, test } from '@jest/globals'
import {
  DeleteSubscriptionGroup,
  GetAllSubscriptionGroupConfig,
  GetAllTopicConfig,
  GetBrokerRuntimeInfo,
  GetConsumeStats,
  GetTopicStatsInfo,
  ResponseCode,
  decodeConsumeStats,
  decodeKvTable,
  decodeSubscriptionGroups,
  decodeTopicConfigs,
  decodeTopicStats,
} from '@rocketmq-ts/remoting'
import { type BrokerHarness, startBroker } from '../broker-harness.ts'

async function topicNames(broker: BrokerHarness): Promise<string[]> {
  const { body } = await broker.ask(GetAllTopicConfig, {})
  return decodeTopicConfigs(body!).topics.map(({ topicName }) => topicName)
}

async function consumeStats(broker: BrokerHarness, header: { topic?: string; topicList?: string } = {}) {
  const { body } = await broker.ask(GetConsumeStats, { consumerGroup: 'g', ...header })
  return decodeConsumeStats(body!)
}

test('all topics: nothing said of pages → all of them at once, without a total', async () => {
  const broker = await startBroker()
  await broker.send('T', 'one')
  const { header } = await broker.ask(GetAllTopicConfig, {})
  expect(header).toEqual({})
  expect(await topicNames(broker)).toEqual(['DefaultCluster', 'SELF_TEST_TOPIC', 'T', 'TBW102', 'broker-a'])
})

test('all topics: page by page → each once; a change between two pages → from the start, with the new version', async () => {
  const broker = await startBroker()
  const page = async (topicSeq: number, dataVersion: string) => {
    const answer = await broker.ask(GetAllTopicConfig, { topicSeq, maxTopicNum: 3, dataVersion })
    const { topics, dataVersion: version } = decodeTopicConfigs(answer.body!)
    return { total: answer.header?.totalTopicNum, names: topics.map(({ topicName }) => topicName), version }
  }
  const first = await page(0, '')
  expect(first).toMatchObject({ total: 4, names: ['DefaultCluster', 'SELF_TEST_TOPIC', 'broker-a'] })
  expect(await page(3, JSON.stringify(first.version))).toMatchObject({ total: 4, names: ['TBW102'] })
  await broker.send('T', 'one')
  const again = await page(3, JSON.stringify(first.version))
  expect(again).toMatchObject({ total: 5, names: first.names })
  expect(await page(3, JSON.stringify(again.version))).toMatchObject({ names: ['T', 'TBW102'] })
})

test('all topics: a version that is no JSON → invalid parameter', async () => {
  const broker = await startBroker()
  const answer = await broker.ask(GetAllTopicConfig, { topicSeq: 0, dataVersion: '{' })
  expect(answer.code).toBe(ResponseCode.INVALID_PARAMETER)
})

test('groups: made, listed, deleted → gone with their progress; a second deletion succeeds too', async () => {
  const broker = await startBroker()
  const groups = async () =>
    decodeSubscriptionGroups((await broker.ask(GetAllSubscriptionGroupConfig, {})).body!).groups
  await broker.setRetries('g', 3)
  expect(await groups()).toMatchObject([{ groupName: 'g', retryMaxTimes: 3 }])
  await broker.send('T', 'one')
  await broker.pop('T', 'g')
  expect(await consumeStats(broker)).not.toEqual([])
  for (let round = 0; round < 2; round += 1) {
    expect((await broker.ask(DeleteSubscriptionGroup, { groupName: 'g' })).code).toBe(ResponseCode.SUCCESS)
    expect(await groups()).toEqual([])
    expect(await consumeStats(broker)).toEqual([])
  }
})

test('groups: deleted, then a restart → still gone', async () => {
  const broker = await startBroker()
  await broker.setRetries('g', 3)
  await broker.ask(DeleteSubscriptionGroup, { groupName: 'g', cleanOffset: true })
  broker.crash({ powerLoss: true })
  await broker.restart()
  const { body } = await broker.ask(GetAllSubscriptionGroupConfig, {})
  expect(decodeSubscriptionGroups(body!).groups).toEqual([])
})

test('topic stats: messages in one queue → its bounds and when the last one came; the others are empty', async () => {
  const broker = await startBroker()
  await broker.send('T', 'one', { queueId: 1 })
  await broker.send('T', 'two', { queueId: 1 })
  const { body } = await broker.ask(GetTopicStatsInfo, { topic: 'T' })
  const stats = decodeTopicStats(body!)
  expect(stats.map(({ queueId, minOffset, maxOffset }) => [queueId, minOffset, maxOffset])).toEqual([
    [0, 0, 0],
    [1, 0, 2],
    [2, 0, 0],
    [3, 0, 0],
  ])
  const [popped] = await broker.pop('T', 'g', { max: 1, queueId: 1 })
  expect(stats[1]?.lastUpdateTimestamp).toBeGreaterThanOrEqual(popped!.record.storeTimestampMs)
  expect(stats[0]?.lastUpdateTimestamp).toBe(0)
  expect((await broker.ask(GetTopicStatsInfo, { topic: 'N' })).code).toBe(ResponseCode.TOPIC_NOT_EXIST)
})

test('consume stats: one of two acknowledged → settled, delivered and all told apart', async () => {
  const broker = await startBroker()
  await broker.send('T', 'one')
  await broker.send('T', 'two')
  await broker.send('T', 'three')
  const popped = await broker.pop('T', 'g', { max: 2 })
  await broker.ack('T', 'g', popped[0]!)
  const [queue] = await consumeStats(broker)
  expect(queue).toMatchObject({ topic: 'T', brokerName: 'broker-a', queueId: 0 })
  expect(queue).toMatchObject({ brokerOffset: 3, pullOffset: 2, consumerOffset: 1 })
  expect(queue?.lastTimestamp).toBe(popped[0]!.record.storeTimestampMs)
})

test('consume stats: lag → what is not settled, whether in flight or not, and how long the oldest has been stored', async () => {
  const broker = await startBroker()
  const lag = async () => {
    const [{ lag: messages, lagMs } = {}] = await consumeStats(broker)
    return [messages, Math.floor((lagMs ?? -1) / 1000)]
  }
  await broker.send('T', 'one')
  await broker.advance(60_000)
  await broker.send('T', 'two')
  await broker.send('T', 'three')
  await broker.advance(2000)
  const popped = await broker.pop('T', 'g', { max: 2, invisibleMs: 600_000 })
  expect(await lag()).toEqual([3, 62])
  await broker.ack('T', 'g', popped[1]!)
  expect(await lag()).toEqual([2, 62])
  await broker.ack('T', 'g', popped[0]!)
  expect(await lag()).toEqual([1, 2])
  for (const each of await broker.pop('T', 'g')) await broker.ack('T', 'g', each)
  expect(await lag()).toEqual([0, 0])
})

test('consume stats: of named topics → those alone; of a group that consumed nothing → empty', async () => {
  const broker = await startBroker()
  for (const topic of ['T', 'U', 'V']) {
    await broker.send(topic, 'one')
    await broker.pop(topic, 'g')
  }
  const topicsOf = async (header: Parameters<typeof consumeStats>[1]) => [
    ...new Set((await consumeStats(broker, header)).map(({ topic }) => topic)),
  ]
  expect(await topicsOf({})).toEqual(['T', 'U', 'V'])
  expect(await topicsOf({ topic: 'U' })).toEqual(['U'])
  expect(await topicsOf({ topic: '', topicList: 'U;V;N' })).toEqual(['U', 'V'])
  const nobody = await broker.ask(GetConsumeStats, { consumerGroup: 'nobody' })
  expect(decodeConsumeStats(nobody.body!)).toEqual([])
})

test('runtime info: messages in and out → rates, totals and the keys that tools parse', async () => {
  const broker = await startBroker()
  for (let sent = 0; sent < 20; sent += 1) await broker.send('T', 'one')
  await broker.pop('T', 'g', { max: 5 })
  await broker.advance(2000)
  const info = decodeKvTable((await broker.ask(GetBrokerRuntimeInfo, {})).body!)
  expect(info.get('putTps')).toBe('2.0 0.3 0.0')
  expect(info.get('getTransferredTps')).toBe('0.5 0.1 0.0')
  expect(info.get('msgPutTotalTodayNow')).toBe('20')
  expect(info.get('brokerActive')).toBe('true')
  expect(info.get('runtime')).toMatch(/^\[ 0 days, 0 hours, 0 minutes, \d+ seconds \]$/)
  for (const key of ['getTotalTps', 'getFoundTps', 'getMissTps']) {
    expect(info.get(key)).toMatch(/^\d+\.\d \d+\.\d \d+\.\d$/)
  }
  for (const key of ['earliestMessageTimeStamp', 'timerReadBehind', 'commitLogDiskRatio', 'sendThreadPoolQueueSize']) {
    expect(Number.isNaN(Number(info.get(key) ?? 'absent'))).toBe(false)
  }
})
