import { expect, test } from '@jest/globals'
import { TIMER_INDEX_LIMITS, TimerIndex } from '../../src/timer/timer-index.ts'
import { createManualEffects, FOLDER } from '../store-fixture.ts'

const ENTRIES = 3000
const PER_PASS = 256

test('timer index: entries are written into runs and these merged → in passes, between which others add and deliver', async () => {
  const { files } = createManualEffects()
  await files.makeFolder(FOLDER)
  let position = 0
  let passes = 0
  let between = async (): Promise<void> => undefined
  const index: TimerIndex = new TimerIndex({
    files,
    folder: FOLDER,
    limits: { ...TIMER_INDEX_LIMITS, tierEntries: ENTRIES },
    async pause() {
      passes += 1
      await between()
    },
  })
  const delivered: number[] = []
  function add(dueMs: number): void {
    position += 1
    index.add({ dueMs, position, size: 1, keyHash: 0 })
  }
  function deliver(nowMs: number, max: number): boolean {
    const due = index.due(nowMs, max)
    if (due === 'cold') return false
    for (const { dueMs } of due.slice()) {
      delivered.push(dueMs)
      index.settleFirst('delivered')
    }
    return true
  }
  const scattered = (at: number): number => 1_000_000 + ((at * 7919) % ENTRIES)
  for (let run = 0; run < 3; run += 1) {
    for (let at = 0; at < ENTRIES; at += 1) add(scattered(at))
    passes = 0
    await index.tidy(async () => undefined)
    expect(passes).toBeGreaterThanOrEqual(Math.floor(ENTRIES / PER_PASS))
  }
  for (let at = 0; at < ENTRIES; at += 1) add(scattered(at))
  between = async () => {
    add(1_000_100 + passes)
    // More than one pass puts in order.
    for (let some = 0; passes === 2 && some < 40; some += 1) {
      if (!deliver(Number.MAX_SAFE_INTEGER, 100)) await index.load()
    }
  }
  passes = 0
  await index.tidy(async () => undefined)
  // Written once, and once more with the three runs there were.
  expect(passes).toBeGreaterThanOrEqual(Math.floor((5 * ENTRIES) / PER_PASS))
  expect(delivered.length).toBeGreaterThan(1000)
  for (let some = 0; some < ENTRIES && index.pending > 0; some += 1) {
    if (!deliver(Number.MAX_SAFE_INTEGER, 100)) await index.load()
  }
  expect(delivered).toHaveLength(position)
  expect(delivered).toEqual([...delivered].sort((a, b) => a - b))
  await index.close()
})
