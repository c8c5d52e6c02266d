// Queue files that are missing at a start: of a topic that ended since the checkpoint, and of one that lives.
import { expect, test } from '@jest/globals'
import { decodeRecord, SystemTopic } from '@rocketmq-ts/model'
import {
  afterKill,
  afterPowerLoss,
  createManualEffects,
  FOLDER,
  FIRST,
  newRecord,
  openStore,
  overwrite,
  restarted,
  send,
  textsOf,
} from './store-fixture.ts'

const topicsEndedBy = ({ bytes }: { bytes: Uint8Array }) => [Buffer.from(decodeRecord(bytes).body).toString()]
const OF_A = `${FOLDER}/consumequeue/A`

/** A checkpoint with two topics; behind it a message of A, and the end of a topic. The files of A are gone, the process too. */
async function killed(ended: string, { unitsPerWrite = 1, again = false } = {}) {
  const effects = createManualEffects()
  const options = { topicsEndedBy, unitsPerWrite, flushMode: 'SYNC_FLUSH' as const }
  const store = await openStore(effects, options)
  for (const topic of ['A', 'B']) {
    await send(store, ...['1', '2', '3'].map((text) => newRecord({ topic, text: `${topic}${text}` })))
  }
  await store.checkpoint()
  // Too few to be written: the checkpoint has its unit.
  await send(store, newRecord({ topic: 'A', text: 'A4' }))
  await store.checkpoint()
  const covered = store.appended
  await send(store, newRecord({ topic: 'A', text: 'A5' }))
  await send(store, newRecord({ topic: SystemTopic.INFLIGHT_LOG, text: ended }))
  if (ended === 'A') store.endTopic('A')
  if (again) await send(store, newRecord({ topic: 'A', text: 'new' }))
  await effects.files.remove(OF_A)
  return { effects, options, covered, end: store.appended }
}

test.each([1, 2, 256])(
  'missing queue files: their topic ended behind the checkpoint, %s units are written at once → only what is behind is read',
  async (unitsPerWrite) => {
    const { effects, options, covered } = await killed('A', { unitsPerWrite })
    let store = await openStore(afterKill(effects), options)
    const { end, rebuilt, scannedBytes } = store.recovery
    expect([rebuilt, scannedBytes]).toEqual([[], end - covered])
    expect(store.bounds('A', 0)).toEqual({ min: 0, max: 0 })
    expect(await textsOf(store, 'B')).toEqual(['B1', 'B2', 'B3'])
    await store.close()
    store = await openStore(restarted(effects), options)
    expect([store.recovery.rebuilt, store.bounds('A', 0)]).toEqual([[], { min: 0, max: 0 }])
    await store.close()
  },
)

test('missing queue files: their topic ended behind the checkpoint and was made again → it has its new messages, also after the power goes', async () => {
  const { effects, options } = await killed('A', { again: true })
  let store = await openStore(afterKill(effects), options)
  expect([store.recovery.rebuilt, await textsOf(store, 'A')]).toEqual([[], ['new']])
  store = await openStore(afterPowerLoss(effects), options)
  expect(await textsOf(store, 'A')).toEqual(['new'])
  await store.close()
})

test('missing queue files: their topic ended behind the checkpoint, and the last write was torn → only what is behind is read', async () => {
  const { effects, options, covered, end } = await killed('A')
  await overwrite(effects, FIRST, end, Buffer.alloc(9, 1))
  const store = await openStore(afterKill(effects), options)
  expect(store.recovery).toMatchObject({ rebuilt: [], end, cutBytes: 9, scannedBytes: end - covered })
  expect([store.bounds('A', 0), await textsOf(store, 'B')]).toEqual([{ min: 0, max: 0 }, ['B1', 'B2', 'B3']])
  await store.close()
})

test('missing queue files: another topic ended behind the checkpoint → they are built again from the whole log', async () => {
  const { effects, options } = await killed('C')
  const store = await openStore(afterKill(effects), options)
  expect(store.recovery.rebuilt).toEqual(['consumequeue/A/0'])
  expect(await textsOf(store, 'A')).toEqual(['A1', 'A2', 'A3', 'A4', 'A5'])
  await store.close()
})
