// INVOKE_BROKER_TO_RESET_OFFSET: its body as Java has it.
import { expect, test } from '@jest/globals'
import { decodeQueuePositions, encodeQueuePositions } from '../../src/index.ts'

const positions = [
  { topic: 'T', brokerName: 'broker-a', queueId: 0, offset: 7 },
  { topic: 'T', brokerName: 'broker-a', queueId: 1, offset: 0 },
]

test('reset offset: positions → a table with whole queues as keys, as fastjson has it, and back', () => {
  const body = encodeQueuePositions(positions)
  expect(Buffer.from(body).toString()).toBe(
    '{"offsetTable":{{"brokerName":"broker-a","queueId":0,"topic":"T"}:7,{"brokerName":"broker-a","queueId":1,"topic":"T"}:0}}',
  )
  expect(decodeQueuePositions(body)).toEqual(positions)
})

test('reset offset: keys that were made texts → read too; an offset that is none → refused', () => {
  const key = '"{\\"brokerName\\":\\"broker-a\\",\\"queueId\\":0,\\"topic\\":\\"T\\"}"'
  expect(decodeQueuePositions(Buffer.from(`{"offsetTable":{${key}:7}}`))).toEqual(positions.slice(0, 1))
  expect(() => decodeQueuePositions(Buffer.from(`{"offsetTable":{${key}:"7"}}`))).toThrow('offsetTable')
})
