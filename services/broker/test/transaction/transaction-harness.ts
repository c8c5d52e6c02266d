// What tests ask of a broker with transactions: half messages, decisions, and a producer that hears the questions.
import { utf8Encode } from '@rocketmq-ts/bytes'
import { SystemTopic, decodeRecord, parseOffsetMessageId } from '@rocketmq-ts/model'
import {
  type Answer,
  CheckTransactionState,
  type CheckTransactionStateHeader,
  EndTransaction,
  type EndTransactionHeader,
  HeartBeat,
  type Peer,
  SendMessageV2,
  TransactionDecision,
  encodeHeartbeatData,
} from '@rocketmq-ts/remoting'
import { type BrokerHarness } from '../broker-harness.ts'

export const SECOND_MS = 1000
const TIMEOUT_MS = 100_000

/** A half message as its producer knows it. */
export interface Half {
  readonly topic: string
  readonly producerGroup: string
  readonly offset: number
  readonly position: number
}

/** A question that a producer heard, and the message in it. */
export interface Question extends CheckTransactionStateHeader {
  readonly recordTopic: string
  readonly queueId: number
  readonly text: string
}

/** Properties as clients write them. */
export function propertiesOf(entries: Readonly<Record<string, string>>): string {
  return Object.entries(entries)
    .map(([name, value]) => `${name}\u0001${value}\u0002`)
    .join('')
}

/** The header of a send of a half message. */
export function halfHeader(topic: string, properties: Readonly<Record<string, string>> = {}, producerGroup = 'P') {
  return {
    producerGroup,
    topic,
    defaultTopic: 'TBW102',
    defaultTopicQueueNums: 4,
    queueId: 1,
    sysFlag: 4,
    bornTimestampMs: 1,
    flag: 0,
    properties: propertiesOf({ TRAN_MSG: 'true', PGROUP: producerGroup, ...properties }),
  }
}

/** Sends a half message; fails where it is refused. */
export async function sendHalf(
  broker: BrokerHarness,
  topic: string,
  text: string,
  properties: Readonly<Record<string, string>> = {},
): Promise<Half> {
  const header = halfHeader(topic, { UNIQ_KEY: `id-${text}`, ...properties })
  const answer = await broker.ask(SendMessageV2, header, utf8Encode(text))
  if (answer.header === undefined) throw new Error(`${answer.code} ${answer.remark}`)
  const position = parseOffsetMessageId(answer.header.msgId).commitLogOffset
  return { topic, producerGroup: 'P', offset: answer.header.queueOffset, position }
}

export function endHeader(half: Half, decision: keyof typeof TransactionDecision): EndTransactionHeader {
  return {
    topic: half.topic,
    producerGroup: half.producerGroup,
    tranStateTableOffset: half.offset,
    commitLogOffset: half.position,
    commitOrRollback: TransactionDecision[decision],
    msgId: 'id',
  }
}

export function end(
  broker: BrokerHarness,
  half: Half,
  decision: keyof typeof TransactionDecision,
): Promise<Answer<object>> {
  return broker.ask(EndTransaction, endHeader(half, decision))
}

/** A producer of the group that keeps what it is asked. */
export async function connectProducer(broker: BrokerHarness, group = 'P') {
  const questions: Question[] = []
  const peer: Peer = broker.broker.connectLocal((arrived) => {
    const { header, body } = arrived.as(CheckTransactionState)
    const record = decodeRecord(body)
    const text = Buffer.from(record.body).toString()
    questions.push({ ...header, recordTopic: record.topic, queueId: record.queueId, text })
  })
  async function beat(groups: readonly string[] = [group]): Promise<number> {
    const data = {
      clientID: 'producer',
      producerDataSet: groups.map((groupName) => ({ groupName })),
      consumerDataSet: [],
      heartbeatFingerprint: 0,
      withoutSub: false,
    }
    const answer = peer.request(HeartBeat, {}, { timeoutMs: TIMEOUT_MS, body: encodeHeartbeatData(data) })
    return (await broker.settled(answer)).code
  }
  await beat()
  return { peer, questions, beat }
}

/** The buckets of the half messages. */
export function halves(broker: BrokerHarness) {
  return broker.broker.ledger().find(({ topic }) => topic === SystemTopic.HALF)?.buckets
}

/** What a group gets of the topic, acknowledged. */
export async function texts(broker: BrokerHarness, topic: string): Promise<string[]> {
  const found: string[] = []
  for (;;) {
    const popped = await broker.pop(topic, 'readers')
    if (popped.length === 0) return found
    for (const each of popped) {
      found.push(Buffer.from(each.record.body).toString())
      await broker.ack(topic, 'readers', each)
    }
  }
}
