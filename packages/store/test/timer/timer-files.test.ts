import { expect, test } from '@jest/globals'
import { checkTimerImages } from '../../src/timer/check-images.ts'
import { TimerFiles } from '../../src/timer/timer-files.ts'
import type { TimerIndex } from '../../src/timer/timer-index.ts'
import { createManualEffects, FOLDER } from '../store-fixture.ts'

const LIMITS = { freshInImage: 2, freshSoft: 100, fresh: 1000, removed: 100, tierEntries: 10 }

function filesOf() {
  const { files } = createManualEffects()
  const open = () => new TimerFiles({ files, root: FOLDER, limits: LIMITS })
  const names = async () => (await files.list(`${FOLDER}/timer`)).map(({ name }) => name)
  return { files, open, names }
}

function write(timers: TimerFiles, index: TimerIndex, appended: number): Promise<void> {
  return timers.write(index, { inTurn: async (take) => take(appended, 'note'), whenFlushed: async () => undefined })
}

function add(index: TimerIndex, ...positions: number[]): void {
  for (const position of positions) index.add({ dueMs: 1000 + position, position, size: 10, keyHash: 0 })
}

/** Images at 100 and 200 of the log, each with a run of its own. */
async function writeTwoImages(timers: TimerFiles): Promise<void> {
  const { index } = await timers.open(0, 0, false)
  add(index, 1, 2, 3)
  await write(timers, index, 100)
  add(index, 4, 5, 6)
  await write(timers, index, 200)
  await index.close()
}

test('timer files: the newest image that the log proves → taken, with its runs; one beyond the log goes', async () => {
  const { open, names } = filesOf()
  await writeTwoImages(open())
  expect(await names()).toEqual(['image.1', 'image.2', 'run-1', 'run-2'])

  const again = await open().open(0, 200, false)
  expect(again).toMatchObject({ coversTo: 200, note: 'note', rejected: [] })
  await again.index.replayed()
  expect(again.index.pending).toBe(6)
  await again.index.close()

  const older = await open().open(0, 199, false)
  await older.index.replayed()
  expect(older).toMatchObject({ coversTo: 100, rejected: [] })
  expect(older.index.pending).toBe(3)
  await older.index.close()
})

test('timer files: the log begins behind the image, or another broker had the folder → nothing is taken', async () => {
  const { open, names } = filesOf()
  const timers = open()
  const { index } = await timers.open(0, 0, false)
  add(index, 1, 2, 3)
  await write(timers, index, 100)
  await index.close()
  const late = await open().open(101, 500, false)
  expect(late.coversTo).toBeUndefined()
  expect(late.rejected).toEqual([expect.stringContaining('covers 100, the log begins at 101')])
  expect(await names()).toEqual(['image.1'])
  expect(await open().open(0, 500, true)).toMatchObject({ coversTo: undefined })
  expect(await names()).toEqual([])
})

test('timer files: a run is missing → the image before it; without one the log is read', async () => {
  const { files, open } = filesOf()
  const timers = open()
  const { index } = await timers.open(0, 0, false)
  add(index, 1)
  await write(timers, index, 100)
  add(index, 2, 3, 4)
  await write(timers, index, 200)
  await index.close()
  await files.remove(`${FOLDER}/timer/run-1`)
  const before = await open().open(0, 500, false)
  expect(before).toMatchObject({ coversTo: 100, rejected: [expect.stringContaining('run-1')] })
  await before.index.close()
  await files.remove(`${FOLDER}/timer/image.1`)
  expect(await open().open(0, 500, false)).toMatchObject({ coversTo: undefined })
})

test('timer files: runs that no image names → go with the image after the next', async () => {
  const { open, names } = filesOf()
  const timers = open()
  const { index } = await timers.open(0, 0, false)
  for (let image = 0; image < 8; image += 1) {
    add(index, ...Array.from({ length: 5 }, (_, at) => 10 * image + at + 1))
    await write(timers, index, 100 * (image + 1))
  }
  expect(index.runs).toBeLessThan(5)
  expect((await names()).filter((name) => name.startsWith('run-')).length).toBeLessThan(10)
  await index.close()
})

test('timer files: checked while stopped → what a start could not use is told, and nothing is changed', async () => {
  const { files, open, names } = filesOf()
  expect(await checkTimerImages(files, FOLDER, 0)).toEqual([])
  await writeTwoImages(open())
  const before = await names()
  expect(await checkTimerImages(files, FOLDER, 200)).toEqual([])
  const beyond = { file: 'timer/image.2', problem: 'covers the log up to 200, which ends at 199' }
  expect(await checkTimerImages(files, FOLDER, 199)).toEqual([beyond])
  expect(await names()).toEqual(before)
  await files.remove(`${FOLDER}/timer/run-1`)
  const missing = await checkTimerImages(files, FOLDER, 200)
  expect(missing.map(({ file }) => file)).toEqual(['timer/image.2', 'timer/image.1'])
})
