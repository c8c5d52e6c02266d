// A disk that does not give half messages back: their producers hear of it, and decide later.
import { expect, test } from '@jest/globals'
import { EndTransaction, ResponseCode } from '@rocketmq-ts/remoting'
import { type BrokerHarness, startBroker } from '../broker-harness.ts'
import { SECOND_MS, connectProducer, end, endHeader, halves, sendHalf, texts } from './transaction-harness.ts'

const HOUR_MS = 3600 * SECOND_MS

test.each<readonly [string, (broker: BrokerHarness) => Promise<void>]>([
  ['right after it was stored', async () => undefined],
  [
    'after a restart',
    async (broker) => {
      await broker.stop()
      await broker.restart()
    },
  ],
])(
  'transactions: a commit can not read the half message, %s → answered so, and committed when it is asked again',
  async (_, then) => {
    const broker = await startBroker()
    const half = await sendHalf(broker, 'T', 'one')
    await then(broker)
    const fault = broker.machine.disk.fail({ on: 'read', path: '/commitlog/', error: 'io', times: Infinity })
    const refused = await broker.ask(EndTransaction, endHeader(half, 'commit'))
    expect(refused).toMatchObject({ code: ResponseCode.SERVICE_NOT_AVAILABLE })
    expect(refused.remark).toContain('half message 0 can not be read')
    fault.clear()
    expect((await end(broker, half, 'commit')).code).toBe(ResponseCode.SUCCESS)
    expect(await texts(broker, 'T')).toStrictEqual(['one'])
    await broker.stop()
  },
)

test('transactions: a decision while the half message is stored and not flushed → SYSTEM_BUSY, and taken later', async () => {
  const broker = await startBroker()
  await sendHalf(broker, 'T', 'first')
  const stalled = broker.machine.disk.fail({ on: 'sync', delayMs: 20_000, times: Infinity })
  const half = await sendHalf(broker, 'T', 'one')
  const early = await broker.ask(EndTransaction, endHeader(half, 'commit'))
  expect([early.code, early.remark]).toStrictEqual([ResponseCode.SYSTEM_BUSY, expect.stringContaining('not flushed')])
  stalled.clear()
  await broker.advance(60_000)
  expect((await end(broker, half, 'commit')).code).toBe(ResponseCode.SUCCESS)
  expect(await texts(broker, 'T')).toStrictEqual(['one'])
  await broker.stop()
})

test.each([
  ['the disk goes on', async () => undefined],
  [
    'the broker is killed then',
    async (broker: BrokerHarness) => {
      broker.crash({ powerLoss: false })
      await broker.restart()
    },
  ],
])(
  'transactions: retention copies a half message behind one that is not flushed, %s → both are asked about in their time',
  async (_, then) => {
    const deleteWhen = Array.from({ length: 24 }, (__, hour) => hour).join(';')
    const settings = { mappedFileSizeCommitLog: 64 * 1024, deleteWhen, fileReservedTime: 1 }
    const broker = await startBroker({ ...settings, transactionTimeOut: 10 * HOUR_MS, transactionCheckMax: 1 })
    const copied = await sendHalf(broker, 'T', 'copied')
    for (let sent = 0; sent < 8; sent += 1) await broker.send('filler', 'x'.repeat(10_000))
    await broker.advance(HOUR_MS - 60 * SECOND_MS)
    const stalled = broker.machine.disk.fail({ on: 'sync', path: '/commitlog/', delayMs: HOUR_MS, times: Infinity })
    await sendHalf(broker, 'T', 'passed')
    await broker.advance(1800 * SECOND_MS)
    expect(halves(broker)).toMatchObject({ scheduled: 1, ready: 1, inFlight: 1 })
    stalled.clear()
    await then(broker)
    await broker.advance(HOUR_MS)
    expect(halves(broker)).toMatchObject({ ready: 0, inFlight: 2 })
    expect((await end(broker, copied, 'rollback')).code).toBe(ResponseCode.SUCCESS)
    await broker.advance(8 * HOUR_MS)
    const producer = await connectProducer(broker)
    expect([producer.questions, halves(broker)]).toStrictEqual([[], expect.objectContaining({ inFlight: 1 })])
    await broker.advance(HOUR_MS)
    expect(halves(broker)).toMatchObject({ rolledBack: 1, inFlight: 0, dead: 1 })
    await broker.stop()
  },
)

test('transactions: retention copies a half message that waits for its question → the handle of its producer decides it', async () => {
  const deleteWhen = Array.from({ length: 24 }, (_, hour) => hour).join(';')
  const settings = { mappedFileSizeCommitLog: 64 * 1024, deleteWhen, fileReservedTime: 2 }
  const broker = await startBroker({
    ...settings,
    transactionTimeOut: HOUR_MS + 1800 * SECOND_MS,
    transactionCheckInterval: 600 * SECOND_MS,
  })
  await sendHalf(broker, 'T', 'stalls')
  const half = await sendHalf(broker, 'T', 'waits')
  for (let sent = 0; sent < 8; sent += 1) await broker.send('filler', 'x'.repeat(10_000))
  await broker.stop()
  await broker.restart()
  await broker.advance(HOUR_MS + 1790 * SECOND_MS)
  const stalled = broker.machine.disk.fail({ on: 'read', path: '/commitlog/', delayMs: 5 * HOUR_MS })
  await broker.advance(60 * SECOND_MS)
  expect(halves(broker)).toMatchObject({ ready: 1, inFlight: 1, scheduled: 0 })
  await broker.advance(HOUR_MS)
  expect([stalled.hits, halves(broker)]).toMatchObject([1, { scheduled: 2 }])
  expect((await end(broker, half, 'commit')).code).toBe(ResponseCode.SUCCESS)
  expect(await texts(broker, 'T')).toStrictEqual(['waits'])
  await broker.stop()
})

test('check: retention copies a half message with a time of its own between two questions → it is asked about as often', async () => {
  const deleteWhen = Array.from({ length: 24 }, (_, hour) => hour).join(';')
  const settings = { mappedFileSizeCommitLog: 64 * 1024, deleteWhen, fileReservedTime: 1, transactionCheckMax: 2 }
  const broker = await startBroker({ ...settings, transactionCheckInterval: 1200 * SECOND_MS })
  await sendHalf(broker, 'T', 'one', { CHECK_IMMUNITY_TIME_IN_SECONDS: '3000' })
  for (let sent = 0; sent < 8; sent += 1) await broker.send('filler', 'x'.repeat(10_000))
  const asked: number[] = []
  for (const advanceMs of [2990, 1180, 1220]) {
    await broker.advance(advanceMs * SECOND_MS)
    const producer = await connectProducer(broker)
    await broker.advance(20 * SECOND_MS)
    asked.push(producer.questions.length)
  }
  expect(halves(broker)).toMatchObject({ scheduled: 1 })
  expect(asked).toStrictEqual([1, 1, 0])
  expect(halves(broker)).toMatchObject({ dead: 1 })
  await broker.stop()
})

test('transactions: retention copied a half message twice, the first copy is gone, a start has the log alone → its producer decides it', async () => {
  const deleteWhen = Array.from({ length: 24 }, (_, hour) => hour).join(';')
  const settings = { mappedFileSizeCommitLog: 64 * 1024, deleteWhen, fileReservedTime: 1 }
  const broker = await startBroker({ ...settings, transactionTimeOut: 10 * HOUR_MS })
  const half = await sendHalf(broker, 'T', 'one')
  for (const copies of [1, 2]) {
    for (let sent = 0; sent < 8; sent += 1) await broker.send('filler', 'x'.repeat(10_000))
    await broker.advance(HOUR_MS + 1800 * SECOND_MS)
    expect(halves(broker)).toMatchObject({ scheduled: copies, inFlight: 1 })
  }
  await broker.stop()
  const { disk } = broker.machine
  const caches = disk.list('/store/config').filter(({ name }) => name.startsWith('broker-start'))
  for (const { name } of caches) disk.remove(`/store/config/${name}`)
  expect(caches).not.toHaveLength(0)
  await broker.restart()
  expect((await end(broker, half, 'commit')).code).toBe(ResponseCode.SUCCESS)
  expect(await texts(broker, 'T')).toStrictEqual(['one'])
  await broker.stop()
})
