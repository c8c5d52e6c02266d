// Units that many queues have in files which they share: written there once memory holds too many, read back, moved on.
import { expect, test } from '@jest/globals'
import type { ManualEffects } from '@rocketmq-ts/testkit'
import { checkStore } from '../../src/check/index.ts'
import { ChunkCache } from '../../src/consume-queue/chunk-cache.ts'
import { ConsumeQueue } from '../../src/consume-queue/consume-queue.ts'
import { isPacked, packPath } from '../../src/consume-queue/unit-packs.ts'
import type { MessageStore } from '../../src/message-store.ts'
import {
  afterKill,
  afterPowerLoss,
  bytesOf,
  createManualEffects,
  FOLDER,
  namesIn,
  newQueueFiles,
  newRecord,
  openStore,
  send,
  textsOf,
} from '../store-fixture.ts'

const PACKS = `${FOLDER}/unit-packs`
const QUEUES = 8
/** Of 8 queues: two messages of each are too many for memory, and none has enough for a file of its own. */
const PACKING = { unitsPerWrite: 10, keptUnitsMax: 12, unitCacheBytes: 0 }

async function sendRounds(store: MessageStore, from: number, rounds: number): Promise<void> {
  for (let round = from; round < from + rounds; round += 1) {
    await send(
      store,
      ...Array.from({ length: QUEUES }, (_, queueId) => newRecord({ queueId, text: `message ${round}` })),
    )
    await store.checkpoint()
  }
}

async function expectRounds(store: MessageStore, rounds: number): Promise<void> {
  const texts = Array.from({ length: rounds }, (_, round) => `message ${round}`)
  for (let queueId = 0; queueId < QUEUES; queueId += 1) {
    expect(await textsOf(store, 'TopicTest', queueId)).toEqual(texts)
  }
}

function queueWith(units: number, queueId = 0): ConsumeQueue {
  const queue = new ConsumeQueue({ topic: 'T', queueId }, 0, 0, new ChunkCache(1))
  for (let unit = 0; unit < units; unit += 1)
    queue.push({ commitLogOffset: unit * 100 + queueId, size: 91, tagsCode: 0 })
  return queue
}

function packs(effects: ManualEffects): Promise<string[]> {
  return namesIn(effects, '/unit-packs')
}

test('packs: more units in no file than memory shall keep → in a pack, no file of a queue; read back from there', async () => {
  const effects = createManualEffects()
  const store = await openStore(effects, PACKING)
  await sendRounds(store, 0, 4)
  expect((await packs(effects)).length).toBeGreaterThan(0)
  expect(await namesIn(effects, '/consumequeue')).toEqual([])
  await expectRounds(store, 4)
  await store.close()
})

test.each([
  ['a kill', afterKill],
  ['a power loss', afterPowerLoss],
])('packs: %s behind a checkpoint → a start has all of it without reading the log', async (_what, after) => {
  const effects = createManualEffects()
  const store = await openStore(effects, PACKING)
  await sendRounds(store, 0, 5)
  const machine = after(effects)
  const again = await openStore(machine, PACKING)
  expect(again.recovery).toMatchObject({ records: 0, rebuilt: [] })
  await expectRounds(again, 5)
  await sendRounds(again, 5, 5)
  await expectRounds(again, 10)
  await again.close()
  expect(await checkStore({ folder: FOLDER }, machine)).toMatchObject({ isSound: true, findings: [] })
})

test('packs: killed → the check reads units where the checkpoint says they are, and finds no fault', async () => {
  const effects = createManualEffects()
  const store = await openStore(effects, PACKING)
  await sendRounds(store, 0, 5)
  const report = await checkStore({ folder: FOLDER }, afterKill(effects))
  expect(report).toMatchObject({ isSound: true, units: 5 * QUEUES })
})

test('packs: a queue has enough units for a file → all of them are there, and packs that nobody needs go', async () => {
  const effects = createManualEffects()
  const store = await openStore(effects, PACKING)
  await sendRounds(store, 0, 6)
  const before = await packs(effects)
  expect(before.length).toBeGreaterThan(0)
  await sendRounds(store, 6, 6)
  expect(await namesIn(effects, '/consumequeue/TopicTest')).toHaveLength(QUEUES)
  for (const pack of before) expect(await packs(effects)).not.toContain(pack)
  await expectRounds(store, 12)
  await store.close()
})

test('packs: one that the last checkpoint does not name, but the one before → stays for a start that needs that', async () => {
  const effects = createManualEffects()
  const store = await openStore(effects, PACKING)
  await sendRounds(store, 0, 9)
  const before = await packs(effects)
  await sendRounds(store, 9, 1)
  expect(await packs(effects)).toEqual(expect.arrayContaining(before))
  const machine = afterKill(effects)
  const numbers = (await namesIn(machine)).flatMap((name) => /^queue-checkpoint\.(\d+)$/u.exec(name)?.[1] ?? [])
  const newest = `queue-checkpoint.${Math.max(...numbers.map(Number))}`
  effects.machine.disk.flipBit(`${FOLDER}/${newest}`, 60, 1)
  const again = await openStore(machine, PACKING)
  expect(again.recovery).toMatchObject({ records: QUEUES, rebuilt: [`${FOLDER}/${newest}`] })
  await expectRounds(again, 10)
  await again.close()
})

test('packs: too many → units of the oldest one get into the files of their queues', async () => {
  const effects = createManualEffects()
  const few = { ...PACKING, unitsPerWrite: 100, unitPacksMax: 2 }
  const store = await openStore(effects, few)
  await sendRounds(store, 0, 12)
  expect((await packs(effects)).length).toBeLessThanOrEqual(4)
  expect((await namesIn(effects, '/consumequeue/TopicTest')).length).toBeGreaterThan(0)
  await expectRounds(store, 12)
  const again = await openStore(afterPowerLoss(effects), few)
  expect(again.recovery).toMatchObject({ records: 0, rebuilt: [] })
  await expectRounds(again, 12)
  await again.close()
})

test('packs: a stop → every unit is in the files of its queue, as another broker reads them', async () => {
  const effects = createManualEffects()
  let store = await openStore(effects, PACKING)
  await sendRounds(store, 0, 5)
  await store.close()
  expect(await namesIn(effects, '/consumequeue/TopicTest')).toHaveLength(QUEUES)
  expect(await checkStore({ folder: FOLDER }, effects)).toMatchObject({ isSound: true, findings: [] })
  store = await openStore(effects, PACKING)
  expect(store.recovery).toMatchObject({ cleanStop: true, records: 0, rebuilt: [] })
  await expectRounds(store, 5)
  await store.close()
})

test('packs: one is missing or too short at a start → the queues that have units there are built from the log', async () => {
  for (const damage of ['removed', 'cut'] as const) {
    const effects = createManualEffects()
    const store = await openStore(effects, PACKING)
    await sendRounds(store, 0, 5)
    const machine = afterKill(effects)
    const path = packPath(PACKS, 1)
    if (damage === 'removed') await machine.files.remove(path)
    else await (await machine.files.open(path, 'must-exist')).truncate(20)
    const again = await openStore(machine, PACKING)
    expect(again.recovery.rebuilt.length).toBeGreaterThan(0)
    expect(again.recovery.rebuilt.every((file) => file.startsWith('consumequeue/TopicTest/'))).toBe(true)
    await expectRounds(again, 5)
    await again.close()
    expect(await checkStore({ folder: FOLDER }, machine)).toMatchObject({ isSound: true, findings: [] })
  }
})

test('packs: a bit of one has changed → its units are never believed, they are read from the log', async () => {
  for (const then of ['read', 'written'] as const) {
    const effects = createManualEffects()
    const store = await openStore(effects, PACKING)
    await sendRounds(store, 0, 5)
    const machine = afterKill(effects)
    // The size of the first record: the position alone would be plausible.
    effects.machine.disk.flipBit(packPath(PACKS, 1), 8 + 3, 1)
    expect(await checkStore({ folder: FOLDER }, machine)).toMatchObject({ isSound: false })
    const again = await openStore(machine, PACKING)
    if (then === 'written') await sendRounds(again, 5, 6)
    await expectRounds(again, then === 'written' ? 11 : 5)
    await again.close()
    expect(await checkStore({ folder: FOLDER }, machine)).toMatchObject({ isSound: true, findings: [] })
  }
})

test('packs: the disk takes no bytes of one → units stay in memory, and get there later', async () => {
  const effects = createManualEffects()
  const store = await openStore(effects, PACKING)
  await sendRounds(store, 0, 1)
  const full = effects.machine.disk.fail({ on: 'write', path: 'unit-packs', error: 'no-space', times: Infinity })
  await expect(sendRounds(store, 1, 1)).rejects.toMatchObject({ code: 'no-space' })
  await expectRounds(store, 2)
  full.clear()
  await sendRounds(store, 2, 2)
  const again = await openStore(afterPowerLoss(effects), PACKING)
  expect(again.recovery).toMatchObject({ records: 0, rebuilt: [] })
  await expectRounds(again, 4)
  await again.close()
})

test('packs: one can not be synced → no checkpoint counts on anything any more; the next start reads the log', async () => {
  const effects = createManualEffects()
  const store = await openStore(effects, PACKING)
  await sendRounds(store, 0, 1)
  effects.machine.disk.fail({ on: 'sync', path: 'unit-packs/pack', error: 'io' })
  await expect(sendRounds(store, 1, 1)).rejects.toThrow('could not be synced')
  await expect(store.checkpoint()).rejects.toThrow('could not be synced')
  const again = await openStore(afterPowerLoss(effects), PACKING)
  expect(again.recovery).toMatchObject({ records: QUEUES })
  await expectRounds(again, 2)
  await again.close()
})

test('packs: one can not be read when its units are to be filed → nothing is filed in their place, the log is asked', async () => {
  for (const isLogReadable of [true, false]) {
    const effects = createManualEffects()
    const store = await openStore(effects, PACKING)
    await sendRounds(store, 0, 9)
    expect(await namesIn(effects, '/consumequeue')).toEqual([])
    const path = isLogReadable ? /unit-packs/u : /unit-packs|commitlog/u
    const fault = effects.machine.disk.fail({ on: 'read', path, error: 'io', times: Infinity })
    await sendRounds(store, 9, 1)
    await effects.settle()
    for (let queueId = 0; queueId < QUEUES; queueId += 1) {
      const folder = `/consumequeue/TopicTest/${queueId}`
      const [name] = await namesIn(effects, folder)
      const units =
        name === undefined
          ? Buffer.alloc(0)
          : await bytesOf(effects, `${FOLDER}${folder}/${name}`).catch(() => Buffer.alloc(0))
      // Asked for by the log where that can be read, and else not there at all.
      expect(units.subarray(0, 200).some((byte) => byte !== 0)).toBe(isLogReadable)
    }
    if (!isLogReadable) fault.clear()
    await store.close()
    fault.clear()
    expect(await checkStore({ folder: FOLDER }, effects)).toMatchObject({
      isSound: true,
      cleanStop: true,
      findings: [],
    })
  }
})

test('packs: a bit of one has changed, and it is filed at a stop → the log is asked before the stop is over', async () => {
  const effects = createManualEffects()
  const store = await openStore(effects, PACKING)
  await sendRounds(store, 0, 5)
  effects.machine.disk.flipBit(packPath(PACKS, 1), 8 + 3, 1)
  await store.close()
  await effects.files.remove(packPath(PACKS, 1))
  expect((await checkStore({ folder: FOLDER }, effects)).counts['queue-unit']).toBeUndefined()
  expect(await namesIn(effects)).not.toContain('abort')
})

test('packs: a topic is deleted and made again → its units in packs are not those of the new one', async () => {
  const effects = createManualEffects()
  const store = await openStore(effects, PACKING)
  await sendRounds(store, 0, 4)
  store.endTopic('TopicTest')
  await sendRounds(store, 0, 1)
  await expectRounds(store, 1)
  const again = await openStore(afterKill(effects), PACKING)
  await expectRounds(again, 1)
  await again.close()
})

test('pack: pieces written while a sync runs → the next sync takes them along', async () => {
  const effects = createManualEffects()
  const queueFiles = newQueueFiles(effects, 1000)
  const queues = Array.from({ length: 40 }, (_, queueId) => queueWith(900, queueId))
  const writing = queueFiles.packs.write(queues)
  await queueFiles.sync()
  await writing
  await queueFiles.sync()
  const { files } = afterPowerLoss(effects)
  const file = await files.open(packPath(PACKS, 1), 'read')
  for (const { packed } of queues) {
    for (const place of packed) {
      const bytes = Buffer.alloc(place.units * 20)
      expect(isPacked(bytes.subarray(0, await file.read(place.at, bytes)), place)).toBe(true)
    }
  }
  await file.close()
  await queueFiles.close()
})

test('pack: a queue is filed while its units are read from the pack → read from the file', async () => {
  const effects = createManualEffects()
  const queueFiles = newQueueFiles(effects, 1000)
  const queue = queueWith(300)
  await queueFiles.packs.write([queue])
  expect([queue.filed, queue.persisted]).toEqual([0, 300])
  const reading = queueFiles.read(queue, 10, 290)
  await queueFiles.persist(queue)
  expect([queue.filed, queue.persisted, queue.packed]).toEqual([300, 300, []])
  await effects.files.remove(packPath(PACKS, 1))
  expect(await queueFiles.read(queue, 10, 290)).toEqual(await reading)
  await queueFiles.close()
})

test('pack: what was filed is noted once more, but less of it → nothing is taken back', async () => {
  const queueFiles = newQueueFiles(createManualEffects(), 1000)
  const queue = queueWith(300)
  await queueFiles.packs.write([queue])
  queue.noteFiled(100)
  expect([queue.filed, queue.persisted, queue.packed.length]).toEqual([100, 300, 1])
  await queueFiles.persist(queue)
  queue.noteFiled(256)
  expect([queue.filed, queue.persisted, queue.packed]).toEqual([300, 300, []])
  expect(await queueFiles.read(queue, 256, 300)).toHaveLength(44 * 20)
  await queueFiles.close()
})

test('pack: two write the units of a queue into its file at once → they are there once, in order', async () => {
  const effects = createManualEffects()
  const queueFiles = newQueueFiles(effects, 100)
  const queue = queueWith(250)
  await queueFiles.packs.write([queue])
  for (let unit = 250; unit < 260; unit += 1) queue.push({ commitLogOffset: unit * 100, size: 91, tagsCode: 0 })
  await Promise.all([queueFiles.persist(queue), queueFiles.persist(queue)])
  const units = await queueFiles.read(queue, 0, 260)
  for (let unit = 0; unit < 260; unit += 1) expect(units.readBigInt64BE(unit * 20)).toBe(BigInt(unit * 100))
  await queueFiles.close()
})
