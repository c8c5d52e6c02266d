// What a client may send without knowing better, or on purpose: refused with the name of the field, and the broker
// goes on. A defect (an exception that is no MqError) would stop it: the harness throws it at once.
import { expect, test } from '@jest/globals'
import { utf8Encode } from '@rocketmq-ts/bytes'
import { encodeBitset, stringifyJavaJson, subscriptionGroupConfig } from '@rocketmq-ts/model'
import {
  BatchAckMessage,
  ChangeMessageInvisibleTime,
  GetMaxOffset,
  ResponseCode,
  SendMessageV2,
  UpdateAndCreateSubscriptionGroup,
  UpdateAndCreateTopic,
} from '@rocketmq-ts/remoting'
import { type BrokerHarness, startBroker } from './broker-harness.ts'

const NOT_UTF8 = Uint8Array.from([0x7b, 0xff, 0xfe, 0x7d])

const topicHeader = (topic: string, attributes = '') => ({
  topic,
  defaultTopic: 'TBW102',
  readQueueNums: 4,
  writeQueueNums: 4,
  perm: 6,
  topicFilterType: 'SINGLE_TAG',
  order: false,
  attributes,
})

async function goesOn(broker: BrokerHarness): Promise<void> {
  expect((await broker.send('T', 'still here')).code).toBe(ResponseCode.SUCCESS)
}

test.each([
  ['settings of a group', UpdateAndCreateSubscriptionGroup],
  ['a batch ack', BatchAckMessage],
])('hostile: %s that are no UTF-8 → INVALID_PARAMETER, and the broker goes on', async (_name, request) => {
  const broker = await startBroker()
  expect((await broker.ask(request, {}, NOT_UTF8)).code).toBe(ResponseCode.INVALID_PARAMETER)
  await goesOn(broker)
})

test.each([
  ['longer than any record of the journal holds', `rmq_sys_${'x'.repeat(300)}`],
  ['that would be a path', 'rmq_sys_../../config'],
])('hostile: a send to a name with the prefix of the system %s → refused, no topic is made', async (_name, topic) => {
  const broker = await startBroker()
  const answer = await broker.send(topic, 'x')
  expect(answer.code).toBe(ResponseCode.INVALID_PARAMETER)
  expect(answer.remark).toContain('topic')
  expect((await broker.ask(GetMaxOffset, { topic, queueId: 0 })).code).toBe(ResponseCode.TOPIC_NOT_EXIST)
  await goesOn(broker)
})

test('hostile: attributes of a topic that fit no record → INVALID_PARAMETER that names them', async () => {
  const broker = await startBroker({ mappedFileSizeCommitLog: 16 * 1024 * 1024 })
  const answer = await broker.ask(UpdateAndCreateTopic, topicHeader('T', `+a=${'x'.repeat(1_100_000)}`))
  expect(answer.code).toBe(ResponseCode.INVALID_PARAMETER)
  expect(answer.remark).toContain('attributes')
  await goesOn(broker)
})

test('hostile: settings of a group that fit no record → INVALID_PARAMETER that names the group', async () => {
  const broker = await startBroker({ mappedFileSizeCommitLog: 16 * 1024 * 1024 })
  const config = subscriptionGroupConfig('G', { attributes: new Map([['a', 'x'.repeat(1_100_000)]]) })
  const answer = await broker.ask(UpdateAndCreateSubscriptionGroup, {}, utf8Encode(stringifyJavaJson(config)))
  expect(answer.code).toBe(ResponseCode.INVALID_PARAMETER)
  expect(answer.remark).toContain("'G'")
  await goesOn(broker)
})

test('hostile: a batch ack of more messages than were ever popped at once → refused before any is looked at', async () => {
  const broker = await startBroker()
  await broker.send('T', 'one')
  const [popped] = await broker.pop('T', 'G')
  const bits = encodeBitset(Array.from({ length: 65_536 }, (_, bit) => bit))
  const ack = { c: 'G', t: 'T', r: '0', so: 0, q: 0, rq: 0, pt: popped!.popTimeMs, it: 60_000, b: bits }
  const body = stringifyJavaJson({ brokerName: 'broker-a', acks: Array.from({ length: 100 }, () => ack) })
  const answer = await broker.ask(BatchAckMessage, {}, utf8Encode(body))
  expect(answer.code).toBe(ResponseCode.INVALID_PARAMETER)
  expect(answer.remark).toContain('acks')
  expect(broker.broker.ledger()[0]?.buckets).toMatchObject({ inFlight: 1, acked: 0 })
})

test('hostile: a send that calls itself half a transaction by its flag alone → refused, since nobody would ever see it', async () => {
  const broker = await startBroker()
  await broker.send('T', 'first')
  const header = {
    producerGroup: 'p',
    topic: 'T',
    defaultTopic: 'TBW102',
    defaultTopicQueueNums: 4,
    queueId: 0,
    sysFlag: 4,
    bornTimestampMs: 1,
    flag: 0,
  }
  const answer = await broker.ask(SendMessageV2, header, utf8Encode('half'))
  expect(answer.code).toBe(ResponseCode.MESSAGE_ILLEGAL)
  expect(answer.remark).toContain('sysFlag')
})

test.each([-1, -64, Number.MAX_SAFE_INTEGER])(
  'hostile: a change of the invisible time of offset %d → a success without effect',
  async (queueOffset) => {
    const broker = await startBroker()
    await broker.send('T', 'one')
    const [popped] = await broker.pop('T', 'G')
    const answer = await broker.ask(ChangeMessageInvisibleTime, {
      consumerGroup: 'G',
      topic: 'T',
      queueId: 0,
      extraInfo: popped!.handle,
      queueOffset,
      invisibleTimeMs: 10_000,
    })
    expect(answer.code).toBe(ResponseCode.SUCCESS)
    expect(broker.broker.ledger()[0]?.buckets).toMatchObject({ inFlight: 1 })
  },
)
