import { expect, test } from '@jest/globals'
import { SysFlag, SystemTopic } from '@rocketmq-ts/model'
import { afterKill, createManualEffects, newRecord, openStore } from './store-fixture.ts'

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
