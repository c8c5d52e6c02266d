// Delayed messages outlive the files of the log that hold them, once each.
import { expect, test } from '@jest/globals'
import { PropertyName } from '@rocketmq-ts/model'
import { RecallMessage, ResponseCode } from '@rocketmq-ts/remoting'
import { type BrokerHarness, startBroker } from '../broker-harness.ts'
import { inMs, received, sendDelayed } from './delayed.ts'

const HOUR_MS = 3_600_000
const SETTINGS = {
  mappedFileSizeCommitLog: 64 * 1024,
  deleteWhen: Array.from({ length: 24 }, (_, hour) => hour).join(';'),
  fileReservedTime: 1,
}

/** Until the files of before are gone. */
async function outlive(broker: BrokerHarness): Promise<void> {
  const removed = () => broker.events.filter(({ event }) => event === 'store.segment-removed').length
  const before = removed()
  for (let count = 0; count < 14; count += 1) await broker.send('Filler', 'x'.repeat(10_000))
  await broker.advance(1.2 * HOUR_MS)
  expect(removed()).toBeGreaterThan(before)
}

test.each(['of a level', 'in flight'])(
  'retention: copies of messages %s wait for room on a full disk → their file stays; after a kill each is there all the same',
  async (which) => {
    const broker = await startBroker(SETTINGS)
    const { disk } = broker.machine
    const startMs = broker.machine.nowMs
    const bodies = Array.from({ length: 6 }, (_, index) => String(index).padEnd(10_000, 'x'))
    for (const body of bodies) {
      if (which === 'of a level') await sendDelayed(broker, body, [[PropertyName.DELAY, '18']])
      else await broker.send('T', body)
    }
    if (which === 'in flight') await broker.pop('T', 'G', { invisibleMs: 2 * HOUR_MS })
    for (let count = 0; count < 12; count += 1) await broker.send('Filler', 'x'.repeat(10_000))
    disk.capacityBytes = disk.usedBytes
    const has = (name: string) => broker.events.some(({ event }) => event === name)
    for (let left = 400; left > 0 && !has('store.retention-failed'); left -= 1) await broker.advance(10_000)
    // The next tries find nothing left to copy.
    for (let left = 60; left > 0 && !has('store.segment-removed'); left -= 1) await broker.advance(1000)
    expect(has('store.retention-failed')).toBe(true)
    broker.crash({ powerLoss: false })
    disk.capacityBytes = Infinity
    await broker.restart()
    await broker.advance(startMs + 2.1 * HOUR_MS - broker.machine.nowMs)
    const found: string[] = []
    for (let some = await received(broker); some.length > 0; some = await received(broker)) found.push(...some)
    expect(found.map((body) => body.slice(0, 1)).toSorted()).toEqual(bodies.map((body) => body.slice(0, 1)))
    await broker.stop()
  },
)

test('recall: the copy of the message waits for room on a full disk → busy, and with room it is recalled', async () => {
  const broker = await startBroker(SETTINGS)
  const { disk } = broker.machine
  const dueMs = inMs(broker, 20 * HOUR_MS)
  const { header } = await sendDelayed(broker, 'x'.repeat(10_000), dueMs)
  for (let count = 1; count < 6; count += 1) await sendDelayed(broker, 'x'.repeat(10_000), dueMs)
  for (let count = 0; count < 12; count += 1) await broker.send('Filler', 'x'.repeat(10_000))
  disk.capacityBytes = disk.usedBytes
  const has = (name: string) => broker.events.some(({ event }) => event === name)
  for (let left = 400; left > 0 && !has('store.retention-failed'); left -= 1) await broker.advance(10_000)
  expect(has('store.retention-failed')).toBe(true)
  const recall = () => broker.ask(RecallMessage, { topic: 'T', recallHandle: header!.recallHandle! })
  expect(await recall()).toMatchObject({ code: ResponseCode.SYSTEM_BUSY, remark: expect.stringMatching(/written/u) })
  disk.capacityBytes = Infinity
  await broker.advance(HOUR_MS)
  expect((await recall()).code).toBe(ResponseCode.SUCCESS)
  expect((await recall()).code).toBe(ResponseCode.ILLEGAL_OPERATION)
  await broker.stop()
})

test.each([
  ['runs on', async () => undefined],
  [
    'is killed',
    async (broker: BrokerHarness) => {
      broker.crash({ powerLoss: true })
      await broker.restart()
    },
  ],
  [
    'loses its index',
    async (broker: BrokerHarness) => {
      broker.crash({ powerLoss: false })
      const { disk } = broker.machine
      for (const { name } of disk.list('/store/timer')) disk.remove(`/store/timer/${name}`)
      await broker.restart()
    },
  ],
])('retention: files with delayed messages go and the broker %s → each is had at its time, once', async (_, then) => {
  const broker = await startBroker(SETTINGS)
  await broker.send('T', 'x')
  await received(broker)
  await sendDelayed(broker, 'five hours', inMs(broker, 5 * HOUR_MS))
  await sendDelayed(broker, 'two hours', [[PropertyName.DELAY, '18']])
  const { header } = await sendDelayed(broker, 'recalled', inMs(broker, 4 * HOUR_MS))
  await outlive(broker)
  expect(broker.events).toContainEqual({ event: 'timers.moved', messages: 3 })
  await then(broker)
  const recalled = await broker.ask(RecallMessage, { topic: 'T', recallHandle: header!.recallHandle! })
  expect(recalled.code).toBe(ResponseCode.SUCCESS)
  expect(await received(broker)).toEqual([])
  await broker.advance(0.9 * HOUR_MS)
  expect(await received(broker)).toEqual(['two hours'])
  await outlive(broker)
  await then(broker)
  expect(await received(broker)).toEqual([])
  await broker.advance(2 * HOUR_MS)
  expect(await received(broker)).toEqual(['five hours'])
  await broker.stop()
})
