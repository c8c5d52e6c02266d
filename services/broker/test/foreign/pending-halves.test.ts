// Transactions that Apache's broker left undecided are decided here, those that it has decided stay so.
import { expect, test } from '@jest/globals'
import { SystemTopic } from '@rocketmq-ts/model'
import { ResponseCode } from '@rocketmq-ts/remoting'
import { startBroker } from '../broker-harness.ts'
import { SECOND_MS, connectProducer, end, halves, sendHalf, texts } from '../transaction/transaction-harness.ts'
import { type ApacheRecord, SEGMENT_BYTES, configText, onApacheFolder, runApache } from './apache-folder.ts'

function half(text: string, more: Readonly<Record<string, string>> = {}): ApacheRecord {
  const properties = { TRAN_MSG: 'true', REAL_TOPIC: 'T', REAL_QID: '0', PGROUP: 'P', UNIQ_KEY: text, ...more }
  return { topic: SystemTopic.HALF, body: text, properties }
}

const decided = (body: string): ApacheRecord => ({ topic: SystemTopic.HALF_OP, body, properties: { TAGS: 'd' } })
const first: ApacheRecord = { topic: 'T', queueId: 1, body: 'sent' }
const progress = (offset: number) => ({
  'consumerOffset.json': `{"offsetTable":{"${SystemTopic.HALF}@CID_RMQ_SYS_TRANS":{0:${offset}}}}`,
})
const SETTINGS = { mappedFileSizeCommitLog: SEGMENT_BYTES }

test('take over: half messages behind the progress of Apache → asked about, but for those that are decided', async () => {
  const broker = await onApacheFolder({
    records: [first, half('passed'), half('a'), half('b'), decided('1,'), half('c'), half('d'), decided('4')],
    files: progress(1),
  })
  expect(halves(broker)).toMatchObject({ inFlight: 2, beforeStart: 3 })
  const producer = await connectProducer(broker)
  await broker.advance(7 * SECOND_MS)
  expect(producer.questions.map(({ text }) => text)).toStrictEqual(['b', 'c'])
  for (const { tranStateTableOffset: offset, commitLogOffset: position, text } of producer.questions) {
    const decision = text === 'b' ? 'commit' : 'rollback'
    const answer = await end(broker, { topic: 'T', producerGroup: 'P', offset, position }, decision)
    expect(answer.code).toBe(ResponseCode.SUCCESS)
  }
  expect((await texts(broker, 'T')).toSorted()).toStrictEqual(['b', 'sent'])
  expect(broker.broker.ledger().every(({ balanced }) => balanced)).toBe(true)
  // It goes on as any queue of ours.
  const more = await sendHalf(broker, 'T', 'more')
  await end(broker, more, 'commit')
  broker.crash({ powerLoss: true })
  await broker.restart()
  expect(await texts(broker, 'T')).toStrictEqual(['more'])
  expect(halves(broker)).toMatchObject({ inFlight: 0 })
})

test('take over: one that Apache wrote anew for its time → decided by the offset that its producer was told', async () => {
  const anew = (offset: number) => ({ TRAN_PREPARED_QUEUE_OFFSET: String(offset) })
  const broker = await onApacheFolder({
    records: [first, half('a'), half('b'), half('a', anew(0)), half('b', anew(1)), decided('0,')],
    files: progress(2),
  })
  expect(halves(broker)).toMatchObject({ inFlight: 1 })
  const handle = { topic: 'T', producerGroup: 'P', offset: 1, position: 0 }
  expect((await end(broker, handle, 'commit')).code).toBe(ResponseCode.SUCCESS)
  expect((await texts(broker, 'T')).toSorted()).toStrictEqual(['b', 'sent'])
})

test('take over: ours, then Apache, then ours → what was undecided between is decided once', async () => {
  const broker = await startBroker(SETTINGS)
  const sent = []
  for (const text of ['kept', 'committed', 'decided by Apache', 'rolled back'])
    sent.push(await sendHalf(broker, 'T', text))
  const [kept, committed, , rolledBack] = sent
  await end(broker, committed!, 'commit')
  await end(broker, rolledBack!, 'rollback')
  await broker.stop()
  // What it would have begun with: our low mark, and our records of what lies behind.
  expect(await configText(broker, 'consumerOffset.json')).toContain(`"${SystemTopic.HALF}@CID_RMQ_SYS_TRANS":{0:0}`)
  await runApache(broker, { records: [decided('2,'), half('new')], files: progress(0) })
  await broker.restart()
  expect(halves(broker)).toMatchObject({ inFlight: 2 })
  expect((await end(broker, kept!, 'commit')).code).toBe(ResponseCode.SUCCESS)
  for (const half of sent.slice(1)) await end(broker, half, 'commit')
  expect(await texts(broker, 'T')).toStrictEqual(['committed', 'kept'])
})

test('take over: Apache has no half message → nothing waits, and the topic is made when it is needed', async () => {
  const broker = await onApacheFolder({ records: [first] })
  expect(halves(broker)).toBeUndefined()
  await end(broker, await sendHalf(broker, 'T', 'one'), 'commit')
  expect((await texts(broker, 'T')).toSorted()).toStrictEqual(['one', 'sent'])
})
