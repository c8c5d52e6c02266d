// Files of delayed messages that changed at rest: the log has all that they say.
import { expect, test } from '@jest/globals'
import { startBroker } from '../broker-harness.ts'
import { inMs, received, sendDelayed } from './delayed.ts'

const LIMITS = { freshInImage: 2, freshSoft: 100, fresh: 1000, removed: 100, tierEntries: 100 }
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
