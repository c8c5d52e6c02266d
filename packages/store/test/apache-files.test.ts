// Folders that Apache's broker can open, and folders that it wrote.
import { expect, test } from '@jest/globals'
import { crc32Of31Bits } from '@rocketmq-ts/bytes'
import { BLANK_MAGIC, decodeRecord } from '@rocketmq-ts/model'
import {
  bytesOf,
  createManualEffects,
  FOLDER,
  namesIn,
  newRecord,
  openStore,
  restarted,
  send,
  textsOf,
  unitsOf,
} from './store-fixture.ts'

/** Written by Java: TopicTest, queue 3, offset 100, at 4096. */
const VECTOR_A = Buffer.from(
  '000000b1daa320a769c865ed000000030000000000000000000000640000000000001000000000000000018bcfe568000a0000010000c350' +
    '0000018bcfe568010a00000200002a9f0000000000000000000000000000000e48656c6c6f20526f636b65744d5109546f706963546573740' +
    '03f4b455953016b31206b3202554e49515f4b45590130413030303030313030303030303030303030303030303030303041303030300254414753015461674102',
  'hex',
)
const UNIT_OF_A = '0000000000001000000000b1000000000027a807'
const PRE_BLANK = '00000000000000007fffffff0000000000000000'

test('Apache: a record with its own CRC property → byte for byte what Java writes', async () => {
  const effects = createManualEffects({ nowMs: 2 })
  const store = await openStore(effects)
  const [appended] = await send(
    store,
    newRecord({
      topic: 'T',
      text: 'abc',
      bornTimestampMs: 1,
      bornHost: { host: '127.0.0.1', port: 1 },
      storeHost: { host: '127.0.0.1', port: 10_911 },
      properties: Buffer.from('KEYS\u0001k1\u0002__CRC32#\u00014559505091\u0002'),
      tagsCode: 0,
    }),
  )
  const record = (await bytesOf(effects, `${FOLDER}/commitlog/00000000000000000000`)).subarray(0, appended!.size)
  expect(record.length).toBe(123)
  expect(record.subarray(0, 12).toString('hex')).toBe('0000007bdaa320a7352441c2')
  expect(record.subarray(-20).toString('hex')).toBe('5f5f435243333223013435353935303530393102')
  // Java's CRC over everything in front of that property.
  expect(crc32Of31Bits(record.subarray(0, -20))).toBe(1_905_059_554)
})

test('Apache: files of the folder → the names and sizes its broker loads', async () => {
  const effects = createManualEffects()
  const store = await openStore(effects, { unitsPerFile: 300_000 })
  await send(store, ...Array.from({ length: 60 }, () => newRecord({ queueId: 3 })))
  await effects.settle()
  expect(await namesIn(effects, '/commitlog')).toHaveLength(3)
  expect((await bytesOf(effects, `${FOLDER}/abort`)).length).toBeGreaterThan(0)
  await store.close()
  // The third one was made ahead and not needed.
  expect(await namesIn(effects, '/commitlog')).toEqual(['00000000000000000000', '00000000000000004096'])
  for (const name of await namesIn(effects, '/commitlog')) {
    expect((await bytesOf(effects, `${FOLDER}/commitlog/${name}`)).length).toBe(4096)
  }
  expect(await namesIn(effects, '/consumequeue/TopicTest/3')).toEqual(['00000000000000000000'])
  const units = await bytesOf(effects, `${FOLDER}/consumequeue/TopicTest/3/00000000000000000000`)
  expect(units.length).toBe(6_000_000)
  expect(units.subarray(0, 20).toString('hex')).toBe('000000000000000000000073000000000027a807')
  expect(units.subarray(60 * 20, 61 * 20).every((byte) => byte === 0)).toBe(true)
  expect((await bytesOf(effects, `${FOLDER}/checkpoint`)).length).toBe(4096)
  expect(await namesIn(effects)).not.toContain('abort')
})

/** Two segments: one closed at once by its filler, one that starts with Java's record. */
async function writeApacheFolder(effects: ReturnType<typeof createManualEffects>): Promise<void> {
  const closed = Buffer.alloc(4096)
  closed.writeInt32BE(4096, 0)
  closed.writeInt32BE(BLANK_MAGIC, 4)
  const open = Buffer.alloc(4096)
  open.set(VECTOR_A)
  await effects.files.makeFolder(`${FOLDER}/commitlog`)
  for (const [name, bytes] of [
    ['00000000000000000000', closed],
    ['00000000000000004096', open],
  ] as const) {
    const file = await effects.files.open(`${FOLDER}/commitlog/${name}`, 'create')
    file.writeSync(0, [bytes])
    await file.close()
  }
}

test('Apache: a folder its broker left → opens, and the queue goes on where it was', async () => {
  const effects = createManualEffects()
  await writeApacheFolder(effects)
  let store = await openStore(effects, { unitsPerFile: 300 })
  expect(store.recovery).toMatchObject({ cleanStop: true, records: 1, end: 4096 + 177, cutBytes: 0, damaged: [] })
  expect(store.bounds('TopicTest', 3)).toEqual({ min: 100, max: 101 })
  expect(await unitsOf(store, 'TopicTest', 3)).toEqual([
    { queueOffset: 100, commitLogOffset: 4096, size: 177, tagsCode: 2_598_919 },
  ])
  const [next] = await send(store, newRecord({ queueId: 3, text: 'ours' }))
  expect(next).toMatchObject({ queueOffset: 101, commitLogOffset: 4096 + 177 })
  await store.close()
  const units = await bytesOf(effects, `${FOLDER}/consumequeue/TopicTest/3/00000000000000000000`)
  expect(units.subarray(0, 20).toString('hex')).toBe(PRE_BLANK)
  expect(units.subarray(99 * 20, 101 * 20).toString('hex')).toBe(PRE_BLANK + UNIT_OF_A)
  store = await openStore(restarted(effects), { unitsPerFile: 300 })
  expect(await textsOf(store, 'TopicTest', 3)).toEqual(['Hello RocketMQ', 'ours'])
  const [unit] = await unitsOf(store, 'TopicTest', 3, 100)
  expect(decodeRecord(await store.read(unit!.commitLogOffset, unit!.size)).queueOffset).toBe(100)
})

test('Apache: a queue whose records are all deleted → its offsets go on behind its last unit', async () => {
  const effects = createManualEffects()
  await writeApacheFolder(effects)
  await effects.files.remove(`${FOLDER}/commitlog/00000000000000000000`)
  await effects.files.makeFolder(`${FOLDER}/consumequeue/Old/2`)
  const file = await effects.files.open(`${FOLDER}/consumequeue/Old/2/00000000000000006000`, 'create')
  file.writeSync(0, [Buffer.from('0000000000000500000000b1000000000027a807', 'hex'), Buffer.alloc(5980)])
  await file.close()
  const store = await openStore(effects, { unitsPerFile: 300 })
  expect(store.bounds('Old', 2)).toEqual({ min: 301, max: 301 })
  expect((await send(store, newRecord({ topic: 'Old', queueId: 2 })))[0]!.queueOffset).toBe(301)
})
