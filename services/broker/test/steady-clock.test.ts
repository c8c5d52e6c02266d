import { expect, test } from '@jest/globals'
import { createManualEffects } from '@rocketmq-ts/testkit'
import { createSteadyClock } from '../src/steady-clock.ts'

const START_MS = 1_767_225_600_000

function setUp() {
  const effects = createManualEffects({ nowMs: START_MS })
  return { effects, steady: createSteadyClock(effects.clock) }
}

test.each([-86_400_000, 86_400_000])(
  'steady clock: the machine jumps by %d ms → it goes on as before',
  async (jumpMs) => {
    const { effects, steady } = setUp()
    await effects.advance(500)
    effects.machine.jumpClock(jumpMs)
    await effects.advance(500)
    expect(steady.nowMs()).toBe(START_MS + 1000)
  },
)

test('steady clock: not before a later time → shows it, and goes on from there', async () => {
  const { effects, steady } = setUp()
  await effects.advance(100)
  steady.notBefore(START_MS + 10_000)
  expect(steady.nowMs()).toBe(START_MS + 10_000)
  await effects.advance(50)
  expect(steady.nowMs()).toBe(START_MS + 10_050)
})

test('steady clock: not before an earlier time → nothing changes', async () => {
  const { effects, steady } = setUp()
  await effects.advance(100)
  steady.notBefore(START_MS - 10_000)
  expect(steady.nowMs()).toBe(START_MS + 100)
})

test('steady clock: shows whole milliseconds', async () => {
  const { effects, steady } = setUp()
  await effects.advance(0.6)
  expect(Number.isInteger(steady.nowMs())).toBe(true)
})
