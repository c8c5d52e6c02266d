import { expect, test } from '@jest/globals'
import { type File, FileError } from '@rocketmq-ts/runtime'
import { createOpenFiles } from '../../src/consume-queue/open-files.ts'

/** Files that only note what is asked of them. `beforeSync` may hold a sync up, or let it fail. */
function setUp() {
  const calls: string[] = []
  let beforeSync: (path: string) => Promise<void> = () => Promise.resolve()
  const files = {
    open(path: string): Promise<File> {
      calls.push(`open ${path}`)
      const file = {
        path,
        async sync() {
          calls.push(`sync ${path}`)
          await beforeSync(path)
        },
        close: () => Promise.resolve(void calls.push(`close ${path}`)),
      }
      return Promise.resolve(file as unknown as File)
    },
  }
  const open = createOpenFiles(files, 1)

  function write(path: string, syncsOnClose: boolean): Promise<void> {
    return open.use(
      path,
      () => files.open(path),
      () => open.noteWritten(path),
      { syncsOnClose },
    )
  }
  return { open, calls, write, onSync: (what: typeof beforeSync) => void (beforeSync = what) }
}

test('open files: one that was written gives way → synced before it is closed, and never opened again for that', async () => {
  const { open, calls, write } = setUp()
  await write('a', true)
  await write('b', true)
  expect(calls).toEqual(['open a', 'open b', 'sync a', 'close a'])
  await open.sync()
  expect(calls.slice(4)).toEqual(['sync b'])
})

test('open files: one that nobody wants synced gives way → closed, and opened again by the next sync', async () => {
  const { open, calls, write } = setUp()
  await write('a', false)
  await write('b', false)
  expect(calls).toEqual(['open a', 'open b', 'close a'])
  await open.sync()
  expect(calls.slice(3).filter((call) => !call.startsWith('close'))).toEqual(['open a', 'sync a', 'open b', 'sync b'])
})

test('open files: written again while it is synced to give way → the next sync syncs it once more', async () => {
  const { open, calls, write, onSync } = setUp()
  const held = Promise.withResolvers<void>()
  onSync((path) => (path === 'a' ? held.promise : Promise.resolve()))
  await write('a', true)
  const giving = write('b', true)
  await write('a', false)
  held.resolve()
  await giving
  calls.length = 0
  await open.sync()
  expect(calls.filter((call) => call.startsWith('sync'))).toEqual(['sync a'])
})

test('open files: a sync is asked for while one gives way → it ends behind that', async () => {
  const { open, write, onSync } = setUp()
  const held = Promise.withResolvers<void>()
  const begun = Promise.withResolvers<void>()
  onSync(() => {
    begun.resolve()
    return held.promise
  })
  await write('a', true)
  const giving = write('b', false)
  await begun.promise
  const ends: string[] = []
  onSync(() => Promise.resolve())
  const syncing = open.sync().then(() => ends.push('asked'))
  await new Promise((resolve) => setImmediate(resolve))
  expect(ends).toEqual([])
  held.resolve()
  await Promise.all([giving, syncing])
})

test('open files: the sync of one that gives way fails → whoever wrote goes on, and every later sync fails', async () => {
  const { open, write, onSync } = setUp()
  onSync((path) => (path === 'a' ? Promise.reject(new Error('EIO')) : Promise.resolve()))
  await write('a', true)
  await write('b', true)
  await expect(open.sync()).rejects.toThrow('EIO')
  await expect(open.sync()).rejects.toThrow('EIO')
})

test('open files: one that gives way was removed meanwhile → nothing of it is to be made safe', async () => {
  const { open, write, onSync } = setUp()
  onSync((path) => (path === 'a' ? Promise.reject(new FileError('not-found', path, 'is gone')) : Promise.resolve()))
  await write('a', true)
  await write('b', true)
  await open.sync()
})

test('open files: one that was written is forgotten → closed, and never synced', async () => {
  const { open, calls, write } = setUp()
  await write('folder/a', true)
  await open.forgetInside('folder')
  await open.sync()
  expect(calls).toEqual(['open folder/a', 'close folder/a'])
})
