import { expect, test } from '@jest/globals'
import { ENTRIES_PER_BLOCK, RunWriter, TimerRun } from '../../src/timer/run-file.ts'
import { TIMER_ENTRY_BYTES, type TimerEntry, writeTimerEntry } from '../../src/timer/timer-entry.ts'
import { createManualEffects, FOLDER } from '../store-fixture.ts'

const entryAt = (index: number): TimerEntry => ({
  dueMs: 1000 + index * 10,
  position: 7 * index,
  size: 100 + index,
  keyHash: 0xffff_ffff - index,
})

async function runOf(count: number) {
  const { files } = createManualEffects()
  await files.makeFolder(FOLDER)
  const writer = await RunWriter.create(files, FOLDER, 1)
  const view = new DataView(new ArrayBuffer(TIMER_ENTRY_BYTES))
  for (let index = 0; index < count; index += 1) {
    writeTimerEntry(view, 0, entryAt(index))
    writer.add(view, 0)
  }
  const name = await writer.finish()
  await writer.close()
  return { files, name: name! }
}

async function readAll(run: TimerRun): Promise<TimerEntry[]> {
  const entries: TimerEntry[] = []
  for (;;) {
    const entry = run.peek()
    if (entry === 'cold') await run.load()
    else if (entry === undefined) return entries
    else {
      entries.push(entry)
      run.advance()
    }
  }
}

test.each([1, ENTRIES_PER_BLOCK - 1, ENTRIES_PER_BLOCK, ENTRIES_PER_BLOCK + 1, 3 * ENTRIES_PER_BLOCK + 5])(
  'run: %i entries → read back as written, from any key on',
  async (count) => {
    const { files, name } = await runOf(count)
    const run = await TimerRun.open(files, FOLDER, name)
    const all = await readAll(run)
    expect(all).toEqual(Array.from({ length: count }, (_, index) => entryAt(index)))
    expect(run.remaining).toBe(0)
    for (const from of [-1, 0, Math.floor(count / 2), count - 1]) {
      await run.seek(from < 0 ? { dueMs: 0, position: 0 } : entryAt(from))
      expect(run.remaining).toBe(count - from - 1)
      expect(await readAll(run)).toEqual(all.slice(from + 1))
    }
    await run.close()
  },
)

test('run: nothing to write → no run', async () => {
  expect((await runOf(0)).name).toBeUndefined()
})

test('run: its file is shorter, or gone → refused when it is opened', async () => {
  const { files, name } = await runOf(10)
  await expect(TimerRun.open(files, FOLDER, { ...name, entries: 11 })).rejects.toMatchObject({ code: 'damaged' })
  await expect(TimerRun.open(files, FOLDER, { ...name, number: 2 })).rejects.toMatchObject({ code: 'not-found' })
})

test('run: any byte changed at rest → refused when its block is read', async () => {
  const { files, name } = await runOf(3)
  for (let at = 0; at < 3 * 24 + 4; at += 5) {
    const file = await files.open(`${FOLDER}/run-1`, 'must-exist')
    const byte = new Uint8Array(1)
    file.readSync(at, byte)
    file.writeSync(at, [new Uint8Array([byte[0]! ^ 0x10])])
    const run = await TimerRun.open(files, FOLDER, name)
    await expect(run.load()).rejects.toMatchObject({ code: 'damaged' })
    await run.close()
    file.writeSync(at, [byte])
    await file.close()
  }
})

test('run: its file has changed names with that of another run of as many entries → refused when its block is read', async () => {
  const { files, name } = await runOf(3)
  await files.rename(`${FOLDER}/run-1`, `${FOLDER}/run-2`)
  const run = await TimerRun.open(files, FOLDER, { ...name, number: 2 })
  await expect(run.load()).rejects.toMatchObject({ code: 'damaged' })
  await run.close()
})

test('run: two of its blocks have changed places → refused', async () => {
  const { files, name } = await runOf(2 * ENTRIES_PER_BLOCK)
  const file = await files.open(`${FOLDER}/run-1`, 'must-exist')
  const block = ENTRIES_PER_BLOCK * TIMER_ENTRY_BYTES + 4
  const [first, second] = [new Uint8Array(block), new Uint8Array(block)]
  file.readSync(0, first)
  file.readSync(block, second)
  file.writeSync(0, [second, first])
  await file.close()
  const run = await TimerRun.open(files, FOLDER, name)
  await expect(run.load()).rejects.toMatchObject({ code: 'damaged' })
  await run.close()
})
