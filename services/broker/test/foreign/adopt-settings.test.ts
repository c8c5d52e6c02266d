// A folder that Apache's broker left: its messages come with their topics and groups, now and after every restart.
import { expect, test } from '@jest/globals'
import { SystemTopic } from '@rocketmq-ts/model'
import { GetTopicConfig, ResponseCode, UpdateAndCreateTopic } from '@rocketmq-ts/remoting'
import type { BrokerHarness } from '../broker-harness.ts'
import { bodies, configText, onApacheFolder, runApache } from './apache-folder.ts'

const topic = (topicName: string, queues: number) => ({ topicName, readQueueNums: queues, writeQueueNums: queues })
const TOPICS = { topicConfigTable: { T: topic('T', 4), [SystemTopic.TIMER]: topic(SystemTopic.TIMER, 1) } }
const CREATE = { topic: 'Empty', defaultTopic: 'TBW102', perm: 6, topicFilterType: 'SINGLE_TAG', order: false }
const GROUPS = { subscriptionGroupTable: { G: { groupName: 'G', retryMaxTimes: 3 } } }

/** A folder with two messages of T and these settings. */
function onForeignFolder(files: Readonly<Record<string, string>>) {
  const records = ['one', 'two'].map((body) => ({ topic: 'T', queueId: 2, body }))
  return onApacheFolder({ records, files })
}

async function settingsOf(broker: BrokerHarness, name: string, table: string) {
  const json = JSON.parse((await configText(broker, name))!) as Record<string, Record<string, object>>
  return json[table]!
}

test('foreign folder: topics and groups of its files → taken, its system topics for its file alone; messages are delivered', async () => {
  const broker = await onForeignFolder({
    'topics.json': JSON.stringify(TOPICS),
    'subscriptionGroup.json': JSON.stringify(GROUPS),
  })
  expect(broker.events).toContainEqual({ event: 'foreign.taken-over', settings: 2, queues: 0, inFlight: 0 })
  expect(bodies(await broker.pop('T', 'G'))).toStrictEqual(['one', 'two'])
  expect((await broker.ask(GetTopicConfig, { topic: SystemTopic.TIMER })).code).toBe(ResponseCode.TOPIC_NOT_EXIST)
  await broker.stop()
  const topics = await settingsOf(broker, 'topics.json', 'topicConfigTable')
  expect(topics['T']).toMatchObject({ readQueueNums: 4, writeQueueNums: 4 })
  expect(topics).toHaveProperty(SystemTopic.TIMER)
  expect(await settingsOf(broker, 'subscriptionGroup.json', 'subscriptionGroupTable')).toMatchObject({
    G: { retryMaxTimes: 3 },
  })
})

test('foreign folder: power loss right after, all that is ours rebuilt from the log → topics and messages are there', async () => {
  const broker = await onForeignFolder({ 'topics.json': JSON.stringify(TOPICS) })
  await broker.send('T', 'three', { queueId: 2 })
  broker.crash({ powerLoss: true })
  const { effects } = broker.machine.start('operator', () => undefined)
  await broker.settled(effects.files.remove('/store/config'))
  await broker.settled(effects.files.remove('/store/consumequeue'))
  await broker.restart()
  expect(bodies(await broker.pop('T', 'G'))).toStrictEqual(['one', 'two', 'three'])
})

test('foreign folder: only the file before the last one is whole → that one is taken, the other one told', async () => {
  const broker = await onForeignFolder({ 'topics.json': '{"topicConf', 'topics.json.bak': JSON.stringify(TOPICS) })
  expect(broker.events.filter(({ event }) => event === 'foreign.rejected')).toMatchObject([
    { reason: expect.stringContaining('/store/config/topics.json: JSON: ') },
  ])
  expect(bodies(await broker.pop('T', 'G'))).toStrictEqual(['one', 'two'])
})

test('foreign folder: a topic that no file tells → as many queues as it has messages in', async () => {
  const broker = await onForeignFolder({ 'topics.json': '' })
  expect(bodies(await broker.pop('T', 'G'))).toStrictEqual(['one', 'two'])
  await broker.stop()
  const topics = await settingsOf(broker, 'topics.json', 'topicConfigTable')
  expect(topics['T']).toMatchObject({ readQueueNums: 3, writeQueueNums: 3 })
})

test('foreign folder: one entry is none → the others are taken, that one is told by its name', async () => {
  const broker = await onForeignFolder({
    'topics.json': JSON.stringify({ topicConfigTable: { odd: { topicName: 7 }, ...TOPICS.topicConfigTable } }),
    'subscriptionGroup.json': JSON.stringify({ subscriptionGroupTable: { 'a b': { groupName: 'a b' } } }),
  })
  expect(bodies(await broker.pop('T', 'G'))).toStrictEqual(['one', 'two'])
  expect(broker.events.filter(({ event }) => event === 'foreign.rejected')).toMatchObject([
    { reason: expect.stringContaining('topicConfigTable.odd') },
    { reason: expect.stringContaining("group: 'a b'") },
  ])
})

test('foreign folder: ours before, then settings changed, added and deleted by another broker → as it left them', async () => {
  const broker = await onForeignFolder({ 'topics.json': JSON.stringify(TOPICS) })
  await broker.send('Mine', 'kept')
  await broker.setRetries('G', 3)
  await broker.setRetries('H', 3)
  await broker.ask(UpdateAndCreateTopic, { ...topic('Empty', 1), ...CREATE })
  await broker.stop()
  await runApache(broker, {
    files: {
      'topics.json': JSON.stringify({ topicConfigTable: { T: topic('T', 6), New: topic('New', 2) } }),
      'subscriptionGroup.json': JSON.stringify({ subscriptionGroupTable: { G: { groupName: 'G', retryMaxTimes: 9 } } }),
    },
  })
  await broker.restart()
  await broker.stop()
  const topics = await settingsOf(broker, 'topics.json', 'topicConfigTable')
  expect(topics['T']).toMatchObject({ readQueueNums: 6 })
  expect(topics['New']).toMatchObject({ readQueueNums: 2 })
  expect(topics).toHaveProperty('Mine')
  expect(topics).not.toHaveProperty('Empty')
  const groups = await settingsOf(broker, 'subscriptionGroup.json', 'subscriptionGroupTable')
  expect(groups).toMatchObject({ G: { retryMaxTimes: 9 } })
  expect(groups).not.toHaveProperty('H')
  await broker.restart()
  expect(bodies(await broker.pop('Mine', 'G'))).toStrictEqual(['kept'])
})
