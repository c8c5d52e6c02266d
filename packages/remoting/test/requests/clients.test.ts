// Requests about clients in their text form: those that are Java's, and ours.
import { expect, test } from '@jest/globals'
import {
  ConsumeMessageDirectly,
  decodeConsumeResult,
  decodeConsumerRunningInfo,
  encodeConsumeResult,
  encodeConsumerRunningInfo,
  GetConsumerRunningInfo,
  SettingsChanged,
} from '../../src/index.ts'

test('GET_CONSUMER_RUNNING_INFO: as Java writes it → read, and written the same', () => {
  const fields = new Map([
    ['consumerGroup', 'G'],
    ['clientId', 'c'],
    ['jstackEnable', 'true'],
  ])
  const header = GetConsumerRunningInfo.header.decode(fields)
  expect(header).toEqual({ consumerGroup: 'G', clientId: 'c', jstackEnable: true })
  expect(new Map(GetConsumerRunningInfo.header.encode(header))).toEqual(fields)
})

test('GET_CONSUMER_RUNNING_INFO: the answer → the members that Java reads, and back', () => {
  const info = { properties: new Map([['PROP_CLIENT_VERSION', '5.2.0']]), jstack: 'main: run\n  at a' }
  const bytes = encodeConsumerRunningInfo(info)
  expect(decodeConsumerRunningInfo(bytes)).toEqual(info)
  expect(Object.keys(JSON.parse(Buffer.from(bytes).toString()) as object).toSorted()).toEqual(
    ['properties', 'subscriptionSet', 'mqTable', 'mqPopTable', 'statusTable', 'userConsumerInfo', 'jstack'].toSorted(),
  )
})

test('CONSUME_MESSAGE_DIRECTLY: only the group is needed, as Java has it', () => {
  const fields = new Map([
    ['consumerGroup', 'G'],
    ['clientId', 'c'],
    ['msgId', '0A00000100002A9F0000000000000000'],
    ['brokerName', 'broker-a'],
  ])
  expect(new Map(ConsumeMessageDirectly.header.encode(ConsumeMessageDirectly.header.decode(fields)))).toEqual(fields)
  expect(() => ConsumeMessageDirectly.header.decode(new Map())).toThrow('consumerGroup')
})

test('CONSUME_MESSAGE_DIRECTLY: the result → there and back; one that nobody knows names those that are known', () => {
  const result = { consumeResult: 'CR_LATER', remark: 'boom', spentTimeMs: 7 } as const
  expect(decodeConsumeResult(encodeConsumeResult(result))).toEqual(result)
  expect(() => decodeConsumeResult(Buffer.from('{"consumeResult":"NEW"}'))).toThrow('CR_SUCCESS')
})

test('SETTINGS_CHANGED: kind and name are needed', () => {
  expect(() => SettingsChanged.header.decode(new Map([['kind', 'group']]))).toThrow('name')
})
