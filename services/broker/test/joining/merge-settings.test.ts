import { expect, test } from '@jest/globals'
import {
  type ClusterInfo,
  Perm,
  type SubscriptionGroupConfig,
  subscriptionGroupConfig,
  SystemTopic,
  type TopicConfig,
  topicConfig,
} from '@rocketmq-ts/model'
import { mergeSettings, type PeerAnswer, peersOf } from '../../src/joining/merge-settings.ts'

const CLUSTER = 'ours'

function brokerOf(brokerName: string, cluster = CLUSTER, ids: readonly number[] = [0]) {
  const brokerAddrs = new Map(ids.map((id) => [id, `${brokerName}-${id}:10911`]))
  return [brokerName, { cluster, brokerName, brokerAddrs, enableActingMaster: false }] as const
}

const info: ClusterInfo = {
  brokerAddrTable: new Map([
    brokerOf('c'),
    brokerOf('a', CLUSTER, [0, 1]),
    brokerOf('own'),
    brokerOf('b', CLUSTER, [1]),
    brokerOf('foreign', 'theirs'),
  ]),
  clusterAddrTable: new Map(),
}

function answer(brokerName: string, topics: TopicConfig[], groups: SubscriptionGroupConfig[] = []): PeerAnswer {
  return { brokerName, topics, groups }
}

test('peers: masters of the cluster, without the broker itself, in the order of their names', () => {
  expect(peersOf(info, CLUSTER, 'own')).toEqual([
    { brokerName: 'a', address: 'a-0:10911' },
    { brokerName: 'c', address: 'c-0:10911' },
  ])
})

test('merge: topics and groups of users are taken; those of the system, and those that groups bring along, are not', () => {
  const topics = [
    topicConfig('Orders'),
    topicConfig(SystemTopic.AUTO_CREATE, { perm: 7 }),
    topicConfig('rmq_sys_ours'),
    topicConfig('ours', { perm: 7 }),
    topicConfig('a', { perm: 7 }),
    topicConfig('ours_REPLY_TOPIC'),
    topicConfig('left-by-a-broker-of-before', { perm: 7 }),
    topicConfig('%RETRY%G'),
    topicConfig('%DLQ%G'),
    topicConfig('%LMQ%x'),
  ]
  const groups = [subscriptionGroupConfig('G'), subscriptionGroupConfig('CID_RMQ_SYS_TRANS')]
  const merged = mergeSettings([answer('a', topics, groups)], info)
  expect(merged.topics.map(({ topicName }) => topicName)).toEqual(['Orders'])
  expect(merged.groups.map(({ groupName }) => groupName)).toEqual(['G'])
})

test('merge: peers differ → most queues, all permissions, the rest from the first name; in any order of answers', () => {
  const ofA = answer(
    'a',
    [
      topicConfig('T', { readQueueNums: 4, writeQueueNums: 8, perm: Perm.READ, attributes: new Map([['x', 'a']]) }),
      topicConfig('U'),
    ],
    [subscriptionGroupConfig('G', { retryMaxTimes: 3 })],
  )
  const ofC = answer(
    'c',
    [topicConfig('T', { readQueueNums: 6, writeQueueNums: 2, order: true })],
    [subscriptionGroupConfig('G', { retryMaxTimes: 9 })],
  )
  const merged = mergeSettings([ofA, ofC], info)
  expect(merged.topics.find(({ topicName }) => topicName === 'T')).toEqual(
    topicConfig('T', { readQueueNums: 6, writeQueueNums: 8, perm: Perm.READ_WRITE, attributes: new Map([['x', 'a']]) }),
  )
  expect(merged.groups).toEqual([subscriptionGroupConfig('G', { retryMaxTimes: 3 })])
  expect(mergeSettings([ofC, ofA], info)).toEqual(merged)
})

test('merge: a peer whose topics are all for reading is being drained → they are written to here', () => {
  const drained = answer('a', [topicConfig('T', { perm: Perm.READ }), topicConfig('Closed', { perm: 0 })])
  expect(mergeSettings([drained], info).topics.map(({ perm }) => perm)).toEqual([Perm.READ_WRITE, 0])
})

test('merge: one topic of several is for reading → it was made so, and stays so', () => {
  const peer = answer('a', [topicConfig('Archive', { perm: Perm.READ }), topicConfig('T')])
  expect(mergeSettings([peer], info).topics.map(({ perm }) => perm)).toEqual([Perm.READ, Perm.READ_WRITE])
})
