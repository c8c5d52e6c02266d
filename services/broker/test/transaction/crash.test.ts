// Transactions over crashes, power losses, torn Turns and retention: decided once, visible once, never lost.
import { describe, expect, test } from '@jest/globals'
import { utf8Encode } from '@rocketmq-ts/bytes'
import { parseOffsetMessageId } from '@rocketmq-ts/model'
import { EndTransaction, ResponseCode, SendMessageV2 } from '@rocketmq-ts/remoting'
import { type BrokerHarness, startBroker } from '../broker-harness.ts'
import {
  type Half,
  SECOND_MS,
  connectProducer,
  end,
  endHeader,
  halfHeader,
  halves,
  sendHalf,
  texts,
} from './transaction-harness.ts'

const HOUR_MS = 3600 * SECOND_MS
const RECORD_MAGIC = Buffer.from('daa320a7', 'hex')
const LOG = '/store/commitlog/00000000000000000000'

/** Clears the log behind the last record with this body: what else its Turn wrote never reached the disk. */
async function cutBehindLast(broker: BrokerHarness, body: string, log = LOG): Promise<void> {
  const { files } = broker.machine.start('operator', () => undefined).effects
  const segment = await broker.settled(files.open(log, 'must-exist'))
  const bytes = Buffer.alloc(await broker.settled(segment.size()))
  segment.readSync(0, bytes)
  const recordAt = bytes.lastIndexOf(RECORD_MAGIC, bytes.lastIndexOf(body)) - 4
  const cut = recordAt + bytes.readInt32BE(recordAt)
  expect(bytes.subarray(cut).some((byte) => byte !== 0)).toBe(true)
  segment.writeSync(cut, [Buffer.alloc(bytes.length - cut)])
  await broker.settled(segment.close())
}

async function loseStartCache(broker: BrokerHarness): Promise<void> {
  const { files } = broker.machine.start('operator', () => undefined).effects
  await broker.settled(files.remove('/store/config'))
}

const RESTARTS: readonly (readonly [string, (broker: BrokerHarness) => Promise<void>])[] = [
  [
    'orderly stop',
    async (broker) => {
      await broker.stop()
      await broker.restart()
    },
  ],
  [
    'kill',
    async (broker) => {
      broker.crash({ powerLoss: false })
      await broker.restart()
    },
  ],
  [
    'power loss, start cache lost',
    async (broker) => {
      broker.crash({ powerLoss: true })
      await loseStartCache(broker)
      await broker.restart()
    },
  ],
]

describe.each(RESTARTS)('%s', (_name, restarted) => {
  test('half messages: decided ones stay decided, the others wait on and are asked about', async () => {
    const broker = await startBroker({ transactionCheckMax: 3 })
    const committed = await sendHalf(broker, 'T', 'committed')
    const rolledBack = await sendHalf(broker, 'T', 'rolled back')
    const waiting = await sendHalf(broker, 'T', 'waiting')
    await end(broker, committed, 'commit')
    await end(broker, rolledBack, 'rollback')
    await broker.advance(7 * SECOND_MS)
    await restarted(broker)
    expect(halves(broker)).toMatchObject({ acked: 1, rolledBack: 1, inFlight: 1, waiting: 0 })
    for (const half of [committed, rolledBack]) {
      expect((await end(broker, half, 'commit')).code).toBe(ResponseCode.SUCCESS)
    }
    expect(await texts(broker, 'T')).toStrictEqual(['committed'])
    const producer = await connectProducer(broker)
    await broker.advance(61 * SECOND_MS)
    // One question was asked before.
    expect(producer.questions).toHaveLength(2)
    expect((await end(broker, waiting, 'commit')).code).toBe(ResponseCode.SUCCESS)
    expect(await texts(broker, 'T')).toStrictEqual(['waiting'])
    expect(broker.broker.ledger().every(({ balanced }) => balanced)).toBe(true)
  })

  test('half messages: their file goes before they are decided → they are there, under the handle they had', async () => {
    const hours = Array.from({ length: 24 }, (_, hour) => hour).join(';')
    const settings = { mappedFileSizeCommitLog: 64 * 1024, deleteWhen: hours, fileReservedTime: 1 }
    const broker = await startBroker({ ...settings, transactionTimeOut: 10 * HOUR_MS })
    const half = await sendHalf(broker, 'T', 'kept')
    const other = await sendHalf(broker, 'T', 'never')
    for (let sent = 0; sent < 30; sent += 1) await broker.send('filler', 'x'.repeat(10_000))
    await broker.advance(2 * HOUR_MS)
    expect(broker.events.some(({ event }) => event === 'store.segment-removed')).toBe(true)
    await restarted(broker)
    expect(halves(broker)).toMatchObject({ inFlight: 2, ready: 0 })
    expect((await end(broker, other, 'rollback')).code).toBe(ResponseCode.SUCCESS)
    expect((await end(broker, half, 'commit')).code).toBe(ResponseCode.SUCCESS)
    expect(await texts(broker, 'T')).toStrictEqual(['kept'])
    expect(halves(broker)).toMatchObject({ inFlight: 0, acked: 1, rolledBack: 1 })
  })

  test('half messages: their topic is deleted, then their file goes → gone, also where there is a new topic', async () => {
    const hours = Array.from({ length: 24 }, (_, hour) => hour).join(';')
    const settings = { mappedFileSizeCommitLog: 64 * 1024, deleteWhen: hours, fileReservedTime: 1 }
    const broker = await startBroker({ ...settings, transactionTimeOut: 10 * HOUR_MS })
    const gone = await sendHalf(broker, 'T', 'of the old topic')
    const kept = await sendHalf(broker, 'other', 'kept')
    await broker.deleteTopic('T')
    await broker.send('T', 'new')
    for (let sent = 0; sent < 30; sent += 1) await broker.send('filler', 'x'.repeat(10_000))
    await broker.advance(2 * HOUR_MS)
    expect(broker.events.some(({ event }) => event === 'store.segment-removed')).toBe(true)
    await restarted(broker)
    expect(halves(broker)).toMatchObject({ inFlight: 1, ready: 0, deleted: 1 })
    await broker.send('T', 'newer')
    await end(broker, gone, 'commit')
    await end(broker, kept, 'commit')
    expect(await texts(broker, 'T')).toStrictEqual(['newer'])
    expect(await texts(broker, 'other')).toStrictEqual(['kept'])
  })
})

test('torn Turn: the commit is in the log and its journal record is not → committed once', async () => {
  const broker = await startBroker({ flushDiskType: 'ASYNC_FLUSH' })
  const half = await sendHalf(broker, 'T', 'one')
  const other = await sendHalf(broker, 'T', 'other')
  await end(broker, half, 'commit')
  broker.crash({ powerLoss: false })
  await cutBehindLast(broker, 'one')
  await broker.restart()
  expect(halves(broker)).toMatchObject({ acked: 1, inFlight: 1 })
  expect((await end(broker, half, 'commit')).code).toBe(ResponseCode.SUCCESS)
  expect(await texts(broker, 'T')).toStrictEqual(['one'])
  // What the start found is in the journal by now.
  broker.crash({ powerLoss: false })
  await broker.restart()
  await end(broker, half, 'commit')
  await end(broker, other, 'commit')
  expect(await texts(broker, 'T')).toStrictEqual(['other'])
})

test('torn Turn: a half message was copied before its file goes, without its journal record → one transaction, over any start', async () => {
  const hours = Array.from({ length: 24 }, (_, hour) => hour).join(';')
  const settings = { mappedFileSizeCommitLog: 64 * 1024, deleteWhen: hours, fileReservedTime: 1 }
  const broker = await startBroker({ ...settings, transactionTimeOut: 10 * HOUR_MS })
  const half = await sendHalf(broker, 'T', 'kept')
  for (let sent = 0; sent < 30; sent += 1) await broker.send('filler', 'x'.repeat(10_000))
  let isRemoving = false
  broker.machine.disk.watcher = {
    before(call, path) {
      if (isRemoving || call !== 'remove' || !path.includes('/commitlog/')) return
      isRemoving = true
      broker.crash({ powerLoss: false })
    },
    after: () => undefined,
  }
  await broker.world.run(() => isRemoving, { forMsMax: 3 * HOUR_MS })
  await cutBehindLast(broker, 'kept', '/store/commitlog/00000000000000262144')
  await broker.restart()
  expect(halves(broker)).toMatchObject({ scheduled: 1, inFlight: 1, waiting: 0 })
  // The journal goes on, and the next start has nothing but the log.
  await broker.send('T', 'another')
  expect(await texts(broker, 'T')).toStrictEqual(['another'])
  broker.crash({ powerLoss: false })
  await loseStartCache(broker)
  await broker.restart()
  expect(halves(broker)).toMatchObject({ scheduled: 1, inFlight: 1, waiting: 0 })
  expect((await end(broker, half, 'commit')).code).toBe(ResponseCode.SUCCESS)
  expect(halves(broker)).toMatchObject({ scheduled: 1, inFlight: 0, acked: 1 })
  expect(await texts(broker, 'T')).toStrictEqual(['kept'])
})

test('kill: the journal never heard of the half message → it waits for its decision', async () => {
  const broker = await startBroker({ flushDiskType: 'ASYNC_FLUSH' })
  const half = await sendHalf(broker, 'T', 'one')
  broker.crash({ powerLoss: false })
  await broker.restart()
  expect(halves(broker)).toMatchObject({ inFlight: 1, waiting: 0 })
  await end(broker, half, 'commit')
  expect(await texts(broker, 'T')).toStrictEqual(['one'])
})

test('kill: the journal never heard of a half message with a time of its own → asked after that time, as often as any', async () => {
  const broker = await startBroker({
    flushDiskType: 'ASYNC_FLUSH',
    transactionTimeOut: SECOND_MS,
    transactionCheckInterval: 10 * SECOND_MS,
    transactionCheckMax: 1,
  })
  await sendHalf(broker, 'T', 'one', { CHECK_IMMUNITY_TIME_IN_SECONDS: '5' })
  broker.crash({ powerLoss: false })
  await broker.restart()
  const producer = await connectProducer(broker)
  await broker.advance(4 * SECOND_MS)
  expect(producer.questions).toHaveLength(0)
  await broker.advance(2 * SECOND_MS)
  expect(producer.questions).toHaveLength(1)
  expect(halves(broker)).toMatchObject({ dead: 0, inFlight: 1 })
  await broker.advance(10 * SECOND_MS)
  expect(halves(broker)).toMatchObject({ dead: 1, inFlight: 0 })
})

/** What the producer of a scenario was told. */
interface Told {
  readonly sent: Map<string, Half>
  readonly committed: Set<string>
  readonly rolledBack: Set<string>
}

/** Three transactions at a time, each sent and ended; what was answered is noted. */
async function produce({ peer }: BrokerHarness, told: Told): Promise<void> {
  async function one(index: number): Promise<void> {
    const text = `m${index}`
    const header = halfHeader('T', { UNIQ_KEY: text })
    const { header: place } = await peer.request(SendMessageV2, header, { timeoutMs: HOUR_MS, body: utf8Encode(text) })
    if (place === undefined) throw new Error('refused')
    const position = parseOffsetMessageId(place.msgId).commitLogOffset
    const half = { topic: 'T', producerGroup: 'P', offset: place.queueOffset, position }
    told.sent.set(text, half)
    if (index % 3 === 2) return
    const decision = index % 3 === 0 ? 'commit' : 'rollback'
    const ended = await peer.request(EndTransaction, endHeader(half, decision), { timeoutMs: HOUR_MS })
    if (ended.code === ResponseCode.SUCCESS) (decision === 'commit' ? told.committed : told.rolledBack).add(text)
  }
  for (let index = 0; index < 15; index += 3) await Promise.all([one(index), one(index + 1), one(index + 2)])
}

test.each([
  ['kill', false],
  ['power loss', true],
])(
  'crash at every event: %s → what was answered holds, and a decision repeated acts once',
  async (_name, powerLoss) => {
    let crashes = 0
    for (let at = 0; ; at += 1) {
      const broker = await startBroker({ flushDiskType: powerLoss ? 'SYNC_FLUSH' : 'ASYNC_FLUSH' })
      const told: Told = { sent: new Map(), committed: new Set(), rolledBack: new Set() }
      let isOver = false
      let left = at
      void produce(broker, told).then(
        () => {
          isOver = true
        },
        () => undefined,
      )
      await broker.world.run(() => isOver || (left -= 1) < 0)
      if (isOver) break
      crashes += 1
      broker.crash({ powerLoss })
      await broker.restart()
      for (const [text, half] of told.sent) {
        const decision = Number(text.slice(1)) % 3 === 0 ? 'commit' : 'rollback'
        expect((await end(broker, half, decision)).code).toBe(ResponseCode.SUCCESS)
      }
      const seen = await texts(broker, 'T')
      expect(new Set(seen).size).toBe(seen.length)
      const wanted = [...told.sent.keys()].filter((text) => Number(text.slice(1)) % 3 === 0)
      expect(seen).toStrictEqual(expect.arrayContaining(wanted))
      // One whose send was not answered may be there, undecided, for ever: nobody sees it.
      expect(seen.filter((text) => Number(text.slice(1)) % 3 !== 0)).toStrictEqual([])
      expect(broker.broker.ledger().every(({ balanced }) => balanced)).toBe(true)
    }
    expect(crashes).toBeGreaterThan(20)
  },
)
