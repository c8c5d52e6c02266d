import { expect, test } from '@jest/globals'
import { decodeRecords } from '@rocketmq-ts/model'
import { PullMessage, type PullMessageHeader, ResponseCode } from '@rocketmq-ts/remoting'
import { type BrokerHarness, startBroker } from '../broker-harness.ts'

async function pull(broker: BrokerHarness, options: Partial<PullMessageHeader> = {}) {
  const { code, header, body } = await broker.ask(PullMessage, {
    consumerGroup: 'TOOLS_CONSUMER',
    topic: 'T',
    queueId: 0,
    queueOffset: 0,
    maxMsgNums: 32,
    sysFlag: 4,
    commitOffset: 0,
    suspendTimeoutMs: 0,
    subscription: '*',
    subVersion: 0,
    ...options,
  })
  const texts = body === undefined ? [] : decodeRecords(body).map((record) => Buffer.from(record.body).toString())
  return { code, next: header?.nextBeginOffset, min: header?.minOffset, max: header?.maxOffset, texts }
}

test('pull: from an offset → the messages there, and where to go on; again → the same, whoever consumed them', async () => {
  const broker = await startBroker()
  for (let index = 0; index < 5; index += 1) await broker.send('T', `m${index}`, { queueId: 0 })
  const [first] = await broker.pop('T', 'g', { max: 1 })
  await broker.ack('T', 'g', first!)
  const all = { code: ResponseCode.SUCCESS, next: 5, min: 0, max: 5, texts: ['m0', 'm1', 'm2', 'm3', 'm4'] }
  expect(await pull(broker)).toEqual(all)
  expect(await pull(broker)).toEqual(all)
  expect(await pull(broker, { queueOffset: 3 })).toMatchObject({ next: 5, texts: ['m3', 'm4'] })
  expect(await pull(broker, { queueOffset: 1, maxMsgNums: 2 })).toMatchObject({ next: 3, texts: ['m1', 'm2'] })
  broker.crash({ powerLoss: false })
  await broker.restart()
  expect(await pull(broker)).toEqual(all)
})

test('pull: more bytes than asked for → as many as fit, and one at least', async () => {
  const broker = await startBroker()
  for (let index = 0; index < 4; index += 1) await broker.send('T', 'x'.repeat(1000), { queueId: 0 })
  expect(await pull(broker, { maxMsgBytes: 2500 })).toMatchObject({ next: 2, texts: { length: 2 } })
  expect(await pull(broker, { maxMsgBytes: 1 })).toMatchObject({ next: 1, texts: { length: 1 } })
})

test('pull: at the end, outside of the queue, of no topic → the codes of Java, and where to go on', async () => {
  const broker = await startBroker()
  await broker.send('T', 'm', { queueId: 0 })
  expect(await pull(broker, { queueOffset: 1 })).toMatchObject({ code: ResponseCode.PULL_NOT_FOUND, next: 1 })
  expect(await pull(broker, { queueOffset: 2 })).toMatchObject({ code: ResponseCode.PULL_OFFSET_MOVED, next: 1 })
  expect(await pull(broker, { queueOffset: -1 })).toMatchObject({ code: ResponseCode.PULL_OFFSET_MOVED, next: 0 })
  expect(await pull(broker, { topic: 'N' })).toMatchObject({ code: ResponseCode.TOPIC_NOT_EXIST })
  expect((await pull(broker, { queueId: 99 })).code).not.toBe(ResponseCode.SUCCESS)
})

test('pull: as a consumer asks, with a filter, for nothing → refused, not answered as if it were something else', async () => {
  const broker = await startBroker()
  await broker.send('T', 'm', { queueId: 0 })
  for (const sysFlag of [1, 2, 3]) {
    expect(await pull(broker, { sysFlag })).toMatchObject({ code: ResponseCode.REQUEST_CODE_NOT_SUPPORTED, texts: [] })
  }
  const filtered = await pull(broker, { subscription: 'a||b' })
  expect(filtered).toMatchObject({ code: ResponseCode.SUBSCRIPTION_PARSE_FAILED, texts: [] })
  expect(await pull(broker, { sysFlag: 0, subscription: 'a||b' })).toMatchObject({ texts: ['m'] })
  expect(await pull(broker, { maxMsgNums: 0 })).toMatchObject({ code: ResponseCode.INVALID_PARAMETER })
})
