import { expect, test } from '@jest/globals'
import { createManualEffects } from '@rocketmq-ts/testkit'
import { createLiveness, DeadlineTable } from '../src/liveness.ts'

function livenessInMemory() {
  const effects = createManualEffects()
  const expired: string[] = []
  const liveness = createLiveness({ ...effects, onExpired: (key) => expired.push(key) })
  return { liveness, expired, effects }
}

test('deadlines: keys with different time-outs → expire at their own time, each once', () => {
  const table = new DeadlineTable()
  table.watch('slow', 100, 0)
  table.watch('fast', 10, 0)
  expect(table.nextMs()).toBe(10)
  expect(table.takeExpired(9)).toEqual([])
  expect(table.takeExpired(10)).toEqual(['fast'])
  expect(table.takeExpired(10)).toEqual([])
  expect(table.nextMs()).toBe(100)
})

test('deadlines: a sign of life → the whole time-out from then on; of an unknown key → told', () => {
  const table = new DeadlineTable()
  table.watch('a', 10, 0)
  expect(table.refresh('a', 9)).toBe(true)
  expect(table.refresh('b', 9)).toBe(false)
  expect(table.takeExpired(18)).toEqual([])
  expect(table.takeExpired(19)).toEqual(['a'])
  expect(table.size).toBe(0)
})

test('liveness: silence for the time-out → expired, not a millisecond earlier', async () => {
  const { liveness, expired, effects } = livenessInMemory()
  liveness.watch('a', 1000)
  await effects.advance(999)
  expect(expired).toEqual([])
  await effects.advance(1)
  expect(expired).toEqual(['a'])
})

test('liveness: signs of life in time → never expired; then silence → expired', async () => {
  const { liveness, expired, effects } = livenessInMemory()
  liveness.watch('a', 1000)
  for (let round = 0; round < 10; round += 1) {
    await effects.advance(900)
    expect(liveness.refresh('a')).toBe(true)
  }
  expect(expired).toEqual([])
  await effects.advance(1000)
  expect(expired).toEqual(['a'])
})

test('liveness: a shorter time-out is added later → it expires first', async () => {
  const { liveness, expired, effects } = livenessInMemory()
  liveness.watch('slow', 1000)
  liveness.watch('fast', 100)
  await effects.advance(100)
  expect(expired).toEqual(['fast'])
  await effects.advance(900)
  expect(expired).toEqual(['fast', 'slow'])
})

test('liveness: forgotten, or stopped → nothing expires', async () => {
  const { liveness, expired, effects } = livenessInMemory()
  liveness.watch('a', 100)
  liveness.watch('b', 100)
  liveness.forget('a')
  await effects.advance(100)
  expect(expired).toEqual(['b'])
  liveness.watch('c', 100)
  liveness.stop()
  await effects.advance(1000)
  expect(expired).toEqual(['b'])
})
