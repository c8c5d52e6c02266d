// rmq store: commands on the folder of a stopped broker.
import { expect, test } from '@jest/globals'
import { type Effects, FileError, silentLogger } from '@rocketmq-ts/runtime'
import { type CheckReport, type MessageStore, type NewRecord, openMessageStore } from '@rocketmq-ts/store'
import { createManualEffects } from '@rocketmq-ts/testkit'
import { rmqOn, startCluster } from '../cli-harness.ts'

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
    properties: Buffer.from(`KEYS\u0001k${index}\u0002`),
    tagsCode: 0,
  }
}

async function openFilled(effects: Effects): Promise<MessageStore> {
  const store = await openMessageStore(
    {
      folder: FOLDER,
      flushMode: 'SYNC_FLUSH',
      segmentBytes: 4096,
      unitsPerFile: 100,
      reserveBytes: 0,
      indexSlots: 16,
      indexEntries: 64,
    },
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

test('store check: a path that is no folder → said so, exit code 2', async () => {
  const effects = await stoppedStore()
  const files = { ...effects.files, list: () => Promise.reject(new FileError('other', '/file', 'can not list')) }
  const { code, err } = await rmqOn({ ...effects, files }, 'store check /file')
  expect([code, err]).toEqual([2, 'rmq: can not list: /file\nLook at the path, the disk and its permissions.\n'])
})

test('store import: a file that the disk does not give back → said so, exit code 1', async () => {
  const effects = createManualEffects()
  await (await effects.files.open('/all', 'create')).close()
  effects.machine.disk.fail({ on: 'read', path: '/all', error: 'io', times: Infinity })
  const { code, err } = await rmqOn(effects, 'store import /all')
  expect([code, err]).toEqual([1, expect.stringContaining('Look at the path and the disk.')])
})

test('store dump: of a queue from an offset on → its records alone, in order', async () => {
  const effects = await stoppedStore()
  const { code, out, err } = await rmqOn(effects, `store dump ${FOLDER} --topic orders --queue 0 --offset 3 --max 2`)
  expect(code).toBe(0)
  expect(out).toMatch(/^\d+ {2}orders\/0@3 .* keys=k6 {2}message 6\n\d+ {2}orders\/0@4 .* {2}message 8\n$/)
  expect(err).toContain('2 records.')
})

test('store dump: --json → a line per record; --position begins at one, and nowhere else', async () => {
  const effects = await stoppedStore()
  const all = await rmqOn(effects, `store dump ${FOLDER} --json`)
  const lines = all.out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { position: number; body: string })
  expect(lines).toHaveLength(30)
  expect(lines[7]).toMatchObject({ body: 'message 7', topic: 'payments', properties: { KEYS: 'k7' } })
  const rest = await rmqOn(effects, `store dump ${FOLDER} --json --base64 --position ${lines[29]!.position}`)
  expect(JSON.parse(rest.out)).toMatchObject({ bodyBase64: Buffer.from('message 29').toString('base64') })
  const wrong = await rmqOn(effects, `store dump ${FOLDER} --position ${lines[29]!.position + 1}`)
  expect([wrong.code, wrong.err]).toEqual([2, expect.stringContaining('no record begins there')])
})

test('store dump: --offset without a queue → refused', async () => {
  expect((await rmqOn(await stoppedStore(), `store dump ${FOLDER} --offset 3`)).code).toBe(2)
})

test.each(['jsonl', 'compact'])(
  'store export, import: as %s → a running cluster has the messages, in order',
  async (format) => {
    const cluster = await startCluster()
    const { effects, settled } = cluster
    await settled(openFilled(effects).then((store) => store.close()))
    const exported = await cluster.rmq(`store export ${FOLDER} /data/all --topic orders --format ${format}`)
    expect([exported.code, exported.err]).toEqual([0, ''])
    expect(exported.out).toContain('15 messages in /data/all')
    const imported = await cluster.rmq('store import /data/all')
    expect([imported.code, imported.err, imported.out]).toEqual([0, '', 'Sent 15 messages of 1 topic.\n'])
    const received = await cluster.rmq('receive orders --group all --max 15 --json')
    const bodies = received.json<{ messages: { body: string; keys: string[] }[] }>().messages
    expect(bodies.map(({ body, keys }) => [body, keys])).toEqual(
      Array.from({ length: 15 }, (_, index) => [`message ${index * 2}`, [`k${index * 2}`]]),
    )
  },
)

test.each(['jsonl', 'compact'])(
  'store import: a file of form %s that was cut → refused, with how far it came',
  async (format) => {
    const cluster = await startCluster()
    const { effects, settled } = cluster
    await settled(openFilled(effects).then((store) => store.close()))
    await cluster.rmq(`store export ${FOLDER} /data/all --format ${format}`)
    await settled(
      effects.files.open('/data/all', 'must-exist').then(async (file) => {
        await file.truncate((await file.size()) - 30)
        await file.close()
      }),
    )
    const { code, err } = await cluster.rmq('store import /data/all')
    expect(code).toBe(1)
    expect(err).toMatch(/after \d+ messages: .*cut/)
  },
)

test('store repair: a damaged record → a new folder that is sound, and says what is lost; the folder stays', async () => {
  const effects = await stoppedStore()
  await overwrite(effects, `${FOLDER}/commitlog/00000000000000000000`, 90)
  const { code, out } = await rmqOn(effects, `store repair ${FOLDER} /data/new`)
  expect(out).toMatch(
    /^lost: positions 0 to \d+ of the log\n29 records copied to \/data\/new\.\nThe copy is sound\.\n$/,
  )
  expect(code).toBe(0)
  expect((await rmqOn(effects, 'store check /data/new')).code).toBe(0)
  expect((await rmqOn(effects, `store check ${FOLDER}`)).code).toBe(1)
  expect((await rmqOn(effects, `store repair ${FOLDER} /data/new`)).code).toBe(2)
})
