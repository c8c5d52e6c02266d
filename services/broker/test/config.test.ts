import { expect, test } from '@jest/globals'
import { parseConfig, readConfigFile } from '@rocketmq-ts/config'
import { createInflight } from '../src/inflight/inflight.ts'
import { INFLIGHT_LIMITS } from '../src/inflight/api.ts'
import { brokerConfig } from '../src/config.ts'

const MIB = 1024 * 1024

function segmentBytesOf(value: string) {
  const file = readConfigFile('broker.conf', Buffer.from(`mappedFileSizeCommitLog=${value}`))
  return parseConfig(brokerConfig, { file })
}

test('settings: a segment in which the journal could not be kept → refused with the bound', () => {
  expect(segmentBytesOf(String(16 * MIB - 1)).ok).toBe(false)
  expect(segmentBytesOf(String(16 * MIB)).ok).toBe(true)
})

test('settings: the state of one queue at its bounds, and as much again for a Turn → fits into the smallest segment', () => {
  const core = createInflight({ maxAttempts: () => 17 })
  const queue = core.start({ topic: 'T'.repeat(127), incarnation: 2 ** 50, group: 'G'.repeat(120), queueId: 1023 }, 0)
  const popTime = 1_767_225_600_000
  // One entry for each message, which is what splits of batches lead to at most.
  for (let offset = 0; offset < INFLIGHT_LIMITS.entriesPerQueue; offset += 1) {
    core.popNext(queue, {
      popTime: popTime + offset,
      invisibleMs: 43_200_000,
      to: 32 * offset + 1,
      taken: [32 * offset],
    })
  }
  core.takeChanges({ provenFlushed: 0 })
  core.beginRoll(0)
  core.rollStep(MIB)
  const bytes = core.takeChanges({ provenFlushed: 0 })!.length
  expect(2 * bytes).toBeLessThan(8 * MIB)
})
