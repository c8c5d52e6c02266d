import { afterEach, expect, test } from '@jest/globals'
import { defaultConfig } from '@rocketmq-ts/config'
import { decodeTopicRouteData, encodeRegisterBrokerBody, parseJavaJson, Perm, topicConfig } from '@rocketmq-ts/model'
import {
  AddWritePermOfBroker,
  DeleteTopicInNameServer,
  GetRouteInfoByTopic,
  type Peer,
  RegisterBroker,
  WipeWritePermOfBroker,
} from '@rocketmq-ts/remoting'
import { silentLogger } from '@rocketmq-ts/runtime'
import { createManualEffects } from '@rocketmq-ts/testkit'
import { createNameServer, nameServerConfig } from '../src/index.ts'
import { type RegistrationChanges, registrationOf } from './registrations-of.ts'

const TIMEOUT = { timeoutMs: 3000 }
const READ_ONLY = topicConfig('R', { perm: Perm.READ })
const stops: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
})

async function connected(): Promise<Peer> {
  const nameServer = createNameServer(
    { ...defaultConfig(nameServerConfig), listenPort: 0 },
    { ...createManualEffects(), logger: silentLogger },
  )
  await nameServer.start()
  stops.push(() => nameServer.stop())
  return nameServer.connectLocal()
}

function register(peer: Peer, changes: RegistrationChanges = {}) {
  const { body, ...identity } = registrationOf({ topics: ['A', READ_ONLY], ...changes })
  return peer.request(RegisterBroker, identity, { ...TIMEOUT, body: encodeRegisterBrokerBody(body) })
}

/** Permission of each broker name in the topic's route. */
async function perms(peer: Peer, topic: string): Promise<Record<string, number>> {
  const { body } = await peer.request(GetRouteInfoByTopic, { topic }, TIMEOUT)
  if (body === undefined) return {}
  const { queueDatas } = decodeTopicRouteData(parseJavaJson(body))
  return Object.fromEntries(queueDatas.map(({ brokerName, perm }) => [brokerName, perm]))
}

const wipe = (peer: Peer, brokerName: string) => peer.request(WipeWritePermOfBroker, { brokerName }, TIMEOUT)
const add = (peer: Peer, brokerName: string) => peer.request(AddWritePermOfBroker, { brokerName }, TIMEOUT)

test('drain: write permission wiped → its routes are for reading, those of others stay; added again → as announced', async () => {
  const peer = await connected()
  await register(peer)
  await register(peer, { name: 'broker-b', addr: 'b:1' })
  expect((await wipe(peer, 'broker-a')).header).toEqual({ wipeTopicCount: 2 })
  expect(await perms(peer, 'A')).toEqual({ 'broker-a': Perm.READ, 'broker-b': Perm.READ_WRITE })
  expect((await add(peer, 'broker-a')).header).toEqual({ addTopicCount: 2 })
  expect(await perms(peer, 'A')).toEqual({ 'broker-a': Perm.READ_WRITE, 'broker-b': Perm.READ_WRITE })
  expect(await perms(peer, 'R')).toEqual({ 'broker-a': Perm.READ, 'broker-b': Perm.READ })
})

test('drain: the broker announces a new topic → still drained, with the new topic too', async () => {
  const peer = await connected()
  await register(peer)
  await wipe(peer, 'broker-a')
  await register(peer, { topics: ['A', READ_ONLY, 'N'], version: { counter: 2 } })
  expect(await perms(peer, 'A')).toEqual({ 'broker-a': Perm.READ })
  expect(await perms(peer, 'N')).toEqual({ 'broker-a': Perm.READ })
})

test('drain: a name that is not registered → success with 0 topics', async () => {
  const peer = await connected()
  expect(await wipe(peer, 'nobody')).toMatchObject({ code: 0, header: { wipeTopicCount: 0 } })
  expect(await add(peer, 'nobody')).toMatchObject({ code: 0, header: { addTopicCount: 0 } })
})

test('delete topic: in one cluster → the brokers of others keep it; everywhere → it is gone', async () => {
  const peer = await connected()
  await register(peer)
  await register(peer, { name: 'broker-b', addr: 'b:1', cluster: 'D' })
  await peer.request(DeleteTopicInNameServer, { topic: 'A', clusterName: 'D' }, TIMEOUT)
  expect(await perms(peer, 'A')).toEqual({ 'broker-a': Perm.READ_WRITE })
  await peer.request(DeleteTopicInNameServer, { topic: 'A' }, TIMEOUT)
  expect(await perms(peer, 'A')).toEqual({})
  expect((await peer.request(DeleteTopicInNameServer, { topic: 'unknown' }, TIMEOUT)).code).toBe(0)
})
