// What a disk does to delayed messages: files that changed at rest, for which the log has all that they say, and records that
// can not be read for a while.
import { expect, test } from '@jest/globals'
import { type BrokerHarness, startBroker } from '../broker-harness.ts'
import { inMs, received, sendDelayed } from './delayed.ts'

const LIMITS = { freshInImage: 2, freshSoft: 100, fresh: 1000, removed: 100, tierEntries: 100 }
const HOUR_MS = 3_600_000
const RUN = '/store/timer/run-1'

test('delay: a run changed at rest, and delivered messages lie in front of it → the broker starts, each is had once', async () => {
  const broker = await startBroker({}, { timerLimits: LIMITS })
  for (const ms of [12_000, 60_000, 61_000, 62_000]) await sendDelayed(broker, `in ${ms}`, inMs(broker, ms))
  await broker.advance(13_000)
  expect(await received(broker)).toEqual(['in 12000'])
  broker.crash({ powerLoss: false })
  broker.machine.disk.flipBit(RUN, 40)
  await broker.restart()
  expect(broker.events).toContainEqual(expect.objectContaining({ event: 'snapshot.rejected' }))
  await broker.advance(60_000)
  expect(await received(broker)).toEqual(['in 60000', 'in 61000', 'in 62000'])
  await broker.stop()
})

test('delay: a record that is to be moved is never given back → its file is kept for some tries, and then goes', async () => {
  const hours = Array.from({ length: 24 }, (_, hour) => hour).join(';')
  const broker = await startBroker({ mappedFileSizeCommitLog: 64 * 1024, deleteWhen: hours, fileReservedTime: 1 })
  await sendDelayed(broker, 'unreadable', inMs(broker, 10 * HOUR_MS))
  for (let sent = 0; sent < 8; sent += 1) await broker.send('filler', 'x'.repeat(10_000))
  await broker.stop()
  await broker.restart()
  const first = '/store/commitlog/00000000000000000000'
  broker.machine.disk.fail({ on: 'read', path: first, error: 'io', times: Infinity })
  await broker.advance(HOUR_MS + 60_000)
  expect(broker.machine.disk.find(first)).toBeDefined()
  await broker.advance(HOUR_MS)
  expect(broker.machine.disk.find(first)).toBeUndefined()
  expect(broker.events).toContainEqual(expect.objectContaining({ event: 'timer.damaged' }))
  await broker.stop()
})

test.each<readonly [string, (broker: BrokerHarness) => Promise<void>]>([
  ['and it lives on', async () => undefined],
  [
    'and it is killed, and the files of the index are lost',
    async (broker) => {
      broker.crash({ powerLoss: false })
      const { disk } = broker.machine
      for (const { name } of disk.list('/store/timer')) disk.remove(`/store/timer/${name}`)
      await broker.restart()
    },
  ],
])(
  'delay: the disk does not give a record back for long, %s → others go on, it comes when it can be read',
  async (_, then) => {
    const broker = await startBroker({ mappedFileSizeCommitLog: 64 * 1024 })
    await sendDelayed(broker, 'cold', inMs(broker, 60_000))
    for (let sent = 0; sent < 8; sent += 1) await broker.send('filler', 'x'.repeat(10_000))
    await broker.stop()
    await broker.restart()
    await sendDelayed(broker, 'next', inMs(broker, 61_000))
    const fault = broker.machine.disk.fail({
      on: 'read',
      path: '/commitlog/00000000000000000000',
      error: 'io',
      times: Infinity,
    })
    await broker.advance(70_000)
    expect(await received(broker)).toEqual(['next'])
    fault.clear()
    await then(broker)
    await broker.advance(70_000)
    expect(await received(broker)).toEqual(['cold'])
    await broker.advance(200_000)
    expect(await received(broker)).toEqual([])
    await broker.stop()
  },
)
