// Topics and groups that nobody has made, where none are made on demand.
import { type GrpcCase } from './grpc-case.ts'
import { WELL_MADE } from './grpc-methods.ts'
import { type RemotingCase, REQUESTS, samplesOf } from './remoting-requests.ts'
import { remotingFrame } from './remoting-wire.ts'

const NOWHERE = 'no-such-topic'
const NOBODY = 'no-such-group'
const TOPIC_NOT_EXIST = 17
const SUBSCRIPTION_GROUP_NOT_EXIST = 26

/** `topic` is there; groups are not. */
export function strictGrpcCases(topic: string): GrpcCase[] {
  const there = { name: topic }
  const nowhere = { name: NOWHERE }
  const unknown: Readonly<Record<string, object>> = {
    SendMessage: { messages: [{ topic: nowhere, body: Buffer.from('x'), system_properties: { message_id: 'id' } }] },
    ReceiveMessage: { message_queue: { topic: nowhere, id: -1 } },
    QueryRoute: { topic: nowhere },
    QueryAssignment: { topic: nowhere },
  }
  const cases = Object.entries(unknown).map(([method, change]): GrpcCase => ({
    name: `${method}: a topic that does not exist`,
    method,
    request: { ...WELL_MADE[method], ...change },
    expected: 'TOPIC_NOT_FOUND',
    names: NOWHERE,
  }))
  // Who has a handle has received: the topic was there, and its broker may come back.
  const settles = ['AckMessage', 'ChangeInvisibleDuration'].map((method): GrpcCase => ({
    name: `${method}: a topic that does not exist`,
    method,
    request: { ...WELL_MADE[method], topic: nowhere },
    expected: 'PROXY_TIMEOUT',
    names: NOWHERE,
  }))
  const receive = { ...WELL_MADE['ReceiveMessage'], message_queue: { topic: there, id: -1 }, group: { name: NOBODY } }
  return [
    ...cases,
    ...settles,
    {
      name: 'ReceiveMessage: a group that does not exist',
      method: 'ReceiveMessage',
      request: receive,
      expected: 'CONSUMER_GROUP_NOT_FOUND',
      names: NOBODY,
    },
  ]
}

export function strictRemotingCases(topic: string): RemotingCase[] {
  const row = (name: string, code: number, fields: object, expected: number, names: string): RemotingCase => {
    const shape = REQUESTS.find((each) => each.code === code)
    const pieces = [remotingFrame({ code, fields: { ...samplesOf(shape?.fields ?? {}), ...fields }, body: 'body' })]
    return { name: `broker ${code}: ${name}`, port: 'broker', pieces, expected, names }
  }
  return [
    row('a topic that does not exist', 10, { topic: NOWHERE }, TOPIC_NOT_EXIST, NOWHERE),
    row('a topic that does not exist', 310, { b: NOWHERE }, TOPIC_NOT_EXIST, NOWHERE),
    ...[200050, 200054, 352].map((code) => {
      const fields = code === 352 ? { group: NOBODY } : { topic, consumerGroup: NOBODY }
      return row('a group that does not exist', code, fields, SUBSCRIPTION_GROUP_NOT_EXIST, NOBODY)
    }),
  ]
}
