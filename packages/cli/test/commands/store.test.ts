// rmq store: commands on the folder of a stopped broker.
import { expect, test } from '@jest/globals'
import { type Effects, silentLogger } from '@rocketmq-ts/runtime'
import { type CheckReport, type MessageStore, type NewRecord, openMessageStore } from '@rocketmq-ts/store'
import { createManualEffects } from '@rocketmq-ts/testkit'
import { rmqOn } from '../cli-harness.ts'

const FOLDER = '/data/store'

function record(index: number): NewRecord {
  return {
    topic: index % 2 === 0 ? 'orders' : 'payments',
    queueId: 0,
    flag: 0,
    sysFlag: 0,
    bornTimestampMs: 1_700_000_000_000,
    bornHost: { host: '10.0.0.1', port: 50_000 },
    storeHost: { host: '10.0.0.2', port: 10_911 },
    reconsumeTimes: 0,
    preparedTransactionOffset: 0,
    body: Buffer.from(`message ${index}`),
    properties: Buffer.alloc(0),
    tagsCode: 0,
  }
}

async function openFilled(effects: Effects): Promise<MessageStore> {
  const store = await openMessageStore(
    { folder: FOLDER, flushMode: 'SYNC_FLUSH', segmentBytes: 4096, unitsPerFile: 100, reserveBytes: 0 },
    { ...effects, logger: silentLogger },
  )
  for (let index = 0; index < 30; index += 1) store.append(record(index))
  await store.submit()
  await store.whenFlushed(store.appended)
  return store
}

async function stoppedStore(): Promise<Effects> {
  const effects = createManualEffects()
  const store = await openFilled(effects)
  await store.close()
  return effects
}

async function overwrite(effects: Effects, path: string, at: number): Promise<void> {
  const file = await effects.files.open(path, 'must-exist')
  file.writeSync(at, [Buffer.from([0x5a])])
  await file.close()
}

test('store check: a store that was stopped in order → sound, exit code 0', async () => {
  const { code, out, err } = await rmqOn(await stoppedStore(), `store check ${FOLDER}`)
  expect([code, err]).toEqual([0, ''])
  expect(out).toContain('30 records')
  expect(out).toContain('Sound.')
})

test('store check: a changed byte → a table of what is wrong, its remedy, exit code 1', async () => {
  const effects = await stoppedStore()
  await overwrite(effects, `${FOLDER}/commitlog/00000000000000000000`, 90)
  const { code, out } = await rmqOn(effects, `store check ${FOLDER}`)
  expect(code).toBe(1)
  expect(out).toMatch(/^error +log-damaged +commitlog\/0{20} +0 +\d+ bytes are no record: bodyCrc/m)
  expect(out).toContain('rmq store repair')
})

test('store check: --json → one document with counts by kind', async () => {
  const effects = await stoppedStore()
  await overwrite(effects, `${FOLDER}/consumequeue/orders/0/00000000000000000000`, 7)
  const ended = await rmqOn(effects, `store check ${FOLDER} --json`)
  expect(ended.code).toBe(1)
  expect(ended.json<CheckReport>()).toMatchObject({ isSound: false, counts: { 'queue-unit': 1 }, log: { records: 30 } })
})

test('store check: a folder that a broker has → refused with its name, exit code 2, nothing changed', async () => {
  const effects = createManualEffects()
  const store = await openFilled(effects)
  const { code, err } = await rmqOn(effects.machine.start('rmq', () => undefined).effects, `store check ${FOLDER}`)
  expect(code).toBe(2)
  expect(err).toContain('rocketmq-ts store')
  await store.close()
})

test('store check: a folder without a store → said so, exit code 2', async () => {
  const { code, err } = await rmqOn(createManualEffects(), 'store check /nothing --json')
  expect(code).toBe(2)
  expect(JSON.parse(err)).toMatchObject({ error: { code: 'not-checked' } })
})
