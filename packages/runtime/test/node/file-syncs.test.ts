import { expect, test } from '@jest/globals'
import { FileSyncs, type SyncCalls } from '../../src/node/file-syncs.ts'

const OWN = 7
const SECOND = 8

/** Syncs of a file over calls that end when the test says so. */
function createSyncs({ isRefused = false } = {}) {
  const running: { readonly descriptor: number; end(error?: Error): void }[] = []
  const opened: string[] = []
  const closed: number[] = []
  let endOpen: () => void = () => undefined
  const calls = {
    open(path: string, _flags: unknown, done: (error: Error | null, descriptor: number) => void) {
      opened.push(path)
      endOpen = () => done(isRefused ? new Error('ENOENT') : null, SECOND)
    },
    close(descriptor: number, done: () => void) {
      closed.push(descriptor)
      done()
    },
    fdatasync(descriptor: number, done: (error: Error | null) => void) {
      const own = {
        descriptor,
        end(error: Error | null = null) {
          running.splice(running.indexOf(own), 1)
          done(error)
        },
      }
      running.push(own)
    },
  }
  const syncs = new FileSyncs(OWN, calls as unknown as SyncCalls)
  const ended: string[] = []
  function sync(name: string): void {
    syncs.sync((error) => ended.push(error === null ? name : `${name}: ${error.message}`))
  }
  const under = () => running.map(({ descriptor }) => descriptor)
  return { syncs, sync, running, under, ended, opened, closed, open: () => endOpen() }
}

test('file syncs: one after the other → no second descriptor', async () => {
  const { syncs, sync, running, under, ended, opened, closed } = createSyncs()
  for (const name of ['a', 'b']) {
    sync(name)
    expect(under()).toEqual([OWN])
    running[0]!.end()
  }
  await syncs.close()
  expect([ended, opened, closed]).toEqual([['a', 'b'], [], []])
})

test('file syncs: three at once → two run, each with a descriptor of its own, the third has the first that is free', async () => {
  const { syncs, sync, running, under, ended, opened, closed, open } = createSyncs()
  sync('a')
  sync('b')
  sync('c')
  expect(under()).toEqual([OWN])
  open()
  expect([opened, under()]).toEqual([[`/proc/self/fd/${OWN}`], [OWN, SECOND]])
  running[1]!.end()
  expect([ended, under()]).toEqual([['b'], [OWN, SECOND]])
  running[0]!.end()
  running[0]!.end()
  expect(ended).toEqual(['b', 'a', 'c'])
  sync('d')
  sync('e')
  expect([opened.length, new Set(under())]).toEqual([1, new Set([OWN, SECOND])])
  running[0]!.end()
  running[0]!.end()
  await syncs.close()
  expect(closed).toEqual([SECOND])
})

test('file syncs: the first ends before the second descriptor is there → nothing waits for it', () => {
  const { sync, running, under, ended, open } = createSyncs()
  sync('a')
  sync('b')
  running[0]!.end()
  expect(under()).toEqual([OWN])
  open()
  running[0]!.end()
  expect([ended, under()]).toEqual([['a', 'b'], []])
})

test('file syncs: no second descriptor to be had → one after the other, asked for once', async () => {
  const { syncs, sync, running, under, ended, opened, closed, open } = createSyncs({ isRefused: true })
  sync('a')
  sync('b')
  open()
  sync('c')
  expect(under()).toEqual([OWN])
  for (let left = 3; left > 0; left -= 1) running[0]!.end()
  await syncs.close()
  expect([ended, opened.length, closed]).toEqual([['a', 'b', 'c'], 1, []])
})

test('file syncs: one fails → its caller is told, the others go on', () => {
  const { sync, running, ended, open } = createSyncs()
  sync('a')
  sync('b')
  open()
  sync('c')
  running[0]!.end(new Error('EIO'))
  running[0]!.end()
  running[0]!.end()
  expect(ended).toEqual(['a: EIO', 'b', 'c'])
})
