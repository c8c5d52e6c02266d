import { expect, test } from '@jest/globals'
import type { Caller } from '../../src/load/load.ts'
import { runOpenLoop, UNDER_WAY_MAX } from '../../src/load/open-loop.ts'
import { createManualTime } from './manual-time.ts'

const observer = { begin() {}, end() {} }

test('open loop: a server that stalls for 100 ms → every call due meanwhile is charged from its intended start', async () => {
  const time = createManualTime()
  const caller: Caller = (_slot, done) => {
    const untilMs = time.nowMs() < 200 || time.nowMs() >= 300 ? time.nowMs() + 1 : 301
    time.after(untilMs - time.nowMs(), () => done(true))
  }
  const soon = (task: () => void) => time.after(0.5, task)
  const loop = { caller, perSecond: 1000, warmUpMs: 0, measureMs: 1000, observer, nowMs: time.nowMs, soon }
  const running = runOpenLoop(loop)
  time.run()
  const { calls, latencyUs, offeredPerSecond } = await running
  expect(calls).toBe(1000)
  expect(offeredPerSecond).toBe(1000)
  // A closed loop would have seen one slow call; here 100 were due, and waited 1 … 101 ms.
  expect(latencyUs?.p50).toBeLessThan(1100)
  expect(latencyUs?.p99).toBeGreaterThan(85_000)
  expect(latencyUs?.max).toBe(101_000)
})

test('open loop: the generator itself is late → its lateness is latency too', async () => {
  const time = createManualTime()
  const caller: Caller = (_slot, done) => done(true)
  const soon = (task: () => void) => time.after(10, task)
  const loop = { caller, perSecond: 1000, warmUpMs: 0, measureMs: 100, observer, nowMs: time.nowMs, soon }
  const running = runOpenLoop(loop)
  time.run()
  const { latencyUs, calls } = await running
  expect(calls).toBe(100)
  expect(latencyUs?.max).toBe(9000)
})

test('open loop: the warm-up is not measured, and counts in all', async () => {
  const time = createManualTime()
  const caller: Caller = (_slot, done, meantMs) => time.after(meantMs < 50 ? 30 : 2, () => done(meantMs !== 60))
  const soon = (task: () => void) => time.after(1, task)
  const loop = { caller, perSecond: 1000, warmUpMs: 50, measureMs: 50, observer, nowMs: time.nowMs, soon }
  const running = runOpenLoop(loop)
  time.run()
  const result = await running
  expect(result).toMatchObject({ calls: 50, failed: 1, okInAll: 99, failedInAll: 1 })
  expect(result.latencyUs?.max).toBe(2000)
})

test('open loop: more due than may be under way → what waits is charged, and nothing is lost', async () => {
  const time = createManualTime()
  const waiting: ((ok: boolean) => void)[] = []
  let most = 0
  const caller: Caller = (_slot, done) => {
    waiting.push(done)
    most = Math.max(most, waiting.length)
  }
  time.after(1000, () => {
    const answerAll = () => {
      for (const done of waiting.splice(0)) done(true)
    }
    answerAll()
    time.after(100, answerAll)
  })
  const soon = (task: () => void) => time.after(1, task)
  const messages = UNDER_WAY_MAX + 100
  const measureMs = messages / 100
  const loop = { caller, perSecond: 100_000, warmUpMs: 0, measureMs, observer, nowMs: time.nowMs, soon }
  const running = runOpenLoop(loop)
  time.run()
  expect(await running).toMatchObject({ calls: messages, okInAll: messages })
  expect(most).toBe(UNDER_WAY_MAX)
})
