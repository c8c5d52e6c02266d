import { expect, test } from '@jest/globals'
import { Code, MessagingService } from '@rocketmq-ts/grpc/v2'
import { formatRecallHandle, MqError } from '@rocketmq-ts/model'
import { createHarness, TOPIC } from '../harness.ts'

const { RecallMessage } = MessagingService
const HANDLE = formatRecallHandle({ topic: 'Orders', brokerName: 'broker-a', dueMs: 1000, uniqueKey: 'MSG-1' })

test.each(['DELAY', 'MIXED'] as const)('recall: of a %s topic → asked of the broker of the handle', async (type) => {
  const { call, upstream } = await createHarness()
  upstream.types.set('Orders', type)
  const answer = await call(RecallMessage, { topic: TOPIC, recallHandle: HANDLE })
  expect(answer).toMatchObject({ status: { code: Code.OK }, messageId: 'MSG-1' })
  expect(upstream.recalls).toEqual([{ brokerName: 'broker-a', topic: 'Orders', recallHandle: HANDLE }])
})

test.each(['NORMAL', 'FIFO', 'TRANSACTION'] as const)(
  'recall: of a %s topic → conflict, no broker is asked',
  async (type) => {
    const { call, upstream } = await createHarness()
    upstream.types.set('Orders', type)
    const { status } = await call(RecallMessage, { topic: TOPIC, recallHandle: HANDLE })
    expect(status?.code).toBe(Code.MESSAGE_PROPERTY_CONFLICT_WITH_TYPE)
    expect(status?.message).toContain(type)
    expect(upstream.recalls).toEqual([])
  },
)

test.each([
  ['', 'recall_handle'],
  ['garbage!', 'recall_handle'],
  [formatRecallHandle({ topic: 'Other', brokerName: 'b', dueMs: 1, uniqueKey: 'k' }), "topic 'Other'"],
])('recall: the handle %j → refused as a bad request that names it', async (recallHandle, named) => {
  const { call, upstream } = await createHarness()
  upstream.types.set('Orders', 'DELAY')
  const { status } = await call(RecallMessage, { topic: TOPIC, recallHandle })
  expect(status).toMatchObject({ code: Code.BAD_REQUEST, message: expect.stringContaining(named) })
  expect(upstream.recalls).toEqual([])
})

test('recall: a topic that no name can be → refused; nothing pending any more → not found, with the reason', async () => {
  const { call, upstream } = await createHarness()
  upstream.types.set('Orders', 'DELAY')
  const topic = { resourceNamespace: '', name: 'a b' }
  expect((await call(RecallMessage, { topic, recallHandle: HANDLE })).status?.code).toBe(Code.ILLEGAL_TOPIC)
  upstream.recallOutcome = { kind: 'none', reason: 'it was delivered' }
  const { status } = await call(RecallMessage, { topic: TOPIC, recallHandle: HANDLE })
  expect(status).toMatchObject({ code: Code.MESSAGE_NOT_FOUND, message: 'it was delivered' })
})

test('recall: turned off at the broker → forbidden', async () => {
  const { call, upstream } = await createHarness()
  upstream.types.set('Orders', 'DELAY')
  upstream.recall = () => Promise.reject(new MqError('no-permission', 'turned off'))
  const { status } = await call(RecallMessage, { topic: TOPIC, recallHandle: HANDLE })
  expect(status?.code).toBe(Code.FORBIDDEN)
})
