import fs from 'node:fs'
import os from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { type DirectLane, pageAligned } from '@rocketmq-ts/runtime'
import { DirectReads, isWholeBlocks, WayChoice } from '../../src/node/direct-reads.ts'
import { createLane } from '../../src/node/lanes.ts'

const MIB = 1024 * 1024

/** Ways of the next `count` reads, each of which takes the time of its way. */
function ways(choice: WayChoice, count: number, ms: { readonly cached: number; readonly direct: number }): string {
  let taken = ''
  for (let index = 0; index < count; index += 1) {
    const way = choice.next()
    choice.took(way, ms[way], MIB)
    taken += way[0]
  }
  return taken
}

test('way of a read: the disk has to be asked → one of 64 through the page cache, the others past it', () => {
  const choice = new WayChoice()
  expect(ways(choice, 129, { cached: 2, direct: 1 })).toBe(`c${'d'.repeat(63)}c${'d'.repeat(63)}c`)
})

test('way of a read: the page cache has the bytes → through it, with a try of the other way; until it has them no more', () => {
  const choice = new WayChoice()
  expect(ways(choice, 66, { cached: 0.2, direct: 1 })).toBe(`cd${'c'.repeat(62)}dc`)
  expect(ways(choice, 10, { cached: 2, direct: 1 })).toBe(`c${'d'.repeat(9)}`)
})

test('way of a read: one direct read waits for others on the disk → the way stays', () => {
  const choice = new WayChoice()
  ways(choice, 10, { cached: 2, direct: 1 })
  expect(ways(choice, 1, { cached: 2, direct: 100 })).toBe('d')
  expect(ways(choice, 20, { cached: 2, direct: 1 })).toBe('d'.repeat(20))
})

test('way of a read: nothing was read → it says nothing', () => {
  const choice = new WayChoice()
  expect(choice.next()).toBe('cached')
  choice.took('cached', 0, 0)
  choice.took('direct', 0, 0)
  expect(ways(choice, 3, { cached: 2, direct: 1 })).toBe('ddd')
})

test('whole blocks: places and lengths of 4 KiB, and not nothing', () => {
  expect([isWholeBlocks(0, 4096), isWholeBlocks(8192, MIB)]).toEqual([true, true])
  expect([isWholeBlocks(512, 4096), isWholeBlocks(0, 4095), isWholeBlocks(0, 0)]).toEqual([false, false, false])
})

/** A file of 2 MiB in a folder of its own, and its direct reads through a lane that counts. */
async function withReads(
  body: (at: {
    readonly read: (position: number, into: Uint8Array, lane?: DirectLane) => Promise<number | undefined>
    readonly reads: DirectReads
    readonly bytes: Buffer
    readonly path: string
    readonly entered: string[]
  }) => Promise<void>,
): Promise<void> {
  const folder = fs.mkdtempSync(join(os.tmpdir(), 'rmq-direct-'))
  const path = join(folder, 'file')
  const bytes = Buffer.alloc(2 * MIB)
  for (let at = 0; at < bytes.length; at += 1) bytes[at] = at * 7 + (at >>> 12)
  fs.writeFileSync(path, bytes)
  const entered: string[] = []
  const named = (name: string) => {
    const lane = createLane(1)
    const enter: typeof lane.enter = (start, group) => {
      entered.push(`${name} ${group}`)
      lane.enter(start, group)
    }
    return { enter }
  }
  const reads = new DirectReads(path, {
    cold: named('cold'),
    direct: { direct: named('direct'), 'direct-parts': named('parts') },
  })
  const read = (position: number, into: Uint8Array, lane: DirectLane = 'direct-parts') =>
    new Promise<number | undefined>((resolve, reject) => {
      reads.read({ position, into, lane, group: 'G' }, (error, count) =>
        error === null ? resolve(count) : reject(error),
      )
    })
  try {
    await body({ read, reads, bytes, path, entered })
  } finally {
    await reads.close()
    fs.rmSync(folder, { recursive: true })
  }
}

/** False where the file system of temporary files, tmpfs say, has no direct reads: there is nothing to look at then. */
async function hasDirectReads(): Promise<boolean> {
  let has = false
  await withReads(async ({ read }) => {
    has = (await read(0, pageAligned(4096))) !== undefined
  })
  return has
}
const testDirect = (await hasDirectReads()) ? test : test.skip

testDirect('direct read: 1 MiB → one place in each lane', () =>
  withReads(async ({ read, bytes, entered }) => {
    const into = pageAligned(MIB)
    expect(await read(4096, into, 'direct')).toBe(MIB)
    expect(into.equals(bytes.subarray(4096, 4096 + MIB))).toBe(true)
    expect(entered).toEqual(['direct G', 'cold G'])
  }),
)

testDirect('direct read in parts: 1 MiB → one place in its lane, four in the cold one, one behind the other', () =>
  withReads(async ({ read, bytes, entered }) => {
    const into = pageAligned(MIB)
    expect(await Promise.all([read(4096, into), read(0, pageAligned(4096))])).toEqual([MIB, 4096])
    expect(into.equals(bytes.subarray(4096, 4096 + MIB))).toBe(true)
    expect(entered).toEqual(['parts G', 'cold G', 'parts G', 'cold G', 'cold G', 'cold G', 'cold G'])
  }),
)

testDirect('direct read: the end of the file → fewer bytes, and none behind it', () =>
  withReads(async ({ read, path }) => {
    fs.truncateSync(path, 2 * MIB - 100)
    expect(await read(2 * MIB - 8192, pageAligned(MIB))).toBe(8092)
    expect(await read(4 * MIB, pageAligned(MIB))).toBe(0)
  }),
)

testDirect('direct read: memory that no disk can fill → refused, then and later, and both lanes are left', () =>
  withReads(async ({ read, entered }) => {
    expect(await read(0, pageAligned(8192).subarray(1, 4097))).toBeUndefined()
    const before = entered.length
    expect(await read(0, pageAligned(4096))).toBeUndefined()
    expect(entered).toHaveLength(before)
  }),
)

test('direct read: a file that can not be opened → refused', async () => {
  const reads = new DirectReads('/none/such', {
    cold: createLane(1),
    direct: { direct: createLane(1), 'direct-parts': createLane(1) },
  })
  const count = await new Promise<number | undefined>((resolve) =>
    reads.read({ position: 0, into: pageAligned(4096), lane: 'direct' }, (_error, read) => resolve(read)),
  )
  expect(count).toBeUndefined()
  await reads.close()
})
