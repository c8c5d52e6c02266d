// What a store gives out after it was started again goes on where the promised part ended.
import { expect, test } from '@jest/globals'
import { readGenerations } from '@rocketmq-ts/runtime'
import { readFlushedMark } from '../src/flushed-mark.ts'
import {
  afterKill,
  afterPowerLoss,
  createManualEffects,
  FOLDER,
  namesIn,
  newRecord,
  openStore,
  restarted,
  send,
  textsOf,
} from './store-fixture.ts'

test.each(['killed', 'without power'])(
  'restart: %s → positions and queue offsets go on where they were, none is given out twice',
  async (how) => {
    const effects = createManualEffects()
    let store = await openStore(effects)
    await send(store, newRecord({ text: 'a' }), newRecord({ text: 'b' }))
    await store.checkpoint()
    await send(store, newRecord({ text: 'c' }))
    const end = store.appended
    store = await openStore(how === 'killed' ? afterKill(effects) : afterPowerLoss(effects))
    const [appended] = await send(store, newRecord({ text: 'd' }))
    expect(appended).toMatchObject({ queueOffset: 3, commitLogOffset: end })
    expect(await textsOf(store)).toEqual(['a', 'b', 'c', 'd'])
    await store.close()
  },
)

test('restart: stopped in order → the next message of a queue gets the next offset', async () => {
  const effects = createManualEffects()
  let store = await openStore(effects)
  await send(store, newRecord({ text: 'a' }), newRecord({ text: 'b' }))
  await store.close()
  store = await openStore(restarted(effects))
  const [appended] = await send(store, newRecord({ text: 'c' }))
  expect(appended).toMatchObject({ queueOffset: 2 })
  await store.close()
})

test('flushed mark: the log grows while a checkpoint waits for its sync → the mark stays within what was flushed', async () => {
  const effects = createManualEffects()
  const store = await openStore(effects, { flushMode: 'ASYNC_FLUSH', flushIntervalMs: 60_000 })
  effects.machine.disk.fail({ on: 'sync', path: 'commitlog', delayMs: 100 })
  store.append(newRecord({ text: 'covered' }))
  await store.submit()
  const covered = store.appended
  const checkpoint = store.checkpoint()
  await effects.advance(50)
  store.append(newRecord({ text: 'written only' }))
  await store.submit()
  await effects.advance(50)
  await checkpoint
  expect(store.positions.flushed).toBe(covered)
  const { valid } = await readGenerations(effects.files, `${FOLDER}/flushed`, { kind: 'FLSH', versionMax: 1 })
  expect(valid[0]?.coversTo).toBe(covered)
  await store.close()
})

test('restart: an older file of a queue was cut while the store was closed → the queue is built again, and nothing is passed over', async () => {
  const effects = createManualEffects()
  const options = { unitsPerFile: 4 }
  let store = await openStore(effects, options)
  const texts = Array.from({ length: 10 }, (_, index) => `m${index}`)
  await send(store, ...texts.map((text) => newRecord({ text })))
  await store.close()
  effects.machine.disk.cut(`${FOLDER}/consumequeue/TopicTest/0/${'0'.repeat(20)}`, 30)
  store = await openStore(restarted(effects), options)
  expect(store.recovery.rebuilt).toEqual(['consumequeue/TopicTest/0'])
  expect(await textsOf(store)).toEqual(texts)
  await store.close()
})

test('flushed mark: its files are lost → the next start, which finds the log as it was, notes its end again', async () => {
  const effects = createManualEffects()
  let store = await openStore(effects)
  await send(store, newRecord({ text: 'a' }))
  const end = store.appended
  await store.close()
  const again = restarted(effects)
  for (const name of await namesIn(again)) if (name.startsWith('flushed')) await again.files.remove(`${FOLDER}/${name}`)
  store = await openStore(again)
  expect([store.recovery.foreign, store.recovery.damaged]).toEqual([undefined, []])
  expect(await readFlushedMark(again.files, `${FOLDER}/flushed`)).toBe(end)
  await store.close()
})
