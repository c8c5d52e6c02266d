import { expect, test } from '@jest/globals'
import { subscriptionGroupConfig, topicConfig } from '@rocketmq-ts/model'
import {
  decodeConsumeStats,
  decodeMessageTrace,
  decodeSubscriptionGroups,
  decodeTopicConfigs,
  decodeTopicStats,
  encodeConsumeStats,
  encodeSubscriptionGroups,
  encodeTopicConfigs,
  encodeTopicStats,
} from '../../src/index.ts'

const VERSION = { stateVersion: 0, counter: 2, timestamp: 3 }
const QUEUE = { topic: 'T', brokerName: 'broker-a', queueId: 1 }
const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString()

test('topic stats: queues → the JSON of Java with whole queues as keys, and back', () => {
  const stats = [{ ...QUEUE, minOffset: 0, maxOffset: 5, lastUpdateTimestamp: 7 }]
  const bytes = encodeTopicStats(stats)
  expect(textOf(bytes)).toBe(
    '{"offsetTable":{{"brokerName":"broker-a","queueId":1,"topic":"T"}:{"lastUpdateTimestamp":7,"maxOffset":5,"minOffset":0}},"topicPutTps":0}',
  )
  expect(decodeTopicStats(bytes)).toEqual(stats)
})

test('consume stats: queues → the JSON of Java, and back; also with keys that became texts, and with none', () => {
  const stats = [{ ...QUEUE, brokerOffset: 9, consumerOffset: 4, pullOffset: 6, lastTimestamp: 8 }]
  const bytes = encodeConsumeStats(stats)
  expect(textOf(bytes)).toBe(
    '{"consumeTps":0,"offsetTable":{{"brokerName":"broker-a","queueId":1,"topic":"T"}:{"brokerOffset":9,"consumerOffset":4,"lastTimestamp":8,"pullOffset":6}}}',
  )
  expect(decodeConsumeStats(bytes)).toEqual(stats)
  const asText =
    '{"offsetTable":{"{\\"brokerName\\":\\"broker-a\\",\\"queueId\\":1,\\"topic\\":\\"T\\"}":{"brokerOffset":9,"consumerOffset":4,"pullOffset":6,"lastTimestamp":8}}}'
  expect(decodeConsumeStats(Buffer.from(asText))).toEqual(stats)
  const withLag = stats.map((each) => ({ ...each, lag: 3, lagMs: 70 }))
  expect(decodeConsumeStats(encodeConsumeStats(withLag))).toEqual(withLag)
  expect(decodeConsumeStats(Buffer.from('{"consumeTps":0.0,"offsetTable":{}}'))).toEqual([])
})

test('queue tables: a key or a value of the wrong kind → parameter-invalid that names the place', () => {
  expect(() => decodeTopicStats(Buffer.from('{"offsetTable":{{"topic":"T"}:{}}}'))).toThrow(/\[0\] key\.brokerName/)
  expect(() => decodeTopicStats(Buffer.from('{"offsetTable":[]}'))).toThrow(/offsetTable: must be an object/)
  expect(() => decodeTopicStats(Buffer.from('{"offsetTable":{"x":{}}}'))).toThrow(/JSON/)
})

test('all topics: settings → the JSON of Java, and back', () => {
  const configs = {
    dataVersion: VERSION,
    topics: [topicConfig('T', { attributes: new Map([['message.type', 'FIFO']]) })],
  }
  const bytes = encodeTopicConfigs(configs)
  expect(textOf(bytes)).toContain('"dataVersion":{"counter":2,"stateVersion":0,"timestamp":3}')
  expect(textOf(bytes)).toContain('"topicConfigTable":{"T":{"attributes":{"message.type":"FIFO"},"order":false,')
  expect(decodeTopicConfigs(bytes)).toEqual(configs)
})

test('all groups: settings → the JSON of Java, and back', () => {
  const groups = { dataVersion: VERSION, groups: [subscriptionGroupConfig('g', { retryMaxTimes: 3 })] }
  const bytes = encodeSubscriptionGroups(groups)
  expect(textOf(bytes)).toContain('"forbiddenTable":{},"subscriptionGroupTable":{"g":{')
  expect(decodeSubscriptionGroups(bytes)).toEqual(groups)
})

test('message trace: a state or an event that nobody knows, a member of the wrong kind → parameter-invalid that names it', () => {
  const faults = [
    ['{"states":[{"group":"g","state":"lost","attempts":0}]}', "MessageTrace.states[0].state: 'lost' is unknown"],
    ['{"events":[{"kind":"eaten","group":"g","atMs":1}]}', "MessageTrace.events[0].kind: 'eaten' is unknown"],
    ['{"events":[{"kind":"dead","group":7,"atMs":1}]}', 'MessageTrace.events[0].group: must be text'],
    ['{"events":{}}', 'MessageTrace.events: must be an array'],
  ] as const
  for (const [text, message] of faults) expect(() => decodeMessageTrace(Buffer.from(text))).toThrow(message)
})
