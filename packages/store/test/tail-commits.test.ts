import { expect, test } from '@jest/globals'
import { SysFlag, SystemTopic } from '@rocketmq-ts/model'
import { afterKill, createManualEffects, newRecord, openStore } from './store-fixture.ts'

/** A kill cut the journal record off that belongs to the last record. */
async function tornTurn() {
  const effects = createManualEffects()
  const store = await openStore(effects)
  const half = store.append(newRecord({ text: 'undecided' }))
  const commit = { sysFlag: SysFlag.TRANSACTION_COMMIT, queueId: 1, preparedTransactionOffset: half.commitLogOffset }
  store.append(newRecord(commit))
  await store.submit()
  await store.whenFlushed(store.appended)
  return { effects, places: [half.commitLogOffset] }
}

test('commits at the end: a checkpoint covers them before their owner has journaled them → the next start tells them, too', async () => {
  const { effects, places } = await tornTurn()
  for (let starts = 0; starts < 2; starts += 1) {
    const store = await openStore(afterKill(effects))
    expect(store.recovery.tailCommits).toEqual(places)
    await store.checkpoint()
  }
  const owner = await openStore(afterKill(effects))
  expect(owner.recovery).toMatchObject({ tailCommits: places, scannedBytes: 0 })
  owner.append(newRecord({ topic: SystemTopic.INFLIGHT_LOG, text: 'journal' }), { journal: true })
  await owner.submit()
  await owner.checkpoint()
  expect((await openStore(afterKill(effects))).recovery).toMatchObject({ tailCommits: [], scannedBytes: 0 })
})

test('commits at the end: told by the next start until a journal record lies behind them', async () => {
  const effects = createManualEffects()
  const store = await openStore(effects)
  const half = store.append(newRecord({ text: 'undecided' }))
  store.append(newRecord({ text: 'filler' }))
  const other = store.append(newRecord({ text: 'undecided too' }))
  const commit = { sysFlag: SysFlag.TRANSACTION_COMMIT, queueId: 1 }
  store.append(newRecord({ ...commit, preparedTransactionOffset: half.commitLogOffset }))
  store.append(newRecord({ topic: SystemTopic.INFLIGHT_LOG, text: 'journal' }), { journal: true })
  store.append(newRecord({ ...commit, preparedTransactionOffset: other.commitLogOffset }))
  store.append(newRecord({ text: 'behind it' }))
  await store.submit()
  await store.whenFlushed(store.appended)
  const next = await openStore(afterKill(effects))
  expect(next.recovery.tailCommits).toEqual([other.commitLogOffset])
  next.append(newRecord({ topic: SystemTopic.INFLIGHT_LOG, text: 'journal' }), { journal: true })
  await next.submit()
  await next.close()
  expect((await openStore(afterKill(effects))).recovery.tailCommits).toEqual([])
})
