import { expect, test } from '@jest/globals'
import {
  encodeMessageTrace,
  PullMessage,
  QUERY_CUT_REMARK,
  QueryMessage,
  type RequestHandler,
  ResponseCode,
  TraceMessage,
  ViewMessageById,
} from '@rocketmq-ts/remoting'
import { storedRecord } from '@rocketmq-ts/testkit'
import { createBrokerClient } from '../src/index.ts'
import { createScriptedPeers } from './support/scripted-peers.ts'

const address = '10.0.0.1:10911'

function setUp(handler: RequestHandler) {
  const peers = createScriptedPeers({ [address]: handler })
  return { ...peers, client: createBrokerClient({ peers: peers.peers }) }
}

function recordOf(topic: string, properties: Readonly<Record<string, string>>): Uint8Array {
  return storedRecord({ topic, body: 'm', properties }, { queueOffset: 3, commitLogOffset: 7, storeTimestampMs: 5 })
}

const INDEX = { indexLastUpdateTimestampMs: 0, indexLastUpdateOffset: 0 }
const QUESTION = { topic: 'T', key: 'k', isUniqueKey: false, fromMs: 0, toMs: 9, max: 8 }

test('query by key: Apache answers all that share the hash → only those that have the key, in this topic', async () => {
  const body = Buffer.concat([
    recordOf('T', { KEYS: 'a k b' }),
    recordOf('T', { KEYS: 'kk' }),
    recordOf('T', { UNIQ_KEY: 'k' }),
    recordOf('U', { KEYS: 'k' }),
  ])
  const { client, ended } = setUp((arrived) => arrived.as(QueryMessage).respond({ code: 0, header: INDEX, body }))
  const keys = async (isUniqueKey: boolean) => {
    const { records, isCut } = await ended(client.queryMessages(address, { ...QUESTION, isUniqueKey }))
    expect(isCut).toBe(false)
    return records.map((record) => Buffer.from(record.properties).toString().split('\u0001')[0])
  }
  expect(await keys(false)).toEqual(['KEYS', 'UNIQ_KEY'])
  expect(await keys(true)).toEqual(['UNIQ_KEY'])
})

test('query by key: nothing, or a query that was cut short → no records, and that it was cut', async () => {
  for (const [remark, isCut] of [
    ['none', false],
    [QUERY_CUT_REMARK, true],
  ] as const) {
    const { client, ended } = setUp((arrived) =>
      arrived.as(QueryMessage).respond({ code: ResponseCode.QUERY_NOT_FOUND, header: INDEX, remark }),
    )
    expect(await ended(client.queryMessages(address, QUESTION))).toEqual({ records: [], isCut })
  }
})

test('view: no message at the place → undefined; another failure → rejects', async () => {
  const answering = (code: number) => setUp((arrived) => arrived.as(ViewMessageById).respond({ code, remark: 'no' }))
  const none = answering(ResponseCode.SYSTEM_ERROR)
  expect(await none.ended(none.client.viewMessage(address, 7))).toBeUndefined()
  const busy = answering(ResponseCode.SYSTEM_BUSY)
  await expect(busy.ended(busy.client.viewMessage(address, 7))).rejects.toMatchObject({ code: 'busy' })
})

test('read: what a queue holds → records and where to go on; outside of it → where it begins or ends', async () => {
  const header = { suggestWhichBrokerId: 0, nextBeginOffset: 4, minOffset: 2, maxOffset: 9 }
  const place = { topic: 'T', queueId: 0, queueOffset: 3 }
  const found = setUp((arrived) => {
    const request = arrived.as(PullMessage)
    expect(request.header).toMatchObject({ ...place, consumerGroup: 'TOOLS_CONSUMER', maxMsgNums: 5, sysFlag: 4 })
    request.respond({ code: 0, header, body: recordOf('T', {}) })
  })
  const part = await found.ended(found.client.readQueue(address, place, 5))
  expect(part).toMatchObject({ next: 4, minOffset: 2, maxOffset: 9, records: { length: 1 } })
  const moved = setUp((arrived) =>
    arrived.as(PullMessage).respond({ code: ResponseCode.PULL_OFFSET_MOVED, header, remark: 'moved' }),
  )
  expect(await moved.ended(moved.client.readQueue(address, place, 5))).toMatchObject({ records: [], next: 4 })
  const gone = setUp((arrived) => arrived.as(PullMessage).respond({ code: 17, remark: 'no' }))
  await expect(gone.ended(gone.client.readQueue(address, place, 5))).rejects.toMatchObject({ code: 'topic-not-found' })
})

test('trace: what a broker of ours tells → as it is; Apache has no such request → undefined', async () => {
  const place = { topic: 'T', queueId: 0, queueOffset: 3, storedMs: 5 }
  const events = [{ kind: 'delivered', group: 'g', atMs: 6, untilMs: 7, client: 'c' }] as const
  const states = [{ group: 'g', state: 'in-flight', attempts: 1, deliveredMs: 6, untilMs: 7 }] as const
  const header = { cursor: -1, readToMs: 6, readBytes: 9 }
  const ours = setUp((arrived) =>
    arrived.as(TraceMessage).respond({ code: 0, header, body: encodeMessageTrace({ states, events }) }),
  )
  expect(await ours.ended(ours.client.traceMessage(address, place))).toEqual({ ...header, states, events })
  const apache = setUp((arrived) =>
    arrived.as(TraceMessage).respond({ code: ResponseCode.REQUEST_CODE_NOT_SUPPORTED, remark: 'no' }),
  )
  expect(await apache.ended(apache.client.traceMessage(address, place))).toBeUndefined()
})
