import { expect, test } from '@jest/globals'
import {
  decodeRegisterBrokerBody,
  type MqError,
  stringifyJavaJson,
  topicConfig,
  type TopicRouteData,
} from '@rocketmq-ts/model'
import { GetRouteInfoByTopic, QueryDataVersion, RegisterBroker, type RequestHandler } from '@rocketmq-ts/remoting'
import { createNameServerClient, SILENT_MS, type BrokerRegistration } from '../src/index.ts'
import { createScriptedPeers, type ScriptedPeers } from './support/scripted-peers.ts'

const route: TopicRouteData = {
  queueDatas: [{ brokerName: 'b', readQueueNums: 4, writeQueueNums: 4, perm: 6, topicSysFlag: 0 }],
  brokerDatas: [
    { cluster: 'C', brokerName: 'b', brokerAddrs: new Map([[0, '10.0.0.1:10911']]), enableActingMaster: false },
  ],
  filterServerTable: new Map(),
}
const identity = { clusterName: 'C', brokerName: 'b', brokerAddr: '10.0.0.1:10911', brokerId: 0 }
const registration: BrokerRegistration = {
  ...identity,
  haServerAddr: '10.0.0.1:10912',
  body: {
    dataVersion: { stateVersion: 0, counter: 3, timestamp: 5 },
    topicConfigTable: new Map([['T', topicConfig('T')]]),
    filterServerList: [],
  },
}

const knows: RequestHandler = (arrived) => {
  const { header } = arrived.as(GetRouteInfoByTopic)
  const body = Buffer.from(stringifyJavaJson({ ...route, orderTopicConf: header.topic }))
  arrived.respond({ code: 0, body })
}
const knowsNothing: RequestHandler = (request) => request.respond({ code: 17, remark: 'no such topic' })
const fails: RequestHandler = (request) => request.respond({ code: 1, remark: 'starting' })

function clientOf(peers: ScriptedPeers, addresses: readonly string[]) {
  return createNameServerClient({ addresses, peers: peers.peers })
}

test('nameserver client: a known topic → its route', async () => {
  const peers = createScriptedPeers({ 'n1:1': knows })
  expect(await peers.ended(clientOf(peers, ['n1:1']).topicRoute('T'))).toEqual({ ...route, orderTopicConf: 'T' })
})

test('nameserver client: one down, one failing → the next answers and is asked first from then on', async () => {
  const peers = createScriptedPeers({ 'n2:1': fails, 'n3:1': knows })
  const client = clientOf(peers, ['n1:1', 'n2:1', 'n3:1'])
  expect(await peers.ended(client.topicRoute('T'))).toBeDefined()
  await peers.ended(client.topicRoute('U'))
  expect(peers.arrived.map(({ address }) => address)).toEqual(['n2:1', 'n3:1', 'n3:1'])
})

test('nameserver client: one that has just started knows nothing → the others are asked before it is believed', async () => {
  const peers = createScriptedPeers({ 'n1:1': knowsNothing, 'n2:1': knows })
  expect(await peers.ended(clientOf(peers, ['n1:1', 'n2:1']).topicRoute('T'))).toBeDefined()
})

test('nameserver client: nobody that answers knows the topic → undefined', async () => {
  const peers = createScriptedPeers({ 'n1:1': knowsNothing })
  expect(await peers.ended(clientOf(peers, ['n1:1', 'n2:1']).topicRoute('T'))).toBeUndefined()
})

test('nameserver client: none answers → an error that names all of them and the last cause', async () => {
  const peers = createScriptedPeers({ 'n2:1': fails })
  await expect(peers.ended(clientOf(peers, ['n1:1', 'n2:1']).topicRoute('T'))).rejects.toMatchObject({
    code: 'internal',
    message: expect.stringMatching(/n1:1, n2:1.*starting/),
  })
})

/** What a client answers within a moment when its first nameserver hangs; 'nothing yet' where it does not. */
async function answerOfOther(other: RequestHandler): Promise<TopicRouteData | undefined | 'nothing yet'> {
  const scripted = createScriptedPeers({ 'n1:1': () => undefined, 'n2:1': other })
  const { effects, peers } = scripted
  const client = createNameServerClient({ addresses: ['n1:1', 'n2:1'], peers, scheduler: effects.scheduler })
  let answer: TopicRouteData | undefined | 'nothing yet' = 'nothing yet'
  void client.topicRoute('T').then((found) => (answer = found))
  await effects.advance(SILENT_MS - 1)
  expect(scripted.arrived).toHaveLength(1)
  await effects.advance(SILENT_MS + 1)
  return answer
}

test('nameserver client: one hangs, the other knows the topic → its answer counts after a moment', async () => {
  expect(await answerOfOther(knows)).toEqual({ ...route, orderTopicConf: 'T' })
})

test('nameserver client: one hangs, the other does not know the topic → believed after a moment', async () => {
  expect(await answerOfOther(knowsNothing)).toBeUndefined()
})

test('nameserver client: all hang → waited for until the time-out', async () => {
  const { effects, peers } = createScriptedPeers({ 'n1:1': () => undefined, 'n2:1': () => undefined })
  const client = createNameServerClient({ addresses: ['n1:1', 'n2:1'], peers, scheduler: effects.scheduler })
  let code = ''
  client.topicRoute('T').catch((error: MqError) => (code = error.code))
  await effects.advance(3000)
  expect(code).toBe('')
  await effects.advance(SILENT_MS)
  expect(code).toBe('timeout')
})

test('nameserver client: no address → refused with the setting to change', () => {
  expect(() => clientOf(createScriptedPeers(), [])).toThrow(/namesrvAddr/)
})

test('nameserver client: register → goes to that nameserver with a checksum; what it does not take is an error', async () => {
  const seen: unknown[] = []
  const accepts: RequestHandler = (arrived) => {
    const request = arrived.as(RegisterBroker)
    const body = decodeRegisterBrokerBody(request.body, { bytesMax: 10_000, topicsMax: 10 })
    seen.push([request.header, body.topicConfigTable.get('T')?.readQueueNums])
    request.respond({ code: 0, header: { masterAddr: 'm:1' }, body: Buffer.from('{"table":{"T":"b:4"}}') })
  }
  const peers = createScriptedPeers({ 'n1:1': accepts, 'n2:1': fails })
  const client = clientOf(peers, ['n1:1', 'n2:1', 'n3:1'])
  expect(await peers.ended(client.registerBroker('n1:1', registration))).toEqual({
    masterAddr: 'm:1',
    haServerAddr: undefined,
    orderTopicConf: new Map([['T', 'b:4']]),
  })
  for (const address of ['n2:1', 'n3:1']) {
    await expect(peers.ended(client.registerBroker(address, registration))).rejects.toThrow()
  }
  const { body: _body, ...header } = registration
  expect(seen).toEqual([[{ ...header, compressed: false, bodyCrc32: expect.any(Number) }, 16]])
})

test('nameserver client: the connection of a registration ends → told once, however often it registered on it', async () => {
  const accepts: RequestHandler = (arrived) => arrived.as(RegisterBroker).respond({ code: 0, header: {} })
  const scripted = createScriptedPeers({ 'n1:1': accepts })
  const client = clientOf(scripted, ['n1:1'])
  let losses = 0
  const onLost = (): void => void (losses += 1)
  for (const connection of [1, 2]) {
    for (let count = 0; count < 3; count += 1) await scripted.ended(client.registerBroker('n1:1', registration, onLost))
    expect(losses).toBe(connection - 1)
    scripted.arrived.at(-1)?.request.peer.close()
    await scripted.effects.settle()
    expect(losses).toBe(connection)
  }
})

test('nameserver client: data version → whether it changed, and what is known', async () => {
  const handler: RequestHandler = (arrived) => {
    const known = Buffer.from('{"counter":1,"stateVersion":0,"timestamp":2}')
    arrived.as(QueryDataVersion).respond({ code: 0, header: { changed: true }, body: known })
  }
  const peers = createScriptedPeers({ 'n1:1': handler })
  const version = { stateVersion: 0, counter: 2, timestamp: 3 }
  expect(await peers.ended(clientOf(peers, ['n1:1']).queryDataVersion(identity, version))).toEqual([
    {
      kind: 'done',
      address: 'n1:1',
      value: { changed: true, known: { counter: 1, stateVersion: 0, timestamp: 2 } },
    },
  ])
})
