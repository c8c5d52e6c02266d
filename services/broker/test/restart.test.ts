// What a broker knows after a crash, a power loss and an orderly stop.
import { expect, test } from '@jest/globals'
import { deadLetterTopicOf, SystemTopic } from '@rocketmq-ts/model'
import { AckMessage, GetMaxOffset, ResponseCode } from '@rocketmq-ts/remoting'
import { type BrokerHarness, startBroker } from './broker-harness.ts'

const RECORD_MAGIC = Buffer.from('daa320a7', 'hex')
/** Of a record with IPv4 hosts. */
const STORE_TIMESTAMP_AT = 56

const bodies = (popped: readonly { record: { body: Uint8Array } }[]) =>
  popped.map(({ record }) => Buffer.from(record.body).toString())

/** Clears the log behind the last record with this body: what else its Turn wrote never reached the disk. */
async function cutBehindLast(broker: BrokerHarness, body: string): Promise<void> {
  const { files } = broker.machine.start('operator', () => undefined).effects
  const segment = await broker.settled(files.open('/store/commitlog/00000000000000000000', 'must-exist'))
  const bytes = Buffer.alloc(await broker.settled(segment.size()))
  segment.readSync(0, bytes)
  const recordAt = bytes.lastIndexOf(RECORD_MAGIC, bytes.lastIndexOf(body)) - 4
  const end = recordAt + bytes.readInt32BE(recordAt)
  expect(bytes.subarray(end).some((byte) => byte !== 0)).toBe(true)
  segment.writeSync(end, [Buffer.alloc(bytes.length - end)])
  await broker.settled(segment.close())
}

test.each([
  ['kill', false],
  ['power loss', true],
])('%s: every acknowledged send is there again', async (_name, powerLoss) => {
  const broker = await startBroker()
  const sent: string[] = []
  for (let index = 0; index < 20; index += 1) {
    const body = `message ${index}`
    const { code } = await broker.send('T', body, { queueId: index % 4 })
    if (code === ResponseCode.SUCCESS) sent.push(body)
  }
  broker.crash({ powerLoss })
  await broker.restart()
  expect(bodies(await broker.pop('T', 'G')).sort()).toStrictEqual(sent.sort())
  expect(broker.broker.ledger().every(({ balanced }) => balanced)).toBe(true)
})

test('kill: the store time of a journal record is damaged → the clock goes on from those behind it', async () => {
  const broker = await startBroker()
  await broker.send('T', 'first')
  const [first] = await broker.pop('T', 'G', { queueId: 0 })
  await broker.ack('T', 'G', first!)
  broker.crash({ powerLoss: false })
  const { files } = broker.machine.start('operator', () => undefined).effects
  const log = '/store/commitlog/00000000000000000000'
  const segment = await broker.settled(files.open(log, 'must-exist'))
  const bytes = Buffer.alloc(await broker.settled(segment.size()))
  segment.readSync(0, bytes)
  await broker.settled(segment.close())
  const journal = Buffer.from(SystemTopic.INFLIGHT_LOG)
  const named = bytes.indexOf(journal)
  expect(bytes.lastIndexOf(journal)).toBeGreaterThan(named)
  const storedAt = bytes.lastIndexOf(RECORD_MAGIC, named) - 4 + STORE_TIMESTAMP_AT
  // 2^41 ms are 70 years.
  broker.machine.disk.flipBit(log, storedAt + 2, 1)
  await broker.restart()
  await broker.send('T', 'second')
  const [second] = await broker.pop('T', 'G', { queueId: 0 })
  expect(second!.record.storeTimestampMs - first!.record.storeTimestampMs).toBeLessThan(60_000)
})

test('kill: pops and acks answered before it hold → acked ones do not come again, popped ones stay invisible', async () => {
  const broker = await startBroker()
  await broker.send('T', 'acked')
  await broker.send('T', 'in flight')
  await broker.send('T', 'waiting')
  const [first] = await broker.pop('T', 'G', { max: 1 })
  await broker.pop('T', 'G', { max: 1, invisibleMs: 30_000 })
  await broker.ack('T', 'G', first!)
  broker.crash({ powerLoss: false })
  await broker.restart()
  expect(bodies(await broker.pop('T', 'G'))).toStrictEqual(['waiting'])
  await broker.advance(30_001)
  const [again] = await broker.pop('T', 'G')
  expect(again?.record.reconsumeTimes).toBe(1)
  expect(broker.broker.ledger()[0]?.buckets).toMatchObject({ acked: 1, inFlight: 2 })
})

test('clock: set back while the broker was down, nothing to replay → what is in flight still expires on time', async () => {
  const broker = await startBroker()
  await broker.send('T', 'in flight')
  const [first] = await broker.pop('T', 'G', { invisibleMs: 30_000 })
  await broker.stop()
  broker.machine.jumpClock(-3_600_000)
  await broker.restart()
  await broker.advance(30_001)
  const [again] = await broker.pop('T', 'G')
  expect(again?.record.reconsumeTimes).toBe(1)
  expect(again?.popTimeMs).toBeGreaterThanOrEqual((first?.popTimeMs ?? 0) + 30_000)
})

test('clock: set back while the broker ran, then killed → pop times go on after those that it gave', async () => {
  const broker = await startBroker()
  await broker.send('T', 'one')
  await broker.send('T', 'two')
  await broker.pop('T', 'starter', { max: 1 })
  broker.machine.jumpClock(-3_600_000)
  await broker.advance(60_000)
  const [first] = await broker.pop('T', 'G', { max: 1 })
  broker.crash({ powerLoss: false })
  await broker.restart()
  const [second] = await broker.pop('T', 'G', { max: 1 })
  expect(second?.popTimeMs).toBeGreaterThanOrEqual(first?.popTimeMs ?? Infinity)
})

test('kill: handles from before it still act', async () => {
  const broker = await startBroker()
  await broker.send('T', 'one')
  const [popped] = await broker.pop('T', 'G')
  broker.crash({ powerLoss: false })
  await broker.restart()
  await broker.ack('T', 'G', popped!)
  expect(broker.broker.ledger()[0]?.buckets).toMatchObject({ acked: 1, inFlight: 0 })
})

test('kill: between the dead-letter copy and anything else → the copy has settled its origin, there is one copy', async () => {
  const broker = await startBroker()
  await broker.setRetries('G', 0)
  await broker.send('T', 'poison')
  await broker.pop('T', 'G', { invisibleMs: 10_000 })
  await broker.advance(10_001)
  broker.crash({ powerLoss: false })
  await cutBehindLast(broker, 'poison')
  await broker.restart()
  expect(broker.broker.ledger().find(({ topic }) => topic === 'T')?.buckets).toMatchObject({ dead: 1, inFlight: 0 })
  await broker.advance(60_000)
  expect(await broker.pop('T', 'G')).toStrictEqual([])
  expect(await broker.pop(deadLetterTopicOf('G'), 'watchers')).toHaveLength(1)
})

test('stop: the next start reads the start cache and nothing of the log → the same ledger', async () => {
  const broker = await startBroker()
  for (let index = 0; index < 10; index += 1) await broker.send('T', `message ${index}`)
  const popped = await broker.pop('T', 'G', { max: 6 })
  for (const each of popped.slice(0, 3)) await broker.ack('T', 'G', each)
  const before = broker.broker.ledger()
  await broker.stop()
  await broker.restart()
  expect(broker.broker.ledger()).toStrictEqual(before)
})

test('segment roll: states are written once more and closed → replaying without a start cache gives the same ledger', async () => {
  const broker = await startBroker({ mappedFileSizeCommitLog: 64 * 1024, flushConsumerOffsetInterval: 3600_000 })
  for (let index = 0; index < 30; index += 1) await broker.send('T', `${index} `.repeat(2000))
  const popped = await broker.pop('T', 'G', { max: 20 })
  for (const each of popped.slice(0, 10)) await broker.ack('T', 'G', each)
  for (let index = 0; index < 30; index += 1) await broker.send('T', `${index} `.repeat(2000))
  await broker.advance(1000)
  const rolled = broker.events.filter(({ event }) => event === 'segment.rolled').length
  expect(rolled).toBeGreaterThan(2)
  expect(broker.events.some(({ event }) => event === 'states.complete')).toBe(true)
  const before = broker.broker.ledger()
  broker.crash({ powerLoss: false })
  await broker.restart()
  expect(broker.broker.ledger()).toStrictEqual(before)
})

test('deleted topic: made again → offsets restart at 0, nothing old is delivered, also after a kill', async () => {
  const broker = await startBroker()
  await broker.send('T', 'old 0')
  await broker.send('T', 'old 1')
  await broker.ack('T', 'G', (await broker.pop('T', 'G', { max: 1 }))[0]!)
  expect((await broker.deleteTopic('T')).code).toBe(ResponseCode.SUCCESS)
  expect((await broker.ask(GetMaxOffset, { topic: 'T', queueId: 0 })).code).toBe(ResponseCode.TOPIC_NOT_EXIST)
  const { header } = await broker.send('T', 'new')
  expect(header).toMatchObject({ queueOffset: 0 })
  expect(bodies(await broker.pop('T', 'G', { max: 8 }))).toStrictEqual(['new'])
  const before = broker.broker.ledger()
  broker.crash({ powerLoss: false })
  await broker.restart()
  expect(broker.broker.ledger()).toStrictEqual(before)
  await broker.advance(60_001)
  expect(bodies(await broker.pop('T', 'G', { max: 8 }))).toStrictEqual(['new'])
})

test('failed sync: sends are refused for good, pops and acks go on, readiness says why; a restart is whole again', async () => {
  const broker = await startBroker()
  await broker.send('T', 'first')
  await broker.ack('T', 'G', (await broker.pop('T', 'G'))[0]!)
  await broker.send('T', 'stored')
  broker.machine.disk.fail({ on: 'sync', error: 'io' })
  const refused = await broker.send('T', 'refused')
  expect(refused.code).toBe(ResponseCode.SERVICE_NOT_AVAILABLE)
  expect(broker.broker.readiness().ready).toBe(false)
  const [popped] = await broker.pop('T', 'G')
  expect(bodies([popped!])).toStrictEqual(['stored'])
  const { queueId, queueOffset } = popped!.record
  // Asked past the tally: this ack lives in memory only, and the restart forgets it.
  const ack = { consumerGroup: 'G', topic: 'T', queueId, extraInfo: popped!.handle, queueOffset }
  expect((await broker.ask(AckMessage, ack)).code).toBe(ResponseCode.SUCCESS)
  expect((await broker.send('T', 'refused too')).code).toBe(ResponseCode.SERVICE_NOT_AVAILABLE)
  broker.crash({ powerLoss: false })
  await broker.restart()
  expect((await broker.send('T', 'accepted')).code).toBe(ResponseCode.SUCCESS)
  expect(bodies(await broker.pop('T', 'G'))).toContain('stored')
})
