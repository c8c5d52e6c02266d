import { expect, test } from '@jest/globals'
import { type Chunk, CHUNK_UNITS, ChunkCache } from '../../src/consume-queue/chunk-cache.ts'
import { ConsumeQueue } from '../../src/consume-queue/consume-queue.ts'

const CHUNK_BYTES = CHUNK_UNITS * 20

function createOwner(persisted: number) {
  const dropped: number[] = []
  return { persisted, dropped, drop: (chunk: Chunk) => void dropped.push(chunk.index) }
}

function addChunk(cache: ChunkCache, owner: ReturnType<typeof createOwner>, index: number): Chunk {
  const chunk = cache.create(owner, index, index * CHUNK_UNITS, CHUNK_UNITS)
  chunk.to = (index + 1) * CHUNK_UNITS
  cache.add(chunk)
  return chunk
}

test('cache: full → the chunk not looked at for longest goes', () => {
  const cache = new ChunkCache(3 * CHUNK_BYTES)
  const owner = createOwner(Infinity)
  const chunks = [0, 1, 2].map((index) => addChunk(cache, owner, index))
  addChunk(cache, owner, 3)
  expect(owner.dropped).toEqual([0])
  chunks[1]!.used = true
  addChunk(cache, owner, 4)
  expect(owner.dropped).toEqual([0, 2])
  expect(cache.size).toBe(3)
})

test('cache: full of units that are in no file → all stay, whatever the bound', () => {
  const cache = new ChunkCache(2 * CHUNK_BYTES)
  const owner = createOwner(0)
  for (const index of [0, 1, 2, 3]) addChunk(cache, owner, index)
  expect([owner.dropped, cache.size]).toEqual([[], 4])
  owner.persisted = Infinity
  addChunk(cache, owner, 4)
  expect(cache.size).toBe(2)
})

test('cache: over its bound, units of all in no file → others are looked at once in a while, not for each that is added', () => {
  const cache = new ChunkCache(1024 * CHUNK_BYTES)
  let persisted = 0
  let looks = 0
  const owner = {
    ...createOwner(0),
    get persisted() {
      looks += 1
      return persisted
    },
  }
  const add = (from: number, to: number): void => {
    for (let index = from; index < to; index += 1) addChunk(cache, owner, index).used = false
  }
  add(0, 1024)
  expect(looks).toBe(0)
  // A 512th of the bound is two chunks.
  add(1024, 1324)
  expect(looks).toBe(100 * 256)
  persisted = Infinity
  add(1324, 1330)
  expect(cache.size).toBe(1024)
  cache.remove(addChunk(cache, owner, 1330))
  expect(cache.size).toBe(1023)
})

test('queue: units pushed while older ones of the chunk are loaded → both are there', () => {
  const queue = new ConsumeQueue({ topic: 'T', queueId: 0 }, 0, 10, new ChunkCache(10 * CHUNK_BYTES))
  queue.push({ commitLogOffset: 1000, size: 1, tagsCode: 0 })
  const loaded = Buffer.alloc(10 * 20)
  for (let index = 0; index < 10; index += 1) loaded.writeUInt32BE(7, index * 20 + 8)
  queue.fill(0, loaded)
  const sizes: number[] = []
  expect(
    queue.walk(0, 11, 100, (unit) => {
      sizes.push(unit.size)
      return 'take'
    }),
  ).toEqual({ kind: 'scanned', next: 11 })
  expect(sizes).toEqual([...Array.from({ length: 10 }, () => 7), 1])
})

test('queue: a load that ends after its units moved on → it is not taken for the newest state', () => {
  const queue = new ConsumeQueue({ topic: 'T', queueId: 0 }, 0, 10, new ChunkCache(10 * CHUNK_BYTES))
  queue.max = 12
  queue.persisted = 12
  queue.fill(0, Buffer.alloc(10 * 20))
  expect(queue.walk(0, 12, 100, () => 'take')).toEqual({ kind: 'missing', at: 0 })
})

function unitAt(offset: number) {
  return { commitLogOffset: offset * 100, size: 1, tagsCode: 0 }
}

function positionsOf(queue: ConsumeQueue, from: number): number[] {
  const positions: number[] = []
  queue.walk(from, queue.max, 10_000, ({ commitLogOffset }) => {
    positions.push(commitLogOffset)
    return 'take'
  })
  return positions
}

test('queue: a few units → a few bytes; more → its chunk grows, and every unit stays what it was', () => {
  const cache = new ChunkCache(10 * CHUNK_BYTES)
  const queue = new ConsumeQueue({ topic: 'T', queueId: 0 }, 0, 0, cache)
  for (let offset = 0; offset < 3; offset += 1) queue.push(unitAt(offset))
  expect(cache.bytes).toBe(8 * 20)
  for (let offset = 3; offset < 2 * CHUNK_UNITS + 1; offset += 1) queue.push(unitAt(offset))
  expect(cache.bytes).toBe(2 * CHUNK_BYTES + 8 * 20)
  expect(positionsOf(queue, 0)).toEqual(Array.from({ length: 2 * CHUNK_UNITS + 1 }, (_, offset) => offset * 100))
})

test('queue: units pushed from the middle of a chunk on → room for those; older ones are loaded → room for all', () => {
  const cache = new ChunkCache(10 * CHUNK_BYTES)
  const queue = new ConsumeQueue({ topic: 'T', queueId: 0 }, 0, CHUNK_UNITS - 2, cache)
  for (let offset = CHUNK_UNITS - 2; offset < CHUNK_UNITS; offset += 1) queue.push(unitAt(offset))
  expect(cache.bytes).toBe(2 * 20)
  const loaded = new ConsumeQueue({ topic: 'T', queueId: 1 }, 0, 0, new ChunkCache(CHUNK_BYTES))
  for (let offset = 0; offset < CHUNK_UNITS; offset += 1) loaded.push(unitAt(offset))
  queue.fill(0, Buffer.from(loaded.resident(0)!.bytes.subarray(0, (CHUNK_UNITS - 2) * 20)))
  expect(positionsOf(queue, 0)).toEqual(Array.from({ length: CHUNK_UNITS }, (_, offset) => offset * 100))
  expect(cache.bytes).toBe(CHUNK_BYTES)
})

test('queue: it ends with units that are in no file → its memory goes', () => {
  const cache = new ChunkCache(10 * CHUNK_BYTES)
  const queue = new ConsumeQueue({ topic: 'T', queueId: 0 }, 0, 0, cache)
  queue.push(unitAt(0))
  queue.end()
  queue.fill(0, Buffer.alloc(20))
  expect([cache.size, cache.bytes]).toEqual([0, 0])
})

test('cache: it grows beyond its bound by a chunk that is in it → others go', () => {
  const cache = new ChunkCache(2 * CHUNK_BYTES)
  const owner = createOwner(Infinity)
  addChunk(cache, owner, 0).used = false
  const queue = new ConsumeQueue({ topic: 'T', queueId: 0 }, 0, 0, cache)
  for (let offset = 0; offset < CHUNK_UNITS; offset += 1) queue.push(unitAt(offset))
  expect(owner.dropped).toEqual([])
  queue.push(unitAt(CHUNK_UNITS))
  expect(owner.dropped).toEqual([0])
})

test('cache: thousands of queues with a few units, some grow, some end → every unit of the others stays what it was', () => {
  const cache = new ChunkCache(10_000 * CHUNK_BYTES)
  const queues = Array.from({ length: 1000 }, (_, queueId) => new ConsumeQueue({ topic: 'T', queueId }, 0, 0, cache))
  const lengths = queues.map(() => 0)
  for (let round = 0; round < 40; round += 1) {
    for (const [at, queue] of queues.entries()) {
      if (queue.ended || (round >= 8 && at % 3 === 0)) continue
      if (round === 8 && at % 7 === 0) queue.end()
      else queue.push({ commitLogOffset: at * 1000 + (lengths[at]! += 1), size: 1, tagsCode: 0 })
    }
  }
  for (const [at, queue] of queues.entries()) {
    if (queue.ended) continue
    expect(positionsOf(queue, 0)).toEqual(Array.from({ length: lengths[at]! }, (_, offset) => at * 1000 + offset + 1))
  }
  for (const queue of queues) queue.end()
  expect([cache.size, cache.bytes, cache.slabs]).toEqual([0, 0, 0])
})

test('cache: a chunk is given up → its memory is the next one taken, and nobody reads it any more', () => {
  const cache = new ChunkCache(CHUNK_BYTES)
  const first = new ConsumeQueue({ topic: 'T', queueId: 0 }, 0, 0, cache)
  first.push(unitAt(0))
  first.persisted = 1
  const second = new ConsumeQueue({ topic: 'T', queueId: 1 }, 0, 0, cache)
  for (let offset = 0; offset < CHUNK_UNITS + 1; offset += 1) second.push(unitAt(offset))
  expect(first.walk(0, 1, 1, () => 'take')).toEqual({ kind: 'missing', at: 0 })
  expect(positionsOf(second, 0)).toHaveLength(CHUNK_UNITS + 1)
})
