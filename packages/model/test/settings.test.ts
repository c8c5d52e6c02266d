import { expect, test } from '@jest/globals'
import {
  compareDataVersions,
  decodeClusterInfo,
  decodeSubscriptionGroupConfig,
  decodeTopicConfig,
  decodeTopicRouteData,
  formatAttributeChanges,
  nextDataVersion,
  parseAttributeChanges,
  parseJavaJson,
  stringifyJavaJson,
  subscriptionGroupConfig,
  topicConfig,
  topicMessageType,
} from '../src/index.ts'
import { codeOf } from './thrown.ts'

const TOPIC =
  '{"attributes":{},"order":false,"perm":6,"readQueueNums":8,"topicFilterType":"SINGLE_TAG","topicName":"T","topicSysFlag":0,"writeQueueNums":8}'
const GROUP =
  '{"attributes":{},"brokerId":0,"consumeBroadcastEnable":true,"consumeEnable":true,"consumeFromMinEnable":true,' +
  '"consumeMessageOrderly":false,"consumeTimeoutMinute":15,"groupName":"g","groupRetryPolicy":{"type":"CUSTOMIZED"},' +
  '"groupSysFlag":0,"notifyConsumerIdsChangedEnable":true,"retryMaxTimes":16,"retryQueueNums":1,"whichBrokerWhenConsumeSlowly":1}'
const ROUTE =
  '{"brokerDatas":[{"brokerAddrs":{0:"127.0.0.1:10911"},"brokerName":"broker-a","cluster":"C","enableActingMaster":false}],' +
  '"filterServerTable":{},"queueDatas":[{"brokerName":"broker-a","perm":6,"readQueueNums":8,"topicSysFlag":0,"writeQueueNums":8}]}'
const CLUSTER =
  '{"brokerAddrTable":{"broker-a":{"brokerAddrs":{0:"127.0.0.1:10911"},"brokerName":"broker-a","cluster":"C",' +
  '"enableActingMaster":false}},"clusterAddrTable":{"C":["broker-a"]}}'

test('settings: text of Java → the same text after decoding and printing', () => {
  expect(stringifyJavaJson(decodeTopicConfig(parseJavaJson(TOPIC)))).toBe(TOPIC)
  expect(stringifyJavaJson(decodeSubscriptionGroupConfig(parseJavaJson(GROUP)))).toBe(GROUP)
  expect(stringifyJavaJson(decodeTopicRouteData(parseJavaJson(ROUTE)))).toBe(ROUTE)
  expect(stringifyJavaJson(decodeClusterInfo(parseJavaJson(CLUSTER)))).toBe(CLUSTER)
})

test('settings: only the name given → the defaults of Java', () => {
  expect(decodeTopicConfig(parseJavaJson('{"topicName":"T"}'))).toEqual(topicConfig('T'))
  expect(decodeSubscriptionGroupConfig(parseJavaJson('{"groupName":"g"}'))).toEqual(subscriptionGroupConfig('g'))
})

test('settings: quoted broker ids → the same route', () => {
  expect(decodeTopicRouteData(parseJavaJson(ROUTE.replace('{0:', '{"0":')))).toEqual(
    decodeTopicRouteData(parseJavaJson(ROUTE)),
  )
})

test('settings: member of the wrong type → parameter-invalid, and the message names its path', () => {
  expect(() => decodeTopicConfig(parseJavaJson('{"topicName":"T","perm":"rw"}'))).toThrow('TopicConfig.perm')
  expect(() => decodeTopicConfig(parseJavaJson('[]'))).toThrow('TopicConfig: is not a JSON object')
  expect(() => decodeTopicRouteData(parseJavaJson('{"queueDatas":[{}]}'))).toThrow('queueDatas[0].brokerName')
  expect(codeOf(() => decodeSubscriptionGroupConfig({}))).toBe('parameter-invalid')
})

test('group: retry policies → both kinds with their numbers', () => {
  const customized =
    '{"groupName":"g","groupRetryPolicy":{"customizedRetryPolicy":{"next":[1000,5000]},"type":"CUSTOMIZED"}}'
  expect(decodeSubscriptionGroupConfig(parseJavaJson(customized)).groupRetryPolicy).toEqual({
    type: 'CUSTOMIZED',
    customizedRetryPolicy: { next: [1000, 5000] },
  })
  const exponential =
    '{"groupName":"g","groupRetryPolicy":{"exponentialRetryPolicy":{"initial":10},"type":"EXPONENTIAL"}}'
  expect(decodeSubscriptionGroupConfig(parseJavaJson(exponential)).groupRetryPolicy).toEqual({
    type: 'EXPONENTIAL',
    exponentialRetryPolicy: { initial: 10, max: 7_200_000, multiplier: 2 },
  })
})

test('topic: attribute message.type → the type it accepts, NORMAL without one', () => {
  expect(topicMessageType(topicConfig('T'))).toBe('NORMAL')
  expect(topicMessageType(topicConfig('T', { attributes: new Map([['message.type', 'FIFO']]) }))).toBe('FIFO')
  expect(topicMessageType(topicConfig('T', { attributes: new Map([['message.type', 'constructor']]) }))).toBe('NORMAL')
})

test('topic: attribute changes → set and delete, and back', () => {
  const text = '+message.type=FIFO,-reserve.time'
  expect(parseAttributeChanges(text)).toEqual([
    { kind: 'set', name: 'message.type', value: 'FIFO' },
    { kind: 'delete', name: 'reserve.time' },
  ])
  expect(formatAttributeChanges(parseAttributeChanges(text))).toBe(text)
})

test.each(['a=b', '+a', '+=b', '-a=b', '+a=b=c', '+a=b,-a', '+a='])(
  "topic: attribute change '%s' → parameter-invalid",
  (text) => {
    expect(codeOf(() => parseAttributeChanges(text))).toBe('parameter-invalid')
  },
)

test('data version: state version beats counter beats timestamp', () => {
  const version = { stateVersion: 1, counter: 5, timestamp: 100 }
  expect(compareDataVersions(version, { stateVersion: 2, counter: 0, timestamp: 0 })).toBeLessThan(0)
  expect(compareDataVersions(version, { stateVersion: 1, counter: 4, timestamp: 200 })).toBeGreaterThan(0)
  expect(compareDataVersions(version, { ...version })).toBe(0)
  expect(nextDataVersion(version, 200)).toEqual({ stateVersion: 1, counter: 6, timestamp: 200 })
})
