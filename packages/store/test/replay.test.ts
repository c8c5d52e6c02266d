import { expect, test } from '@jest/globals'
import { commitLogOffset, decodeRecord } from '@rocketmq-ts/model'
import { createManualEffects, FOLDER, newRecord, openStore, restarted, send } from './store-fixture.ts'

const isWanted = (topic: string) => topic === 'Journal' || topic === 'Other'

async function storeWith(count: number) {
  const effects = createManualEffects()
  const store = await openStore(effects, { unitCacheBytes: 1 })
  const records = Array.from({ length: count }, (_, index) =>
    newRecord({ topic: ['Journal', 'Noise', 'Other'][index % 3]!, queueId: index % 2, text: `m${index}` }),
  )
  const sent = await send(store, ...records)
  return { effects, store, sent }
}

test('replay: several topics and queues → their records in the order of the log, from the position on', async () => {
  const { effects, store, sent } = await storeWith(60)
  await store.close()
  const again = await openStore(restarted(effects), { unitCacheBytes: 1 })
  for (const start of [0, 1, 29, 58, 59]) {
    const texts: string[] = []
    await again.replay(isWanted, sent[start]!.commitLogOffset, (record) => {
      texts.push(Buffer.from(decodeRecord(record.bytes).body).toString())
      expect(isWanted(record.topic)).toBe(true)
    })
    const wanted = sent.map((_, index) => index).filter((index) => index >= start && index % 3 !== 1)
    expect(texts).toEqual(wanted.map((index) => `m${index}`))
  }
})

test('replay: from the end, or of a topic that is not there → nothing', async () => {
  const { store } = await storeWith(10)
  let count = 0
  const sink = () => void (count += 1)
  await store.replay(isWanted, commitLogOffset(store.appended), sink)
  await store.replay(() => false, commitLogOffset(0), sink)
  expect(count).toBe(0)
})

test('replay: a damaged record → left out, the others are handed on', async () => {
  const { effects, store, sent } = await storeWith(10)
  effects.machine.disk.flipBit(`${FOLDER}/commitlog/00000000000000000000`, sent[3]!.commitLogOffset + 88, 0)
  const offsets: number[] = []
  await store.replay(isWanted, commitLogOffset(0), (record) => offsets.push(record.commitLogOffset))
  expect(offsets).toEqual([0, 2, 5, 6, 8, 9].map((index) => sent[index]!.commitLogOffset))
})

test('replay: many bytes → other work runs in between', async () => {
  const effects = createManualEffects()
  const store = await openStore(effects, { segmentBytes: 8 * 1024 * 1024 })
  await send(store, ...Array.from({ length: 40 }, () => newRecord({ topic: 'Journal', body: Buffer.alloc(100_000) })))
  let seen = 0
  let seenAtTask = 0
  const done = store.replay(isWanted, commitLogOffset(0), () => (seen += 1))
  effects.scheduler.soon(() => (seenAtTask = seen))
  await done
  expect([seen, seenAtTask > 0 && seenAtTask < 40]).toEqual([40, true])
})
