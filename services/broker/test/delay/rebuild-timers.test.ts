// Files of the index of delayed messages that are not what was written: the log has everything, and the broker goes on.
import { expect, test } from '@jest/globals'
import { RecallMessage, ResponseCode } from '@rocketmq-ts/remoting'
import { type BrokerHarness, startBroker } from '../broker-harness.ts'
import { inMs, received, sendDelayed } from './delayed.ts'

/** Of a run: 1024 entries of 24 bytes, and their CRC. */
const SECOND_BLOCK_AT = 1024 * 24 + 4
/** Two blocks of a run. */
const MESSAGES = 1100
const MINUTE_MS = 60_000

async function files(broker: BrokerHarness) {
  const { effects } = broker.machine.start('operator', () => undefined)
  return effects.files
}

async function damageRuns(broker: BrokerHarness): Promise<number> {
  const found = await files(broker)
  const runs = (await broker.settled(found.list('/store/timer'))).filter(({ name }) => name.startsWith('run-'))
  for (const { name } of runs) {
    const file = await broker.settled(found.open(`/store/timer/${name}`, 'must-exist'))
    file.writeSync(SECOND_BLOCK_AT + 100, [Buffer.alloc(50, 0xff)])
    await broker.settled(file.close())
  }
  return runs.length
}

async function receiveAll(broker: BrokerHarness): Promise<string[]> {
  const all: string[] = []
  for (let some = await received(broker); some.length > 0; some = await received(broker)) all.push(...some)
  return all.sort()
}

test('runs are damaged while the broker runs → the index is built again from the log, and each comes once, in time', async () => {
  const broker = await startBroker()
  const bodies = Array.from({ length: MESSAGES }, (_, index) => `m-${index}`)
  await sendDelayed(broker, 'first', inMs(broker, 1000))
  for (const body of bodies) await sendDelayed(broker, body, inMs(broker, 2 * MINUTE_MS))
  const { header } = await sendDelayed(broker, 'recalled', inMs(broker, 2 * MINUTE_MS))
  const { recallHandle } = header as { readonly recallHandle: string }
  await broker.advance(MINUTE_MS)
  expect(await receiveAll(broker)).toEqual(['first'])
  expect((await broker.ask(RecallMessage, { topic: 'T', recallHandle })).code).toBe(ResponseCode.SUCCESS)
  // A start looks at the first block alone.
  await broker.stop()
  await broker.restart()
  expect(await damageRuns(broker)).toBeGreaterThan(0)
  await broker.advance(MINUTE_MS - 1000)
  await sendDelayed(broker, 'meanwhile', inMs(broker, 1000))
  await broker.advance(2000)
  const all = await receiveAll(broker)
  expect(all).toEqual([...bodies, 'meanwhile'].sort())
  const told = broker.events.filter(({ event }) => event.startsWith('timer'))
  expect(told).toMatchObject([
    { event: 'timer.index-damaged', message: expect.stringContaining('block 1 is not what was written') },
    { event: 'timer.index-rebuilt', pending: expect.any(Number) },
  ])
  await broker.advance(MINUTE_MS)
  expect(await receiveAll(broker)).toEqual([])
  broker.crash({ powerLoss: true })
  await broker.restart()
  await broker.advance(3 * MINUTE_MS)
  expect(await receiveAll(broker)).toEqual([])
  await broker.stop()
})
