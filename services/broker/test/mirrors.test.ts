// The files that Apache's tools and brokers read, in the words that Apache writes (ConfigManager and its heirs).
import { expect, test } from '@jest/globals'
import { utf8Encode } from '@rocketmq-ts/bytes'
import { parseJavaJson, stringifyJavaJson, subscriptionGroupConfig } from '@rocketmq-ts/model'
import { UpdateAndCreateSubscriptionGroup, UpdateAndCreateTopic } from '@rocketmq-ts/remoting'
import { type BrokerHarness, startBroker } from './broker-harness.ts'

async function mirror(broker: BrokerHarness, name: string): Promise<string> {
  const { files } = broker.machine.start('operator', () => undefined).effects
  const bytes = await broker.settled(files.readWhole(`/store/config/${name}`, 1_000_000))
  return Buffer.from(bytes!).toString()
}

const parsed = async (broker: BrokerHarness, name: string) =>
  parseJavaJson(await mirror(broker, name)) as Record<string, Record<string, unknown>>

test('mirror: topics → every member of TopicConfig in the words of Java, the built-in ones too', async () => {
  const broker = await startBroker()
  await broker.ask(UpdateAndCreateTopic, {
    topic: 'T',
    defaultTopic: 'TBW102',
    readQueueNums: 8,
    writeQueueNums: 8,
    perm: 6,
    topicFilterType: 'SINGLE_TAG',
    order: false,
    attributes: '+message.type=NORMAL',
  })
  await broker.advance(6000)
  expect(await mirror(broker, 'topics.json')).toContain(
    '"T":{"attributes":{"message.type":"NORMAL"},"order":false,"perm":6,"readQueueNums":8,' +
      '"topicFilterType":"SINGLE_TAG","topicName":"T","topicSysFlag":0,"writeQueueNums":8}',
  )
  const { topicConfigTable, dataVersion } = await parsed(broker, 'topics.json')
  expect(Object.keys(topicConfigTable!).sort()).toStrictEqual([
    'DefaultCluster',
    'SELF_TEST_TOPIC',
    'T',
    'TBW102',
    'broker-a',
  ])
  expect(Object.keys(dataVersion!).sort()).toStrictEqual(['counter', 'stateVersion', 'timestamp'])
})

test('mirror: groups → every member of SubscriptionGroupConfig, with an empty table of what is forbidden', async () => {
  const broker = await startBroker()
  const config = subscriptionGroupConfig('G', { retryMaxTimes: 3 })
  await broker.ask(UpdateAndCreateSubscriptionGroup, {}, utf8Encode(stringifyJavaJson(config)))
  await broker.advance(6000)
  expect(await mirror(broker, 'subscriptionGroup.json')).toContain(
    '"G":{"attributes":{},"brokerId":0,"consumeBroadcastEnable":true,"consumeEnable":true,"consumeFromMinEnable":true,' +
      '"consumeMessageOrderly":false,"consumeTimeoutMinute":15,"groupName":"G","groupRetryPolicy":{"type":"CUSTOMIZED"},' +
      '"groupSysFlag":0,"notifyConsumerIdsChangedEnable":true,"retryMaxTimes":3,"retryQueueNums":1,' +
      '"whichBrokerWhenConsumeSlowly":1}',
  )
  expect(Object.keys(await parsed(broker, 'subscriptionGroup.json')).sort()).toStrictEqual([
    'dataVersion',
    'forbiddenTable',
    'subscriptionGroupTable',
  ])
})

test('mirror: offsets → low marks under topic@group, so that who leaves for Apache gets duplicates and loses nothing', async () => {
  const broker = await startBroker()
  for (const body of ['acked', 'in flight', 'acked too', 'waiting']) await broker.send('T', body, { queueId: 1 })
  const popped = await broker.pop('T', 'G', { max: 3, queueId: 1 })
  await broker.ack('T', 'G', popped[0]!)
  await broker.ack('T', 'G', popped[2]!)
  await broker.advance(6000)
  expect(await mirror(broker, 'consumerOffset.json')).toContain('"T@G":{1:1}')
  expect(Object.keys(await parsed(broker, 'consumerOffset.json')).sort()).toStrictEqual(['dataVersion', 'offsetTable'])
})

test('mirror: retry policy, switched off, attributes → as they were set, so that an exchange keeps them', async () => {
  const broker = await startBroker()
  const exponentialRetryPolicy = { initial: 1000, max: 60_000, multiplier: 3 }
  const config = subscriptionGroupConfig('G', {
    consumeEnable: false,
    groupRetryPolicy: { type: 'EXPONENTIAL', exponentialRetryPolicy },
    attributes: new Map([['+order.unit', 'MESSAGE_GROUP']]),
  })
  await broker.ask(UpdateAndCreateSubscriptionGroup, {}, utf8Encode(stringifyJavaJson(config)))
  await broker.advance(6000)
  const text = await mirror(broker, 'subscriptionGroup.json')
  expect(text).toContain('"G":{"attributes":{"order.unit":"MESSAGE_GROUP"},')
  expect(text).toContain('"consumeEnable":false,')
  expect(text).toContain(
    '"groupRetryPolicy":{"exponentialRetryPolicy":{"initial":1000,"max":60000,"multiplier":3},"type":"EXPONENTIAL"}',
  )
})

test('mirror: a reset back → the offset goes back in the file, at the latest with a stop', async () => {
  const broker = await startBroker()
  for (const body of ['a', 'b', 'c']) await broker.send('T', body)
  for (const each of await broker.pop('T', 'G', { queueId: 0 })) await broker.ack('T', 'G', each)
  await broker.advance(6000)
  expect(await mirror(broker, 'consumerOffset.json')).toContain('"T@G":{0:3}')
  await broker.reset({ queueId: 0, offset: 1 })
  await broker.advance(6000)
  expect(await mirror(broker, 'consumerOffset.json')).toContain('"T@G":{0:1}')
  await broker.reset({ queueId: 0, timestampMs: -1 })
  await broker.stop()
  expect(await mirror(broker, 'consumerOffset.json')).toContain('"T@G":{0:3}')
})

test('mirror: a stop → the files show the last change, whatever the interval is', async () => {
  const broker = await startBroker({ flushConsumerOffsetInterval: 3_600_000 })
  await broker.send('T', 'one')
  await broker.ack('T', 'G', (await broker.pop('T', 'G', { queueId: 0 }))[0]!)
  await broker.stop()
  expect(await mirror(broker, 'consumerOffset.json')).toContain('"T@G":{0:1}')
  expect(await mirror(broker, 'topics.json')).toContain('"topicName":"T"')
})

test('mirror: a kill while it is written → the one before it is whole', async () => {
  const broker = await startBroker()
  await broker.send('T', 'one')
  await broker.advance(6000)
  await broker.send('U', 'two')
  broker.machine.disk.fail({ on: 'sync', path: 'topics.json', delayMs: 60_000 })
  await broker.advance(6000)
  broker.crash({ powerLoss: true })
  expect(await mirror(broker, 'topics.json')).toContain('"topicName":"T"')
  parseJavaJson(await mirror(broker, 'topics.json'))
  await broker.restart()
})
