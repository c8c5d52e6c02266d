import { expect, test } from '@jest/globals'
import { Code, MessagingService } from '@rocketmq-ts/grpc/v2'
import { MqError } from '@rocketmq-ts/model'
import { createHarness, GROUP, type Harness, message, TOPIC } from '../harness.ts'

const { ForwardMessageToDeadLetterQueue, SendMessage } = MessagingService

async function received(harness: Harness, autoRenew = false): Promise<string> {
  if (autoRenew) await harness.settle({ subscription: { group: GROUP } })
  await harness.call(SendMessage, { messages: [message()] })
  const stream = harness.receive({ autoRenew })
  await harness.time.settle()
  return stream.frames[1]?.message?.systemProperties?.receiptHandle ?? ''
}

function forward(receiptHandle: string) {
  return { group: GROUP, topic: TOPIC, receiptHandle, messageId: 'MSG-1', deliveryAttempt: 3, maxDeliveryAttempts: 3 }
}

test('forward: a live handle → the broker moves the message', async () => {
  const harness = await createHarness()
  const handle = await received(harness)
  const { status } = await harness.call(ForwardMessageToDeadLetterQueue, forward(handle))
  expect(status?.code).toBe(Code.OK)
  expect(harness.upstream.deadLetters).toMatchObject([{ group: GROUP.name, topic: TOPIC.name, messageId: 'MSG-1' }])
})

test('forward: a handle that the proxy renews → the live one is moved, and it is renewed no more', async () => {
  const harness = await createHarness()
  const handle = await received(harness, true)
  await harness.time.advance(55_000)
  const renewed = harness.upstream.changes.length
  expect(renewed).toBeGreaterThan(0)
  await harness.call(ForwardMessageToDeadLetterQueue, forward(handle))
  expect(harness.upstream.deadLetters[0]?.handle.popTimeMs).toBeGreaterThan(Number(handle.split(' ')[1]))
  await harness.time.advance(10 * 60_000)
  expect(harness.upstream.changes).toHaveLength(renewed)
})

test('forward: an expired handle → OK, because clients repeat it until then', async () => {
  const harness = await createHarness()
  const handle = await received(harness)
  await harness.time.advance(60_000)
  expect((await harness.call(ForwardMessageToDeadLetterQueue, forward(handle))).status?.code).toBe(Code.OK)
})

test('forward: the broker fails → its code', async () => {
  const harness = await createHarness()
  const handle = await received(harness)
  harness.upstream.deadLetterFault = () => new MqError('busy', 'full')
  const { status } = await harness.call(ForwardMessageToDeadLetterQueue, forward(handle))
  expect(status?.code).toBe(Code.TOO_MANY_REQUESTS)
})

test.each([
  [{ ...forward('h'), topic: { name: '' } }, Code.ILLEGAL_TOPIC, 'topic'],
  [{ ...forward('h'), group: null }, Code.ILLEGAL_CONSUMER_GROUP, 'group'],
  [{ ...forward('h'), messageId: ' ' }, Code.ILLEGAL_MESSAGE_ID, 'message_id'],
  [{ ...forward('h'), messageId: 'i'.repeat(256) }, Code.ILLEGAL_MESSAGE_ID, 'message_id'],
  [forward(''), Code.INVALID_RECEIPT_HANDLE, 'receipt_handle'],
  [forward('not a handle'), Code.INVALID_RECEIPT_HANDLE, 'receipt handle'],
  [{ ...forward('h'), liteTopic: 'l' }, Code.NOT_IMPLEMENTED, 'lite_topic'],
])('forward: a wrong field → its code, and the field named (%#)', async (wrong, code, names) => {
  const { call } = await createHarness()
  const { status } = await call(ForwardMessageToDeadLetterQueue, wrong)
  expect(status).toMatchObject({ code, message: expect.stringContaining(names) })
})
