import { expect, test } from '@jest/globals'
import { decodeProperties, parseOffsetMessageId } from '@rocketmq-ts/model'
import { ResponseCode, SendMessageV2 } from '@rocketmq-ts/remoting'
import { startBroker } from '../broker-harness.ts'

const P = (entries: Record<string, string>) =>
  Object.entries(entries)
    .map(([name, value]) => `${name}\u0001${value}\u0002`)
    .join('')

test('send: stored → queue offset, and an offset message id that names its place', async () => {
  const broker = await startBroker()
  const { code, header } = await broker.send('T', 'one', { queueId: 2 })
  expect(code).toBe(ResponseCode.SUCCESS)
  expect(header).toMatchObject({ queueId: 2, queueOffset: 0, msgRegion: 'DefaultRegion', traceOn: true })
  const { host, port } = parseOffsetMessageId((header as { msgId: string }).msgId)
  expect({ host, port }).toStrictEqual(broker.broker.address)
})

test('send: properties → kept, the broker adds its own and drops what clients may not set', async () => {
  const broker = await startBroker()
  const properties = P({ KEYS: 'k', POP_CK: 'x', '__RMQ.TRANSIENT.a': 'b', __RMQTS_ORIGIN: '0 0 0 1 G T' })
  await broker.send('T', 'one', { properties })
  const [popped] = await broker.pop('T', 'G')
  const stored = decodeProperties(Buffer.from(popped!.record.properties).toString())
  expect(Object.fromEntries(stored)).toStrictEqual({ KEYS: 'k', MSG_REGION: 'DefaultRegion', TRACE_ON: 'true' })
})

test('send: a negative queue id → any writable queue', async () => {
  const broker = await startBroker()
  const queues = new Set<unknown>()
  for (let index = 0; index < 32; index += 1) {
    const { header } = await broker.send('T', 'one', { queueId: -1 })
    queues.add((header as { queueId: number }).queueId)
  }
  expect([...queues].sort()).toStrictEqual([0, 1, 2, 3])
})

test.each([
  ['an empty body', 'T', '', {}, ResponseCode.MESSAGE_ILLEGAL, 'body'],
  ['a body one byte too long', 'T', 'x'.repeat(4 * 1024 * 1024 + 1), {}, ResponseCode.MESSAGE_ILLEGAL, 'body'],
  ['a queue that is not there', 'T', 'x', { queueId: 4 }, ResponseCode.INVALID_PARAMETER, 'queueId'],
  ['an illegal topic', 'a b', 'x', {}, ResponseCode.INVALID_PARAMETER, 'topic'],
  ['a topic of the system', 'SCHEDULE_TOPIC_XXXX', 'x', {}, ResponseCode.NO_PERMISSION, 'SCHEDULE_TOPIC_XXXX'],
  ['the journal', 'rmq_sys_INFLIGHT_LOG', 'x', {}, ResponseCode.NO_PERMISSION, 'rmq_sys_INFLIGHT_LOG'],
  [
    'properties that fit no record',
    'T',
    'x',
    { properties: P({ KEYS: 'k'.repeat(32_800) }) },
    ResponseCode.MESSAGE_ILLEGAL,
    'properties',
  ],
  ['a delay', 'T', 'x', { properties: P({ DELAY: 'some' }) }, ResponseCode.MESSAGE_ILLEGAL, 'DELAY'],
] as const)(
  'send: %s → refused with its code, the remark names it',
  async (_name, topic, body, options, code, named) => {
    const broker = await startBroker({ mappedFileSizeCommitLog: 16 * 1024 * 1024 })
    await broker.send('T', 'first')
    const answer = await broker.send(topic, body, options)
    expect(answer.code).toBe(code)
    expect(answer.remark).toContain(named)
  },
)

test('send: unknown topic without automatic creation → TOPIC_NOT_EXIST that names the switch', async () => {
  const broker = await startBroker({ autoCreateTopicEnable: false })
  const answer = await broker.send('T', 'one')
  expect(answer.code).toBe(ResponseCode.TOPIC_NOT_EXIST)
  expect(answer.remark).toContain('autoCreateTopicEnable')
})

test('send: sync flush → no answer before the sync has ended', async () => {
  const broker = await startBroker()
  await broker.send('T', 'first')
  const slow = broker.machine.disk.fail({ on: 'sync', delayMs: 700, times: Infinity })
  const before = broker.world.nowMs
  expect((await broker.send('T', 'one')).code).toBe(ResponseCode.SUCCESS)
  expect(broker.world.nowMs - before).toBeGreaterThanOrEqual(700)
  slow.clear()
})

test('send: sync flush that takes too long → FLUSH_DISK_TIMEOUT with the place of the message, which is stored', async () => {
  const broker = await startBroker()
  await broker.send('T', 'first')
  const stalled = broker.machine.disk.fail({ on: 'sync', delayMs: 20_000, times: Infinity })
  const before = broker.world.nowMs
  const { code, header } = await broker.send('T', 'one')
  expect(code).toBe(ResponseCode.FLUSH_DISK_TIMEOUT)
  expect(header).toMatchObject({ queueOffset: 1 })
  expect(broker.world.nowMs - before).toBeLessThan(6000)
  stalled.clear()
  await broker.advance(60_000)
  expect(await broker.pop('T', 'G')).toHaveLength(2)
})

test('send: async flush → answered when written, and visible at once', async () => {
  const broker = await startBroker({ flushDiskType: 'ASYNC_FLUSH' })
  await broker.send('T', 'first')
  broker.machine.disk.fail({ on: 'sync', delayMs: 60_000, times: Infinity })
  const before = broker.world.nowMs
  await broker.send('T', 'one')
  expect(await broker.pop('T', 'G')).toHaveLength(2)
  expect(broker.world.nowMs - before).toBeLessThan(700)
})

test('send: no room for a message that is under way → told that it may be stored yet, and with room it is, once', async () => {
  const broker = await startBroker({ flushDiskType: 'ASYNC_FLUSH' })
  await broker.send('T', 'first')
  const full = broker.machine.disk.fail({ on: 'write', error: 'no-space', times: Infinity })
  const { code, remark } = await broker.send('T', 'waits')
  expect([code, remark]).toEqual([
    ResponseCode.SERVICE_NOT_AVAILABLE,
    expect.stringMatching(/^the message may be stored all the same, and twice if it is sent again: .*no space/u),
  ])
  full.clear()
  await broker.advance(10_000)
  const bodies = (await broker.pop('T', 'G')).map(({ record }) => Buffer.from(record.body).toString())
  expect(bodies).toEqual(['first', 'waits'])
})

test('send: disk full → SERVICE_NOT_AVAILABLE, pops and acks go on; room again → accepted without a restart', async () => {
  const broker = await startBroker({ flushDiskType: 'ASYNC_FLUSH' })
  await broker.send('T', 'stored')
  await broker.pop('T', 'G', { max: 1, invisibleMs: 100 })
  await broker.advance(200)
  // The write that finds the disk full gets the space of the reserve; the reserve can not be made again at once.
  broker.machine.disk.fail({ on: 'write', path: 'commitlog', error: 'no-space' })
  const full = broker.machine.disk.fail({ on: 'write', path: 'reserve', error: 'no-space', times: Infinity })
  expect((await broker.send('T', 'stored too')).code).toBe(ResponseCode.SUCCESS)
  expect((await broker.send('T', 'refused')).code).toBe(ResponseCode.SERVICE_NOT_AVAILABLE)
  const [popped] = await broker.pop('T', 'G')
  expect((await broker.ack('T', 'G', popped!)).code).toBe(ResponseCode.SUCCESS)
  full.clear()
  await broker.advance(60_000)
  expect((await broker.send('T', 'accepted')).code).toBe(ResponseCode.SUCCESS)
  const before = broker.broker.ledger()
  broker.crash({ powerLoss: false })
  await broker.restart()
  expect(broker.broker.ledger()).toStrictEqual(before)
})

test('send: the same header by its long names → stored alike', async () => {
  const broker = await startBroker()
  const { SendMessage } = await import('@rocketmq-ts/remoting')
  expect(SendMessage.code).not.toBe(SendMessageV2.code)
  const header = {
    producerGroup: 'p',
    topic: 'T',
    defaultTopic: 'TBW102',
    defaultTopicQueueNums: 4,
    queueId: 0,
    sysFlag: 0,
    bornTimestampMs: 1,
    flag: 7,
  }
  expect((await broker.ask(SendMessage, header, Buffer.from('x'))).code).toBe(ResponseCode.SUCCESS)
  expect((await broker.pop('T', 'G'))[0]?.record.flag).toBe(7)
})
