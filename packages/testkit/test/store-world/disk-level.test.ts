import { expect, test } from '@jest/globals'
import { DiskLevel } from '../../src/store-world/disk-level.ts'

const LOOKS_MS = 1000
/** Longer than a look may take to come, and to end. */
const LATE_MS = LOOKS_MS + 6000

test('disk level: sends are stored beyond the last mark → wrong as soon as a look must have come, not before', () => {
  const level = new DiskLevel({ usedBytes: 91, capacityBytes: 100 }, LOOKS_MS)
  expect(level.stored(0, 0)).toBeUndefined()
  expect(level.stored(LOOKS_MS, LOOKS_MS)).toBeUndefined()
  expect(level.stored(LATE_MS, LOOKS_MS)).toBeUndefined()
  expect(level.stored(LATE_MS, LATE_MS)).toContain('over its last mark since 0')
})

test('disk level: the disk had room meanwhile, or the broker was started again → the time begins anew', () => {
  const disk = { usedBytes: 91, capacityBytes: 100 }
  const level = new DiskLevel(disk, LOOKS_MS)
  expect(level.stored(0, 0)).toBeUndefined()
  disk.usedBytes = 50
  level.look(10)
  disk.usedBytes = 91
  expect(level.stored(LATE_MS, LATE_MS)).toBeUndefined()
  level.starts()
  expect(level.stored(2 * LATE_MS, 2 * LATE_MS)).toBeUndefined()
})

test('disk level: a send is refused → wrong where the disk has been below the mark for long, or always was', () => {
  const disk = { usedBytes: 91, capacityBytes: 100 }
  const level = new DiskLevel(disk, LOOKS_MS)
  expect(level.refused(0)).toBeUndefined()
  disk.usedBytes = 90
  expect(level.refused(LOOKS_MS)).toBeUndefined()
  expect(level.refused(LATE_MS)).toContain('below its last mark')
  expect(new DiskLevel(disk, LOOKS_MS).refused(0)).toContain('below its last mark')
})

test('disk level: the disk is full → nothing is known of looks until the broker is started again', () => {
  const level = new DiskLevel({ usedBytes: 91, capacityBytes: 100 }, LOOKS_MS)
  level.stored(0, 0)
  level.wasFull()
  expect(level.stored(LATE_MS, LATE_MS)).toBeUndefined()
  level.starts()
  level.stored(0, 0)
  expect(level.stored(LATE_MS, LATE_MS)).toContain('over its last mark')
})
