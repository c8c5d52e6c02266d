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
