// A disk that does not give half messages back: their producers hear of it, and decide later.
import { expect, test } from '@jest/globals'
import { EndTransaction, ResponseCode } from '@rocketmq-ts/remoting'
import { type BrokerHarness, startBroker } from '../broker-harness.ts'
import { end, endHeader, sendHalf, texts } from './transaction-harness.ts'

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
