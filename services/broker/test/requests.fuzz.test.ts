// Every request of the table with fields and bodies from the edges of what their types allow: each one is answered, no
// job of a Turn ends in a defect, the ledger adds up, and a restart gives the same ledger.
import { expect, test } from '@jest/globals'
import * as remoting from '@rocketmq-ts/remoting'
import { type HeaderCodec, type RequestDeclaration, encodeBatchAckBody } from '@rocketmq-ts/remoting'
import { stringifyJavaJson, subscriptionGroupConfig } from '@rocketmq-ts/model'
import fc from 'fast-check'
import { startBroker } from './broker-harness.ts'

const RUNS = 40
const NOW_MS = 1_767_225_600_000
const INT32_MAX = 2 ** 31 - 1

const REQUESTS: readonly RequestDeclaration<object, object>[] = [
  remoting.SendMessage,
  remoting.SendMessageV2,
  remoting.PopMessage,
  remoting.AckMessage,
  remoting.BatchAckMessage,
  remoting.ChangeMessageInvisibleTime,
  remoting.Notification,
  remoting.QueryConsumerOffset,
  remoting.GetMaxOffset,
  remoting.GetMinOffset,
  remoting.InvokeBrokerToResetOffset,
  remoting.UpdateAndCreateTopic,
  remoting.DeleteTopicInBroker,
  remoting.GetTopicConfig,
  remoting.UpdateAndCreateSubscriptionGroup,
  remoting.GetSubscriptionGroupConfig,
  remoting.DeleteSubscriptionGroup,
  remoting.GetAllTopicConfig,
  remoting.GetAllSubscriptionGroupConfig,
  remoting.GetTopicStatsInfo,
  remoting.GetConsumeStats,
  remoting.GetBrokerRuntimeInfo,
  remoting.QueryMessage,
  remoting.SearchOffsetByTimestamp,
  remoting.GetEarliestMessageStoreTime,
  remoting.ViewMessageById,
  remoting.PullMessage,
  remoting.TraceMessage,
  remoting.SyncClients,
  remoting.ListClients,
  remoting.GetConsumerRunningInfo,
  remoting.ConsumeMessageDirectly,
  remoting.ReconnectClient,
] as unknown as RequestDeclaration<object, object>[]

const texts = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('T', 'G') },
  fc.constantFrom(
    '',
    ' ',
    '*',
    'A||B',
    '||',
    'TAG',
    'SQL92',
    'TBW102',
    'DefaultCluster',
    'broker-a',
    'SELF_TEST_TOPIC',
    'rmq_sys_INFLIGHT_LOG',
    'rmq_sys_x',
    '%DLQ%G',
    '%RETRY%G',
    'a/../b',
    '\u0000',
    '\ud800',
    'x'.repeat(256),
    `rmq_sys_${'y'.repeat(300)}`,
    `0 ${NOW_MS} 60000 0 0 broker-a 0 0`,
    '0 0 0 0 0 b 0 9007199254740991 9007199254740991',
    '+a=1,-b',
    `+a=${'x'.repeat(20_000)}`,
    'TAGS\u0001A\u0002__RMQTS_ORIGIN\u00010 0 0 1 G T\u0002',
    '{"counter":1}',
    '[[[[',
  ),
  fc.string({ maxLength: 40 }),
)
const int32s = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 4 }) },
  fc.constantFrom(-1, 6, 7, 8, 32, 33, 1024, 1025, INT32_MAX, -INT32_MAX - 1),
)
const int64s = fc.oneof(
  { weight: 2, arbitrary: int32s },
  fc.constantFrom(1000, 60_000, NOW_MS, 43_200_001, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER),
)
const bodies = fc.oneof(
  fc.uint8Array({ maxLength: 60 }),
  fc
    .constantFrom(
      '',
      '{}',
      '[]',
      '{"acks":[{}]}',
      '{"groupName":7}',
      '{"groupName":"G","retryMaxTimes":-9}',
      '{"clients":[{"clientId":"c","group":"G"}]}',
    )
    .map(Buffer.from),
  texts.map((groupName) => Buffer.from(stringifyJavaJson(subscriptionGroupConfig(groupName)))),
  fc
    .record({
      startOffset: int64s,
      queueId: int32s,
      popTimeMs: int64s,
      offsets: fc.uniqueArray(fc.integer({ min: 0, max: 65_535 }), { maxLength: 8 }),
    })
    .map(({ offsets, ...rest }) =>
      encodeBatchAckBody({
        brokerName: 'b',
        acks: [
          {
            consumerGroup: 'G',
            topic: 'T',
            topicKind: 'normal',
            reviveQid: 0,
            invisibleTimeMs: 1,
            offsetsFromStart: offsets.sort((a, b) => a - b),
            ...rest,
          },
        ],
      }),
    ),
)

function takes(codec: { encode(value: never): string }, value: unknown): boolean {
  try {
    codec.encode(value as never)
    return true
  } catch {
    return false
  }
}

/** What a usual client says, by field. */
const USUAL: Readonly<Record<string, unknown>> = {
  topic: 'T',
  consumerGroup: 'G',
  group: 'G',
  groupName: 'G',
  producerGroup: 'p',
  defaultTopic: 'TBW102',
  defaultTopicQueueNums: 4,
  queueId: 0,
  queueOffset: 0,
  sysFlag: 0,
  flag: 0,
  bornTimestampMs: NOW_MS,
  properties: 'TAGS\u0001A\u0002',
  maxMsgNums: 8,
  invisibleTimeMs: 60_000,
  pollTimeMs: 0,
  bornTimeMs: 0,
  initMode: 1,
  expType: 'TAG',
  exp: '*',
  extraInfo: `0 ${NOW_MS} 60000 0 0 broker-a 0 0`,
  key: 'K',
  maxNum: 32,
  beginTimestampMs: 0,
  endTimestampMs: Number.MAX_SAFE_INTEGER,
  timestampMs: NOW_MS,
  commitLogOffset: 0,
  commitOffset: 0,
  suspendTimeoutMs: 0,
  subVersion: 0,
  subscription: '*',
  storedMs: 0,
  readQueueNums: 4,
  writeQueueNums: 4,
  perm: 6,
  topicFilterType: 'SINGLE_TAG',
  order: false,
  proxyId: 'p',
  clientId: 'c',
  msgId: '0A00000100002A9F0000000000000000',
  port: 8081,
  isFirst: false,
}

function valuesOf(codec: { encode(value: never): string }): fc.Arbitrary<unknown> {
  if (takes(codec, 'x')) return texts
  if (takes(codec, true)) return fc.boolean()
  return takes(codec, 2 ** 40) ? int64s : int32s
}

/** A usual header in which up to two fields are anything. */
function headerOf({ fields }: HeaderCodec<object>): fc.Arbitrary<object> {
  const known = Object.keys(fields)
  const usual = Object.fromEntries(known.filter((name) => name in USUAL).map((name) => [name, USUAL[name]]))
  const odd = known.map((name) => valuesOf(fields[name]!.codec).map((value) => [name, value] as const))
  const changes = odd.length === 0 ? fc.constant([]) : fc.array(fc.oneof(...odd), { maxLength: 2 })
  return changes.map((entries) => ({ ...usual, ...Object.fromEntries(entries) }))
}

const COMMON = new Set(['SEND_MESSAGE_V2', 'POP_MESSAGE', 'ACK_MESSAGE', 'CHANGE_MESSAGE_INVISIBLETIME'])
const requests = fc.oneof(
  ...REQUESTS.map((request) => ({
    weight: COMMON.has(request.name) ? 8 : 1,
    arbitrary: fc.record({ request: fc.constant(request), header: headerOf(request.header), body: bodies }),
  })),
)

test('requests: anything that their types allow, in any order → all are answered, and what was kept survives a kill', async () => {
  const property = fc.asyncProperty(fc.array(requests, { minLength: 20, maxLength: 60 }), async (calls) => {
    const broker = await startBroker()
    await broker.send('T', 'one')
    await broker.pop('T', 'G')
    const peer = broker.broker.connectLocal()
    const answers = calls.map(({ request, header, body }) =>
      peer.request(request, header, { timeoutMs: 100_000, body }),
    )
    for (const { code } of await broker.settled(Promise.all(answers))) expect(code).toBeGreaterThanOrEqual(0)
    const before = broker.broker.ledger()
    expect(before.flatMap(({ faults }) => faults)).toStrictEqual([])
    broker.crash({ powerLoss: false })
    await broker.restart()
    expect(broker.broker.ledger()).toStrictEqual(before)
    await broker.stop()
  })
  await fc.assert(property, { numRuns: RUNS })
}, 60_000)
