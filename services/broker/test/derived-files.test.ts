// The start cache and the log behind it: the file must say exactly as much as it covers, and never run ahead.
import { expect, test } from '@jest/globals'
import { SystemTopic, commitLogOffset, decodeRecord } from '@rocketmq-ts/model'
import { type Files, createTurns, readGenerations, silentLogger } from '@rocketmq-ts/runtime'
import { openMessageStore } from '@rocketmq-ts/store'
import { createManualEffects } from '@rocketmq-ts/testkit'
import { createDerivedFiles } from '../src/derived-files.ts'
import { LevelOffsets } from '../src/delay/timer-records.ts'
import { createKeptEntries } from '../src/foreign/kept-entries.ts'
import { createGroupTable } from '../src/groups/group-table.ts'
import { createInflight } from '../src/inflight/inflight.ts'
import { createJournal } from '../src/journal/journal.ts'
import { createMovedDeliveries } from '../src/pop/moved-deliveries.ts'
import { START_CACHE_KIND, START_CACHE_VERSION, decodeStartCache, startCachePath } from '../src/start-cache.ts'
import { createTopicTable } from '../src/topics/topic-table.ts'
import { expectSame } from './inflight/world.ts'

const ROOT = '/store'

/** The core, its journal and its derived files above a real store that flushes when it likes. */
async function setUp() {
  const effects = createManualEffects()
  const { files, scheduler, clock } = effects
  const store = await openMessageStore(
    { folder: ROOT, flushMode: 'ASYNC_FLUSH', segmentBytes: 65_536, reserveBytes: 0 },
    { ...effects, logger: silentLogger },
  )
  const inflight = createInflight({ maxAttempts: () => 3 })
  const storeHost = () => ({ host: '10.0.0.1', port: 1 })
  const journal = createJournal({ store, inflight, clock, storeHost, recordBytesSoft: 8192 })
  const turns = createTurns({
    scheduler,
    jobsMax: 100,
    onDefect(error) {
      throw error
    },
    log: {
      seal: () => journal.seal(),
      get appended() {
        return store.appended
      },
      submit: () => store.submit(),
      whenFlushed: (position) => store.whenFlushed(position),
      flushBeforeRelease: false,
    },
  })
  const derivedFiles = createDerivedFiles({
    files,
    scheduler,
    clock,
    turns,
    store,
    inflight,
    moved: createMovedDeliveries({ inflight, store }),
    journal,
    topics: createTopicTable([]),
    groups: createGroupTable(),
    kept: createKeptEntries(),
    levels: new LevelOffsets(),
    logger: silentLogger,
    root: ROOT,
    intervalMs: 1000,
  })
  function popTwo(): void {
    const queue = inflight.start({ topic: 'T', incarnation: 0, group: 'G', queueId: 0 }, 0)
    inflight.popNext(queue, { popTime: clock.nowMs(), invisibleMs: 1000, to: 2, taken: [0, 1] })
  }
  return { effects, files, store, inflight, turns, derivedFiles, popTwo }
}

function caches(files: Files) {
  return readGenerations(files, startCachePath(ROOT), { kind: START_CACHE_KIND, versionMax: START_CACHE_VERSION })
}

test('start cache: taken in a Turn that changes something → it knows exactly what the log below its end tells', async () => {
  const { files, store, turns, derivedFiles, popTwo } = await setUp()
  turns.enter(popTwo)
  await derivedFiles.write()
  const { valid } = await caches(files)
  const { coversTo, payload } = valid[0]!
  const cached = createInflight({ maxAttempts: () => 3 })
  cached.restoreSnapshot(decodeStartCache(payload).snapshot)
  const replayed = createInflight({ maxAttempts: () => 3 })
  await store.replay(
    (topic) => topic === SystemTopic.INFLIGHT_LOG,
    commitLogOffset(0),
    (record) => {
      if (record.commitLogOffset >= coversTo) return
      replayed.replay(decodeRecord(record.bytes).body, record.commitLogOffset)
    },
  )
  expect(cached.queue('T', 'G', 0)).toMatchObject({ cursor: 2, inFlight: 2 })
  expectSame(cached, replayed, true)
  await store.close()
})

test('start cache: of more states than one job takes, with changes in between → with the log behind its end it tells all', async () => {
  const { files, store, inflight, turns, derivedFiles } = await setUp()
  const queues = Array.from({ length: 1500 }, (_, queueId) => queueId)
  const popOne = (queueId: number) => {
    const queue = inflight.queue('T', 'G', queueId)!
    inflight.popNext(queue, { popTime: 1, invisibleMs: 1000, to: queue.cursor + 1, taken: [queue.cursor] })
  }
  turns.enter(() => {
    for (const queueId of queues) inflight.start({ topic: 'T', incarnation: 0, group: 'G', queueId }, 0)
  })
  let steps = 0
  const { beginSnapshot } = inflight
  Object.assign(inflight, {
    beginSnapshot() {
      const snapshot = beginSnapshot()
      const step = (bytesMax: number) => {
        steps += 1
        // In the Turn of the step, and in front of it and behind it in the order that states are taken in.
        turns.enter(() => [0, 700, 1499].forEach(popOne))
        return snapshot.step(bytesMax)
      }
      return { ...snapshot, step }
    },
  })
  await derivedFiles.write()
  await turns.idle()
  expect(steps).toBeGreaterThan(1)
  const { valid } = await caches(files)
  const { coversTo, payload } = valid[0]!
  const cached = createInflight({ maxAttempts: () => 3 })
  cached.restoreSnapshot(decodeStartCache(payload).snapshot)
  expect(cached.queue('T', 'G', 1499)).toMatchObject({ cursor: 0 })
  await store.replay(
    (topic) => topic === SystemTopic.INFLIGHT_LOG,
    commitLogOffset(coversTo),
    (record) => void cached.replay(decodeRecord(record.bytes).body, record.commitLogOffset),
  )
  expect(cached.queue('T', 'G', 1499)).toMatchObject({ cursor: steps })
  expectSame(cached, inflight, true)
  await store.close()
})

test('start cache: the log is not flushed to its end yet → the file takes its name only when it is', async () => {
  const { effects, files, store, turns, derivedFiles, popTwo } = await setUp()
  const names = async () => (await files.list(`${ROOT}/config`)).map(({ name }) => name)
  effects.machine.disk.fail({ on: 'sync', path: 'commitlog', delayMs: 100 })
  turns.enter(popTwo)
  const written = derivedFiles.write()
  await effects.advance(99)
  expect(await names()).toEqual(['broker-start.tmp'])
  await effects.advance(1)
  await written
  expect(await names()).toContain('broker-start.1')
  await store.close()
})

test('start cache: asked for while one is being written → waits for it, then writes what has changed since', async () => {
  const { effects, files, inflight, store, turns, derivedFiles, popTwo } = await setUp()
  effects.machine.disk.fail({ on: 'sync', path: 'commitlog', delayMs: 100 })
  turns.enter(popTwo)
  const first = derivedFiles.write()
  await effects.advance(10)
  const second = derivedFiles.write()
  turns.enter(() => void inflight.start({ topic: 'T', incarnation: 0, group: 'G', queueId: 1 }, 0))
  await effects.advance(200)
  await Promise.all([first, second])
  const { valid } = await caches(files)
  expect(valid.map(({ generation }) => generation)).toStrictEqual([2, 1])
  const cached = createInflight({ maxAttempts: () => 3 })
  cached.restoreSnapshot(decodeStartCache(valid[0]!.payload).snapshot)
  expect(cached.queue('T', 'G', 1)).toBeDefined()
  await store.close()
})

test('start cache: touched while one is being written → the change is written too, without a further touch', async () => {
  const { effects, files, inflight, store, turns, derivedFiles, popTwo } = await setUp()
  effects.machine.disk.fail({ on: 'sync', path: 'commitlog', delayMs: 5000 })
  turns.enter(popTwo)
  derivedFiles.touch()
  await effects.advance(1500)
  turns.enter(() => void inflight.start({ topic: 'T', incarnation: 0, group: 'G', queueId: 1 }, 0))
  derivedFiles.touch()
  await effects.advance(10_000)
  const text = Buffer.from((await files.readWhole(`${ROOT}/config/consumerOffset.json`, 1000))!).toString()
  expect(text).toContain('1:0')
  derivedFiles.stop()
  await store.close()
})

test('start cache: requests that changed nothing → no file is written again', async () => {
  const { effects, files, store, turns, derivedFiles, popTwo } = await setUp()
  const generations = async () =>
    (await files.list(`${ROOT}/config`)).map(({ name }) => name).filter((name) => /start\.\d+$/.test(name))
  turns.enter(popTwo)
  derivedFiles.touch()
  await effects.advance(2000)
  for (let index = 0; index < 3; index += 1) {
    turns.enter(() => {})
    derivedFiles.touch()
    await effects.advance(2000)
  }
  expect(await generations()).toStrictEqual(['broker-start.1'])
  derivedFiles.stop()
  await store.close()
})
