// Messages go with their files. Nothing that lives was only in them: a start from what is left knows all of it.
import { expect, test } from '@jest/globals'
import { defaultConfig } from '@rocketmq-ts/config'
import { createMetricsRegistry } from '@rocketmq-ts/metrics'
import { popRetryTopicOf } from '@rocketmq-ts/model'
import { GetMinOffset, ResponseCode, SendMessageV2, UpdateAndCreateTopic } from '@rocketmq-ts/remoting'
import { brokerConfig } from '../src/config.ts'
import { SURVIVORS_PER_TURN_MAX } from '../src/pop/survivors.ts'
import { retentionRulesOf } from '../src/retention.ts'
import { type BrokerHarness, startBroker } from './broker-harness.ts'

const HOUR_MS = 3_600_000
const SEGMENT_BYTES = 64 * 1024
const EVERY_HOUR = Array.from({ length: 24 }, (_, hour) => hour).join(';')
const SETTINGS = { mappedFileSizeCommitLog: SEGMENT_BYTES, deleteWhen: EVERY_HOUR, fileReservedTime: 1 }

/** Sends to one queue until the log has reached its file number `segments`. */
async function fill(broker: BrokerHarness, topic: string, segments: number): Promise<number> {
  let sent = 0
  const rolled = () => broker.events.filter(({ event }) => event === 'segment.rolled').length
  for (const before = rolled(); rolled() < before + segments; sent += 1) {
    expect((await broker.send(topic, 'x'.repeat(10_000))).code).toBe(ResponseCode.SUCCESS)
    await broker.advance(20)
  }
  return sent
}

function createTopic(broker: BrokerHarness, topic: string, attributes: string) {
  const queues = { readQueueNums: 1, writeQueueNums: 1 }
  const header = { topic, defaultTopic: 'TBW102', ...queues, perm: 6, topicFilterType: 'SINGLE_TAG', order: false }
  return broker.ask(UpdateAndCreateTopic, { ...header, attributes })
}

/** Sends until the log has moved to its next file, and not a moment longer. */
async function sendUntilRolled({ peer, world, events }: BrokerHarness, topic: string): Promise<void> {
  const isRolled = () => events.some(({ event }) => event === 'segment.rolled')
  while (!isRolled()) {
    const place = { topic, queueId: 0, defaultTopic: 'TBW102', defaultTopicQueueNums: 4, producerGroup: 'p' }
    const header = { ...place, sysFlag: 0, bornTimestampMs: 1, flag: 0, properties: '' }
    let isOver = false
    const end = (): void => void (isOver = true)
    peer.request(SendMessageV2, header, { timeoutMs: HOUR_MS, body: Buffer.alloc(10_000) }).then(end, end)
    await world.run(() => isOver || isRolled())
  }
}

/** Both generations of the checkpoint, and the files of all queues. */
function loseQueueFiles({ machine }: BrokerHarness): void {
  const { disk } = machine
  for (const { name } of disk.list('/store')) if (name.startsWith('queue-checkpoint')) disk.remove(`/store/${name}`)
  for (const { name: topic } of disk.list('/store/consumequeue')) {
    for (const { name: queueId } of disk.list(`/store/consumequeue/${topic}`)) {
      const folder = `/store/consumequeue/${topic}/${queueId}`
      for (const { name } of disk.list(folder)) disk.remove(`${folder}/${name}`)
    }
  }
}

/** From now on the log alone must know. */
function removeStartCache({ machine }: BrokerHarness): void {
  for (const { name } of machine.disk.list('/store/config')) {
    if (name.startsWith('broker-start')) machine.disk.remove(`/store/config/${name}`)
  }
}

function lineOf(broker: BrokerHarness, topic: string, group: string) {
  const line = broker.broker.ledger().find((each) => each.topic === topic && each.group === group && each.queueId === 0)
  if (line === undefined) throw new Error(`no ledger of ${group} in ${topic}`)
  return line
}

test('age: the machine is years ahead at the start and set right then → nothing is old by the clock that it had', async () => {
  const broker = await startBroker(SETTINGS)
  await fill(broker, 'T', 2)
  await broker.stop()
  const min = async () => (await broker.ask(GetMinOffset, { topic: 'T', queueId: 0 })).header!.queueOffset
  broker.machine.jumpClock(10 * 365 * 24 * HOUR_MS)
  await broker.restart()
  broker.machine.jumpClock(-10 * 365 * 24 * HOUR_MS)
  await broker.send('T', 'x')
  await broker.advance(60_000)
  expect(await min()).toBe(0)
  await broker.advance(HOUR_MS)
  expect(await min()).toBeGreaterThan(0)
})

test('age: files go, then a group comes that there was not → it begins with the last message, not at the min', async () => {
  const broker = await startBroker(SETTINGS)
  const sent = await fill(broker, 'T', 2)
  await broker.advance(2 * HOUR_MS)
  const min = (await broker.ask(GetMinOffset, { topic: 'T', queueId: 0 })).header!.queueOffset
  expect(min).toBeGreaterThan(0)
  const popped = await broker.pop('T', 'new', { queueId: 0 })
  expect(popped.map(({ record }) => record.queueOffset)).toStrictEqual([sent - 1])
})

test('age: files of old messages go → groups go on at the new min, what was in flight in their retry topic, the rest counts as expired', async () => {
  const broker = await startBroker(SETTINGS)
  await broker.send('T', 'first')
  const [done] = await broker.pop('T', 'reader', { queueId: 0 })
  await broker.ack('T', 'reader', done!)
  await broker.pop('T', 'absent', { queueId: 0 })
  const sent = await fill(broker, 'T', 2)
  await broker.pop('T', 'reader', { queueId: 0, max: 2, invisibleMs: 3 * HOUR_MS })
  await broker.advance(2 * HOUR_MS)
  expect(broker.events.filter(({ event }) => event === 'store.segment-removed')).toHaveLength(2)
  const min = (await broker.ask(GetMinOffset, { topic: 'T', queueId: 0 })).header!.queueOffset
  expect(min).toBeGreaterThan(5)
  expect(lineOf(broker, 'T', 'reader')).toMatchObject({
    max: sent + 1,
    buckets: { acked: 1, scheduled: 2, expired: min - 3, waiting: sent + 1 - min, inFlight: 0 },
  })
  expect(lineOf(broker, 'T', 'absent').buckets).toMatchObject({ acked: 0, scheduled: 1, expired: min - 1 })
  const popped = await broker.pop('T', 'absent', { queueId: 0 })
  const [left, again] = ['0', '1'].map((flag) => popped.filter(({ handle }) => handle.split(' ')[4] === flag))
  expect(left!.map(({ record }) => record.queueOffset)).toStrictEqual(
    Array.from({ length: sent + 1 - min }, (_, index) => min + index),
  )
  expect(again!.map(({ record }) => Buffer.from(record.body).toString())).toStrictEqual(['first'])
})

test.each(['kill', 'power loss', 'stop'])(
  'age: a broker whose first files went starts from what is left (%s) → topics, groups, states and ledger are the same',
  async (end) => {
    const broker = await startBroker(SETTINGS)
    await broker.send('early', 'never looked at again')
    const [early] = await broker.pop('early', 'of-early')
    await broker.ack('early', 'of-early', early!)
    await broker.setRetries('reader', 3)
    await broker.send('T', 'first')
    await broker.pop('T', 'reader', { queueId: 0, invisibleMs: 3 * HOUR_MS })
    await fill(broker, 'T', 3)
    await broker.advance(2 * HOUR_MS)
    await broker.pop('T', 'reader', { queueId: 0, max: 1, invisibleMs: 3 * HOUR_MS })
    expect(broker.events.filter(({ event }) => event === 'store.segment-removed')).toHaveLength(3)
    await broker.advance(10_000)
    const before = broker.broker.ledger()
    if (end === 'stop') await broker.stop()
    else broker.crash({ powerLoss: end === 'power loss' })
    removeStartCache(broker)
    await broker.restart()
    expect(broker.broker.ledger()).toStrictEqual(before)
    expect(lineOf(broker, 'early', 'of-early').buckets.acked).toBe(1)
    expect((await broker.send('early', 'second')).header).toMatchObject({ queueOffset: 1 })
    const sent = await broker.send('T', 'after the restart')
    const [next] = await broker.pop('T', 'reader', { queueId: 0 })
    expect(next!.record.queueOffset).toBe((sent.header as { queueOffset: number }).queueOffset)
  },
)

test('age: the segment that stays has no states of its own yet → they are written before older files go', async () => {
  const broker = await startBroker(SETTINGS)
  await broker.send('early', 'never looked at again')
  const [early] = await broker.pop('early', 'of-early')
  await broker.ack('early', 'of-early', early!)
  // It dies before the states of the next segment are written.
  await sendUntilRolled(broker, 'T')
  broker.crash({ powerLoss: false })
  await broker.restart()
  await broker.send('T', 'in the next segment')
  expect(broker.events.some(({ event }) => event === 'states.complete')).toBe(false)
  await broker.advance(2 * HOUR_MS)
  const told = broker.events.map(({ event }) => event)
  expect(told.indexOf('states.complete')).toBeGreaterThan(-1)
  expect(told.indexOf('store.segment-removed')).toBeGreaterThan(told.indexOf('states.complete'))
  broker.crash({ powerLoss: true })
  removeStartCache(broker)
  await broker.restart()
  expect(lineOf(broker, 'early', 'of-early').buckets.acked).toBe(1)
})

test('age: files go that begin where the start cache ends, with the deletion of a topic → it does not come back', async () => {
  // No start cache is written but at the stop.
  const broker = await startBroker({ ...SETTINGS, flushConsumerOffsetInterval: 24 * HOUR_MS })
  await broker.send('gone', 'of a topic that the start cache knows')
  await broker.stop()
  await broker.restart()
  await broker.deleteTopic('gone')
  await fill(broker, 'T', 2)
  await broker.advance(2 * HOUR_MS)
  expect(broker.events.some(({ event }) => event === 'store.segment-removed')).toBe(true)
  broker.crash({ powerLoss: false })
  await broker.restart()
  expect((await broker.ask(GetMinOffset, { topic: 'gone', queueId: 0 })).code).toBe(ResponseCode.TOPIC_NOT_EXIST)
})

test('disk: 0.91 → sends get SERVICE_NOT_AVAILABLE, consuming and changes of topics go on; 0.5 → sends again', async () => {
  const metrics = createMetricsRegistry()
  const broker = await startBroker(SETTINGS, { metrics })
  const { disk } = broker.machine
  disk.write(disk.openFile('/somebody-else', true), 0, Buffer.alloc(16 * 1024 * 1024, 1))
  await broker.send('T', 'pending')
  await broker.pop('T', 'G', { queueId: 0, invisibleMs: HOUR_MS })
  await fill(broker, 'T', 2)
  disk.capacityBytes = disk.usedBytes / 0.92
  await broker.advance(30_000)
  expect(await broker.send('T', 'too much')).toMatchObject({
    code: ResponseCode.SERVICE_NOT_AVAILABLE,
    remark: expect.stringMatching(/9\d % full/),
  })
  const [popped] = await broker.pop('T', 'G', { queueId: 0, max: 1 })
  expect((await broker.ack('T', 'G', popped!)).code).toBe(ResponseCode.SUCCESS)
  expect(lineOf(broker, 'T', 'G').buckets.scheduled).toBe(1)
  expect((await createTopic(broker, 'T', '+retention.ms=60000')).code).toBe(ResponseCode.SUCCESS)
  expect(broker.broker.readiness()).toMatchObject({ ready: true })
  const scraped = await broker.settled(metrics.expose())
  expect(scraped).toContain('rocketmq_ts_store_removed_segments_total{reason="disk"} 2')
  expect(scraped).toContain('rocketmq_ts_disk_full 1')
  disk.capacityBytes *= 2
  await broker.advance(10_000)
  expect((await broker.send('T', 'again')).code).toBe(ResponseCode.SUCCESS)
})

test.each(['kill', 'power loss', 'stop'])(
  'age: all messages of queues went, then checkpoints and queue files are lost (%s) → no offset is given out again',
  async (end) => {
    const broker = await startBroker(SETTINGS)
    for (const text of ['one', 'two', 'three']) await broker.send('heard', text)
    for (const each of await broker.pop('heard', 'reader')) await broker.ack('heard', 'reader', each)
    await broker.send('mute', 'nobody asks')
    for (const text of ['older', 'topic']) await broker.send('again', text)
    await fill(broker, 'T', 2)
    await broker.advance(2 * HOUR_MS)
    await broker.deleteTopic('again')
    await broker.send('again', 'of this one')
    if (end === 'stop') await broker.stop()
    else broker.crash({ powerLoss: end === 'power loss' })
    loseQueueFiles(broker)
    await broker.restart()
    for (const [topic, queueOffset] of Object.entries({ heard: 3, mute: 1, again: 1 })) {
      expect((await broker.send(topic, 'next')).header).toMatchObject({ queueOffset })
    }
    const popped = await broker.pop('heard', 'reader')
    expect(popped.map(({ record }) => record.queueOffset)).toStrictEqual([3])
  },
)

test('topic rule: messages beyond it → what a group was given goes on in its retry topic, the rest is expired', async () => {
  const broker = await startBroker()
  const attributes = '+retention.count=3'
  await createTopic(broker, 'T', attributes)
  for (let sent = 0; sent < 10; sent += 1) await broker.send('T', `message ${sent}`)
  const claimed = await broker.pop('T', 'busy', { max: 5 })
  await broker.ack('T', 'busy', claimed[0]!)
  await broker.pop('T', 'slow', { max: 1, invisibleMs: 1000 })
  await broker.advance(15_000)
  expect((await broker.ask(GetMinOffset, { topic: 'T', queueId: 0 })).header!.queueOffset).toBe(7)
  expect(lineOf(broker, 'T', 'busy')).toMatchObject({
    lag: 3,
    buckets: { acked: 1, scheduled: 4, expired: 2, waiting: 3, inFlight: 0, ready: 0 },
  })
  expect(lineOf(broker, 'T', 'slow')).toMatchObject({
    lag: 3,
    buckets: { scheduled: 1, expired: 6, waiting: 3, ready: 0 },
  })
  const left = await broker.pop('T', 'busy')
  expect(left.map(({ record }) => record.queueOffset)).toEqual([7, 8, 9])
  const again = await broker.pop('T', 'slow', { max: 4 })
  const bodies = again.map(({ record }) => Buffer.from(record.body).toString())
  expect(bodies.toSorted()).toEqual(['message 0', 'message 7', 'message 8', 'message 9'])
  await broker.advance(1000)
  const before = broker.broker.ledger()
  broker.crash({ powerLoss: true })
  await broker.restart()
  expect(broker.broker.ledger()).toStrictEqual(before)
  expect((await broker.ask(GetMinOffset, { topic: 'T', queueId: 0 })).header!.queueOffset).toBe(7)
})

test('topic rule: the power goes right after a min has moved → no group points below it after the start', async () => {
  const broker = await startBroker()
  await createTopic(broker, 'T', '+retention.count=3')
  for (let sent = 0; sent < 10; sent += 1) await broker.send('T', `message ${sent}`)
  await broker.pop('T', 'G', { max: 2 })
  const min = async () => (await broker.ask(GetMinOffset, { topic: 'T', queueId: 0 })).header!.queueOffset
  while ((await min()) === 0) await broker.advance(50)
  broker.crash({ powerLoss: true })
  await broker.restart()
  expect(await min()).toBe(7)
  const buckets = { scheduled: 2, expired: 5, waiting: 3, inFlight: 0 }
  expect(lineOf(broker, 'T', 'G')).toMatchObject({ lag: 3, buckets })
  expect(lineOf(broker, popRetryTopicOf('G', 'T'), 'G').buckets).toMatchObject({ inFlight: 2 })
})

test('topic rule: a copy is given up → it is told of by the place of its origin', async () => {
  const broker = await startBroker()
  await createTopic(broker, 'T', '+retention.count=1')
  await broker.setRetries('G', 1)
  for (let sent = 0; sent < 3; sent += 1) await broker.send('T', `message ${sent}`)
  const [acked] = await broker.pop('T', 'G', { queueId: 0, max: 1 })
  await broker.ack('T', 'G', acked!)
  await broker.pop('T', 'G', { queueId: 0, max: 1, invisibleMs: 1000 })
  await broker.advance(15_000)
  expect(await broker.pop('T', 'G', { max: 2, invisibleMs: 1000 })).toHaveLength(2)
  await broker.advance(3000)
  await broker.pop('T', 'G', { max: 2, invisibleMs: 1000 })
  await broker.advance(1000)
  const told = broker.events.filter(({ event }) => event === 'message.dead')
  expect(told).toEqual([{ event: 'message.dead', topic: 'T', group: 'G', queueId: 0, queueOffset: 1, attempts: 2 }])
})

test('topic rule: the broker stops while it copies → it does not wait for all of them, and the next one makes the rest', async () => {
  const broker = await startBroker()
  await createTopic(broker, 'T', '+retention.count=1')
  const count = 6 * SURVIVORS_PER_TURN_MAX + 1
  for (let sent = 0; sent < count; sent += 1) await broker.send('T', `message ${sent}`)
  for (let left = count; left > 0; left -= 32) await broker.pop('T', 'G', { queueId: 0, invisibleMs: HOUR_MS })
  const scheduled = () => lineOf(broker, 'T', 'G').buckets.scheduled
  while (scheduled() === 0) await broker.advance(1)
  await broker.stop()
  await broker.restart()
  expect(scheduled()).toBeLessThan(count - 1)
  await broker.advance(15_000)
  expect(lineOf(broker, 'T', 'G').buckets).toMatchObject({ scheduled: count - 1, expired: 0, inFlight: 1 })
  expect(lineOf(broker, popRetryTopicOf('G', 'T'), 'G').buckets).toMatchObject({ inFlight: count - 1 })
})

test.each(['+retention.ms=24h', '+retention.bytes=0', '+retention.count=-2'])(
  'topic rule: %s → refused, naming the attribute',
  async (attributes) => {
    const broker = await startBroker()
    const answer = await createTopic(broker, 'T', attributes)
    expect(answer.code).not.toBe(ResponseCode.SUCCESS)
    expect(answer.remark).toContain(attributes.slice(1, attributes.indexOf('=')))
  },
)

test('settings: beyond what Apache takes → its limits', () => {
  const rules = retentionRulesOf({
    ...defaultConfig(brokerConfig),
    diskMaxUsedSpaceRatio: 5,
    diskSpaceCleanForciblyRatio: 99,
    diskSpaceWarningLevelRatio: 99,
    deleteWhen: '04; 16',
  })
  expect(rules).toMatchObject({ usedRatioMax: 0.1, cleanForciblyRatio: 0.85, warningRatio: 0.9, deleteHours: [4, 16] })
})
