// Half messages, decisions and questions, as producers and consumers see them.
import { describe, expect, test } from '@jest/globals'
import { utf8Encode } from '@rocketmq-ts/bytes'
import { SystemGroup, SystemTopic, decodeProperties } from '@rocketmq-ts/model'
import { DeleteSubscriptionGroup, EndTransaction, PopMessage, ResponseCode, SendMessageV2 } from '@rocketmq-ts/remoting'
import { startBroker } from '../broker-harness.ts'
import {
  SECOND_MS,
  connectProducer,
  end,
  endHeader,
  halfHeader,
  halves,
  propertiesOf,
  sendHalf,
  texts,
} from './transaction-harness.ts'

test('transaction: committed → consumed once, with its own properties, and counted', async () => {
  const broker = await startBroker()
  const half = await sendHalf(broker, 'T', 'one', { TAGS: 'a', user: 'x', CHECK_IMMUNITY_TIME_IN_SECONDS: '9' })
  expect(await broker.pop('T', 'readers')).toStrictEqual([])
  expect((await end(broker, half, 'commit')).code).toBe(ResponseCode.SUCCESS)
  const [popped] = await broker.pop('T', 'readers')
  const { record } = popped!
  expect([
    record.topic,
    record.queueId,
    record.preparedTransactionOffset,
    record.sysFlag,
    record.reconsumeTimes,
  ]).toStrictEqual(['T', 1, half.position, 8, 0])
  expect(Object.fromEntries(decodeProperties(Buffer.from(record.properties).toString()))).toMatchObject({
    TAGS: 'a',
    user: 'x',
    UNIQ_KEY: 'id-one',
    TRAN_MSG: 'true',
    __transactionId__: 'id-one',
  })
  const names = [...decodeProperties(Buffer.from(record.properties).toString()).keys()]
  expect(names.filter((name) => /REAL_|CHECK_/.test(name))).toStrictEqual([])
  await broker.ack('T', 'readers', popped!)
  expect(await broker.pop('T', 'readers')).toStrictEqual([])
  expect(halves(broker)).toMatchObject({ acked: 1, inFlight: 0, waiting: 0 })
})

test('transaction: rolled back → never consumed, never asked about, and counted', async () => {
  const broker = await startBroker()
  const producer = await connectProducer(broker)
  const half = await sendHalf(broker, 'T', 'one')
  expect((await end(broker, half, 'rollback')).code).toBe(ResponseCode.SUCCESS)
  await broker.advance(3600 * SECOND_MS)
  expect(await texts(broker, 'T')).toStrictEqual([])
  expect(producer.questions).toStrictEqual([])
  expect(halves(broker)).toMatchObject({ rolledBack: 1, acked: 0, inFlight: 0 })
})

test('transaction: ended again, either way → a success that changes nothing', async () => {
  const broker = await startBroker()
  const [first, second] = [await sendHalf(broker, 'T', 'one'), await sendHalf(broker, 'T', 'two')]
  const decisions = ['commit', 'commit', 'rollback'] as const
  for (const decision of decisions) expect((await end(broker, first, decision)).code).toBe(ResponseCode.SUCCESS)
  for (const decision of ['rollback', 'commit'] as const) await end(broker, second, decision)
  expect(await texts(broker, 'T')).toStrictEqual(['one'])
  expect(halves(broker)).toMatchObject({ acked: 1, rolledBack: 1 })
})

test('transaction: two decisions in one Turn → the first one counts', async () => {
  const broker = await startBroker()
  const half = await sendHalf(broker, 'T', 'one')
  const asked = (['commit', 'rollback'] as const).map((decision) =>
    broker.peer.request(EndTransaction, endHeader(half, decision), { timeoutMs: SECOND_MS }),
  )
  const answers = await broker.settled(Promise.all(asked))
  expect(answers.map(({ code }) => code)).toStrictEqual([ResponseCode.SUCCESS, ResponseCode.SUCCESS])
  expect(await texts(broker, 'T')).toStrictEqual(['one'])
  expect(halves(broker)).toMatchObject({ acked: 1, rolledBack: 0 })
})

test('transaction: ended unknown → stays undecided', async () => {
  const broker = await startBroker()
  const half = await sendHalf(broker, 'T', 'one')
  expect((await end(broker, half, 'unknown')).code).toBe(ResponseCode.SUCCESS)
  expect(await texts(broker, 'T')).toStrictEqual([])
  expect(halves(broker)).toMatchObject({ inFlight: 1 })
  await end(broker, half, 'commit')
  expect(await texts(broker, 'T')).toStrictEqual(['one'])
})

describe('ending what is not there', () => {
  const half = { topic: 'T', producerGroup: 'P', offset: 0, position: 0 }
  test.each([
    ['another offset', { offset: 7 }, /tranStateTableOffset is 7/],
    ['a negative offset', { offset: -1 }, /tranStateTableOffset is -1/],
    ['another position', { position: 12 }, /commitLogOffset is 12/],
    ['another group', { producerGroup: 'Q' }, /producerGroup is 'Q'/],
  ])('END_TRANSACTION: %s → refused, and still undecided', async (_name, wrong, remark) => {
    const broker = await startBroker()
    const sent = await sendHalf(broker, 'T', 'one')
    const answer = await end(broker, { ...sent, ...wrong }, 'commit')
    expect([answer.code, answer.remark]).toStrictEqual([ResponseCode.SYSTEM_ERROR, expect.stringMatching(remark)])
    expect(halves(broker)).toMatchObject({ inFlight: 1 })
  })

  test('END_TRANSACTION: on a broker that never had a half message → refused', async () => {
    const broker = await startBroker()
    expect((await end(broker, half, 'commit')).code).toBe(ResponseCode.SYSTEM_ERROR)
  })

  test('END_TRANSACTION: a decision that there is not → INVALID_PARAMETER', async () => {
    const broker = await startBroker()
    const header = { ...endHeader(await sendHalf(broker, 'T', 'one'), 'commit'), commitOrRollback: 4 }
    expect((await broker.ask(EndTransaction, header)).code).toBe(ResponseCode.INVALID_PARAMETER)
  })
})

test('transaction: its topic was deleted → the commit is refused, and nothing comes back with a new topic', async () => {
  const broker = await startBroker()
  const half = await sendHalf(broker, 'T', 'one')
  await broker.deleteTopic('T')
  await broker.send('T', 'new')
  expect((await end(broker, half, 'commit')).code).toBe(ResponseCode.TOPIC_NOT_EXIST)
  expect(await texts(broker, 'T')).toStrictEqual(['new'])
  expect(halves(broker)).toMatchObject({ deleted: 1, inFlight: 0 })
})

describe('half messages that are refused', () => {
  const header = halfHeader('T')
  test.each([
    ['the flag alone', { properties: '' }, ResponseCode.MESSAGE_ILLEGAL],
    ['the flag of a commit', { sysFlag: 8 }, ResponseCode.MESSAGE_ILLEGAL],
    ['a topic of the system', { topic: SystemTopic.HALF }, ResponseCode.NO_PERMISSION],
    ['properties that leave no room', { properties: `${header.properties}k\u0001${'x'.repeat(32_700)}\u0002` }, 13],
  ])('half message: %s → refused', async (_name, fields, code) => {
    const broker = await startBroker()
    const answer = await broker.ask(SendMessageV2, { ...header, ...fields }, utf8Encode('x'))
    expect(answer.code).toBe(code)
    expect(halves(broker)).toBeUndefined()
  })

  test('half message: rejectTransactionMessage → NO_PERMISSION', async () => {
    const broker = await startBroker({ rejectTransactionMessage: true })
    const answer = await broker.ask(SendMessageV2, header, utf8Encode('x'))
    expect([answer.code, answer.remark]).toStrictEqual([16, expect.stringContaining('rejectTransactionMessage')])
  })

  test('half message: what a client says of the place it goes to → is left out', async () => {
    const broker = await startBroker()
    const half = await sendHalf(broker, 'T', 'one', { REAL_TOPIC: 'other', REAL_QID: '3' })
    await end(broker, half, 'commit')
    expect(await texts(broker, 'T')).toStrictEqual(['one'])
  })
})

test('pop: of the topic of half messages → NO_PERMISSION', async () => {
  const broker = await startBroker()
  await sendHalf(broker, 'T', 'one')
  const wanted = { consumerGroup: 'G', topic: SystemTopic.HALF, queueId: -1, maxMsgNums: 1, invisibleTimeMs: 1000 }
  const answer = await broker.ask(PopMessage, { ...wanted, pollTimeMs: 0, bornTimeMs: 0, initMode: 0, expType: 'TAG' })
  expect(answer.code).toBe(ResponseCode.NO_PERMISSION)
})

test('group of half messages: deleted by a client → refused, and they are still there', async () => {
  const broker = await startBroker()
  const half = await sendHalf(broker, 'T', 'one')
  const groupName = SystemGroup.TRANSACTION
  await broker.setRetries(groupName, 0)
  expect((await broker.ask(DeleteSubscriptionGroup, { groupName })).code).toBe(ResponseCode.INVALID_PARAMETER)
  await end(broker, half, 'commit')
  expect(await texts(broker, 'T')).toStrictEqual(['one'])
})

test('check: nobody decides → the producer is asked after 6 s, then every 30 s, 15 times, then it is given up', async () => {
  const broker = await startBroker()
  const producer = await connectProducer(broker)
  const half = await sendHalf(broker, 'T', 'one')
  await broker.advance(5 * SECOND_MS)
  expect(producer.questions).toHaveLength(0)
  await broker.advance(1100)
  expect(producer.questions).toStrictEqual([
    expect.objectContaining({
      topic: 'T',
      recordTopic: 'T',
      queueId: 1,
      text: 'one',
      tranStateTableOffset: half.offset,
      commitLogOffset: half.position,
      msgId: 'id-one',
      transactionId: 'id-one',
      brokerName: 'broker-a',
    }),
  ])
  for (let asked = 2; asked <= 15; asked += 1) {
    await broker.advance(30 * SECOND_MS)
    await producer.beat()
    expect(producer.questions).toHaveLength(asked)
  }
  expect(halves(broker)).toMatchObject({ inFlight: 1, dead: 0 })
  await broker.advance(31 * SECOND_MS)
  expect(producer.questions).toHaveLength(15)
  expect(halves(broker)).toMatchObject({ inFlight: 0, dead: 1 })
  expect(await texts(broker, SystemTopic.CHECK_MAX_TIME)).toStrictEqual(['one'])
  expect(await texts(broker, 'T')).toStrictEqual([])
})

test('check: their file goes between two questions → the copies are asked about as often as is left, then given up', async () => {
  const hours = Array.from({ length: 24 }, (_, hour) => hour).join(';')
  const broker = await startBroker({
    mappedFileSizeCommitLog: 64 * 1024,
    deleteWhen: hours,
    fileReservedTime: 1,
    transactionCheckMax: 5,
    transactionCheckInterval: 1800 * SECOND_MS,
  })
  const producer = await connectProducer(broker)
  const half = await sendHalf(broker, 'T', 'one')
  for (let passedMs = 0; passedMs < 6 * 3600 * SECOND_MS; passedMs += 100 * SECOND_MS) {
    if (passedMs % (1000 * SECOND_MS) === 0) await broker.send('filler', 'x'.repeat(20_000))
    await broker.advance(100 * SECOND_MS)
    await producer.beat()
  }
  const ofCopies = producer.questions.map(({ commitLogOffset }) => commitLogOffset !== half.position)
  expect(ofCopies).toStrictEqual([false, false, false, false, true])
  expect(halves(broker)).toMatchObject({ inFlight: 0, dead: 1 })
})

test('check: the answer commits → consumed, and no further question', async () => {
  const broker = await startBroker()
  const producer = await connectProducer(broker)
  const half = await sendHalf(broker, 'T', 'one')
  await broker.advance(7 * SECOND_MS)
  expect((await end(broker, half, 'commit')).code).toBe(ResponseCode.SUCCESS)
  await broker.advance(600 * SECOND_MS)
  expect(producer.questions).toHaveLength(1)
  expect(await texts(broker, 'T')).toStrictEqual(['one'])
})

test('check: the message says how long its producer has → asked then, sooner or later than the setting', async () => {
  const broker = await startBroker()
  const producer = await connectProducer(broker)
  await sendHalf(broker, 'T', 'soon', { CHECK_IMMUNITY_TIME_IN_SECONDS: '1' })
  await sendHalf(broker, 'T', 'late', { CHECK_IMMUNITY_TIME_IN_SECONDS: '100' })
  await broker.advance(2 * SECOND_MS)
  expect(producer.questions.map(({ text }) => text)).toStrictEqual(['soon'])
  await broker.advance(97 * SECOND_MS)
  await producer.beat()
  expect(producer.questions.map(({ text }) => text)).not.toContain('late')
  await broker.advance(2 * SECOND_MS)
  expect(producer.questions.map(({ text }) => text)).toContain('late')
})

test('check: nobody of the group is there → counted all the same, and given up in the end', async () => {
  const broker = await startBroker({ transactionCheckMax: 2 })
  const producer = await connectProducer(broker, 'other')
  await sendHalf(broker, 'T', 'one')
  await broker.advance(100 * SECOND_MS)
  expect(producer.questions).toHaveLength(0)
  expect(halves(broker)).toMatchObject({ dead: 1 })
})

test('check: two producers of the group → asked in turn; one that left or is gone is not asked', async () => {
  const broker = await startBroker({ transactionCheckInterval: 1000 })
  const producers = [await connectProducer(broker), await connectProducer(broker)]
  await sendHalf(broker, 'T', 'one')
  await broker.advance(9.5 * SECOND_MS)
  expect(producers.map(({ questions }) => questions.length)).toStrictEqual([2, 2])
  producers[0]!.peer.close()
  await broker.advance(4 * SECOND_MS)
  expect(producers.map(({ questions }) => questions.length)).toStrictEqual([2, 6])
})

test('check: many at once → all are asked about, some at a time', async () => {
  const broker = await startBroker()
  const producer = await connectProducer(broker)
  for (let count = 0; count < 200; count += 1) await sendHalf(broker, 'T', `${count}`)
  await broker.advance(10 * SECOND_MS)
  expect(new Set(producer.questions.map(({ text }) => text)).size).toBe(200)
})

test('decided offsets: told in the form of Apache where they lie above the first undecided one', async () => {
  const broker = await startBroker()
  const sent = []
  for (const text of ['a', 'b', 'c', 'd']) sent.push(await sendHalf(broker, 'T', text))
  await end(broker, sent[0]!, 'commit')
  await end(broker, sent[2]!, 'commit')
  await end(broker, sent[3]!, 'rollback')
  await broker.advance(4 * SECOND_MS)
  const [told] = await broker.pop(SystemTopic.HALF_OP, 'readers')
  expect(Buffer.from(told!.record.body).toString()).toBe('2,3,')
  expect(Buffer.from(told!.record.properties).toString()).toBe(propertiesOf({ TAGS: 'd' }))
})
