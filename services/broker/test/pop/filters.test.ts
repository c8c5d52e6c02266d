// What a pop with a filter gets, and what becomes of the rest: it is passed for good, and counted as filtered.
import { expect, test } from '@jest/globals'
import { encodeProperties } from '@rocketmq-ts/model'
import { PopMessage, ResponseCode } from '@rocketmq-ts/remoting'
import { POP_RECORDS_JUDGED_MAX } from '../../src/limits.ts'
import { type BrokerHarness, MINUTE_MS, startBroker } from '../broker-harness.ts'

const MiB = 1024 * 1024
const SQL = { expressionType: 'SQL92' } as const

const bodies = (popped: readonly { record: { body: Uint8Array } }[]) =>
  popped.map(({ record }) => Buffer.from(record.body).toString())

async function send(broker: BrokerHarness, ...messages: readonly (readonly [body: string, Record<string, string>])[]) {
  for (const [body, properties] of messages) {
    await broker.send('T', body, { properties: encodeProperties(Object.entries(properties)) })
  }
}

/** Messages of the group in each bucket that has any, over all queues. */
function buckets(broker: BrokerHarness, group = 'G'): Record<string, number> {
  const sums: Record<string, number> = {}
  for (const line of broker.broker.ledger()) {
    if (line.group !== group) continue
    for (const [bucket, count] of Object.entries(line.buckets)) {
      if (count > 0) sums[bucket] = (sums[bucket] ?? 0) + count
    }
  }
  return sums
}

test('filter: in order, SQL92 → what matches comes in order, what does not holds nobody up', async () => {
  const broker = await startBroker()
  await broker.setOrder('G')
  await send(broker, ['1', { price: '21' }], ['2', { price: '1' }], ['3', { price: '22' }], ['4', { price: '23' }])
  const pop = () => broker.pop('T', 'G', { ...SQL, expression: 'price > 20', max: 2 })
  const popped = await pop()
  expect(bodies(popped)).toStrictEqual(['1', '3'])
  expect(await pop()).toHaveLength(0)
  for (const each of popped) await broker.ack('T', 'G', each)
  expect(bodies(await pop())).toStrictEqual(['4'])
  expect(buckets(broker)).toStrictEqual({ filtered: 1, acked: 2, inFlight: 1 })
})

test('filter: SQL92 over properties → only what is true; what is false, unknown or no number is filtered', async () => {
  const broker = await startBroker()
  await send(broker, ['dear', { price: '21' }], ['cheap', { price: '20' }], ['none', {}], ['text', { price: 'x' }])
  await send(broker, ['both', { price: '99', TAGS: 'A' }])
  const popped = await broker.pop('T', 'G', { ...SQL, expression: 'price > 20' })
  expect(bodies(popped)).toStrictEqual(['dear', 'both'])
  for (const each of popped) await broker.ack('T', 'G', each)
  expect(buckets(broker)).toStrictEqual({ filtered: 3, acked: 2 })
  expect(
    bodies(await broker.pop('T', 'other', { ...SQL, expression: "TAGS = 'A' AND price IS NOT NULL" })),
  ).toStrictEqual(['both'])
  // Filtered once is passed for good, as in Java.
  expect(await broker.pop('T', 'G')).toStrictEqual([])
})

test.each([
  ['SQL92', 'price >', 'SQL92 expression, at its end: a property, a constant'],
  ['SQL92', '', 'it is empty'],
  ['CLASS', 'price', "expression type 'CLASS' is unknown"],
  [undefined, '||', 'names no tag'],
])('filter: %s %j → SUBSCRIPTION_PARSE_FAILED that says why', async (expType, exp, reason) => {
  const broker = await startBroker()
  await broker.send('T', 'x')
  const { code, remark } = await broker.ask(PopMessage, {
    consumerGroup: 'G',
    topic: 'T',
    queueId: -1,
    maxMsgNums: 32,
    invisibleTimeMs: MINUTE_MS,
    pollTimeMs: 0,
    bornTimeMs: 0,
    initMode: 0,
    exp,
    ...(expType !== undefined && { expType }),
  })
  expect(code).toBe(ResponseCode.SUBSCRIPTION_PARSE_FAILED)
  expect(remark).toContain(reason)
  expect(buckets(broker)).toStrictEqual({})
})

test('filter: tags of equal hash → told apart by their text; the twin is filtered, and nobody waits for the next poll', async () => {
  const broker = await startBroker()
  await send(broker, ['twin', { TAGS: 'BB' }])
  const before = broker.world.nowMs
  const waiting = broker.popLater('T', 'G', { expression: 'Aa', pollMs: 20_000 })
  await broker.advance(1000)
  expect(buckets(broker)).toStrictEqual({ filtered: 1 })
  await send(broker, ['twin', { TAGS: 'BB' }], ['it', { TAGS: 'Aa' }])
  expect(bodies(await broker.settled(waiting))).toStrictEqual(['it'])
  expect(broker.world.nowMs - before).toBeLessThan(2000)
  expect(buckets(broker)).toStrictEqual({ filtered: 2, inFlight: 1 })
})

test('filter: no time to poll, and nothing but twins → answered after a first batch, and the next pop goes on', async () => {
  const broker = await startBroker()
  await send(broker, ['twin', { TAGS: 'BB' }], ['twin', { TAGS: 'BB' }], ['it', { TAGS: 'Aa' }])
  const pop = async () => bodies(await broker.pop('T', 'G', { expression: 'Aa', max: 2 }))
  expect([await pop(), await pop()]).toStrictEqual([[], ['it']])
})

test('filter: a wait with SQL92 → wakes for the message that matches, not for the others', async () => {
  const broker = await startBroker()
  await send(broker, ['n', {}])
  const waiting = broker.popLater('T', 'G', { ...SQL, expression: "color = 'red'", pollMs: 20_000 })
  await broker.advance(100)
  await send(broker, ['b', { color: 'blue' }], ['n', {}])
  await broker.advance(100)
  await send(broker, ['r', { color: 'red' }])
  const before = broker.world.nowMs
  expect(bodies(await broker.settled(waiting))).toStrictEqual(['r'])
  expect(broker.world.nowMs - before).toBeLessThan(100)
})

test('filter: more records than one pop reads, the match behind them → found at once all the same', async () => {
  const broker = await startBroker({ mappedFileSizeCommitLog: 4 * MiB })
  const others = Array.from({ length: 2 * POP_RECORDS_JUDGED_MAX }, () => ['x', { n: '1' }] as const)
  await send(broker, ...others, ['rare', { n: '2' }])
  const before = broker.world.nowMs
  expect(bodies(await broker.pop('T', 'G', { ...SQL, expression: 'n = 2', pollMs: 20_000 }))).toStrictEqual(['rare'])
  expect(broker.world.nowMs - before).toBeLessThan(1000)
  expect(buckets(broker)).toStrictEqual({ filtered: others.length, inFlight: 1 })
})

test('filter: no time to poll, more records than one pop reads → each pop goes on where the last one ended', async () => {
  const broker = await startBroker({ mappedFileSizeCommitLog: 4 * MiB })
  const others = Array.from({ length: POP_RECORDS_JUDGED_MAX }, () => ['x', { n: '1' }] as const)
  await send(broker, ...others, ['rare', { n: '2' }])
  const pop = () => broker.pop('T', 'G', { ...SQL, expression: 'n = 2' })
  expect(await pop()).toStrictEqual([])
  expect(bodies(await pop())).toStrictEqual(['rare'])
})

test('filter: records that are on disk only → read, and the same is delivered and filtered as from memory', async () => {
  const broker = await startBroker()
  await send(broker, ['a', { n: '1' }], ['b', { n: '2' }], ['c', { n: '3' }], ['d', { n: '2' }])
  await broker.stop()
  await broker.restart()
  const before = broker.world.nowMs
  const pop = () => broker.pop('T', 'G', { ...SQL, expression: 'n = 2', pollMs: 5000 })
  // What is in memory does not wait for what is not.
  expect([...bodies(await pop()), ...bodies(await pop())]).toStrictEqual(['b', 'd'])
  expect(broker.world.nowMs - before).toBeLessThan(1000)
  expect(buckets(broker)).toStrictEqual({ filtered: 2, inFlight: 2 })
})

test('filter: what was delivered and released → delivered again, whatever the group asks for by then', async () => {
  const broker = await startBroker()
  await send(broker, ['a', { n: '1' }], ['b', { n: '2' }])
  expect(await broker.pop('T', 'G', { invisibleMs: 1000 })).toHaveLength(2)
  await broker.advance(1100)
  expect(bodies(await broker.pop('T', 'G', { ...SQL, expression: 'n = 2' }))).toStrictEqual(['a', 'b'])
  expect(buckets(broker)).toStrictEqual({ inFlight: 2 })
})

test('filter: a kill after messages were filtered → they stay filtered, and the ledger of the next run agrees', async () => {
  const broker = await startBroker()
  await send(broker, ['a', { n: '1' }], ['twin', { n: '2', TAGS: 'BB' }], ['b', { n: '2', TAGS: 'Aa' }])
  expect(bodies(await broker.pop('T', 'G', { ...SQL, expression: 'n = 2' }))).toStrictEqual(['twin', 'b'])
  expect(bodies(await broker.pop('T', 'tags', { expression: 'Aa' }))).toStrictEqual(['b'])
  await broker.advance(10)
  broker.crash({ powerLoss: false })
  await broker.restart()
  expect(buckets(broker)).toStrictEqual({ filtered: 1, inFlight: 2 })
  expect(buckets(broker, 'tags')).toStrictEqual({ filtered: 2, inFlight: 1 })
})

test('filter: by message group, SQL92, no time to poll, and a record is damaged → what lies behind it comes all the same', async () => {
  const broker = await startBroker({ mappedFileSizeCommitLog: 4 * MiB })
  await broker.setOrder('G', 16, 'MESSAGE_GROUP')
  await send(broker, ['damaged', { n: '2' }], ['whole', { n: '2' }])
  const log = '/store/commitlog/00000000000000000000'
  const { files } = broker.machine.start('operator', () => undefined).effects
  const bytes = Buffer.from((await broker.settled(files.readWhole(log, 16 * MiB)))!)
  broker.machine.disk.flipBit(log, bytes.indexOf('damaged'))
  const pop = () => broker.pop('T', 'G', { ...SQL, expression: 'n = 2' })
  const popped = [...bodies(await pop()), ...bodies(await pop())]
  expect(popped).toStrictEqual(['whole'])
  expect(buckets(broker)).toStrictEqual({ damaged: 1, inFlight: 1 })
})
