// What Apache's broker left open goes on here: un-acknowledged messages come again in their time, acknowledged ones do not.
import { expect, test } from '@jest/globals'
import { type JavaJsonObject, REVIVE_GROUP, REVIVE_TOPIC_PREFIX, SystemTopic, parseJavaJson } from '@rocketmq-ts/model'
import { AckMessage, QueryConsumerOffset, ResponseCode } from '@rocketmq-ts/remoting'
import { createKeptEntries } from '../../src/foreign/kept-entries.ts'
import { offsetsKept } from '../../src/foreign/offset-files.ts'
import { type BrokerHarness, startBroker } from '../broker-harness.ts'
import {
  type ApacheRecord,
  SEGMENT_BYTES,
  bodies,
  configText,
  onApacheFolder,
  repairTwice,
  runApache,
  writeFile,
} from './apache-folder.ts'

const REVIVE = `${REVIVE_TOPIC_PREFIX}DefaultCluster`
/** Simulated machines begin in 2026. */
const POP_TIME = Date.UTC(2026, 0, 1)
const INVISIBLE_MS = 60_000

const messages = (count: number, topic = 'T'): ApacheRecord[] =>
  Array.from({ length: count }, (_, index) => ({ topic, body: `${topic} ${index}` }))

/** As its timer topic holds them, or, delivered by the timer, its revive topic. */
function popRecord(tag: string, body: object, at: 'timer' | 'revive' = 'timer'): ApacheRecord {
  const properties = { TAGS: tag, ...(at === 'timer' && { REAL_TOPIC: REVIVE, REAL_QID: '0' }) }
  return { topic: at === 'timer' ? SystemTopic.TIMER : REVIVE, body: JSON.stringify(body), properties }
}

const identity = { t: 'T', c: 'G', q: 0, so: 0, pt: POP_TIME, bn: 'broker-a' }
const checkpoint = {
  ...identity,
  bm: 0,
  n: 4,
  d: [0, 1, 2, 3],
  it: INVISIBLE_MS,
  reviveTime: POP_TIME + INVISIBLE_MS,
  ro: 0,
}

/** fastjson leaves integer keys bare. */
const offsetsOf = (table: Readonly<Record<string, string>>): string =>
  `{"offsetTable":{${Object.entries(table)
    .map(([key, queues]) => `"${key}":${queues}`)
    .join(',')}}}`

const ledgerOf = (broker: BrokerHarness) => broker.broker.ledger()

test('take over: offsets of a group → the next message is the one behind them, the ledger holds', async () => {
  const broker = await onApacheFolder({
    records: messages(5),
    files: { 'consumerOffset.json': offsetsOf({ 'T@G': '{0:3,1:0}' }) },
  })
  expect(ledgerOf(broker)).toMatchObject([
    { group: 'G', queueId: 0, lag: 2, balanced: true, buckets: { beforeStart: 3, waiting: 2 } },
    { group: 'G', queueId: 1, lag: 0, balanced: true },
  ])
  const { header } = await broker.ask(QueryConsumerOffset, { consumerGroup: 'G', topic: 'T', queueId: 0 })
  expect(header).toMatchObject({ queueOffset: 3 })
  expect(bodies(await broker.pop('T', 'G'))).toStrictEqual(['T 3', 'T 4'])
})

test('take over: popped messages, some acknowledged → the others come again when their time is over, counted', async () => {
  const broker = await onApacheFolder({
    records: [
      ...messages(6),
      popRecord('ck', checkpoint),
      popRecord('ack', { ...identity, ao: 1 }),
      popRecord('bAck', { ...identity, bn: undefined, ao: -1, aol: [3] }),
    ],
    files: { 'consumerOffset.json': offsetsOf({ 'T@G': '{0:4}' }) },
  })
  expect(ledgerOf(broker)).toMatchObject([{ balanced: true, buckets: { inFlight: 2, beforeStart: 2, waiting: 2 } }])
  expect(bodies(await broker.pop('T', 'G', { invisibleMs: 600_000 }))).toStrictEqual(['T 4', 'T 5'])
  await broker.advance(INVISIBLE_MS)
  const again = await broker.pop('T', 'G')
  expect(bodies(again)).toStrictEqual(['T 0', 'T 2'])
  expect(again.map(({ record }) => record.reconsumeTimes)).toStrictEqual([1, 1])
})

test('take over: a handle that a client got from Apache → acts here as it would have there', async () => {
  const broker = await onApacheFolder({
    records: [...messages(4), popRecord('ck', checkpoint)],
    files: { 'consumerOffset.json': offsetsOf({ 'T@G': '{0:4}' }) },
  })
  const extraInfo = `0 ${POP_TIME} ${INVISIBLE_MS} 3 0 broker-a 0 2`
  const header = { consumerGroup: 'G', topic: 'T', queueId: 0, extraInfo, queueOffset: 2 }
  expect((await broker.ask(AckMessage, header)).code).toBe(ResponseCode.SUCCESS)
  expect(ledgerOf(broker)).toMatchObject([{ buckets: { inFlight: 3, acked: 1 } }])
  await broker.advance(INVISIBLE_MS)
  expect(bodies(await broker.pop('T', 'G'))).toStrictEqual(['T 0', 'T 1', 'T 3'])
  // What the harness would count did not go through it.
  await broker.stop()
})

test('take over: a checkpoint that the revive group has passed → its messages are in the retry topic, not here', async () => {
  const second = { ...checkpoint, so: 4, d: [0], n: 1 }
  const records = [
    ...messages(5),
    popRecord('ck', checkpoint),
    popRecord('ck', second),
    popRecord('ck', checkpoint, 'revive'),
    popRecord('ck', second, 'revive'),
  ]
  const broker = await onApacheFolder({
    records,
    files: { 'consumerOffset.json': offsetsOf({ 'T@G': '{0:5}', [`${REVIVE}@${REVIVE_GROUP}`]: '{0:0}' }) },
  })
  expect(ledgerOf(broker)).toMatchObject([{ topic: 'T', buckets: { inFlight: 1, beforeStart: 4 } }])
})

test('take over: deliveries in order → the un-acknowledged ones wait, with their attempts', async () => {
  const orderInfo = `{"table":{"T@G":{0:{"cm":1,"i":60000,"l":1,"o":[0,1,2],"oc":{2:4},"popTime":${POP_TIME}}}}}`
  const broker = await onApacheFolder({
    records: messages(4),
    files: { 'consumerOffset.json': offsetsOf({ 'T@G': '{0:0}' }), 'consumerOrderInfo.json': orderInfo },
  })
  expect(ledgerOf(broker)).toMatchObject([{ balanced: true, buckets: { inFlight: 2, beforeStart: 1, waiting: 1 } }])
  await broker.advance(INVISIBLE_MS)
  const again = await broker.pop('T', 'G')
  expect(again.map(({ record }) => [record.queueOffset, record.reconsumeTimes])).toStrictEqual([
    [1, 1],
    [2, 5],
    [3, 0],
  ])
})

test('take over: records that are none → told, the others are taken; offsets beyond the queue → its end', async () => {
  const broker = await onApacheFolder({
    records: [
      ...messages(2),
      popRecord('ck', { ...checkpoint, n: 33 }),
      popRecord('ck', { ...checkpoint, n: 1, d: [] }),
    ],
    files: { 'consumerOffset.json': offsetsOf({ 'T@G': '{0:99}', broken: '{0:1}', 'T@H': '{0:-1}' }) },
  })
  expect(broker.events.filter(({ event }) => event === 'foreign.rejected')).toMatchObject([
    { reason: expect.stringContaining('offsetTable.broken') },
    { reason: expect.stringContaining('ck.n') },
  ])
  expect(ledgerOf(broker)).toMatchObject([{ group: 'G', balanced: true, buckets: { inFlight: 1, beforeStart: 1 } }])
})

test('take over: numbers and names that nobody can have written → left out, the start goes on, times are our own', async () => {
  const year = 366 * 24 * 3_600_000
  const broker = await onApacheFolder({
    records: [
      ...messages(3),
      popRecord('ck', {
        ...checkpoint,
        so: 0,
        d: [0],
        n: 1,
        pt: POP_TIME + 1000 * year,
        it: Number.MAX_SAFE_INTEGER - POP_TIME,
      }),
      popRecord('ck', { ...checkpoint, q: 2 ** 40 }),
      popRecord('ck', { ...checkpoint, c: 'G'.repeat(300) }),
      popRecord('ck', { ...checkpoint, so: Number.MAX_SAFE_INTEGER, d: [1], n: 1 }),
    ],
    files: { 'consumerOffset.json': offsetsOf({ 'T@G': '{0:1,4294967295:3}', [`T@${'G'.repeat(300)}`]: '{0:1}' }) },
  })
  expect(ledgerOf(broker)).toMatchObject([
    { group: 'G', queueId: 0, balanced: true, buckets: { inFlight: 1, waiting: 2 } },
  ])
  await broker.advance(13 * 3_600_000)
  const [again] = await broker.pop('T', 'G', { max: 1 })
  expect(again?.record.queueOffset).toBe(0)
  expect(again?.popTimeMs).toBeLessThan(POP_TIME + year)
  broker.crash({ powerLoss: true })
  await broker.restart()
})

test.each(['consumerOffset.json', 'topics.json', 'subscriptionGroup.json'])(
  'take over: %s damaged while nobody had the folder, even to other numbers → not believed, all is as we left it',
  async (name) => {
    const broker = await startBroker({ mappedFileSizeCommitLog: SEGMENT_BYTES })
    await broker.setRetries('G', 3)
    for (let index = 0; index < 4; index += 1) await broker.send('T', `${index}`)
    await broker.ack('T', 'G', (await broker.pop('T', 'G', { max: 1, queueId: 0 }))[0]!)
    await broker.stop()
    const before = ledgerOf(broker)
    const { files } = broker.machine.start('rot', () => undefined).effects
    const texts = [(await configText(broker, name))!.replaceAll(/[1-3]/g, '0'), '{"other":{}}', '']
    for (const text of texts) {
      await broker.settled(writeFile(files, `/store/config/${name}`, text))
      await broker.restart()
      expect(broker.events.some(({ event }) => event === 'store.foreign')).toBe(false)
      expect(ledgerOf(broker)).toStrictEqual(before)
      await broker.stop()
    }
  },
)

test('take over: after another broker, one of its files without its table → told, and nothing is deleted', async () => {
  const broker = await startBroker({ mappedFileSizeCommitLog: SEGMENT_BYTES })
  await broker.setRetries('G', 3)
  await broker.send('T', 'one')
  await broker.pop('T', 'G', { queueId: 0, invisibleMs: INVISIBLE_MS })
  await broker.stop()
  const files = {
    'topics.json': '{"topicConfigTable":{}}',
    'subscriptionGroup.json': '{"topicConfigTable":{}}',
    'consumerOffset.json': '{"table":{}}',
  }
  await runApache(broker, { files })
  await broker.restart()
  expect(broker.events.filter(({ event }) => event === 'foreign.rejected')).toMatchObject([
    { reason: 'subscriptionGroup.json: it has no subscriptionGroupTable' },
    { reason: 'consumerOffset.json: it has no offsetTable' },
  ])
  expect(ledgerOf(broker)[0]).toMatchObject({ topic: 'T', group: 'G', buckets: { inFlight: 1 } })
  await broker.stop()
  expect(await configText(broker, 'subscriptionGroup.json')).toContain('"retryMaxTimes":3')
})

test.each([
  ['', () => Promise.resolve()],
  [', repaired in between', repairTwice],
])(
  'take over: ours, then Apache, then ours%s → what it left alone is as we left it, the rest as it did',
  async (_how, repair) => {
    const broker = await startBroker({ mappedFileSizeCommitLog: SEGMENT_BYTES })
    for (const topic of ['T', 'U'])
      for (let index = 0; index < 4; index += 1) await broker.send(topic, `${topic} ${index}`)
    const [, second] = await broker.pop('T', 'G', { max: 2 })
    await broker.ack('T', 'G', second!)
    await broker.pop('U', 'G', { max: 2 })
    await broker.stop()
    await runApache(broker, { files: { 'consumerOffset.json': offsetsOf({ 'T@G': '{0:0}', 'U@G': '{0:3}' }) } })
    await repair(broker)
    await broker.restart()
    expect(ledgerOf(broker).filter(({ queueId }) => queueId === 0)).toMatchObject([
      { topic: 'T', balanced: true, buckets: { acked: 1, inFlight: 1, waiting: 2 } },
      { topic: 'U', balanced: true, buckets: { acked: 3, inFlight: 0, waiting: 1 } },
    ])
    const before = ledgerOf(broker)
    broker.crash({ powerLoss: true })
    await broker.restart()
    expect(ledgerOf(broker)).toStrictEqual(before)
    await broker.stop()
  },
)

test.each([
  ['kill', false],
  ['power loss', true],
])('take over: %s at any moment of it → the next start has the same', async (_name, powerLoss) => {
  const apache = {
    records: [...messages(40), popRecord('ck', checkpoint), popRecord('ack', { ...identity, ao: 1 })],
    files: {
      'consumerOffset.json': offsetsOf(
        Object.fromEntries(
          Array.from({ length: 5 }, (_, index) => [`T@G${index}`, '{0:5}']).concat([['T@G', '{0:6}']]),
        ),
      ),
      'subscriptionGroup.json': JSON.stringify({ subscriptionGroupTable: { G: { groupName: 'G', retryMaxTimes: 3 } } }),
    },
  }
  const expected = ledgerOf(await onApacheFolder(apache))
  expect(expected).toHaveLength(6)
  let isUp = false
  let crashes = 0
  for (let afterMs = 0; !isUp; afterMs += 0.9) {
    const broker = await startBroker({ mappedFileSizeCommitLog: SEGMENT_BYTES })
    await broker.stop()
    await runApache(broker, { ...apache, isFresh: true })
    broker.world.after(afterMs, () => {
      if (!isUp) broker.crash({ powerLoss })
    })
    await broker.restart().then(
      () => (isUp = true),
      () => (crashes += 1),
    )
    if (!isUp) await broker.restart()
    expect(ledgerOf(broker)).toStrictEqual(expected)
  }
  expect(crashes).toBeGreaterThan(10)
})

test.each([
  ['kvStore', 'popConsumerKVServiceEnable=false'],
  ['consumequeue', 'storeType=default'],
  ['config/rdb', 'configManagerVersion=v1'],
])('take over: a RocksDB in %s → refused by its name, with what to do', async (folder, remedy) => {
  const broker = await startBroker()
  await broker.stop()
  const { files } = broker.machine.start('apache', () => undefined).effects
  await broker.settled(files.makeFolder(`/store/${folder}`))
  await broker.settled(files.open(`/store/${folder}/CURRENT`, 'create'))
  await expect(broker.restart()).rejects.toThrow(new RegExp(`/store/${folder} is a RocksDB.*${remedy}`))
})

test('take over: what means nothing here → goes back into the files, also after all that is ours was rebuilt from the log', async () => {
  const revive = `${REVIVE}@${REVIVE_GROUP}`
  const broker = await onApacheFolder({
    records: [
      ...messages(2),
      popRecord('ck', checkpoint, 'revive'),
      popRecord('ack', { ...identity, ao: 0 }, 'revive'),
    ],
    files: {
      'topics.json': `{"topicConfigTable":{"T":{"topicName":"T"},"${REVIVE}":{"topicName":"${REVIVE}","perm":6}}}`,
      'subscriptionGroup.json':
        '{"forbiddenTable":{"G":{"T":1}},"subscriptionGroupTable":{"CID_RMQ_SYS_TRANS":{"groupName":"x"}}}',
      'consumerOffset.json': offsetsOf({ 'T@G': '{0:2}', [revive]: '{0:-1,7:4}', 'GONE@G': '{3:9}' }),
    },
  })
  async function check(): Promise<void> {
    await broker.stop()
    const offsets = parseJavaJson((await configText(broker, 'consumerOffset.json'))!) as JavaJsonObject
    expect(offsets['offsetTable']).toEqual({ 'T@G': { 0: 1 }, [revive]: { 0: 1, 7: 4 }, 'GONE@G': { 3: 9 } })
    const topics = await configText(broker, 'topics.json')
    expect(topics).toContain(`"${REVIVE}":{"perm":6,"topicName":"${REVIVE}"}`)
    const groups = await configText(broker, 'subscriptionGroup.json')
    expect(groups).toContain('"forbiddenTable":{"G":{"T":1}}')
    expect(groups).toContain('"CID_RMQ_SYS_TRANS":{"groupName":"x"}')
  }
  await check()
  await broker.restart()
  broker.crash({ powerLoss: true })
  const { files } = broker.machine.start('operator', () => undefined).effects
  await broker.settled(files.remove('/store/config'))
  await broker.restart()
  await broker.send('U', 'so that mirrors are written')
  await check()
})

test('take over: the file of offsets is lost → Apache finds that its revive topic is passed, and what it left before', async () => {
  const revive = `${REVIVE}@${REVIVE_GROUP}`
  const broker = await onApacheFolder({
    records: [...messages(2), popRecord('ck', checkpoint, 'revive')],
    files: {},
  })
  await broker.stop()
  const offsets = parseJavaJson((await configText(broker, 'consumerOffset.json'))!) as JavaJsonObject
  expect(offsets['offsetTable']).toMatchObject({ [revive]: { 0: 0 } })
  const kept = createKeptEntries()
  expect(offsetsKept(kept)).toEqual([])
  kept.put('consumerOffset.json', offsetsOf({ 'GONE@G': '{"3":9}' }))
  expect(offsetsKept(kept)).toEqual([{ topic: 'GONE', group: 'G', queueId: 3, offset: 9 }])
})
