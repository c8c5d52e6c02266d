// Messages whose attempts are used up: each becomes exactly one copy, whatever it looks like and whatever comes between.
import { expect, test } from '@jest/globals'
import { deadLetterTopicOf, decodeProperties } from '@rocketmq-ts/model'
import { DeleteTopicInBroker, ResponseCode } from '@rocketmq-ts/remoting'
import { silentLogger } from '@rocketmq-ts/runtime'
import { openMessageStore } from '@rocketmq-ts/store'
import { plainRecord } from '@rocketmq-ts/testkit'
import { DEAD_LETTERS_IN_WORK_MAX } from '../../src/limits.ts'
import { formatOrigin, originOf } from '../../src/pop/copies.ts'
import { DEAD_LETTER_RETRY_MS } from '../../src/pop/dead-letter.ts'
import { type BrokerHarness, startBroker } from '../broker-harness.ts'

const DLQ = deadLetterTopicOf('G')
const INVISIBLE_MS = 10_000
const MiB = 1024 * 1024

const propertiesOf = (record: { properties: Uint8Array }) =>
  Object.fromEntries(decodeProperties(Buffer.from(record.properties).toString()))

const ledgerOf = (broker: BrokerHarness) => broker.broker.ledger().filter(({ topic }) => topic === 'T')

/** Delivers what is there once and lets the only attempt of the group pass. */
async function letDie(broker: BrokerHarness): Promise<void> {
  await broker.pop('T', 'G', { invisibleMs: INVISIBLE_MS })
  await broker.advance(INVISIBLE_MS + 1000)
}

async function startMortal(settings = {}): Promise<BrokerHarness> {
  const broker = await startBroker(settings)
  await broker.setRetries('G', 0)
  return broker
}

test('dead letter: properties so long that those of the copy do not fit beside them → copied, with what fits', async () => {
  const broker = await startMortal()
  const properties = `KEYS\u0001k\u0002long\u0001${'x'.repeat(32_600)}\u0002last\u0001v\u0002`
  expect((await broker.send('T', 'poison', { properties })).code).toBe(ResponseCode.SUCCESS)
  await letDie(broker)
  const [dead] = await broker.pop(DLQ, 'watchers')
  expect(Buffer.from(dead!.record.body).toString()).toBe('poison')
  expect(propertiesOf(dead!.record)).toMatchObject({ KEYS: 'k', last: 'v', DLQ_ORIGIN_TOPIC: 'T' })
  expect(ledgerOf(broker)[0]?.buckets).toMatchObject({ dead: 1, inFlight: 0 })
})

test('dead letter: a message with a tag → consumers of the dead-letter topic find it by its tag', async () => {
  const broker = await startMortal()
  await broker.send('T', 'poison', { properties: 'TAGS\u0001created\u0002' })
  await letDie(broker)
  expect(await broker.pop(DLQ, 'others', { expression: 'paid' })).toHaveLength(0)
  expect(await broker.pop(DLQ, 'watchers', { expression: 'created' })).toHaveLength(1)
})

test('dead letter: a unique key as long as a book → the copy names its origin by place instead', async () => {
  const broker = await startMortal()
  await broker.send('T', 'poison', { properties: `UNIQ_KEY\u0001${'x'.repeat(20_000)}\u0002` })
  await letDie(broker)
  const [dead] = await broker.pop(DLQ, 'watchers')
  expect(propertiesOf(dead!.record)['DLQ_ORIGIN_MESSAGE_ID']).toMatch(/^[0-9A-F]{32}$/)
})

test('dead letter: properties that are no UTF-8, as another broker may have written them → copied byte by byte', async () => {
  const broker = await startMortal()
  await broker.send('T', 'first')
  await broker.ack('T', 'G', (await broker.pop('T', 'G'))[0]!)
  await broker.stop()
  const { effects } = broker.machine.start('other broker', () => undefined)
  const options = { folder: '/store', flushMode: 'SYNC_FLUSH', segmentBytes: MiB } as const
  const store = await broker.settled(openMessageStore(options, { ...effects, logger: silentLogger }))
  store.append(plainRecord({ body: 'foreign', properties: Uint8Array.of(0x61, 1, 0xff, 0xfe, 2) }))
  await broker.settled(store.close())
  await broker.restart()
  await letDie(broker)
  const [dead] = await broker.pop(DLQ, 'watchers')
  expect(Buffer.from(dead!.record.properties).subarray(0, 5)).toStrictEqual(Buffer.from([0x61, 1, 0xff, 0xfe, 2]))
  broker.crash({ powerLoss: false })
  await broker.restart()
  expect(ledgerOf(broker)[0]?.buckets).toMatchObject({ dead: 1, inFlight: 0 })
})

test.each([
  ['and the start cache is lost', true],
  ['before the next start cache', false],
])(
  'dead letter: its topic is deleted, then a kill, %s → the message stays dead, it gets no second copy',
  async (_name, isCacheLost) => {
    const broker = await startMortal({ flushConsumerOffsetInterval: 3_600_000 })
    await broker.send('T', 'poison')
    await letDie(broker)
    expect(ledgerOf(broker)[0]?.buckets).toMatchObject({ dead: 1 })
    expect((await broker.ask(DeleteTopicInBroker, { topic: DLQ })).code).toBe(ResponseCode.SUCCESS)
    broker.crash({ powerLoss: false })
    if (isCacheLost) {
      const { files } = broker.machine.start('operator', () => undefined).effects
      await broker.settled(files.remove('/store/config'))
    }
    await broker.restart()
    await broker.advance(60_000)
    expect(ledgerOf(broker)[0]?.buckets).toMatchObject({ dead: 1, inFlight: 0, ready: 0 })
    expect(await broker.pop(DLQ, 'watchers')).toStrictEqual([])
  },
)

test('dead letter: more at once than may be under way → each gets one copy in the end, none is lost or doubled', async () => {
  const broker = await startMortal({ flushDiskType: 'ASYNC_FLUSH', mappedFileSizeCommitLog: 4 * MiB })
  const count = 2 * DEAD_LETTERS_IN_WORK_MAX + 10
  for (let index = 0; index < count; index += 1) await broker.send('T', `poison ${index}`)
  for (let popped = count; popped > 0; popped -= 32) await broker.pop('T', 'G', { invisibleMs: INVISIBLE_MS })
  await broker.advance(INVISIBLE_MS + 3 * DEAD_LETTER_RETRY_MS + 1000)
  const bodies = new Set<string>()
  let copies = 0
  for (let dead = await broker.pop(DLQ, 'watchers'); dead.length > 0; dead = await broker.pop(DLQ, 'watchers')) {
    copies += dead.length
    for (const { record } of dead) bodies.add(Buffer.from(record.body).toString())
  }
  expect([copies, bodies.size]).toStrictEqual([count, count])
  expect(ledgerOf(broker)[0]?.buckets).toMatchObject({ dead: count, inFlight: 0, ready: 0 })
})

test('dead letter: acknowledged at the last moment → no copy', async () => {
  const broker = await startMortal()
  await broker.send('T', 'one')
  const [popped] = await broker.pop('T', 'G', { invisibleMs: INVISIBLE_MS })
  await broker.advance(INVISIBLE_MS - 5)
  await broker.ack('T', 'G', popped!)
  await broker.advance(60_000)
  expect(await broker.pop(DLQ, 'watchers')).toStrictEqual([])
  expect(ledgerOf(broker)[0]?.buckets).toMatchObject({ acked: 1, dead: 0 })
})

test('origin: as a property and back → the same; anything else → none', () => {
  const origin = {
    incarnation: 12,
    queueId: 3,
    offset: 2 ** 40,
    popTime: 1_767_225_600_000,
    group: 'G',
    topic: '%RETRY%x',
  }
  const text = `a\u0001b\u0002__RMQTS_ORIGIN\u0001${formatOrigin(origin)}\u0002`
  expect(originOf(text)).toStrictEqual(origin)
  for (const value of ['', '1', '1 2 3 4 G', '-1 2 3 4 G T', '1 2 x 4 G T', '1 2 1e999 4 G T']) {
    expect(originOf(`__RMQTS_ORIGIN\u0001${value}\u0002`)).toBeUndefined()
  }
})

test('dead letter: a copy that fits into no segment → kept and tried again, which the log says now and then', async () => {
  const broker = await startMortal({ mappedFileSizeCommitLog: 64 * 1024 })
  const body = 'x'.repeat(65_360)
  expect((await broker.send('T', body)).code).toBe(ResponseCode.SUCCESS)
  expect((await broker.send('T', body)).code).toBe(ResponseCode.SUCCESS)
  await letDie(broker)
  await broker.advance(2 * DEAD_LETTER_RETRY_MS)
  expect(ledgerOf(broker)[0]?.buckets).toMatchObject({ dead: 0, inFlight: 2 })
  const told = broker.events.filter(({ event }) => event === 'dead-letter.postponed')
  expect(told.length).toBeGreaterThan(1)
  expect(told.length).toBeLessThanOrEqual(3)
  expect(told[0]).toMatchObject({ topic: 'T', group: 'G', message: expect.stringContaining('record') })
})
