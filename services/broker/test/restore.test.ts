// What a start makes of files that it can not use: the start cache may be lost, the journal may not be guessed at.
import { expect, test } from '@jest/globals'
import { MqError, SystemTopic } from '@rocketmq-ts/model'
import { GetMaxOffset, ResponseCode } from '@rocketmq-ts/remoting'
import { silentLogger, writeGeneration } from '@rocketmq-ts/runtime'
import { openMessageStore } from '@rocketmq-ts/store'
import { plainRecord } from '@rocketmq-ts/testkit'
import { START_CACHE_KIND, START_CACHE_VERSION, type StartCache, encodeStartCacheHead } from '../src/start-cache.ts'
import { type BrokerHarness, startBroker } from './broker-harness.ts'

const CACHE = '/store/config/broker-start'

/** The disk as somebody else on the machine sees it. */
function filesOf(broker: BrokerHarness) {
  return broker.machine.start('operator', () => undefined).effects.files
}

const names = async (broker: BrokerHarness) =>
  (await broker.settled(filesOf(broker).list('/store/config'))).map(({ name }) => name)

/** A broker with a ledger worth remembering, stopped in order: its start cache covers all of the log. */
async function stopped(): Promise<{ broker: BrokerHarness; ledger: unknown }> {
  const broker = await startBroker()
  await broker.setRetries('G', 3)
  for (let index = 0; index < 6; index += 1) await broker.send('T', `message ${index}`, { queueId: index % 2 })
  const popped = await broker.pop('T', 'G', { max: 4 })
  for (const each of popped.slice(0, 2)) await broker.ack('T', 'G', each)
  await broker.advance(6000)
  const ledger = broker.broker.ledger()
  await broker.stop()
  return { broker, ledger }
}

function cacheOf({ snapshot, ...head }: StartCache): Uint8Array {
  return Buffer.concat([encodeStartCacheHead(head), snapshot])
}

async function writeCache(broker: BrokerHarness, changes: { version?: number; payload?: Uint8Array }): Promise<void> {
  const payload = cacheOf({ nowMs: 1, settings: [], snapshot: Uint8Array.of(1, 0, 0, 0, 0) })
  const content = { kind: START_CACHE_KIND, version: START_CACHE_VERSION, coversTo: 0, payload, ...changes }
  await broker.settled(writeGeneration(filesOf(broker), CACHE, content))
}

const rejected = (broker: BrokerHarness) => broker.events.filter(({ event }) => event === 'snapshot.rejected')

test('restore: all start caches are gone → the journal alone gives the same ledger', async () => {
  const { broker, ledger } = await stopped()
  for (const name of await names(broker)) await broker.settled(filesOf(broker).remove(`/store/config/${name}`))
  await broker.restart()
  expect(broker.broker.ledger()).toStrictEqual(ledger)
})

test('restore: the newest start cache is damaged → said in the log, the one before and the journal give the same', async () => {
  const { broker, ledger } = await stopped()
  const newest = (await names(broker)).filter((name) => /broker-start\.\d/.test(name)).at(-1)!
  broker.machine.disk.flipBit(`/store/config/${newest}`, 60, 0)
  await broker.restart()
  expect(rejected(broker)).toHaveLength(1)
  expect(broker.broker.ledger()).toStrictEqual(ledger)
})

test.each([
  ['of a newer version', { version: START_CACHE_VERSION + 1 }],
  ['whose settings are cut short', { payload: Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 91) }],
  ['that is too short to be one', { payload: Uint8Array.of(0, 0) }],
  ['whose states are of a newer version', { payload: cacheOf({ nowMs: 1, settings: [], snapshot: Uint8Array.of(2) }) }],
  [
    'whose settings are none',
    {
      payload: cacheOf({
        nowMs: 1,
        settings: [{ kind: 'group-state', name: 'G', incarnation: 0, payload: '[]' }],
        snapshot: Uint8Array.of(1, 0, 0, 0, 0),
      }),
    },
  ],
])('restore: the newest start cache is one %s → the one before it is used', async (_name, changes) => {
  const { broker, ledger } = await stopped()
  await writeCache(broker, changes)
  await broker.restart()
  expect(rejected(broker)).toHaveLength(1)
  expect(broker.broker.ledger()).toStrictEqual(ledger)
  expect((await broker.ask(GetMaxOffset, { topic: 'T', queueId: 0 })).code).toBe(ResponseCode.SUCCESS)
})

test('restore: a journal record of a newer version → the start is refused and says so, nothing is skipped', async () => {
  const { broker } = await stopped()
  const { effects } = broker.machine.start('newer broker', () => undefined)
  const segmentBytes = 1024 * 1024
  const store = await broker.settled(
    openMessageStore({ folder: '/store', flushMode: 'SYNC_FLUSH', segmentBytes }, { ...effects, logger: silentLogger }),
  )
  const body = Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0, 0)
  store.append(plainRecord({ topic: SystemTopic.INFLIGHT_LOG, body }), { journal: true })
  await broker.settled(store.close())
  const refused = broker.restart()
  await expect(refused).rejects.toThrow(/version/)
  await expect(refused).rejects.toBeInstanceOf(MqError)
})

test('restore: a start cache ahead of the log, removed, and power lost → it does not come back over a log that has grown', async () => {
  for (let seed = 0; seed < 20; seed += 1) {
    const { broker } = await stopped()
    const payload = cacheOf({ nowMs: 1, settings: [], snapshot: Uint8Array.of(1, 0, 0, 0, 0) })
    const content = { kind: START_CACHE_KIND, version: START_CACHE_VERSION, coversTo: 4000 + seed, payload }
    const number = await broker.settled(writeGeneration(filesOf(broker), CACHE, content))
    await broker.restart()
    expect(rejected(broker).length).toBeGreaterThan(0)
    for (let index = 0; index < 20; index += 1) await broker.send('T', 'x'.repeat(200))
    broker.crash({ powerLoss: true })
    expect(await names(broker)).not.toContain(`broker-start.${number}`)
  }
})
