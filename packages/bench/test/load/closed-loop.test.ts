import { expect, test } from '@jest/globals'
import { runClosedLoop } from '../../src/load/closed-loop.ts'
import type { Caller } from '../../src/load/load.ts'
import { createManualTime } from './manual-time.ts'

test('closed loop: every answer takes 10 ms → each slot has one call under way, all the time', async () => {
  const time = createManualTime()
  let underWay = 0
  let mostUnderWay = 0
  const caller: Caller = (_slot, done) => {
    underWay += 1
    mostUnderWay = Math.max(mostUnderWay, underWay)
    time.after(10, () => {
      underWay -= 1
      done(true)
    })
  }
  const events: string[] = []
  const observer = { begin: () => events.push(`begin ${time.nowMs()}`), end: () => events.push(`end ${time.nowMs()}`) }
  const running = runClosedLoop({
    caller,
    slots: 4,
    warmUp: { ms: 20 },
    measure: { ms: 100 },
    observer,
    nowMs: time.nowMs,
  })
  time.run()
  const result = await running
  expect(mostUnderWay).toBe(4)
  expect(events).toEqual(['begin 20', 'end 120'])
  expect(result).toMatchObject({ failed: 0, ms: 100, failedInAll: 0 })
  expect(result.latencyUs).toMatchObject({ p50: 10_000, max: 10_000 })
  // 4 slots for 100 ms of 10 ms each; the window begins and ends within a round of answers.
  expect(Math.abs(result.calls - 40)).toBeLessThan(4)
  expect(result.okInAll).toBe(4 * 12)
})

test('closed loop: until so many calls → counts add up, and failures are told apart', async () => {
  const time = createManualTime()
  let number = 0
  const caller: Caller = (_slot, done) => {
    number += 1
    const ok = number % 5 !== 0
    time.after(1, () => done(ok))
  }
  const observer = { begin() {}, end() {} }
  const running = runClosedLoop({
    caller,
    slots: 3,
    warmUp: { calls: 10 },
    measure: { calls: 50 },
    observer,
    nowMs: time.nowMs,
  })
  time.run()
  const result = await running
  expect(result).toMatchObject({ calls: 50, failed: 10 })
  expect(result.okInAll + result.failedInAll).toBe(number)
})
