// Queues with few new units: a checkpoint holds these itself, and neither opens nor syncs a file for them.
import { expect, test } from '@jest/globals'
import type { Effects, File } from '@rocketmq-ts/runtime'
import { readStoreCheckpoint, type StoreCheckpoint } from '../src/checkpoint.ts'
import { ChunkCache } from '../src/consume-queue/chunk-cache.ts'
import { ConsumeQueue } from '../src/consume-queue/consume-queue.ts'
import { planFiles, sumUnitsLeft } from '../src/consume-queue/file-plan.ts'
import { checkStore } from '../src/check/index.ts'
import { STORE_DEFAULTS } from '../src/store-settings.ts'
import {
  afterKill,
  afterPowerLoss,
  createManualEffects,
  FOLDER,
  namesIn,
  newRecord,
  openStore,
  send,
  textsOf,
} from './store-fixture.ts'

const QUEUES = 40
const KEEPING = { unitsPerWrite: 3 }
const UNITS_MAX = STORE_DEFAULTS.keptUnitsMax
/** As a broker's, but for the first. */
const LIMITS = { unitsPerWrite: Infinity, keptUnitsMax: UNITS_MAX, packsMax: STORE_DEFAULTS.unitPacksMax }

/** Counts the opened files of queues. */
function countOpens(effects: Effects): { readonly effects: Effects; readonly opened: string[] } {
  const opened: string[] = []
  const { files } = effects
  return {
    opened,
    effects: {
      ...effects,
      files: {
        ...files,
        open(path, mode): Promise<File> {
          if (path.includes('/consumequeue/')) opened.push(path)
          return files.open(path, mode)
        },
      } as Effects['files'],
    },
  }
}

function records(perQueue: number) {
  return Array.from({ length: QUEUES * perQueue }, (_, index) =>
    newRecord({ queueId: index % QUEUES, text: `message ${Math.floor(index / QUEUES)}` }),
  )
}

function queueWith(units: number, queueId = 0): ConsumeQueue {
  const queue = new ConsumeQueue({ topic: 'T', queueId }, 0, 0, new ChunkCache(0))
  queue.max = units
  return queue
}

test('checkpoint: few units in each of many queues → no file of a queue is opened; a start has them all', async () => {
  for (const after of [afterKill, afterPowerLoss]) {
    const machine = createManualEffects()
    const { effects, opened } = countOpens(machine)
    const store = await openStore(effects, KEEPING)
    await send(store, ...records(2))
    await store.checkpoint()
    expect(opened).toEqual([])
    const again = await openStore(after(machine), KEEPING)
    expect(again.recovery).toMatchObject({ records: 0, rebuilt: [] })
    for (let queueId = 0; queueId < QUEUES; queueId += 1) {
      expect(await textsOf(again, 'TopicTest', queueId)).toEqual(['message 0', 'message 1'])
    }
    await send(again, ...records(1))
    await again.close()
  }
})

test('checkpoint: one queue has many new units → its file alone is written and synced', async () => {
  const { effects, opened } = countOpens(createManualEffects())
  const store = await openStore(effects, KEEPING)
  await send(store, ...records(2), newRecord({ queueId: 7 }))
  await store.checkpoint()
  expect([...new Set(opened)]).toEqual([`${FOLDER}/consumequeue/TopicTest/7/00000000000000000000`])
  await store.close()
})

test('stop: units that the checkpoint holds → in the files for another broker, and there for us if the power goes', async () => {
  const effects = createManualEffects()
  let store = await openStore(effects, KEEPING)
  await send(store, ...records(2))
  await store.close()
  expect(await checkStore({ folder: FOLDER }, effects)).toMatchObject({ isSound: true, findings: [] })
  const again = afterPowerLoss(effects)
  store = await openStore(again, KEEPING)
  expect(store.recovery).toMatchObject({ cleanStop: true, records: 0, rebuilt: [] })
  expect(await textsOf(store, 'TopicTest', 9)).toEqual(['message 0', 'message 1'])
  await store.close()
  expect(await checkStore({ folder: FOLDER }, again)).toMatchObject({ isSound: true, findings: [] })
})

test('check: killed with units in the checkpoint only → they are behind, which is no fault', async () => {
  const effects = createManualEffects()
  const store = await openStore(effects, KEEPING)
  await send(store, ...records(3))
  await store.checkpoint()
  await send(store, ...records(1))
  await store.checkpoint()
  const report = await checkStore({ folder: FOLDER }, afterKill(effects))
  expect(report).toMatchObject({ isSound: true, counts: { 'queue-behind': QUEUES } })
})

test('file plan: few units are kept, many written; beyond the bound the queues with the most go into a pack', () => {
  const few = Array.from({ length: 4 }, (_, index) => queueWith(index + 1, index))
  const { write, keep } = planFiles([...few, queueWith(0), queueWith(100)], { ...LIMITS, unitsPerWrite: 4 })
  expect(write.map(({ max }) => max)).toEqual([4, 100])
  expect(keep.map(({ max }) => max)).toEqual([1, 2, 3])
  const many = Array.from({ length: 10 }, (_, index) => queueWith(Math.floor(UNITS_MAX / 10) + index, index))
  const plan = planFiles(many, LIMITS)
  expect(sumUnitsLeft(plan.keep)).toBeLessThanOrEqual(UNITS_MAX / 2)
  expect(Math.max(...plan.keep.map(({ max }) => max))).toBeLessThan(Math.min(...plan.pack.map(({ max }) => max)))
  expect(plan.pack.length + plan.keep.length).toBe(10)
})

test('file plan: a queue that ended → in no part', () => {
  const queue = queueWith(5)
  queue.end()
  expect(planFiles([queue], { ...LIMITS, unitsPerWrite: 1 })).toEqual({ write: [], pack: [], keep: [] })
})

test('restart: units that only the checkpoint holds → kept by the next checkpoint as well', async () => {
  const machine = createManualEffects()
  let store = await openStore(machine, KEEPING)
  await send(store, ...records(1))
  await store.checkpoint()
  store = await openStore(afterKill(machine), KEEPING)
  await send(store, newRecord({ queueId: 0, text: 'more' }))
  await store.checkpoint()
  store = await openStore(afterPowerLoss(machine), KEEPING)
  expect(await textsOf(store)).toEqual(['message 0', 'more'])
  expect(await textsOf(store, 'TopicTest', QUEUES - 1)).toEqual(['message 0'])
  await store.close()
})

test('checkpoint: units in memory, in packs and in files → a recovery of Apache reads from the first that is in no file of its queue', async () => {
  const effects = createManualEffects()
  const store = await openStore(effects, { unitsPerWrite: 4, keptUnitsMax: 6 })
  const times: number[] = []
  async function tick(...queueIds: number[]): Promise<StoreCheckpoint | undefined> {
    await effects.advance(1000)
    times.push(effects.clock.nowMs())
    await send(store, ...queueIds.map((queueId) => newRecord({ queueId })))
    await store.checkpoint()
    return readStoreCheckpoint(effects.files, `${FOLDER}/checkpoint`)
  }
  // Many for its file: all that there is.
  expect(await tick(0, 0, 0, 0)).toMatchObject({ physicMsgTimestamp: times[0], logicsMsgTimestamp: times[0] })
  // Kept in the checkpoint.
  expect(await tick(1)).toMatchObject({ physicMsgTimestamp: times[1], logicsMsgTimestamp: times[1] })
  expect(await tick(0, 0, 0, 0, 2)).toMatchObject({ physicMsgTimestamp: times[2], logicsMsgTimestamp: times[1] })
  // In a pack.
  expect(await tick(1, 2, 3, 3, 3)).toMatchObject({ physicMsgTimestamp: times[3], logicsMsgTimestamp: times[1] })
  expect(await namesIn(effects, '/unit-packs')).toHaveLength(1)
  // Into its file, and the others stay where they are.
  expect(await tick(1, 1)).toMatchObject({ physicMsgTimestamp: times[4], logicsMsgTimestamp: times[2] })
  const machine = afterKill(effects)
  const again = await openStore(machine, { unitsPerWrite: 4, keptUnitsMax: 6 })
  await again.checkpoint()
  const after = await readStoreCheckpoint(machine.files, `${FOLDER}/checkpoint`)
  expect(after).toMatchObject({ physicMsgTimestamp: times[4], logicsMsgTimestamp: times[2] })
  await again.close()
})

test('checkpoint: the first record in no file of its queue can not be read → a recovery of Apache reads everything', async () => {
  const effects = createManualEffects()
  const store = await openStore(effects, { unitsPerWrite: 4, hotBytes: 0 })
  await send(store, newRecord({ queueId: 1 }))
  effects.machine.disk.fail({ on: 'read', path: 'commitlog', error: 'io', times: Infinity })
  await store.checkpoint()
  const written = await readStoreCheckpoint(effects.files, `${FOLDER}/checkpoint`)
  expect(written).toMatchObject({ logicsMsgTimestamp: 0 })
  await store.close()
})
