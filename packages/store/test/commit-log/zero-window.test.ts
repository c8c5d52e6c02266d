import { expect, test } from '@jest/globals'
import { createManualEffects } from '@rocketmq-ts/testkit'
import { openSegments } from '../../src/commit-log/segment.ts'
import { createZeroWindow } from '../../src/commit-log/zero-window.ts'

const MiB = 1024 * 1024

async function createWindow(segmentBytes: number) {
  const effects = createManualEffects()
  const segments = await openSegments({ files: effects.files, folder: '/log', segmentBytes })
  await segments.ensure(0)
  const before = effects.machine.disk.usedBytes
  const filled = () => effects.machine.disk.usedBytes - before
  return { effects, segments, window: createZeroWindow(segments), filled }
}

test('zero window: each batch → one piece more, until the window is full', async () => {
  const { window, filled } = await createWindow(128 * MiB)
  window.advance(100)
  expect(filled()).toBe(MiB)
  for (let batch = 0; batch < 100; batch += 1) window.advance(100)
  expect(filled()).toBe(32 * MiB)
  window.advance(2 * MiB)
  window.advance(2 * MiB)
  window.advance(2 * MiB)
  expect(filled()).toBe(34 * MiB)
})

test('zero window: what is written already → never touched', async () => {
  const { segments, window } = await createWindow(4 * MiB)
  const data = Buffer.alloc(10_000, 7)
  segments.at(0)!.file.writeSync(0, [data])
  for (let batch = 0; batch < 10; batch += 1) window.advance(data.length)
  const read = Buffer.alloc(data.length + 10)
  segments.at(0)!.file.readSync(0, read)
  expect(read.equals(Buffer.concat([data, Buffer.alloc(10)]))).toBe(true)
})

test('zero window: the end of the segment → not beyond, and anew in the next one', async () => {
  const { segments, window, filled } = await createWindow(MiB)
  window.advance(4096)
  window.advance(8192)
  expect(filled()).toBe(MiB - 4096)
  window.advance(MiB)
  expect(filled()).toBe(MiB - 4096)
  await segments.ensure(MiB)
  window.advance(MiB + 1)
  expect(filled()).toBe(2 * MiB - 2 * 4096)
})

test('zero window: the disk is full → no error, and no further try in this segment', async () => {
  const { effects, window, filled } = await createWindow(8 * MiB)
  effects.machine.disk.capacityBytes = effects.machine.disk.usedBytes
  window.advance(1)
  effects.machine.disk.capacityBytes = Infinity
  window.advance(2)
  expect(filled()).toBe(0)
})
