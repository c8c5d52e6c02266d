import { expect, test } from '@jest/globals'
import type { File, Files } from '@rocketmq-ts/runtime'
import { CHUNK_UNITS, ChunkCache } from '../../src/consume-queue/chunk-cache.ts'
import { ConsumeQueue } from '../../src/consume-queue/consume-queue.ts'
import { createManualEffects, FOLDER, newQueueFiles } from '../store-fixture.ts'

/** Files whose opening can be held up, and that tell how they are read. */
function setUp() {
  const effects = createManualEffects()
  const reads: string[] = []
  const opened: string[] = []
  let open = 0
  let beforeOpen: () => void = () => undefined
  const files: Files = {
    ...effects.files,
    async open(path, mode) {
      beforeOpen()
      const file = await effects.files.open(path, mode)
      opened.push(mode)
      open += 1
      const watched: File = Object.create(file, {
        read: {
          value(position: number, into: Uint8Array, lane?: string, group?: string) {
            reads.push(`${lane} ${group}`)
            return file.read(position, into)
          },
        },
      }) as File
      for (const name of ['size', 'truncate', 'sync', 'writeSync', 'readSync'] as const) {
        Object.defineProperty(watched, name, { value: (file[name] as () => unknown).bind(file) })
      }
      Object.defineProperty(watched, 'close', { value: () => ((open -= 1), file.close()) })
      return watched
    },
  }
  const queueFiles = newQueueFiles({ files, scheduler: effects.scheduler }, 1000)
  return {
    queueFiles,
    files,
    reads,
    opened,
    openFiles: () => open,
    holdUp: (what: () => void) => void (beforeOpen = what),
  }
}

function createQueue(cacheBytes: number): ConsumeQueue {
  return new ConsumeQueue({ topic: 'T', queueId: 0 }, 0, 0, new ChunkCache(cacheBytes))
}

function pushUnits(queue: ConsumeQueue, count: number): void {
  for (let unit = 0; unit < count; unit += 1) queue.push({ commitLogOffset: unit * 100, size: 1, tagsCode: 0 })
}

test('queue files: units are loaded for a group → in the cold lane, when it is the turn of that group', async () => {
  const { queueFiles, reads } = setUp()
  const queue = createQueue(1)
  pushUnits(queue, 2 * CHUNK_UNITS)
  await queueFiles.persist(queue)
  queue.push({ commitLogOffset: 1, size: 1, tagsCode: 0 })
  expect(queue.walk(0, 1, 1, () => 'take').kind).toBe('missing')
  await queueFiles.load(queue, 0, 'G')
  expect(reads).toEqual(['cold G'])
  expect(queue.walk(0, 1, 1, () => 'take').kind).toBe('scanned')
  await queueFiles.close()
})

test('queue files: more queues than files may be open → those used last stay open, all are written', async () => {
  const { queueFiles, openFiles } = setUp()
  const queues = Array.from(
    { length: 150 },
    (_, queueId) => new ConsumeQueue({ topic: 'T', queueId }, 0, 0, new ChunkCache(1)),
  )
  for (const queue of queues) {
    queue.push({ commitLogOffset: 1, size: 1, tagsCode: 0 })
    await queueFiles.persist(queue)
  }
  expect(openFiles()).toBe(128)
  for (const queue of queues) expect(await queueFiles.lastUnit(queue)).toMatchObject({ commitLogOffset: 1 })
  await queueFiles.close()
  expect(openFiles()).toBe(0)
})

test('queue files: a file that this process has made is closed → the next write opens it, and does no more', async () => {
  const { queueFiles, opened } = setUp()
  const queues = Array.from(
    { length: 150 },
    (_, queueId) => new ConsumeQueue({ topic: 'T', queueId }, 0, 0, new ChunkCache(1)),
  )
  for (let round = 0; round < 2; round += 1) {
    for (const queue of queues) {
      queue.push({ commitLogOffset: 1, size: 1, tagsCode: 0 })
      await queueFiles.persist(queue, { syncsOnClose: true })
    }
  }
  expect(opened.slice(0, 150)).toEqual(Array.from(opened.slice(0, 150), () => 'create'))
  expect(opened.slice(150)).toEqual(Array.from(opened.slice(150), () => 'must-exist'))
  for (const queue of queues) expect(await queueFiles.lastUnit(queue)).toMatchObject({ offset: 1 })
  await queueFiles.close()
})

test('queue files: the queue ends while its file is opened → nothing is written, and nothing fails', async () => {
  const { queueFiles, holdUp } = setUp()
  const queue = createQueue(1000)
  pushUnits(queue, 3)
  holdUp(() => queue.end())
  await queueFiles.persist(queue)
  expect(queue.persisted).toBe(0)
  await queueFiles.close()
})

test('queue files: something lies behind the units that are written → an empty unit ends them', async () => {
  const { queueFiles, files } = setUp()
  const queue = createQueue(1_000_000)
  pushUnits(queue, 1)
  await queueFiles.persist(queue)
  const file = await files.open(`${FOLDER}/consumequeue/T/0/00000000000000000000`, 'must-exist')
  file.writeSync(20, [Buffer.alloc(60, 1)])
  queue.push({ commitLogOffset: 100, size: 1, tagsCode: 0 })
  await queueFiles.persist(queue)
  const bytes = Buffer.alloc(80)
  await file.read(0, bytes)
  expect(bytes.readInt32BE(28)).toBe(1)
  expect(bytes.subarray(40, 60).equals(Buffer.alloc(20))).toBe(true)
  await queueFiles.close()
})
