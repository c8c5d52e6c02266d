// What every implementation of `Files` must do. Run against the real one and the simulated one.
import { describe, expect, test } from '@jest/globals'
import { DIRECT_BLOCK_BYTES, type Files, pageAligned } from '@rocketmq-ts/runtime'

/** Runs a test body with fresh files and an empty folder of its own, and cleans up. */
export type WithFiles = (body: (files: Files, folder: string) => Promise<void>) => Promise<void>

const encoder = new TextEncoder()

function bytesOf(text: string): Uint8Array {
  return encoder.encode(text)
}

function textOf(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : new TextDecoder().decode(bytes)
}

async function writeFile(files: Files, path: string, text: string): Promise<void> {
  const file = await files.open(path, 'create')
  file.writeSync(0, [bytesOf(text)])
  await file.close()
}

function counting(length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let at = 0; at < length; at += 1) bytes[at] = at % 251
  return bytes
}

/** Registers the tests of one implementation. */
export function describeFilesContract(name: string, withFiles: WithFiles): void {
  describe(`files (${name})`, () => {
    describeContent(withFiles)
    describeFolders(withFiles)
    describeSpace(withFiles)
    describeLocks(withFiles)
  })
}

function describeContent(withFiles: WithFiles): void {
  test('open: a missing file that must exist → not-found with its path', () =>
    withFiles(async (files, folder) => {
      const path = `${folder}/none`
      await expect(files.open(path, 'must-exist')).rejects.toMatchObject({ name: 'FileError', code: 'not-found', path })
    }))

  test('open: a file in a folder that does not exist → not-found', () =>
    withFiles(async (files, folder) => {
      await expect(files.open(`${folder}/none/file`, 'create')).rejects.toMatchObject({ code: 'not-found' })
    }))

  test('open: for reading only → its bytes are read, a write fails with its path and changes nothing', () =>
    withFiles(async (files, folder) => {
      const path = `${folder}/a`
      const file = await files.open(path, 'create')
      file.writeSync(0, [bytesOf('one')])
      await file.close()
      const again = await files.open(path, 'read')
      const into = new Uint8Array(3)
      expect(again.readSync(0, into)).toBe(3)
      expect(() => again.writeSync(0, [bytesOf('two')])).toThrow(expect.objectContaining({ name: 'FileError', path }))
      expect(textOf((await files.readWhole(path, 3)) ?? into)).toBe('one')
      await again.close()
      await expect(files.open(`${folder}/none`, 'read')).rejects.toMatchObject({ code: 'not-found' })
    }))

  test('write: several chunks → read back as one, also after opening again', () =>
    withFiles(async (files, folder) => {
      const file = await files.open(`${folder}/a`, 'create')
      file.writeSync(0, [bytesOf('one '), bytesOf(''), bytesOf('two')])
      file.writeSync(3, [bytesOf('-')])
      await file.sync()
      await file.close()
      const again = await files.open(`${folder}/a`, 'must-exist')
      const into = new Uint8Array(7)
      expect(again.readSync(0, into)).toBe(7)
      expect(textOf(into)).toBe('one-two')
      expect(await again.size()).toBe(7)
      await again.close()
    }))

  test('write: nothing → nothing happens', () =>
    withFiles(async (files, folder) => {
      const file = await files.open(`${folder}/a`, 'create')
      file.writeSync(10, [])
      file.writeSync(10, [new Uint8Array(0)])
      expect(await file.size()).toBe(0)
      await file.close()
    }))

  test('write: more chunks than the system takes at once → all are written', () =>
    withFiles(async (files, folder) => {
      const file = await files.open(`${folder}/a`, 'create')
      const all = counting(3000 * 7)
      const chunks = Array.from({ length: 3000 }, (_, index) => all.subarray(index * 7, index * 7 + 7))
      file.writeSync(5, chunks)
      const into = new Uint8Array(all.length)
      expect(file.readSync(5, into)).toBe(all.length)
      expect(Buffer.compare(into, all)).toBe(0)
      await file.close()
    }))

  test('write: beyond the end → the hole reads as zeros', () =>
    withFiles(async (files, folder) => {
      const file = await files.open(`${folder}/a`, 'create')
      file.writeSync(10_000, [bytesOf('x')])
      const into = new Uint8Array(10_001).fill(7)
      expect(file.readSync(0, into)).toBe(10_001)
      expect(into.subarray(0, 10_000).every((byte) => byte === 0)).toBe(true)
      await file.close()
    }))

  for (const lane of ['hot', 'cold', 'direct', 'direct-parts'] as const) {
    test(`read (${lane}): longer than one piece → complete; at the end fewer; behind it none`, () =>
      withFiles(async (files, folder) => {
        const file = await files.open(`${folder}/a`, 'create')
        const all = counting(2_500_000)
        file.writeSync(0, [all])
        const into = new Uint8Array(all.length)
        expect(await file.read(0, into, lane)).toBe(all.length)
        expect(Buffer.compare(into, all)).toBe(0)
        expect(await file.read(all.length - 10, into, lane)).toBe(10)
        expect(await file.read(all.length + 10, into, lane)).toBe(0)
        await file.close()
      }))
  }

  test.each(['direct', 'direct-parts'] as const)(
    'read (%s): whole blocks, just written, some behind the end → as through the page cache',
    (lane) =>
      withFiles(async (files, folder) => {
        const file = await files.open(`${folder}/a`, 'create')
        const all = counting(1_500_000)
        file.writeSync(0, [all])
        const into = pageAligned(1024 * 1024)
        const places = [0, DIRECT_BLOCK_BYTES, 500 * 1024, 1000 * 1024, 1_503_232]
        const counts = await Promise.all(places.map((at) => file.read(at, pageAligned(into.length), lane, String(at))))
        expect(counts).toEqual(places.map((at) => Math.max(0, Math.min(into.length, all.length - at))))
        for (const at of places) {
          const count = await file.read(at, into, lane)
          expect(Buffer.compare(into.subarray(0, count), all.subarray(at, at + count))).toBe(0)
        }
        await file.close()
      }),
  )

  test.each(['direct', 'direct-parts'] as const)(
    'read (%s): a file that is closed meanwhile → the read ends first, with all of its bytes',
    (lane) =>
      withFiles(async (files, folder) => {
        const file = await files.open(`${folder}/a`, 'create')
        const all = counting(1024 * 1024)
        file.writeSync(0, [all])
        await file.sync()
        const pieces = Array.from({ length: 6 }, () => pageAligned(all.length))
        const reads = pieces.map((into) => file.read(0, into, lane))
        const closed = file.close()
        expect(await Promise.all(reads)).toEqual(pieces.map(() => all.length))
        for (const into of pieces) expect(Buffer.compare(into, all)).toBe(0)
        await closed
      }),
  )

  test('sync: several at once, then the file is closed → all end first', () =>
    withFiles(async (files, folder) => {
      const file = await files.open(`${folder}/a`, 'create')
      const ended: number[] = []
      const syncs = [0, 1, 2].map(async (index) => {
        file.writeSync(index, [counting(1)])
        await file.sync()
        ended.push(index)
      })
      await Promise.all(syncs)
      expect(ended.toSorted()).toEqual([0, 1, 2])
      const last = [file.sync(), file.sync()]
      await file.close()
      await Promise.all(last)
      expect((await files.readWhole(`${folder}/a`, 3))?.length).toBe(3)
    }))

  test('truncate: shorter cuts, longer adds zeros', () =>
    withFiles(async (files, folder) => {
      const file = await files.open(`${folder}/a`, 'create')
      file.writeSync(0, [bytesOf('abcdef')])
      await file.truncate(3)
      expect(await file.size()).toBe(3)
      await file.truncate(6)
      const into = new Uint8Array(6).fill(9)
      expect(file.readSync(0, into)).toBe(6)
      expect([...into]).toEqual([97, 98, 99, 0, 0, 0])
      await file.close()
    }))

  test('close: twice is fine, and a closed file refuses everything', () =>
    withFiles(async (files, folder) => {
      const file = await files.open(`${folder}/a`, 'create')
      file.writeSync(0, [counting(3_000_000)])
      const reading = file.read(0, new Uint8Array(1_000_000))
      await file.close()
      await file.close()
      expect(await reading).toBe(1_000_000)
      expect(() => file.writeSync(0, [bytesOf('x')])).toThrow('closed')
      expect(() => file.readSync(0, new Uint8Array(1))).toThrow('closed')
      await expect(file.sync()).rejects.toMatchObject({ code: 'other' })
      await expect(file.read(0, new Uint8Array(1))).rejects.toMatchObject({ code: 'other' })
    }))

  test('readWhole: the content; undefined when missing; an error when longer than allowed', () =>
    withFiles(async (files, folder) => {
      await writeFile(files, `${folder}/a`, 'hello')
      expect(textOf(await files.readWhole(`${folder}/a`, 5))).toBe('hello')
      expect(await files.readWhole(`${folder}/none`, 5)).toBeUndefined()
      await expect(files.readWhole(`${folder}/a`, 4)).rejects.toMatchObject({ code: 'other' })
    }))
}

function describeFolders(withFiles: WithFiles): void {
  test('makeFolder: parents too, existing ones are fine, a file in the way is not', () =>
    withFiles(async (files, folder) => {
      await files.makeFolder(`${folder}/a/b/c`, { durable: true })
      await files.makeFolder(`${folder}/a/b`)
      expect(await files.list(`${folder}/a`)).toEqual([{ name: 'b', kind: 'folder' }])
      await writeFile(files, `${folder}/file`, '')
      await expect(files.makeFolder(`${folder}/file`)).rejects.toMatchObject({ code: 'exists' })
    }))

  test('list: entries by name with their kind; a missing folder has none', () =>
    withFiles(async (files, folder) => {
      await writeFile(files, `${folder}/b`, '')
      await writeFile(files, `${folder}/a10`, '')
      await writeFile(files, `${folder}/a9`, '')
      await files.makeFolder(`${folder}/c`)
      expect(await files.list(folder)).toEqual([
        { name: 'a10', kind: 'file' },
        { name: 'a9', kind: 'file' },
        { name: 'b', kind: 'file' },
        { name: 'c', kind: 'folder' },
      ])
      expect(await files.list(`${folder}/none`)).toEqual([])
    }))

  test('rename: replaces the target; an open file keeps its content; a missing source → not-found', () =>
    withFiles(async (files, folder) => {
      await writeFile(files, `${folder}/old`, 'old')
      await writeFile(files, `${folder}/new`, 'new')
      const open = await files.open(`${folder}/old`, 'must-exist')
      await files.rename(`${folder}/new`, `${folder}/old`)
      await files.syncFolder(folder)
      expect(textOf(await files.readWhole(`${folder}/old`, 10))).toBe('new')
      expect(await files.list(folder)).toEqual([{ name: 'old', kind: 'file' }])
      const into = new Uint8Array(3)
      open.readSync(0, into)
      expect(textOf(into)).toBe('old')
      await open.close()
      await expect(files.rename(`${folder}/new`, `${folder}/old`)).rejects.toMatchObject({ code: 'not-found' })
    }))

  test('rename: a folder moves with what is in it', () =>
    withFiles(async (files, folder) => {
      await files.makeFolder(`${folder}/a/b`)
      await writeFile(files, `${folder}/a/b/file`, 'x')
      await files.rename(`${folder}/a`, `${folder}/z`)
      expect(textOf(await files.readWhole(`${folder}/z/b/file`, 10))).toBe('x')
    }))

  test('remove: a file, a folder with everything in it, and what does not exist', () =>
    withFiles(async (files, folder) => {
      await files.makeFolder(`${folder}/a/b`)
      await writeFile(files, `${folder}/a/b/file`, 'x')
      await files.remove(`${folder}/a/b/file`)
      expect(await files.list(`${folder}/a/b`)).toEqual([])
      await writeFile(files, `${folder}/a/file`, 'x')
      await files.remove(`${folder}/a`)
      await files.remove(`${folder}/a`)
      expect(await files.list(folder)).toEqual([])
    }))
}

function describeSpace(withFiles: WithFiles): void {
  test('space: of an existing folder → free bytes within the total; of a missing one → not-found', () =>
    withFiles(async (files, folder) => {
      const { totalBytes, usedBytes, freeBytes } = await files.space(folder)
      expect(totalBytes).toBeGreaterThan(0)
      expect(freeBytes).toBeGreaterThanOrEqual(0)
      expect(usedBytes).toBeGreaterThanOrEqual(0)
      expect(usedBytes + freeBytes).toBeLessThanOrEqual(totalBytes)
      await expect(files.space(`${folder}/none`)).rejects.toMatchObject({ code: 'not-found' })
    }))
}

function describeLocks(withFiles: WithFiles): void {
  test('lockFolder: held by one → the next is told by whom, until it is released', () =>
    withFiles(async (files, folder) => {
      const lock = await files.lockFolder(folder, 'broker-a (pid 17)')
      await expect(files.lockFolder(folder, 'broker-b')).rejects.toMatchObject({
        code: 'locked',
        message: expect.stringContaining('broker-a (pid 17)'),
      })
      expect(await files.list(folder)).toEqual([])
      await lock.release()
      await lock.release()
      await (await files.lockFolder(folder, 'broker-b')).release()
    }))

  test('lockFolder: many at once → one wins, all others are told that it is locked', () =>
    withFiles(async (files, folder) => {
      const tries = Array.from({ length: 12 }, (_, index) => files.lockFolder(folder, `starter ${index}`))
      const outcomes = await Promise.allSettled(tries)
      const winners = outcomes.filter((outcome) => outcome.status === 'fulfilled')
      expect(winners).toHaveLength(1)
      for (const outcome of outcomes) {
        if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'locked' })
      }
      await winners[0]?.value.release()
      expect(await files.list(folder)).toEqual([])
    }))

  test('lockFolder: a folder that does not exist → not-found', () =>
    withFiles(async (files, folder) => {
      await expect(files.lockFolder(`${folder}/none`, 'a')).rejects.toMatchObject({ code: 'not-found' })
    }))
}
