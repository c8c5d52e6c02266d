// What Apache's broker finds of deliveries in order, and what a broker of ours reads out of it again.
import { expect, test } from '@jest/globals'
import { parseJavaJson } from '@rocketmq-ts/model'
import { decodeOrderInfo } from '../../src/foreign/pop-records.ts'
import { ORDERED_MESSAGES_MAX } from '../../src/foreign/order-info.ts'
import { type BrokerHarness, startBroker } from '../broker-harness.ts'

const FILE_MS = 6000
const INVISIBLE_MS = 60_000

async function fileOf(broker: BrokerHarness): Promise<string> {
  await broker.advance(FILE_MS)
  const { files } = broker.machine.start('operator', () => undefined).effects
  const bytes = await broker.settled(files.readWhole('/store/config/consumerOrderInfo.json', 1_000_000))
  return Buffer.from(bytes!).toString()
}

/** Queue 0 of T for group G, as a start on a folder of Apache's reads it. */
async function readBack(broker: BrokerHarness) {
  const { table } = parseJavaJson(await fileOf(broker)) as { table: Record<string, Record<string, never>> }
  const queue = { topic: 'T', group: 'G', queueId: 0 }
  const { offsets, isAcked, popTime, visibleMs, attempts } = decodeOrderInfo(queue, table['T@G']!['0']!)
  return offsets.map((offset, index) => [offset, isAcked(index), attempts(offset), visibleMs(offset) - popTime])
}

test('order info: nothing is with anybody, or only with groups in any order → an empty table', async () => {
  const broker = await startBroker()
  await broker.send('T', 'm')
  await broker.pop('T', 'loose')
  expect(await fileOf(broker)).toBe('{"table":{}}')
})

test('order info: a batch of two was popped, one is acknowledged → in the words of Java', async () => {
  const broker = await startBroker()
  await broker.setOrder('G')
  for (const body of ['a', 'b', 'c']) await broker.send('T', body)
  const popped = await broker.pop('T', 'G', { max: 2, attemptId: 'A', invisibleMs: INVISIBLE_MS })
  await broker.ack('T', 'G', popped[0]!)
  const { popTimeMs } = popped[0]!
  expect(await fileOf(broker)).toBe(
    `{"table":{"T@G":{0:{"a":"A","cm":0,"i":${INVISIBLE_MS},"l":${popTimeMs},"o":[1],"popTime":${popTimeMs}}}}}`,
  )
})

test('order info: some were released, one was hidden for longer → attempts and times of each come back', async () => {
  const broker = await startBroker()
  await broker.setOrder('G')
  for (const body of ['a', 'b', 'c', 'd']) await broker.send('T', body)
  const first = await broker.pop('T', 'G', { max: 3, invisibleMs: INVISIBLE_MS })
  await broker.changeInvisible('T', 'G', first[0]!, 0)
  for (const popped of first.slice(1)) await broker.changeInvisible('T', 'G', popped, 1)
  await broker.advance(1000)
  const again = await broker.pop('T', 'G', { max: 3, invisibleMs: INVISIBLE_MS })
  await broker.ack('T', 'G', again[1]!)
  expect(await readBack(broker)).toStrictEqual([
    [0, false, 2, INVISIBLE_MS],
    [2, false, 2, INVISIBLE_MS],
  ])
  await broker.changeInvisible('T', 'G', again[2]!, 0)
  const [held, released] = await readBack(broker)
  expect(held?.slice(0, 3)).toStrictEqual([0, false, 2])
  expect(released?.slice(0, 3)).toStrictEqual([2, false, 2])
  expect(Number(held?.[3])).toBeGreaterThan(Number(released?.[3]))
})

test('order info: by message group → the lowest that were delivered, up to the first that waits, 64 at most', async () => {
  const broker = await startBroker()
  await broker.setOrder('G', 16, 'MESSAGE_GROUP')
  const inGroup = (name: string) => ({ properties: `__SHARDINGKEY\u0001${name}\u0002` })
  for (const name of ['a', 'b', 'a', 'c']) await broker.send('T', name, inGroup(name))
  await broker.pop('T', 'G', { max: 1 })
  await broker.pop('T', 'G', { max: 2 })
  expect((await readBack(broker)).map(([offset]) => offset)).toStrictEqual([0, 1])
  for (let count = 0; count < 80; count += 1) await broker.send('U', 'm', inGroup(`g${count}`))
  for (let pops = 0; pops < 3; pops += 1) await broker.pop('U', 'G')
  const { table } = parseJavaJson(await fileOf(broker)) as { table: Record<string, Record<string, { o: number[] }>> }
  expect(table['U@G']!['0']!.o).toHaveLength(64)
  expect(ORDERED_MESSAGES_MAX).toBe(64)
})
