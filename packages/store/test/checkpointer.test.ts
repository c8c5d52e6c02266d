// When checkpoints are taken, and what they hold.
import { expect, test } from '@jest/globals'
import { commitLogOffset } from '@rocketmq-ts/model'
import { readCheckpoints } from '../src/checkpoint.ts'
import { createCheckpointer } from '../src/checkpointer.ts'
import { createQueueTable } from '../src/consume-queue/queue-table.ts'
import { createManualEffects, FOLDER, newKeyIndex, newQueueFiles } from './store-fixture.ts'

const MiB = 1024 * 1024

test('checkpoint: asked for by the first unit of a batch → holds all units of what it covers', async () => {
  const effects = createManualEffects()
  const { files, scheduler } = effects
  await files.makeFolder(`${FOLDER}/consumequeue`)
  const queueFiles = newQueueFiles(effects, 100)
  const queues = createQueueTable({
    cacheBytes: MiB,
    limits: { unitsPerWrite: 1, keptUnitsMax: Infinity, packsMax: Infinity },
    queueFiles,
  })
  const log = { written: 0, flushed: 0, min: 0, failure: undefined, whenFlushed: () => Promise.resolve() }
  const checkpointer = createCheckpointer({
    clock: effects.clock,
    files,
    scheduler,
    queues,
    queueFiles,
    index: newKeyIndex(effects),
    indexTimestampMs: 0,
    openCommits: () => [],
    checkpointPath: `${FOLDER}/queue-checkpoint`,
    storeCheckpointPath: `${FOLDER}/checkpoint`,
    flushedMarkPath: `${FOLDER}/flushed`,
    shape: { segmentBytes: 4096, unitsPerFile: 100 },
    intervalMs: 1000,
    log,
    source: { segmentBytes: 4096, read: () => Promise.resolve(0) },
    logMin: () => 0,
    lastTimestampMs: () => 1,
    storedMs: () => 1,
    onFailure(error) {
      throw error
    },
  })
  const queue = queues.obtain('TopicTest', 0)
  // A checkpoint is asked for in the middle of a batch that was written, unit by unit.
  log.written = 300 * MiB
  for (let unit = 0; unit < 3; unit += 1) {
    queue.push({ commitLogOffset: commitLogOffset(unit * 100 * MiB), size: 100 * MiB, tagsCode: 0 })
    checkpointer.unitAdded(queue)
    checkpointer.unitsAdded()
  }
  await checkpointer.run()
  const { valid } = await readCheckpoints(files, `${FOLDER}/queue-checkpoint`)
  for (const { coversTo, queues: states } of valid) {
    expect([coversTo, [...states]]).toEqual([300 * MiB, [{ topic: 'TopicTest', queueId: 0, min: 0, max: 3 }]])
  }
  expect(valid.length).toBeGreaterThan(0)
  await checkpointer.stop()
  await queueFiles.close()
})

test('checkpoint: one takes seconds → the next one rests ten times as long, however many units come', async () => {
  const effects = createManualEffects()
  const { files, scheduler, clock } = effects
  await files.makeFolder(`${FOLDER}/consumequeue`)
  const queueFiles = newQueueFiles(effects, 100)
  const queues = createQueueTable({
    cacheBytes: MiB,
    limits: { unitsPerWrite: 1, keptUnitsMax: Infinity, packsMax: Infinity },
    queueFiles,
  })
  let syncMs = 3000
  const startsMs: number[] = []
  const checkpointer = createCheckpointer({
    clock,
    files,
    scheduler,
    queues,
    queueFiles: {
      ...queueFiles,
      sync() {
        startsMs.push(clock.monotonicMs())
        return new Promise((resolve) => void scheduler.after(syncMs, resolve))
      },
    },
    index: newKeyIndex(effects),
    indexTimestampMs: 0,
    openCommits: () => [],
    checkpointPath: `${FOLDER}/queue-checkpoint`,
    storeCheckpointPath: `${FOLDER}/checkpoint`,
    flushedMarkPath: `${FOLDER}/flushed`,
    shape: { segmentBytes: 4096, unitsPerFile: 100 },
    intervalMs: 10_000,
    source: { segmentBytes: 4096, read: () => Promise.resolve(0) },
    log: { written: 0, flushed: 0, min: 0, failure: undefined, whenFlushed: () => Promise.resolve() },
    logMin: () => 0,
    lastTimestampMs: () => 1,
    storedMs: () => 1,
    onFailure(error) {
      throw error
    },
  })
  const queue = queues.obtain('TopicTest', 0)
  async function sendFor(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 1000) {
      queue.push({ commitLogOffset: queue.max, size: 1, tagsCode: 0 })
      checkpointer.unitAdded(queue)
      checkpointer.unitsAdded()
      await effects.advance(1000)
    }
  }
  await sendFor(40_000)
  expect(startsMs).toHaveLength(1)
  await sendFor(10_000)
  expect(startsMs).toHaveLength(2)
  syncMs = 0
  await sendFor(60_000)
  const before = startsMs.length
  await sendFor(30_000)
  expect(startsMs.length - before).toBeGreaterThanOrEqual(2)
  await checkpointer.stop()
  await queueFiles.close()
})
