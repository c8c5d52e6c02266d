// A whole broker that joins: what it holds when nameservers hear of it, and after a crash at any moment of the join.
import { expect, test } from '@jest/globals'
import { type ClusterInfo, subscriptionGroupConfig, topicConfig } from '@rocketmq-ts/model'
import { GetSubscriptionGroupConfig, GetTopicConfig, ResponseCode } from '@rocketmq-ts/remoting'
import type { BrokerRegistrationRequest } from '../../src/name-servers.ts'
import type { ClusterPeers, PeerSettings } from '../../src/joining/cluster-peers.ts'
import { SETTINGS_PER_TURN } from '../../src/joining/join-cluster.ts'
import { startBroker } from '../broker-harness.ts'

/** Several Turns of them. */
const NAMES = Array.from({ length: 3 * SETTINGS_PER_TURN + 10 }, (_, index) => `T${index}`)
const settings: PeerSettings = {
  topics: NAMES.map((name) => topicConfig(name, { readQueueNums: 3, writeQueueNums: 3 })),
  groups: [subscriptionGroupConfig('G', { retryMaxTimes: 5 })],
}
const cluster: ClusterPeers = {
  clusterInfo: async () => ({
    brokerAddrTable: new Map([
      [
        'peer',
        {
          cluster: 'DefaultCluster',
          brokerName: 'peer',
          brokerAddrs: new Map([[0, 'peer:1']]),
          enableActingMaster: false,
        },
      ],
    ]),
    clusterAddrTable: new Map(),
  }),
  settings: async () => settings,
}

const nobody: ClusterInfo = { brokerAddrTable: new Map(), clusterAddrTable: new Map() }

function registering() {
  const told: string[][] = []
  const nameServers = {
    addresses: ['here'],
    async register(_: string, { topics }: BrokerRegistrationRequest) {
      told.push(topics.map(({ topicName }) => topicName).filter((name) => NAMES.includes(name)))
    },
    unregister: async () => {},
  }
  return { told, nameServers }
}

test('joinCluster: off → a fresh broker asks nobody', async () => {
  const { told, nameServers } = registering()
  await startBroker({}, { peers: cluster, nameServers })
  expect(told).toEqual([[]])
})

test('joinCluster: a fresh broker → nameservers hear of it with the topics of its peers, once', async () => {
  const { told, nameServers } = registering()
  const harness = await startBroker({ joinCluster: true }, { peers: cluster, nameServers })
  expect(told).toEqual([NAMES])
  const { body } = await harness.ask(GetTopicConfig, { topic: 'T1' })
  expect(JSON.parse(Buffer.from(body!).toString())).toMatchObject({ readQueueNums: 3, perm: 6 })
  expect((await harness.ask(GetSubscriptionGroupConfig, { group: 'G' })).code).toBe(ResponseCode.SUCCESS)
})

test('joinCluster: killed at any moment of the join → the next start has all topics, or takes them over again', async () => {
  let halves = 0
  let isJoined = false
  // Up to the moment from which on the join is over.
  for (let afterMs = 10; !isJoined; afterMs += 1) {
    const { told, nameServers } = registering()
    let arePeersThere = false
    const peers = { ...cluster, clusterInfo: async () => (arePeersThere ? cluster.clusterInfo() : nobody) }
    const harness = await startBroker({ joinCluster: true }, { peers, nameServers })
    await harness.advance(15_000)
    await harness.stop()
    arePeersThere = true
    harness.world.after(afterMs, () => harness.crash({ powerLoss: true }))
    await harness.restart().catch(() => undefined)
    await harness.advance(afterMs)
    const before = harness.events.length
    await harness.restart()
    expect(told.at(-1)).toEqual(NAMES)
    const taken = harness.events.slice(before).find(({ event }) => event === 'cluster.settings-taken')
    const { added = 0 } = (taken ?? {}) as { added?: number }
    if (added > 0 && added < NAMES.length) halves += 1
    isJoined = added === 0
  }
  expect(halves).toBeGreaterThan(2)
})

test('joinCluster: over and started again → topics that peers have by now do not come by themselves', async () => {
  const { told, nameServers } = registering()
  let asked = 0
  const peers = {
    ...cluster,
    settings: () => {
      asked += 1
      return cluster.settings('')
    },
  }
  const harness = await startBroker({ joinCluster: true }, { peers, nameServers })
  await harness.advance(15_000)
  await harness.stop()
  asked = 0
  await harness.restart()
  await harness.advance(15_000)
  expect(asked).toBe(0)
  expect(told.at(-1)).toEqual(NAMES)
})
