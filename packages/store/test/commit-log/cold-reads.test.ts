import { expect, test } from '@jest/globals'
import type { File } from '@rocketmq-ts/runtime'
import { type ColdReads, createColdReads } from '../../src/commit-log/cold-reads.ts'

const KiB = 1024
const MiB = 1024 * KiB
const SEGMENT_BYTES = 8 * MiB
const RECORD_BYTES = KiB
/** Of the body around a record: nothing is written there. */
const MARGIN_BYTES = 3
/** Where the second piece begins. */
const STRIDE_BYTES = 992 * KiB

interface Asked {
  readonly at: number
  readonly bytes: number
  readonly lane: string | undefined
  readonly group: string | undefined
  /** Ends the read with so many bytes, all of them without. */
  end(bytes?: number): Promise<void>
  fail(error: Error): Promise<void>
}

/** Byte of the log at a position: no two neighbours alike, and pieces differ. */
function byteAt(position: number): number {
  return (position * 31 + (position >>> 10)) & 0xff
}

function setUp(bytesMax = 4 * MiB, base = 0, segmentBytes = SEGMENT_BYTES) {
  const asked: Asked[] = []
  const later: (() => void)[] = []
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve))
  const file = {
    path: 'segment',
    read(at: number, into: Uint8Array, lane?: string, group?: string) {
      return new Promise<number>((resolve, reject) => {
        asked.push({
          at,
          bytes: into.length,
          lane,
          group,
          end(bytes = into.length) {
            for (let index = 0; index < bytes; index += 1) into[index] = byteAt(base + at + index)
            resolve(bytes)
            return settle()
          },
          fail(error) {
            reject(error)
            return settle()
          },
        })
      })
    },
  } as unknown as File
  const scheduler = { soon: (task: () => void) => void later.push(task), after: () => ({ cancel() {} }) }
  const reads: ColdReads = createColdReads({ scheduler, segmentBytes, bytesMax, pieceLane: 'direct' })
  const segment = { base, file }

  function read(position: number, { bytes = RECORD_BYTES, group = 'G', end = base + segmentBytes } = {}) {
    const into = Buffer.alloc(bytes + 2 * MARGIN_BYTES)
    const count = reads.read({ segment, position, size: bytes, end }, into, MARGIN_BYTES, group)
    const isRight = () =>
      into.every((byte, at) => {
        const index = at - MARGIN_BYTES
        return byte === (index < 0 || index >= bytes ? 0 : byteAt(position + index))
      })
    return { count, isRight }
  }

  /** Reads until the piece at `start` is in memory. */
  async function bringIn(start: number): Promise<void> {
    const from = asked.length
    for (let index = 0; index < 4; index += 1) read(start + index * RECORD_BYTES)
    for (const one of asked.slice(from)) await one.end()
  }

  return { reads, asked, later, settle, read, bringIn }
}

test('cold reads: the first ones around a place → each record alone', async () => {
  const { asked, read } = setUp()
  const first = read(0)
  const far = read(5 * MiB)
  expect(asked.map(({ at, bytes }) => [at, bytes])).toEqual([
    [0, RECORD_BYTES],
    [5 * MiB, RECORD_BYTES],
  ])
  await asked[0]?.end()
  await asked[1]?.end()
  expect(await first.count).toBe(RECORD_BYTES)
  expect([first.isRight(), far.isRight()]).toEqual([true, true])
})

test('cold reads: more of them within one piece → it is read as a whole, who waits gets its record, later ones at once', async () => {
  const { asked, read } = setUp()
  const early = [0, 1, 2, 3, 4].map((index) => read(index * RECORD_BYTES))
  expect(asked.map(({ bytes }) => bytes)).toEqual([RECORD_BYTES, RECORD_BYTES, RECORD_BYTES, MiB])
  expect(asked.map(({ lane }) => lane)).toEqual(['cold', 'cold', 'cold', 'direct'])
  for (const one of asked) await one.end()
  expect(await Promise.all(early.map(async ({ count }) => count))).toEqual(early.map(() => RECORD_BYTES))
  expect(early.every(({ isRight }) => isRight())).toBe(true)
  const late = read(500 * KiB + 7)
  expect(late.count).toBe(RECORD_BYTES)
  expect(late.isRight()).toBe(true)
  expect(asked).toHaveLength(4)
})

test('cold reads: a record across the border of two pieces → the first one has all of it; a large one is read alone', async () => {
  const { asked, read, bringIn } = setUp()
  await bringIn(0)
  const border = read(STRIDE_BYTES - 10)
  expect(border.count).toBe(RECORD_BYTES)
  expect(border.isRight()).toBe(true)
  const large = read(STRIDE_BYTES - 10, { bytes: 33 * KiB })
  await asked.at(-1)?.end()
  expect(await large.count).toBe(33 * KiB)
  expect(large.isRight()).toBe(true)
})

test('cold reads: records are taken one after the other → the next piece is asked for before anybody needs it, once', async () => {
  const { asked, read, bringIn } = setUp()
  await bringIn(0)
  for (let index = 4; index < 40; index += 1) read(index * RECORD_BYTES)
  expect(asked.slice(4).map(({ at, bytes }) => [at, bytes])).toEqual([[STRIDE_BYTES, MiB]])
  await asked[4]?.end()
  expect(read(STRIDE_BYTES).count).toBe(RECORD_BYTES)
})

test('cold reads: a drain goes on → more pieces are in front of it, up to eight', async () => {
  const { asked, read, bringIn } = setUp(20 * MiB, 0, 64 * MiB)
  const pieceOf = ({ at }: Asked) => at / STRIDE_BYTES
  /** Takes enough from a piece that is there, and tells which ones are asked for. */
  async function drain(piece: number): Promise<number[]> {
    const from = asked.length
    for (let index = 0; index < 40; index += 1) {
      expect(read(piece * STRIDE_BYTES + index * RECORD_BYTES).count).toBe(RECORD_BYTES)
    }
    const ahead = asked.slice(from)
    for (const one of ahead) await one.end()
    return ahead.map(pieceOf)
  }
  await bringIn(0)
  expect(await drain(0)).toEqual([1])
  expect(await drain(1)).toEqual([2, 3])
  expect(await drain(2)).toEqual([4, 5, 6])
  expect(await drain(3)).toEqual([7])
  expect(await drain(4)).toEqual([8, 9, 10, 11, 12])
  expect(await drain(5)).toEqual([13])
  expect(await drain(6)).toEqual([14])
})

test('cold reads: half of the pieces wait to be taken from → a drain has one more in front of it, and not two', async () => {
  const { asked, read, bringIn } = setUp(4 * MiB)
  await bringIn(0)
  for (const piece of [0, 1, 2]) {
    const from = asked.length
    for (let index = 0; index < 40; index += 1) read(piece * STRIDE_BYTES + index * RECORD_BYTES)
    for (const one of asked.slice(from)) await one.end()
  }
  expect(asked.slice(4).map(({ at }) => at / STRIDE_BYTES)).toEqual([1, 2, 3, 4])
})

test('cold reads: the piece used last has the bytes and the next one was asked for → they are there the short way', async () => {
  const { reads, read, asked, bringIn } = setUp()
  const into = Buffer.alloc(RECORD_BYTES + 2 * MARGIN_BYTES)
  const takes = (position: number) => reads.takeRecent(position, RECORD_BYTES, into, MARGIN_BYTES)
  expect(takes(0)).toBe(false)
  await bringIn(0)
  read(4 * RECORD_BYTES)
  expect(takes(5 * RECORD_BYTES)).toBe(false)
  for (let index = 5; index < 40; index += 1) read(index * RECORD_BYTES)
  expect(takes(STRIDE_BYTES - 10)).toBe(true)
  expect(
    into.every((byte, at) => {
      const index = at - MARGIN_BYTES
      return byte === (index < 0 || index >= RECORD_BYTES ? 0 : byteAt(STRIDE_BYTES - 10 + index))
    }),
  ).toBe(true)
  // Places of other pieces, and the whole of a record that only begins here.
  expect(takes(STRIDE_BYTES)).toBe(false)
  await asked.at(-1)?.end(2 * RECORD_BYTES)
  for (let index = 0; index < 20; index += 1) read(STRIDE_BYTES + (index % 2) * RECORD_BYTES)
  expect([0, RECORD_BYTES, RECORD_BYTES + 1].map((at) => takes(STRIDE_BYTES + at))).toEqual([true, true, false])
  expect([takes(0), takes(8 * MiB)]).toEqual([false, false])
})

test('cold reads: the last piece of a segment, and the end of the log → no byte behind them is read', async () => {
  const { asked, read } = setUp()
  const end = 3 * MiB
  for (let index = 0; index < 4; index += 1) read(end - (index + 1) * RECORD_BYTES, { end })
  const piece = asked.at(-1)
  expect((piece?.at ?? 0) + (piece?.bytes ?? 0)).toBe(end)
  for (let index = 0; index < 4; index += 1) read(SEGMENT_BYTES - (index + 1) * RECORD_BYTES)
  const last = asked.at(-1)
  expect((last?.at ?? 0) + (last?.bytes ?? 0)).toBe(SEGMENT_BYTES)
})

test('cold reads: the file ends earlier than it should → the record is read alone, and its reader judges', async () => {
  const { asked, read } = setUp()
  const waiting = [0, 1, 2, 3].map((index) => read(index * RECORD_BYTES))
  await asked[3]?.end(3 * RECORD_BYTES + 100)
  const alone = asked[4]
  expect([alone?.at, alone?.bytes]).toEqual([3 * RECORD_BYTES, RECORD_BYTES])
  await alone?.end(0)
  expect(await waiting[3]?.count).toBe(0)
})

test('cold reads: a piece can not be read → its neighbours are not lost: all of them are read alone from then on', async () => {
  const { asked, read } = setUp()
  const waiting = [0, 1, 2, 3, 4].map((index) => read(index * RECORD_BYTES))
  await asked[3]?.fail(new Error('EIO'))
  expect(asked.slice(4).map(({ at, bytes }) => [at, bytes])).toEqual([
    [3 * RECORD_BYTES, RECORD_BYTES],
    [4 * RECORD_BYTES, RECORD_BYTES],
  ])
  const failure = expect(waiting[3]?.count).rejects.toThrow('EIO')
  await asked[4]?.fail(new Error('EIO'))
  await failure
  await asked[5]?.end()
  expect(await waiting[4]?.count).toBe(RECORD_BYTES)
  for (let index = 5; index < 50; index += 1) read(index * RECORD_BYTES)
  expect(asked.slice(6).every(({ bytes }) => bytes === RECORD_BYTES)).toBe(true)
})

test('cold reads: room for two pieces → a third takes the least recently used one, never one that is read right now', async () => {
  const { reads, asked, read, bringIn } = setUp(2 * MiB)
  await bringIn(0)
  await bringIn(2 * STRIDE_BYTES)
  expect(read(0).count).toBe(RECORD_BYTES)
  await bringIn(4 * STRIDE_BYTES)
  expect(reads.bytes).toBe(2 * MiB)
  expect(read(0).count).toBe(RECORD_BYTES)
  expect(read(2 * STRIDE_BYTES).count).toBeInstanceOf(Promise)
  for (const start of [5, 6, 7]) {
    for (let index = 0; index < 4; index += 1) read(start * STRIDE_BYTES + index * RECORD_BYTES)
  }
  expect(asked.slice(-4).map(({ bytes }) => bytes)).toEqual([RECORD_BYTES, RECORD_BYTES, RECORD_BYTES, RECORD_BYTES])
  expect(reads.bytes).toBe(2 * MiB)
})

test('cold reads: many wait for one piece → they are served over several turns', async () => {
  const { asked, later, settle, read } = setUp()
  const waiting = Array.from({ length: 600 }, (_, index) => read(index * RECORD_BYTES))
  let served = 0
  for (const { count } of waiting) void Promise.resolve(count).then(() => (served += 1))
  await asked[3]?.end()
  expect(served).toBe(256)
  later.shift()?.()
  await settle()
  expect(served).toBe(512)
  later.shift()?.()
  await settle()
  expect(served).toBe(597)
  expect(later).toHaveLength(0)
})

test('cold reads: no room for a piece → every record alone; groups are told to the lane', () => {
  const { asked, read } = setUp(MiB - 1)
  for (let index = 0; index < 50; index += 1) read(index * RECORD_BYTES, { group: `G${index % 2}` })
  expect(asked.every(({ bytes }) => bytes === RECORD_BYTES)).toBe(true)
  expect(asked.slice(0, 3).map(({ group }) => group)).toEqual(['G0', 'G1', 'G0'])
})

test('cold reads: a segment behind the first → pieces begin with it', async () => {
  const { asked, read } = setUp(4 * MiB, SEGMENT_BYTES)
  const reads = [0, 1, 2, 3].map((index) => read(SEGMENT_BYTES + index * RECORD_BYTES))
  expect([asked[3]?.at, asked[3]?.bytes]).toEqual([0, MiB])
  for (const one of asked) await one.end()
  expect(reads.every(({ isRight }) => isRight())).toBe(true)
})

test('cold reads: a drain goes on for long → what it has left behind gives its memory to what comes', async () => {
  const { reads, asked, read, bringIn } = setUp(32 * MiB, 0, 64 * MiB)
  await bringIn(0)
  for (let piece = 0; piece < 30; piece += 1) {
    const from = asked.length
    for (let index = 0; index < 40; index += 1) {
      expect(read(piece * STRIDE_BYTES + index * RECORD_BYTES).isRight()).toBe(true)
    }
    for (const one of asked.slice(from)) await one.end()
  }
  expect(reads.bytes).toBe(14 * MiB)
  expect(asked.filter(({ bytes }) => bytes === MiB)).toHaveLength(38)
})

test('cold reads: two drains one behind the other → a piece that gave its memory away is read again, and one more stays', async () => {
  const { reads, asked, read, bringIn } = setUp(32 * MiB, 0, 64 * MiB)
  async function drain(piece: number): Promise<void> {
    const from = asked.length
    for (let index = 0; index < 40; index += 1) read(piece * STRIDE_BYTES + index * RECORD_BYTES)
    for (const one of asked.slice(from)) await one.end()
  }
  await bringIn(0)
  for (let piece = 0; piece < 12; piece += 1) await drain(piece)
  expect(reads.bytes).toBe(14 * MiB)
  await bringIn(0)
  expect(reads.bytes).toBe(15 * MiB)
  for (let piece = 0; piece < 4; piece += 1) await drain(piece)
  // The four, and those in front of them.
  expect(reads.bytes).toBe(20 * MiB)
})

test('cold reads: places that nobody has left → each keeps its piece, up to all of the memory', async () => {
  const { reads, read, bringIn, asked } = setUp(20 * MiB, 0, 64 * MiB)
  for (let drain = 0; drain < 5; drain += 1) {
    const from = asked.length
    await bringIn(drain * 8 * STRIDE_BYTES)
    for (let index = 4; index < 40; index += 1) read(drain * 8 * STRIDE_BYTES + index * RECORD_BYTES)
    for (const one of asked.slice(from)) await one.end()
  }
  // Each of the five is at its first piece, and has the next one in front of it.
  expect(reads.bytes).toBe(10 * MiB)
  for (let drain = 0; drain < 5; drain += 1) {
    expect(read(drain * 8 * STRIDE_BYTES).count).toBe(RECORD_BYTES)
    expect(read((drain * 8 + 1) * STRIDE_BYTES).count).toBe(RECORD_BYTES)
  }
})
