import { expect, test } from '@jest/globals'
import { SAME_KEY_PRESS_MS, watchStopSignals } from '../../src/node/signals.ts'

test('signals: one key press arriving twice → asked once; a later one insists', async () => {
  let nowMs = 1000
  let insisted = 0
  const signals = watchStopSignals(
    () => nowMs,
    () => {
      insisted += 1
    },
  )
  try {
    process.emit('SIGINT', 'SIGINT')
    process.emit('SIGINT', 'SIGINT')
    expect(await signals.asked).toBe('SIGINT')
    nowMs += SAME_KEY_PRESS_MS
    process.emit('SIGTERM', 'SIGTERM')
    expect(insisted).toBe(0)
    nowMs += 1
    process.emit('SIGINT', 'SIGINT')
    expect(insisted).toBe(1)
  } finally {
    signals.close()
  }
  expect(process.listenerCount('SIGHUP')).toBe(0)
})
