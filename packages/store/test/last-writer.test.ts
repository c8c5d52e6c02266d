// Whose the log is: another broker's writes are found however it left the folder; a crash of ours is never taken for them.
import { expect, test } from '@jest/globals'
import type { Effects } from '@rocketmq-ts/runtime'
import type { MessageStore, NewRecord, StoreOptions } from '../src/index.ts'
import {
  ABORT,
  afterKill,
  afterPowerLoss,
  createManualEffects,
  encodedRecord,
  FIRST,
  FOLDER,
  namesIn,
  newRecord,
  openStore,
  overwrite,
  restarted,
  send,
  textsOf,
} from './store-fixture.ts'

/** What another broker does to a log that ends at `end`: records of one queue, without a mark of ours. */
async function writeAsJava(
  effects: Effects,
  end: number,
  records: readonly { readonly record: NewRecord; readonly offset: number }[],
): Promise<number> {
  let position = end
  for (const { record, offset } of records) {
    const bytes = encodedRecord(record, { offset, position })
    await overwrite(effects, FIRST, position, bytes)
    position += bytes.length
  }
  return position
}

async function writeAbort(effects: Effects, text: string): Promise<void> {
  const file = await effects.files.open(ABORT, 'create')
  await file.truncate(0)
  file.writeSync(0, [Buffer.from(text)])
  await file.sync()
  await file.close()
}

/** A folder that we left in order with two messages. */
async function stopped(options: Partial<StoreOptions> = {}) {
  const effects = createManualEffects()
  const store = await openStore(effects, options)
  await send(store, newRecord({ text: 'a' }), newRecord({ text: 'b' }))
  const end: number = store.appended
  await store.close()
  return { effects, end }
}

async function reopened(effects: Effects, options: Partial<StoreOptions> = {}): Promise<MessageStore> {
  return openStore(effects, options)
}

const c = { record: newRecord({ text: 'c' }), offset: 2 }

test('last writer: stopped in order and opened again → nobody else wrote', async () => {
  const { effects } = await stopped()
  const store = await reopened(restarted(effects))
  expect(store.recovery).toMatchObject({ cleanStop: true, foreign: undefined })
})

test.each([
  ['killed', afterKill],
  ['lost its power', afterPowerLoss],
])('last writer: ours %s, with more in the log → nobody else wrote', async (_name, crash) => {
  const { effects } = await stopped()
  const store = await reopened(restarted(effects))
  await send(store, newRecord({ text: 'c' }))
  const again = await reopened(crash(effects))
  expect(again.recovery).toMatchObject({ cleanStop: false, foreign: undefined })
  expect(await textsOf(again)).toEqual(['a', 'b', 'c'])
})

test.each([
  ['stopped in order', undefined],
  ['killed', '4711'],
])(
  'last writer: another broker wrote on and was %s → it is told from where, and all is served',
  async (_name, abort) => {
    const { effects, end } = await stopped()
    const other = restarted(effects)
    const newEnd = await writeAsJava(other, end, [c])
    if (abort !== undefined) await writeAbort(other, abort)
    const store = await reopened(restarted(effects))
    expect(store.recovery).toMatchObject({
      foreign: { from: end, isPrefixKept: true },
      end: newEnd,
      scannedBytes: newEnd - end,
    })
    expect(await textsOf(store)).toEqual(['a', 'b', 'c'])
  },
)

test('last writer: zero bytes in properties and repeated offsets behind our end → taken as Java takes them', async () => {
  const { effects, end } = await stopped()
  const properties = Buffer.from('TAGS\u0001TagA\u0002K\u0001\0\u0002')
  const zero = { record: newRecord({ text: 'c', properties }), offset: 2 }
  await writeAsJava(restarted(effects), end, [
    zero,
    { ...c, offset: 1 },
    { record: newRecord({ text: 'd' }), offset: 3 },
  ])
  expect(await textsOf(await reopened(restarted(effects)))).toEqual(['a', 'b', 'c', 'd'])
})

test('last writer: a hole in what another broker wrote and stopped in order → damaged, the records behind it are served', async () => {
  const { effects, end } = await stopped()
  const middle = await writeAsJava(restarted(effects), end, [c])
  await writeAsJava(restarted(effects), middle, [{ record: newRecord({ text: 'd' }), offset: 3 }])
  await overwrite(restarted(effects), FIRST, end, Buffer.alloc(20, 1))
  const store = await reopened(restarted(effects))
  expect(store.recovery.damaged).toEqual([{ from: end, to: middle }])
  expect(await textsOf(store)).toEqual(['a', 'b', '<damaged>', 'd'])
})

test('last writer: another broker cut our log and wrote on → nothing that derived from the old one is trusted', async () => {
  const { effects, end } = await stopped()
  const half = end / 2
  await writeAsJava(restarted(effects), half, [
    { record: newRecord({ text: 'B' }), offset: 1 },
    { record: newRecord({ text: 'C' }), offset: 2 },
  ])
  const store = await reopened(restarted(effects))
  expect(store.recovery.foreign).toEqual({ from: 0, isPrefixKept: false })
  expect(await textsOf(store)).toEqual(['a', 'B', 'C'])
})

test.each([
  ['stopped in order', undefined],
  ['killed', '4711'],
  ['killed, an old version', ''],
])('last writer: after a kill of ours another broker ran and was %s → found', async (_name, abort) => {
  const { effects, end } = await stopped()
  const store = await reopened(restarted(effects))
  await send(store, newRecord({ text: 'c' }))
  const other = afterKill(effects)
  if (abort === undefined) await other.files.remove(ABORT)
  else await writeAbort(other, abort)
  const again = await reopened(restarted(effects))
  expect(again.recovery.foreign).toEqual({ from: end, isPrefixKept: false })
  expect(await textsOf(again)).toEqual(['a', 'b', 'c'])
})

test('last writer: found and not claimed → every start finds it again; claimed → none does', async () => {
  const { effects, end } = await stopped()
  await writeAsJava(restarted(effects), end, [c])
  const foreign = { from: end, isPrefixKept: true }
  let store = await reopened(restarted(effects))
  await send(store, newRecord({ text: 'half an import' }))
  store = await reopened(afterPowerLoss(effects))
  expect(store.recovery.foreign).toEqual(foreign)
  await store.close()
  store = await reopened(restarted(effects))
  expect(store.recovery.foreign).toEqual(foreign)
  await store.claim()
  store = await reopened(afterPowerLoss(effects))
  expect(store.recovery.foreign).toBeUndefined()
  expect(await textsOf(store)).toEqual(['a', 'b', 'c', 'half an import'])
})

test('last writer: a folder that was never ours → all of it is foreign until it is claimed', async () => {
  const { effects } = await stopped()
  for (const name of await namesIn(effects)) {
    if (/^(flushed|last-writer|queue-checkpoint)/.test(name)) await restarted(effects).files.remove(`${FOLDER}/${name}`)
  }
  let store = await reopened(restarted(effects))
  expect(store.recovery.foreign).toEqual({ from: 0, isPrefixKept: false })
  store = await reopened(afterKill(effects))
  expect(store.recovery.foreign).toEqual({ from: 0, isPrefixKept: false })
  await store.claim()
  await store.close()
  store = await reopened(restarted(effects))
  expect(store.recovery).toMatchObject({ foreign: undefined, cleanStop: true, scannedBytes: 0 })
  expect(await textsOf(store)).toEqual(['a', 'b'])
})

test('last writer: only the files of the owner changed → foreign from the end on; unchanged or unknown → not', async () => {
  const { effects, end } = await stopped({ ownerStamp: async () => 'x' })
  for (const said of ['x', undefined]) {
    const store = await reopened(restarted(effects), { ownerStamp: async () => said })
    expect(store.recovery.foreign).toBeUndefined()
    await store.close()
    const same = await reopened(restarted(effects), { ownerStamp: async () => 'x' })
    await same.close()
  }
  const store = await reopened(restarted(effects), { ownerStamp: async () => 'y' })
  expect(store.recovery.foreign).toEqual({ from: end, isPrefixKept: true })
  await store.claim()
  await store.close()
  expect((await reopened(restarted(effects), { ownerStamp: async () => 'y' })).recovery.foreign).toBeUndefined()
})

test('last writer: opened and closed by who knows no stamp → the stamp of the owner is kept', async () => {
  const { effects } = await stopped({ ownerStamp: async () => 'x' })
  await (await reopened(restarted(effects))).close()
  const store = await reopened(restarted(effects), { ownerStamp: async () => 'y' })
  expect(store.recovery.foreign).toBeDefined()
})

test('last writer: the note is lost or damaged → the folder is ours', async () => {
  const { effects } = await stopped()
  const name = (await namesIn(effects)).find((each) => each.startsWith('last-writer.'))!
  effects.machine.disk.flipBit(`${FOLDER}/${name}`, 30, 1)
  for (const each of await namesIn(effects)) {
    if (each.startsWith('last-writer.') && each !== name) await restarted(effects).files.remove(`${FOLDER}/${each}`)
  }
  expect((await reopened(restarted(effects))).recovery.foreign).toBeUndefined()
})

test('last writer: bytes at the end of our log are damaged and nothing else differs → damage, not another broker', async () => {
  const { effects, end } = await stopped()
  effects.machine.disk.flipBit(FIRST, end - 60, 1)
  expect((await reopened(restarted(effects))).recovery.foreign).toBeUndefined()
})

test('last writer: another broker deleted a topic, the folder of its queues is gone → it does not come back', async () => {
  const effects = createManualEffects()
  let store = await openStore(effects)
  await send(store, newRecord({ topic: 'Gone', text: 'old' }), newRecord({ text: 'a' }))
  const end: number = store.appended
  await store.close()
  const other = restarted(effects)
  await other.files.remove(`${FOLDER}/consumequeue/Gone`)
  await writeAsJava(other, end, [{ record: newRecord({ topic: 'Gone', text: 'new' }), offset: 0 }])
  store = await reopened(restarted(effects))
  expect(await textsOf(store, 'Gone')).toEqual(['new'])
  expect(await textsOf(store)).toEqual(['a'])
})
