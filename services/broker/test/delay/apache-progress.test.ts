// What Apache's broker is told about delayed messages: nothing that is pending is left out, and what was delivered in front
// of all that is pending does not come again.
import { expect, test } from '@jest/globals'
import { SystemTopic } from '@rocketmq-ts/model'
import { type BrokerHarness, startBroker } from '../broker-harness.ts'
import { configText, onApacheFolder, runApache } from '../foreign/apache-folder.ts'
import { inMs, received, sendDelayed } from './delayed.ts'

const MINUTE_MS = 60_000
const NOW_MS = Date.UTC(2026, 0, 1)

/** The fields of `timercheck`; undefined without the file. */
async function timerCheck(broker: BrokerHarness): Promise<{ readMs: number; offsets: number[] } | undefined> {
  const { effects } = broker.machine.start('operator', () => undefined)
  const bytes = await broker.settled(effects.files.readWhole('/store/config/timercheck', 10_000))
  if (bytes === undefined) return undefined
  expect(bytes).toHaveLength(4096)
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  const [readMs = 0, logPosition, ...rest] = Array.from({ length: 7 }, (_, at) => Number(view.getBigInt64(8 * at)))
  expect([logPosition, ...rest.slice(2)]).toEqual([0, 0, 0, 0])
  return { readMs, offsets: rest.slice(0, 2) }
}

async function names(broker: BrokerHarness): Promise<string[]> {
  const { effects } = broker.machine.start('operator', () => undefined)
  return (await broker.settled(effects.files.list('/store'))).map(({ name }) => name)
}

test('stop: the first pending message, and how far the levels are → told to Apache; without delays nothing is', async () => {
  const broker = await startBroker()
  await broker.stop()
  expect(await timerCheck(broker)).toBeUndefined()
  expect(await configText(broker, 'delayOffset.json')).toBeUndefined()
  await broker.restart()
  for (const [body, ms] of [
    ['a', 1000],
    ['b', 2000],
    ['far', 3 * MINUTE_MS],
    ['c', 1500],
  ] as const) {
    await sendDelayed(broker, body, inMs(broker, ms))
  }
  for (const level of [1, 1, 5]) await sendDelayed(broker, `level-${level}`, [['DELAY', String(level)]])
  await broker.advance(30_000)
  const stoppedMs = broker.machine.nowMs
  await broker.stop()
  const check = (await timerCheck(broker))!
  expect(check.offsets).toEqual([2, 2])
  expect(check.readMs % 1000).toBe(0)
  expect(check.readMs).toBeLessThanOrEqual(stoppedMs + 1000)
  expect(check.readMs).toBeGreaterThan(stoppedMs - 2000)
  expect(JSON.parse((await configText(broker, 'delayOffset.json'))!.replaceAll(/(\d+):/gu, '"$1":'))).toEqual({
    dataVersion: { counter: 2, stateVersion: 0, timestamp: 0 },
    offsetTable: { 1: 2 },
  })
  await broker.restart()
  await broker.advance(3 * MINUTE_MS)
  await broker.stop()
  expect((await timerCheck(broker))!.offsets).toEqual([4, 4])
})

test('checkpoint: it was told ten seconds after a change, too → a crash leaves it', async () => {
  const broker = await startBroker()
  await sendDelayed(broker, 'soon', inMs(broker, 1000))
  await sendDelayed(broker, 'far', inMs(broker, MINUTE_MS))
  await broker.advance(15_000)
  broker.crash({ powerLoss: true })
  await broker.restart()
  expect((await timerCheck(broker))!.offsets).toEqual([1, 1])
  await broker.stop()
})

test('a folder with a timer of Apache → its files go, what is pending is told; back and forth it comes once', async () => {
  const timer = (body: string, dueMs: number) => ({
    topic: SystemTopic.TIMER,
    body,
    properties: { REAL_TOPIC: 'T', REAL_QID: '0', TIMER_OUT_MS: String(dueMs), UNIQ_KEY: body },
  })
  const check = Buffer.alloc(56)
  check.writeBigInt64BE(BigInt(NOW_MS), 0)
  check.writeBigInt64BE(3n, 16)
  const broker = await onApacheFolder({
    records: [
      { topic: 'T', body: 'before' },
      timer('delivered', NOW_MS - 1000),
      timer('in the next slot', NOW_MS),
      timer('far', NOW_MS + MINUTE_MS),
    ],
    files: {},
    timercheck: check,
  })
  const { effects } = broker.machine.start('operator', () => undefined)
  await broker.settled(effects.files.makeFolder('/store/timerlog'))
  for (const name of ['timerwheel', 'timerwheel.00000000000000000052', 'timerlog/00000000000000000000']) {
    await broker.settled(effects.files.open(`/store/${name}`, 'create').then((file) => file.close()))
  }
  await broker.advance(2000)
  expect((await received(broker)).sort()).toEqual(['before', 'in the next slot'])
  await broker.stop()
  expect((await timerCheck(broker))!.offsets).toEqual([2, 2])
  expect((await names(broker)).filter((name) => name.startsWith('timerwheel'))).toEqual([])
  expect(await broker.settled(effects.files.list('/store/timerlog'))).toEqual([])

  await runApache(broker, { records: [{ topic: 'T', body: 'of Apache' }], files: {} })
  await broker.restart()
  await broker.advance(2 * MINUTE_MS)
  expect((await received(broker)).sort()).toEqual(['far', 'of Apache'])
  await broker.stop()
})
