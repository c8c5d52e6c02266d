// A folder that Apache's broker left: its messages come with their topics and groups, now and after every restart.
import { expect, test } from '@jest/globals'
import { SystemTopic } from '@rocketmq-ts/model'
import { silentLogger, type Files } from '@rocketmq-ts/runtime'
import { openMessageStore } from '@rocketmq-ts/store'
import { startBroker } from '../broker-harness.ts'

const SEGMENT_BYTES = 64 * 1024
const topic = (topicName: string, queues: number) => ({ topicName, readQueueNums: queues, writeQueueNums: queues })
const TOPICS = { topicConfigTable: { T: topic('T', 4), [SystemTopic.TIMER]: topic(SystemTopic.TIMER, 1) } }
const GROUPS = { subscriptionGroupTable: { G: { groupName: 'G', retryMaxTimes: 3 } } }

async function write(files: Files, path: string, text: string): Promise<void> {
  const file = await files.open(path, 'create')
  await file.truncate(0)
  file.writeSync(0, [Buffer.from(text)])
  await file.sync()
  await file.close()
}

/** A broker whose folder was replaced, while it was down, by one with two messages of T and these settings. */
async function onForeignFolder(config: Readonly<Record<string, string>>) {
  const broker = await startBroker({ mappedFileSizeCommitLog: SEGMENT_BYTES })
  await broker.stop()
  const { effects } = broker.machine.start('apache', () => undefined)
  const { files } = effects
  async function replace(): Promise<void> {
    await files.remove('/store')
    const store = await openMessageStore(
      { folder: '/store', flushMode: 'SYNC_FLUSH', segmentBytes: SEGMENT_BYTES },
      { ...effects, logger: silentLogger },
    )
    for (const text of ['one', 'two']) {
      store.append({
        topic: 'T',
        queueId: 2,
        flag: 0,
        sysFlag: 0,
        bornTimestampMs: 1,
        bornHost: { host: '127.0.0.1', port: 1 },
        storeHost: { host: '127.0.0.1', port: 2 },
        reconsumeTimes: 0,
        preparedTransactionOffset: 0,
        body: Buffer.from(text),
        properties: new Uint8Array(0),
        tagsCode: 0,
      })
    }
    await store.submit()
    await store.close()
    for (const { name } of await files.list('/store')) {
      if (/^(flushed|queue-checkpoint|reserve)/.test(name)) await files.remove(`/store/${name}`)
    }
    await files.makeFolder('/store/config', { durable: true })
    for (const [name, text] of Object.entries(config)) await write(files, `/store/config/${name}`, text)
  }
  await broker.settled(replace())
  await broker.restart()
  return broker
}

const bodies = (popped: readonly { record: { body: Uint8Array } }[]) =>
  popped.map(({ record }) => Buffer.from(record.body).toString())

async function settingsOf(broker: Awaited<ReturnType<typeof startBroker>>, name: string, table: string) {
  const { effects } = broker.machine.start('operator', () => undefined)
  const bytes = await broker.settled(effects.files.readWhole(`/store/config/${name}`, 1024 * 1024))
  const json = JSON.parse(Buffer.from(bytes!).toString()) as Record<string, Record<string, Record<string, unknown>>>
  return json[table]!
}

test('foreign folder: topics and groups of its files → taken, but no system topics; messages are delivered', async () => {
  const broker = await onForeignFolder({
    'topics.json': JSON.stringify(TOPICS),
    'subscriptionGroup.json': JSON.stringify(GROUPS),
  })
  expect(broker.events).toContainEqual({ event: 'foreign.settings-taken', added: 2 })
  expect(bodies(await broker.pop('T', 'G'))).toStrictEqual(['one', 'two'])
  await broker.stop()
  const topics = await settingsOf(broker, 'topics.json', 'topicConfigTable')
  expect(topics['T']).toMatchObject({ readQueueNums: 4, writeQueueNums: 4 })
  expect(topics).not.toHaveProperty(SystemTopic.TIMER)
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
  expect(broker.events.filter(({ event }) => event === 'foreign.settings-rejected')).toMatchObject([
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
  expect(broker.events.filter(({ event }) => event === 'foreign.settings-rejected')).toMatchObject([
    { reason: expect.stringContaining('topicConfigTable.odd') },
    { reason: expect.stringContaining("group: 'a b'") },
  ])
})
