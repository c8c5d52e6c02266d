// Delayed messages over kills and power losses at any moment, also while they are delivered, recalled, moved or their index is
// written: never early, never lost, never twice.
import { expect, test } from '@jest/globals'
import { PropertyName } from '@rocketmq-ts/model'
import { RecallMessage, ResponseCode } from '@rocketmq-ts/remoting'
import { Prng } from '@rocketmq-ts/testkit'
import { startBroker } from '../broker-harness.ts'
import { type Properties, sendDelayed } from './delayed.ts'

const SETTINGS = {
  mappedFileSizeCommitLog: 64 * 1024,
  deleteWhen: Array.from({ length: 24 }, (_, hour) => hour).join(';'),
  fileReservedTime: 1,
}
const HOUR_MS = 3_600_000
const CRASHES = 14

interface Told {
  readonly dueMs: number
  readonly handle: string | undefined
  isRecalled: boolean
}

test.each([1, 2, 3, 4])('delay: crashes at any moment (seed %i) → each message once, none early', async (seed) => {
  const prng = new Prng(seed)
  const broker = await startBroker(SETTINGS)
  await broker.send('T', 'first')
  await broker.pop('T', 'G')
  const told = new Map<string, Told>()
  let count = 0

  async function sendSome(): Promise<void> {
    for (let left = prng.integer(6); left > 0; left -= 1) {
      const body = `m${(count += 1)} ${'x'.repeat(prng.integer(9000))}`
      const isLevel = prng.integer(3) === 0
      const delayMs = isLevel ? 30_000 : 1 + prng.integer(prng.integer(2) === 0 ? 20_000 : 4 * HOUR_MS)
      const dueMs = broker.machine.nowMs + delayMs
      const properties: Properties = isLevel
        ? [[PropertyName.DELAY, '4']]
        : [[PropertyName.TIMER_DELIVER_MS, String(dueMs)]]
      const { code, header } = await sendDelayed(broker, body, properties)
      expect(code).toBe(ResponseCode.SUCCESS)
      // The broker's clock may show a millisecond less than the machine's.
      told.set(body, { dueMs: isLevel ? dueMs - 1 : dueMs, handle: header?.recallHandle, isRecalled: false })
    }
  }

  async function recallOne(): Promise<void> {
    const pending = [...told].filter(
      ([, { dueMs, handle }]) => handle !== undefined && dueMs > broker.machine.nowMs + 100,
    )
    const [, one] = pending[prng.integer(Math.max(1, pending.length))] ?? []
    if (one?.handle === undefined || one.isRecalled) return
    const { code } = await broker.ask(RecallMessage, { topic: 'T', recallHandle: one.handle })
    expect(code).toBe(ResponseCode.SUCCESS)
    one.isRecalled = true
  }

  /** Places of each message in its topic; an acknowledgement that a power loss took brings the same place again. */
  const places = new Map<string, Set<string>>()
  async function collect(): Promise<void> {
    for (;;) {
      const popped = await broker.pop('T', 'G')
      if (popped.length === 0) return
      for (const each of popped) {
        const { topic, body, queueId, queueOffset, storeTimestampMs } = each.record
        await broker.ack('T', 'G', each)
        const text = Buffer.from(body).toString()
        const one = told.get(text)
        if (topic !== 'T' || one === undefined) continue
        expect(storeTimestampMs).toBeGreaterThanOrEqual(one.dueMs)
        places.set(text, (places.get(text) ?? new Set()).add(`${queueId}/${queueOffset}`))
      }
    }
  }

  for (let crash = 0; crash < CRASHES; crash += 1) {
    await sendSome()
    if (prng.integer(2) === 0) await recallOne()
    if (prng.integer(4) === 0) await broker.advance(prng.integer(0.9 * HOUR_MS))
    // Close to the time of something, so that deliveries are cut in the middle.
    const aheads = [...told.values()].map(({ dueMs }) => dueMs - broker.machine.nowMs).filter((ms) => ms > 0)
    await broker.advance(Math.max(0, Math.min(...aheads, 60_000) - 1 + prng.fraction() * 4))
    if (prng.integer(5) === 0) await broker.stop()
    else broker.crash({ powerLoss: prng.integer(2) === 0 })
    if (prng.integer(6) === 0) {
      const { disk } = broker.machine
      for (const { name } of disk.list('/store/timer')) disk.remove(`/store/timer/${name}`)
    }
    await broker.restart()
    await collect()
  }
  for (let step = 0; step < 10; step += 1) {
    await broker.advance(HOUR_MS / 2)
    await collect()
  }
  const wrong = [...told].filter(([body, { isRecalled }]) => (places.get(body)?.size ?? 0) !== (isRecalled ? 0 : 1))
  expect(wrong.map(([body]) => body.slice(0, 8))).toEqual([])
  expect(told.size).toBeGreaterThan(10)
  await broker.stop()
})
