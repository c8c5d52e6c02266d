import { expect, test } from '@jest/globals'
import { stringifyJavaJson, subscriptionGroupConfig, topicConfig } from '@rocketmq-ts/model'
import {
  AddWritePermOfBroker,
  DeleteSubscriptionGroup,
  DeleteTopicInNameServer,
  encodeConsumeStats,
  encodeTopicConfigs,
  GetAllTopicConfig,
  GetConsumeStats,
  GetTopicStatsInfo,
  InvokeBrokerToResetOffset,
  type RequestHandler,
  UpdateAndCreateSubscriptionGroup,
  WipeWritePermOfBroker,
} from '@rocketmq-ts/remoting'
import { createBrokerClient, createNameServerClient } from '../src/index.ts'
import { createScriptedPeers } from './support/scripted-peers.ts'

const address = '10.0.0.1:10911'

function setUp(handler: RequestHandler) {
  const peers = createScriptedPeers({ [address]: handler })
  return { ...peers, client: createBrokerClient({ peers: peers.peers }) }
}

const named = (prefix: string, count: number) => Array.from({ length: count }, (_, at) => topicConfig(`${prefix}${at}`))

test('admin calls: all topics in two pages → asked for with the version of the first, and put together', async () => {
  const all = named('t', 3)
  const dataVersion = { stateVersion: 0, counter: 1, timestamp: 1 }
  const asked: (object | undefined)[] = []
  const { client, ended } = setUp((arrived) => {
    const request = arrived.as(GetAllTopicConfig)
    asked.push(request.header)
    const topics = all.slice(request.header.topicSeq, (request.header.topicSeq ?? 0) + 2)
    request.respond({ code: 0, header: { totalTopicNum: 3 }, body: encodeTopicConfigs({ dataVersion, topics }) })
  })
  expect(await ended(client.topicConfigs(address))).toEqual(all)
  expect(asked).toEqual([
    { topicSeq: 0, maxTopicNum: 500, dataVersion: '' },
    { topicSeq: 2, maxTopicNum: 500, dataVersion: stringifyJavaJson(dataVersion) },
  ])
})

test('admin calls: topics change between two pages → read again from the first, none twice', async () => {
  let counter = 1
  const { client, ended } = setUp((arrived) => {
    const request = arrived.as(GetAllTopicConfig)
    if (request.header.topicSeq === 2) counter = 2
    const dataVersion = { stateVersion: 0, counter, timestamp: 1 }
    const start = request.header.dataVersion === stringifyJavaJson(dataVersion) ? (request.header.topicSeq ?? 0) : 0
    const topics = named(`v${counter}-`, 3).slice(start, start + 2)
    request.respond({ code: 0, header: { totalTopicNum: 3 }, body: encodeTopicConfigs({ dataVersion, topics }) })
  })
  expect(await ended(client.topicConfigs(address))).toEqual(named('v2-', 3))
})

test('admin calls: topics change at every page → busy after a bounded number of pages', async () => {
  let counter = 0
  const { client, ended } = setUp((arrived) => {
    counter += 1
    const dataVersion = { stateVersion: 0, counter, timestamp: 1 }
    const body = encodeTopicConfigs({ dataVersion, topics: named('t', 2) })
    arrived.as(GetAllTopicConfig).respond({ code: 0, header: { totalTopicNum: 3 }, body })
  })
  await expect(ended(client.topicConfigs(address))).rejects.toMatchObject({ code: 'busy' })
})

test('admin calls: a broker that knows no pages → its one answer holds all', async () => {
  const dataVersion = { stateVersion: 0, counter: 1, timestamp: 1 }
  const body = encodeTopicConfigs({ dataVersion, topics: named('t', 2) })
  const { client, ended } = setUp((arrived) => arrived.as(GetAllTopicConfig).respond({ code: 0, body }))
  expect(await ended(client.topicConfigs(address))).toEqual(named('t', 2))
})

test('admin calls: a topic that the broker does not have → undefined', async () => {
  const { client, ended } = setUp((arrived) => arrived.as(GetTopicStatsInfo).respond({ code: 17, remark: 'no' }))
  expect(await ended(client.topicStats(address, 't'))).toBeUndefined()
})

test('admin calls: progress of one topic → asked for by name', async () => {
  const queue = { topic: 't', brokerName: 'a', queueId: 0, brokerOffset: 3, consumerOffset: 1, pullOffset: 2 }
  const { client, ended } = setUp((arrived) => {
    const request = arrived.as(GetConsumeStats)
    expect(request.header).toEqual({ consumerGroup: 'g', topic: 't' })
    request.respond({ code: 0, body: encodeConsumeStats([{ ...queue, lastTimestamp: 0 }]) })
  })
  expect(await ended(client.consumeStats(address, 'g', 't'))).toEqual([{ ...queue, lastTimestamp: 0 }])
})

test('admin calls: a group is deleted → with its offsets', async () => {
  const { client, ended } = setUp((arrived) => {
    const request = arrived.as(DeleteSubscriptionGroup)
    expect(request.header).toEqual({ groupName: 'g', cleanOffset: true })
    request.respond({ code: 0 })
  })
  await ended(client.deleteSubscriptionGroup(address, 'g'))
})

test('admin calls: a position is reset → by offset, of one queue; refused → rejected with the reason', async () => {
  const position = { group: 'g', topic: 't', queueId: 3, offset: 7 }
  const { client, ended } = setUp((arrived) => {
    const request = arrived.as(InvokeBrokerToResetOffset)
    const { offset, ...rest } = request.header
    expect(rest).toEqual({ group: 'g', topic: 't', queueId: 3, timestampMs: 0, isForce: true })
    request.respond(offset === 7 ? { code: 0 } : { code: 1, remark: 'offset 8 is outside of queue 3' })
  })
  await ended(client.resetOffset(address, position))
  await expect(ended(client.resetOffset(address, { ...position, offset: 8 }))).rejects.toThrow('outside of queue 3')
})

test('admin calls: a group with attributes → each named with a sign, without which a broker of Apache refuses it', async () => {
  const bodies: string[] = []
  const { client, ended } = setUp((arrived) => {
    const request = arrived.as(UpdateAndCreateSubscriptionGroup)
    bodies.push(Buffer.from(request.body).toString())
    request.respond({ code: 0 })
  })
  const config = subscriptionGroupConfig('g', { attributes: new Map([['a', '1']]), retryMaxTimes: 3 })
  await ended(client.createSubscriptionGroup(address, config))
  expect(bodies[0]).toContain('"attributes":{"+a":"1"}')
  expect(bodies[0]).toContain('"retryMaxTimes":3')
})

test('nameservers: write permission and deletion → told to each, each with its own result', async () => {
  const other = '10.0.0.2:9876'
  const counting: RequestHandler = (arrived) => {
    if (arrived.code === WipeWritePermOfBroker.code) {
      arrived.as(WipeWritePermOfBroker).respond({ code: 0, header: { wipeTopicCount: 7 } })
    } else if (arrived.code === AddWritePermOfBroker.code) {
      arrived.as(AddWritePermOfBroker).respond({ code: 0, header: { addTopicCount: 6 } })
    } else {
      const request = arrived.as(DeleteTopicInNameServer)
      expect(request.header).toEqual({ topic: 't', clusterName: 'C' })
      request.respond({ code: 0 })
    }
  }
  const { peers, ended } = createScriptedPeers({
    [address]: counting,
    [other]: (arrived) => arrived.respond({ code: 16, remark: 'not you' }),
  })
  const client = createNameServerClient({ addresses: [address, other], peers })
  const refused = { kind: 'failed', address: other, error: expect.objectContaining({ code: 'no-permission' }) }
  expect(await ended(client.wipeWritePerm('b'))).toEqual([{ kind: 'done', address, value: 7 }, refused])
  expect(await ended(client.addWritePerm('b'))).toEqual([{ kind: 'done', address, value: 6 }, refused])
  expect(await ended(client.deleteTopic('t', 'C'))).toEqual([{ kind: 'done', address, value: undefined }, refused])
})
