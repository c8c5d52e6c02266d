import { expect, test } from '@jest/globals'
import { BITSET_BITS_MAX } from '@rocketmq-ts/model'
import {
  BATCH_ACKS_MAX,
  BATCH_ACK_MESSAGES_MAX,
  decodeBatchAckBody,
  decodeHeartbeatData,
  decodeKvTable,
  encodeBatchAckBody,
  encodeHeartbeatData,
  encodeKvTable,
  type BatchAck,
} from '../../src/index.ts'

const ack: BatchAck = {
  consumerGroup: 'g',
  topic: 't',
  topicKind: 'retry-v1',
  startOffset: 12,
  queueId: 3,
  reviveQid: 5,
  popTimeMs: 1_700_000_000_000,
  invisibleTimeMs: 60_000,
  offsetsFromStart: [0, 2, 9],
}

test('batch ack body: acknowledgements → the JSON of Java, and back', () => {
  const bytes = encodeBatchAckBody({ brokerName: 'b', acks: [ack] })
  expect(Buffer.from(bytes).toString()).toBe(
    '{"acks":[{"b":"BQI=","c":"g","it":60000,"pt":1700000000000,"q":3,"r":"1","rq":5,"so":12,"t":"t"}],"brokerName":"b"}',
  )
  expect(decodeBatchAckBody(bytes)).toEqual({ brokerName: 'b', acks: [ack] })
})

test('batch ack body: wrong or too much → parameter-invalid that names the field', () => {
  const decode = (json: string) => () => decodeBatchAckBody(Buffer.from(json))
  expect(decode('{"acks":[{"c":"g"}]}')).toThrow(/acks\[0\]\.t/)
  expect(decode('{"acks":[{"c":"g","t":"t","r":"9"}]}')).toThrow(/acks\[0\]\.r/)
  expect(decode(`{"acks":[${Array.from({ length: BATCH_ACKS_MAX + 1 }, () => '{}').join(',')}]}`)).toThrow(
    /at most 4096/,
  )
  const full = { ...ack, offsetsFromStart: Array.from({ length: BITSET_BITS_MAX }, (_, offset) => offset) }
  const batches = Array.from({ length: BATCH_ACK_MESSAGES_MAX / BITSET_BITS_MAX + 1 }, () => full)
  expect(() => decodeBatchAckBody(encodeBatchAckBody({ brokerName: 'b', acks: batches }))).toThrow(/acks: at most/)
})

test('heartbeat: of Java → groups and subscriptions', () => {
  const json =
    '{"clientID":"c","consumerDataSet":[{"consumeFromWhere":"CONSUME_FROM_LAST_OFFSET","consumeType":"CONSUME_PASSIVELY","groupName":"g","messageModel":"CLUSTERING","subscriptionDataSet":[{"classFilterMode":false,"codeSet":[2598919],"expressionType":"TAG","subString":"TagA","subVersion":1700000000000,"tagsSet":["TagA"],"topic":"T"}],"unitMode":false}],"heartbeatFingerprint":0,"producerDataSet":[{"groupName":"p"}],"withoutSub":false}'
  const data = decodeHeartbeatData(Buffer.from(json))
  expect(data.producerDataSet).toEqual([{ groupName: 'p' }])
  expect(data.consumerDataSet[0]).toMatchObject({
    groupName: 'g',
    messageModel: 'CLUSTERING',
    subscriptionDataSet: [{ topic: 'T', subString: 'TagA', subVersion: 1_700_000_000_000n, tagsSet: ['TagA'] }],
  })
  expect(decodeHeartbeatData(encodeHeartbeatData(data))).toEqual(data)
})

test('heartbeat: of C++ and Go, with ordinals, texts for numbers and absent sets → the same words', () => {
  const json =
    '{"clientID":"c","consumerDataSet":[{"consumeFromWhere":4,"consumeType":1,"groupName":"g","messageModel":0,"subscriptionDataSet":[{"topic":"T","subVersion":"1700000000000000001","codeSet":["1"]}]}]}'
  expect(decodeHeartbeatData(Buffer.from(json))).toEqual({
    clientID: 'c',
    producerDataSet: [],
    consumerDataSet: [
      {
        groupName: 'g',
        consumeType: 'CONSUME_PASSIVELY',
        messageModel: 'BROADCASTING',
        consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
        subscriptionDataSet: [
          {
            topic: 'T',
            subString: '*',
            expressionType: 'TAG',
            tagsSet: [],
            subVersion: 1_700_000_000_000_000_001n,
            classFilterMode: false,
          },
        ],
        unitMode: false,
      },
    ],
    heartbeatFingerprint: 0,
    withoutSub: false,
  })
})

test('heartbeat: an unknown word → parameter-invalid that names the field', () => {
  const json = '{"clientID":"c","consumerDataSet":[{"groupName":"g","messageModel":"LOUD"}]}'
  expect(() => decodeHeartbeatData(Buffer.from(json))).toThrow(/consumerDataSet\[0\]\.messageModel/)
})

test('table of texts: any texts → back again; other values are refused', () => {
  const table = new Map([
    ['putTps', '1 2 3'],
    ['__proto__', 'x'],
  ])
  expect(decodeKvTable(encodeKvTable(table))).toEqual(table)
  expect(() => decodeKvTable(Buffer.from('{"table":{"a":1}}'))).toThrow(/KVTable/)
})
