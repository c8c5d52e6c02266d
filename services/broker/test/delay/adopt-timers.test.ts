// Delayed messages that Apache's broker left are delivered here: what its files call delivered is not, what they recall neither.
import { expect, test } from '@jest/globals'
import { SystemTopic } from '@rocketmq-ts/model'
import { startBroker } from '../broker-harness.ts'
import { type ApacheRecord, onApacheFolder } from '../foreign/apache-folder.ts'
import { received } from './delayed.ts'

/** Simulated machines begin in 2026. */
const NOW_MS = Date.UTC(2026, 0, 1)
const MINUTE_MS = 60_000

function timer(body: string, dueMs: number, more: Readonly<Record<string, string>> = {}): ApacheRecord {
  const own = { REAL_TOPIC: 'T', REAL_QID: '0', TIMER_OUT_MS: String(dueMs), UNIQ_KEY: body }
  return { topic: SystemTopic.TIMER, body, properties: { ...own, ...more } }
}

function level(body: string, number: number): ApacheRecord {
  const properties = { REAL_TOPIC: 'T', REAL_QID: '0', DELAY: String(number), UNIQ_KEY: body }
  return { topic: SystemTopic.SCHEDULE, queueId: number - 1, body, properties }
}

function checkpointOf(readMs: number, queueOffset: number): Uint8Array {
  const bytes = Buffer.alloc(56)
  bytes.writeBigInt64BE(BigInt(readMs), 0)
  bytes.writeBigInt64BE(BigInt(queueOffset), 16)
  return bytes
}

const records = [
  { topic: 'T', body: 'before' },
  timer('delivered', NOW_MS - MINUTE_MS),
  timer('pending', NOW_MS + 5 * MINUTE_MS),
  timer('recalled', NOW_MS + 5 * MINUTE_MS),
  {
    ...timer('0', NOW_MS + 5 * MINUTE_MS),
    properties: { ...timer('0', NOW_MS + 5 * MINUTE_MS).properties, TIMER_DEL_UNIQKEY: 'T+recalled' },
  },
  timer('rolled', NOW_MS + 6 * MINUTE_MS),
  timer('rolled', NOW_MS + 6 * MINUTE_MS, { TIMER_ROLL_TIMES: '1' }),
  timer('not looked at yet', NOW_MS - MINUTE_MS),
  level('level, delivered', 5),
  level('level, pending', 5),
]

test("take over: what is pending of Apache's delayed messages → had at its time, once, also after a crash", async () => {
  const broker = await onApacheFolder({
    records,
    files: { 'delayOffset.json': '{"offsetTable":{5:1}}' },
    timercheck: checkpointOf(NOW_MS, 6),
  })
  await broker.advance(1000)
  expect((await received(broker)).sort()).toEqual(['before', 'not looked at yet'])
  await broker.advance(MINUTE_MS)
  expect(await received(broker)).toEqual(['level, pending'])
  await broker.advance(1000)
  broker.crash({ powerLoss: true })
  await broker.restart()
  await broker.advance(5 * MINUTE_MS)
  expect((await received(broker)).sort()).toEqual(['pending', 'rolled'])
  await broker.stop()
})

test("take over: without Apache's files of it → everything that its queues hold, rather twice than never", async () => {
  const broker = await onApacheFolder({ records, isFresh: true, files: {} })
  await broker.advance(10 * MINUTE_MS)
  expect((await received(broker)).sort()).toEqual([
    'before',
    'delivered',
    'level, delivered',
    'level, pending',
    'not looked at yet',
    'pending',
    'rolled',
  ])
  await broker.stop()
})

test('start: a folder without any delayed message → no image is written', async () => {
  const broker = await startBroker()
  await broker.send('T', 'x')
  await broker.advance(MINUTE_MS)
  expect(broker.machine.disk.list('/store/timer')).toEqual([])
  await broker.stop()
})
